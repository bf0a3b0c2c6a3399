"""Imports: a list from its file to the vault, and what was refused of it."""

import asyncio
from typing import Any, Final

from aiohttp import BodyPartReader, web
from multidict import MultiDict

from syncd.console.page import Visit, page
from syncd.console.pages.reports import STATES, form_of, kinds, named
from syncd.console.tables import At, Column, Link, Row
from syncd.errors import MalformedError, SyncdError
from syncd.flows.submission import ImportStatus
from syncd.indicator import vocabulary
from syncd.lists.column_names import FIELDS
from syncd.messages.catalogue import later, t
from syncd.web import report_forms, upload_forms
from syncd.web.routes import OPERATORS
from syncd.web.upload_forms import Reading, UploadPreview

BODY_S: Final = 120
MENDED: Final = 20  # rows that are mended on one page
_COLUMNS: Final = (
    Column("id", later("number")),
    Column("list", later("list")),
    Column("by", later("by")),
    Column("at", later("began")),
    Column("state", later("state")),
    Column("accepted", later("accepted")),
    Column("known", later("known")),
    Column("taken_back", later("taken back")),
    Column("refused", later("refused")),
)
_OF_ALL: Final = {  # what may be the same in all rows
    "label": later("label"),
    "role": later("role"),
    "evidence": later("evidence"),
}
_NEEDED: Final = {
    "value": later("value"),
    "kind": later("kind"),
    **_OF_ALL,
}


@page("GET", "/imports", OPERATORS, later("Imports"), menu=35)
async def imports(visit: Visit) -> web.StreamResponse:
    """Show what waits to be read, what is being imported, and all that was."""
    before = visit.query.get("before", "")
    query = report_forms.ImportQuery(
        before=int(before) if before[:15].isdecimal() else 0
    )
    found = await visit.api("GET", "/v1/imports", query)
    kept = await visit.api("GET", "/v1/uploads")
    running = sum(one.running for one in kept.items)
    return visit.show(
        "imports.html",
        "progress",
        sentence=t(
            "{n} lists are being imported, {others} wait to be read",
            n=running,
            others=len(kept.items) - running,
        ),
        kept=kept.items,
        running=running,
        table=visit.table(
            "imports",
            _COLUMNS,
            [_row(one) for one in found.items],
            empty=t("No list was imported yet: choose a file above."),
            more=found.next and f"/imports?before={found.next}",
        ),
    )


def _row(one: ImportStatus) -> Row:
    part = 100 * one.offset // max(one.size, 1)
    state = t("finished")
    if not one.finished:
        state = t("{n} %, row {row}", n=part, row=one.row)
    if one.pending:
        state = t(STATES["held"])
    return {
        "id": Link(f"/imports/{one.id}", str(one.id)),
        "list": one.list,
        "by": one.by,
        "at": At(one.began_at),
        "state": state,
        "accepted": one.accepted,
        "known": one.known,
        "taken_back": one.taken_back,
        "refused": one.refused,
    }


@page("POST", "/imports", OPERATORS, later("Imports"))
async def take(visit: Visit) -> web.StreamResponse:
    """Keep a file, and go on to how it is understood."""
    name, raw = await _file(visit.request)
    made = await visit.api("POST", "/v1/uploads", raw)
    return await _read(visit, made.id, MultiDict({"name": name}))


async def _file(request: web.Request) -> tuple[str, bytes]:
    """Return the name and the bytes of the file in a form, held in memory.

    Raises:
        MalformedError: there is none.
        HTTPRequestEntityTooLarge: it is longer than a body may be.
    """
    if not request.content_type.startswith("multipart/"):
        raise MalformedError("form: no file in it")
    most = request.client_max_size
    async with asyncio.timeout(BODY_S):
        part = await (await request.multipart()).next()
        if not isinstance(part, BodyPartReader) or not part.filename:
            raise MalformedError("form: no file in it")
        raw = bytearray()
        while some := await part.read_chunk(1 << 16):
            raw += some
            if len(raw) > most:
                raise web.HTTPRequestEntityTooLarge(most, len(raw))
    return part.filename[-256:], bytes(raw)


@page("GET", "/imports/file/{upload:[0-9]+}", OPERATORS, later("A list"))
async def again(visit: Visit) -> web.StreamResponse:
    """Read what was uploaded before."""
    id_ = int(visit.request.match_info["upload"][:15])
    kept = await visit.api("GET", "/v1/uploads")
    names = {one.id: one.name for one in kept.items}
    return await _read(
        visit, id_, MultiDict({"name": names.get(id_) or f"{id_}.csv"})
    )


@page("POST", "/imports/file/{upload:[0-9]+}", OPERATORS, later("A list"))
async def read(visit: Visit) -> web.StreamResponse:
    """Read it as is said by now; import it, if it is right so."""
    id_ = int(visit.request.match_info["upload"][:15])
    given = await visit.form()
    if "start" not in given:
        return await _read(visit, id_, given)
    where = "/v1/uploads/{id}/import"
    await visit.api("POST", where, _reading(given), id=id_)
    return visit.go("/imports")


