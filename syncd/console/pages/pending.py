"""For review: what waits for a second person, and what it would change."""

from typing import Final

from aiohttp import web

from syncd.console import places
from syncd.console.page import Visit, page
from syncd.console.pages.reports import form_of
from syncd.console.places import words
from syncd.console.tables import At, Column, Link, Row, cells
from syncd.flows.lookup import PURPOSES
from syncd.flows.review import Change, Held, Person
from syncd.messages import catalogue
from syncd.messages.answers import HELD, phrase
from syncd.messages.catalogue import later, t
from syncd.web.report_forms import ValueCall
from syncd.web.review_forms import Decision, HeldRow, PendingQuery
from syncd.web.routes import REVIEWERS, WATCHERS

_ENTRY: Final = "logs/{origin}/{index}"
_WHAT: Final = {
    "exempt": later("exempt entry"),
    "note": later("note"),
    "local": later("entry of a local list"),
    "replaced": later("of the list as it is now, unless it has them"),
}
_HELD: Final = (
    *(Column("id", later("no.")), Column("state", later("state"), True)),
    *(Column("what", later("what")), Column("list", later("list"))),
    *(Column("by", later("handed in by"), True), Column("n", later("values"))),
    *(Column("until", later("until")), Column("decided_at", later("when"))),
    Column("who", later("looked at by"), choices=True),
    Column("why", later("why")),
)
_ROWS: Final = (
    *(Column("n", later("row")), Column("type", later("type"), True)),
    *(Column("kind", later("kind"), True), Column("value", later("value"))),
    *(Column("label", later("label"), True), Column("seen", later("seen"))),
    *(
        Column("evidence", later("evidence"), True),
        Column("why", later("why")),
    ),
    *(
        Column("stays", later("listed by others")),
        Column("id", later("report")),
    ),
    Column("position", later("entry")),
)


@page("GET", "/pending", WATCHERS, later("For review"), menu=50)
async def pending(visit: Visit) -> web.StreamResponse:
    """Show what waits, what went at once, and what was decided."""
    items: dict[str, list[Held]] = {}
    for state in ("waiting", "after", "decided"):
        wanted = PendingQuery(state=state)
        items[state] = (await visit.api("GET", "/v1/pending", wanted)).items
    late = sum(one.until <= visit.now for one in items["after"])
    rows: list[Row] = [
        {
            **cells(one),
            "id": Link(f"/pending/{one.id}", str(one.id)),
            "state": t(HELD[one.state]),
            "what": "; ".join(map(_line, one.changes[:3])),
            "n": one.n,
            "by": _who(one.by),
            "until": "" if one.decided else At(one.until),
            "who": _who(one.decided) if one.decided else "",
        }
        for some in items.values()
        for one in some
    ]
    return visit.show(
        "pending.html",
        sentence=t(
            "Waiting for a second person: {n}. Went at once and to be looked"
            " at: {after}, of them overdue: {late}.",
            n=len(items["waiting"]),
            after=len(items["after"]),
            late=late,
        ),
        table=visit.table("held", _HELD, rows),
    )


@page("GET", "/pending/{id:[0-9]+}", WATCHERS, later("For review"))
@page("POST", "/pending/{id:[0-9]+}", REVIEWERS, later("For review"))
async def held(visit: Visit) -> web.StreamResponse:
    """Show what one would change, or a value of it; or decide, as a second."""
    id_, seen = int(visit.request.match_info["id"][:15]), None
    given = await visit.form()
    if what := given.get("what"):
        call = "/v1/pending/{id}/{decision}"
        why = Decision(why=given.get("why", ""))
        await visit.api("POST", call, why, id=id_, decision=what)
        return visit.go(f"/pending/{id_}")
    if number := given.get("n", ""):
        n = int(number) if number.isdecimal() and len(number) < 16 else 0
        where = "/v1/pending/{id}/rows/{n}"
        wanted = form_of(ValueCall, given)
        seen = await visit.api("POST", where, wanted, id=id_, n=n)
    found = await visit.api("GET", "/v1/pending/{id}", id=id_)
    one: Held = found.item
    reviews = visit.caller.role in REVIEWERS
    file = Link(f"/imports/{one.import_}", one.list)
    return visit.show(
        "held.html",
        "value",
        sentence=t("No. {id}: {state}", id=id_, state=t(HELD[one.state])),
        one=one,
        lines=[*map(_line, one.changes)],
        problem=one.problem and catalogue.text(one.problem),
        table=visit.table("rows", _ROWS, [_row(visit, r) for r in found.rows]),
        file=_for(visit, "imports" if one.import_ else "", file),
        about=one.about and _for(visit, _ENTRY, places.place(one.about)),
        reviews=reviews,
        decides=reviews and one.state in ("waiting", "after"),
        who=_who,
        value=seen.value if seen else "",
        purposes=places.named("purpose", sorted(PURPOSES - {"test"})),
    )


def _row(visit: Visit, row: HeldRow) -> Row:
    report = row.id and row.type not in _WHAT
    return {
        **cells(row),
        "type": _type(row.type),
        "kind": phrase("kind", row.kind),
        "label": words("label", row.label),
        "evidence": words("evidence", row.evidence),
        "stays": ", ".join(row.stays),
        "id": _for(visit, "reports", Link(f"/reports/{row.id}", str(row.id)))
        if report
        else "",
        "position": row.position
        and _for(visit, _ENTRY, places.place(row.position)),
    }


def _for(visit: Visit, what: str, link: Link) -> Link | str:
    """Return what leads to a page, if it is for them."""
    return link if visit.may("GET", f"/v1/{what}") else link.text


def _line(one: Change) -> str:
    """Return in words how much of one sort would begin, or end."""
    kind = one.kind and phrase("kind", one.kind)
    label = words("label", one.label)
    sort = " · ".join(filter(None, (_type(one.what), kind, label)))
    if one.n < 0:
        return t("{n} end: {sort}", n=f"{-one.n:,}", sort=sort)
    return t("{n} new: {sort}", n=f"{one.n:,}", sort=sort)


def _type(name: str) -> str:
    return t(_WHAT[name]) if name in _WHAT else places.type_name(name)


def _who(by: Person) -> str:
    return " ".join(filter(None, (by.name, by.staff, by.person)))
