"""Reports: what is in our vault, masked; seeing one, taking back, reporting."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from syncd.console import places
from syncd.console.page import (
    Answer,
    Given,
    Link,
    Row,
    Visit,
    cells,
    columns,
    page,
)
from syncd.errors import MalformedError, MissingError
from syncd.indicator.active import AUTHORITY
from syncd.lists.preview import masked
from syncd.messages.catalogue import later, phrase
from syncd.web import problem, report_forms
from syncd.web.forms import Draft
from syncd.web.routes import OPERATORS

HIDDEN = {"value", "scheme", "region", "list"}
_COLUMNS = (
    "id type kind value label state seen expires by accepted_at position"
)
FACETS = ("label", "role", "evidence")  # none of which is guessed


async def facets(visit: Visit) -> dict[str, places.Codes]:
    """Return the fields that a report needs, and the codes we may give."""
    status = await visit.api("GET /v1/status")
    ours = {row.sector for row in status.members if row.state == "self"}
    return {
        name: [
            x for x in places.named(name) if ours & AUTHORITY.get(x[0], ours)
        ]
        for name in FACETS
    }


def form_of(form: type[Any], given: Given, **more: Any) -> Any:
    """Return what the fields of a page's form say; empty ones say nothing.

    Raises:
        MalformedError: one cannot be that.
    """
    names = {f.encode_name for f in msgspec.structs.fields(form)}
    said = {k: v for k, v in given.items() if v.strip() and k in names}
    try:
        return msgspec.convert(said | more, form, strict=False)
    except msgspec.ValidationError as e:
        raise problem.shape(e) from None


def split(position: str) -> tuple[str, str]:
    """Return the parts of a position that a form has, as `origin:index`."""
    origin, _, index = position.rpartition(":")
    return origin, index


def _row(one: report_forms.VaultItem) -> Row:
    return cells(
        one,
        id=Link(f"/reports/{one.id}", str(one.id)),
        value=one.value and masked(one.value),
        state=phrase("vault", one.state),
        position=one.position
        and Link(places.entry(*one.position), str(one.position[1])),
    )


@page("GET /reports", OPERATORS, later("Our reports"), menu=30)
@page("POST /reports", OPERATORS, later("Our reports"))
async def reports(visit: Visit) -> Answer:
    """Show what is in the vault; a value or list stands in no address."""
    given: Given = await visit.form()
    if visit.request.method == "GET":
        given = visit.query
        if HIDDEN & {*given}:
            raise MalformedError("a value or a list stands in no address")
    wanted = form_of(report_forms.ReportSearch, given)
    found = await visit.api("POST /v1/reports/search", wanted)
    more = ""
    if found.next and visit.request.method == "GET":
        query = {**given, "before": found.next}
        more = f"/reports?{urlencode(query)}"
    table = visit.table("vault", _COLUMNS, map(_row, found.items), more=more)
    return visit.show(
        "reports.html",
        table=table,
        given={k: v for k, v in given.items() if k != "value"},
    )


@page("GET|POST /reports/{id:[0-9]+}", OPERATORS, later("Report"))
async def report(visit: Visit) -> Answer:
    """Show one row, its value masked; or its value, which is recorded."""
    id_, seen = visit.id, None
    if visit.request.method == "POST":
        call = form_of(report_forms.ValueCall, await visit.form())
        seen = await visit.api("POST /v1/reports/{id}/value", call, id=id_)
    asked = report_forms.ReportSearch(before=id_ + 1, limit=1)
    found = await visit.api("POST /v1/reports/search", asked)
    if not found.items or found.items[0].id != id_:
        raise MissingError("report: none of that id")
    [one] = found.items
    return visit.show(
        "report.html",
        "value",
        row=_row(one),
        facts=columns("vault", _COLUMNS)[2:],
        one=one,
        value=seen.value if seen else "",
    )


@page("POST /reports/retract", OPERATORS, later("Take back"))
async def retract(visit: Visit) -> Answer:
    """Show what would end; end it once that was agreed to."""
    given = await visit.form()
    wanted = form_of(
        report_forms.Retraction,
        given,
        ids=given.getall("ids", []),
        positions=[split(one) for one in given.getall("positions", [])],
    )
    sure = "sure" in given
    path = "POST /v1/retractions" if sure else "POST /v1/retractions/effect"
    return visit.show(
        "retract.html",
        done=await visit.api(path, wanted),
        sure=sure,
        given=[(k, v) for k, v in given.items() if k != "sure"],
        reason=wanted.reason,
    )


@page("GET|POST /reports/new", OPERATORS, later("Report one"))
async def new(visit: Visit) -> Answer:
    """Show the form with what is known, or hand it in."""
    given = await visit.form()
    if "send" not in given:
        return await _form(visit, given)
    call = report_forms.Reports(
        reports=(form_of(Draft, given),), again=given.get("again", "").strip()
    )
    found = await visit.api("POST /v1/reports", call)
    [came] = found.items
    if came.id and came.state != "taken_back":
        return visit.go(f"/reports/{came.id}")
    return await _form(visit, given, came)


async def _form(
    visit: Visit, given: Given, came: report_forms.ReportOutcome | None = None
) -> Answer:
    return visit.show(
        "report_new.html",
        "form",
        came=came,
        given=given,
        facets=await facets(visit),
    )