async def _read(
    visit: Visit, id_: int, given: MultiDict[str]
) -> web.StreamResponse:
    how, problem = _reading(given), None
    found: UploadPreview | None = None
    try:
        where = "/v1/uploads/{id}/preview"
        found = await visit.api("POST", where, how, id=id_)
    except SyncdError as e:
        if e.status == 404:
            raise
        problem = e
    return visit.show(
        "import.html",
        "preview",
        said=t(
            "{rows} rows: {good} would be reported, {refused} refused",
            rows=f"{found.rows:,}",
            good=f"{found.good:,}",
            refused=f"{found.rows - found.good:,}",
        )
        if found
        else t("The list cannot be read yet."),
        id=id_,
        found=found,
        how=how,
        error=problem,
        fields=FIELDS,
        needed=[(t(title), name) for name, title in _NEEDED.items()],
        kinds=kinds(),
        of_all=[
            (t(title), name, named(name, visit.lang))
            for name, title in _OF_ALL.items()
        ],
        proposals=_proposals(visit, found) if found else [],
    )


def _proposals(visit: Visit, found: UploadPreview) -> list[dict[str, Any]]:
    """Return unknown words, each with the nearest codes and all others."""
    return [
        {
            "word": one,
            "near": [
                (code.code, getattr(code, visit.lang))
                for code in vocabulary.nearest(one.field, one.word)
            ]
            if one.field in vocabulary.FACETS
            else [],
            "all": named(one.field, visit.lang)
            if one.field in vocabulary.FACETS
            else [],
        }
        for one in found.unknown[:200]
        if one.shown != "…"
    ]


def _reading(given: MultiDict[str]) -> Reading:
    """Return how a form says that a file is read.

    Words and their codes, and columns and their fields, stand in pairs; a
    button beside a word picks its code.
    """
    of_all = {
        name: value.strip()
        for name, value in given.items()
        if name in ("kind", "region", *_OF_ALL) and value.strip()
    }
    words: dict[str, dict[str, str]] = {}
    codes = [*given.getall("code", [])]
    at, _, picked = given.get("pick", "").partition(" ")
    if at.isdecimal() and int(at) < len(codes):
        codes[int(at)] = picked
    for field, word, code in zip(
        given.getall("field", []),
        given.getall("word", []),
        codes,
        strict=False,
    ):
        if code:
            words.setdefault(field, {})[word] = code
    pairs = zip(
        given.getall("into", []), given.getall("column", []), strict=False
    )
    return form_of(  # type: ignore[no-any-return]
        Reading,
        {k: v for k, v in given.items() if k in ("name", "map", "list")},
        constants=of_all,
        words=words,
        columns={
            into: name
            for into, name in pairs
            if name and into not in ("", "place")
        },
        anew="anew" in given,
        refresh="refresh" in given,
    )


@page("GET", "/imports/{id:[0-9]+}", OPERATORS, later("An import"))
async def one(visit: Visit) -> web.StreamResponse:
    """Show one import, and the next rows that it refused, to be mended."""
    id_ = int(visit.request.match_info["id"][:15])
    after = visit.query.get("after", "")
    state = await visit.api("GET", "/v1/imports/{id}", id=id_)
    asked = report_forms.RefusedQuery(
        after=int(after) if after[:15].isdecimal() else 0
    )
    refused = await visit.api("GET", "/v1/imports/{id}/refused", asked, id=id_)
    rows = refused.items[:MENDED]
    more = len(refused.items) > MENDED or refused.next
    return visit.show(
        "import_one.html",
        "refused",
        sentence=t(
            "{list}: accepted {accepted}, already known {known}, refused"
            " {refused}",
            list=state.list,
            accepted=state.accepted,
            known=state.known,
            refused=state.refused,
        ),
        state=state,
        facts=[(c.title, _row(state)[c.key]) for c in _COLUMNS[2:]],
        rows=rows,
        next=rows[-1].row if rows and more else 0,
        reasons=named("retract_reason", visit.lang),
    )


@page("POST", "/imports/{id:[0-9]+}", OPERATORS, later("An import"))
async def mend(visit: Visit) -> web.StreamResponse:
    """Make a list of all refused rows, some of them mended; read it."""
    id_ = int(visit.request.match_info["id"][:15])
    given = await visit.form()
    rows: dict[int, dict[str, str]] = {}
    for row, column, cell in zip(
        *(given.getall(name, []) for name in ("row", "column", "cell")),
        strict=False,
    ):
        if row.isdecimal():
            rows.setdefault(int(row), {})[column] = cell
    wanted = upload_forms.MendedRows(rows=tuple(rows.items()))
    where = "/v1/imports/{id}/mended"
    made = await visit.api("POST", where, wanted, id=id_)
    how = {"name": f"{id_}.csv", "list": given.get("list", "")}
    return await _read(visit, made.id, MultiDict(how))
