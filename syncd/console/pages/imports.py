"""Imports: a list from its file to the vault, and what was refused of it."""

import contextlib

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

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
from syncd.console.pages.reports import facets, form_of
from syncd.errors import MalformedError, SyncdError
from syncd.flows.submission import ImportStatus
from syncd.indicator import vocabulary
from syncd.lists.column_names import FIELDS
from syncd.lists.preview import Unknown
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import later, t
from syncd.web import report_forms
from syncd.web.report_forms import Reading, UploadPreview
from syncd.web.routes import OPERATORS

MENDED = 20  # rows that are mended on one page
_COLUMNS = "id list by began_at state accepted known taken_back refused"


@page("GET /imports", OPERATORS, later("Imports"), menu=35)
async def imports(visit: Visit) -> Answer:
    """Show what waits to be read, what is being imported, and all that was."""
    query = form_of(report_forms.ImportQuery, visit.query)
    found = await visit.api("GET /v1/imports", query)
    kept = await visit.api("GET /v1/uploads")
    return visit.show(
        "imports.html",
        "progress",
        kept=kept.items,
        running=sum(one.running for one in kept.items),
        table=visit.table(
            "imports",
            _COLUMNS,
            map(_row, found.items),
            more=found.next and f"/imports?before={found.next}",
        ),
    )


def _row(one: ImportStatus) -> Row:
    part = 100 * one.offset // max(one.size, 1)
    state = t("finished")
    if not one.finished:
        state = t("{n} %, row {row}", n=part, row=one.row)
    if one.pending:
        state = catalogue.phrase("vault", "held")
    return cells(one, id=Link(f"/imports/{one.id}", str(one.id)), state=state)


@page("POST /imports", OPERATORS, later("Imports"))
async def take(visit: Visit) -> Answer:
    """Keep a file, and go on to how it is understood."""
    name, raw = await _file(visit.request)
    made = await visit.api("POST /v1/uploads", raw)
    return await _read(visit, made.id, {"name": name})


async def _file(request: web.Request) -> tuple[str, bytes]:
    """Return the name and the bytes of the file in a form, held in memory.

    Raises:
        MalformedError: there is none, or it is longer than a body may be.
    """
    raw, most, name = bytearray(), request.client_max_size, ""
    with contextlib.suppress(
        AssertionError, LookupError, ValueError, HttpProcessingError
    ):
        part = await (await request.multipart()).next()
        if isinstance(part, BodyPartReader):
            while some := await part.read_chunk(1 << 16):
                raw += some
                if len(raw) > most:
                    raise MalformedError(
                        "form: the file is longer than {n} bytes", n=most
                    )
            name = part.filename or ""
    if not name:
        raise MalformedError("form: no file in it")
    return name[-256:], bytes(raw)


@page("GET|POST /imports/file/{upload:[0-9]+}", OPERATORS, later("A list"))
async def read(visit: Visit) -> Answer:
    """Read it as is said by now; import it, if it is right so."""
    id_ = int(visit.request.match_info["upload"][:15])
    given: Given = await visit.form()
    if "start" in given:
        where = "POST /v1/uploads/{id}/import"
        await visit.api(where, _reading(given), id=id_)
        return visit.go("/imports")
    if "name" not in given:
        kept = await visit.api("GET /v1/uploads")
        names = {one.id: one.name for one in kept.items}
        given = {"name": names.get(id_) or f"{id_}.csv"}
    return await _read(visit, id_, given)


async def _read(visit: Visit, id_: int, given: Given) -> Answer:
    how, problem = _reading(given), None
    found: UploadPreview | None = None
    try:
        found = await visit.api("POST /v1/uploads/{id}/preview", how, id=id_)
    except SyncdError as e:
        if e.status == 404:
            raise
        problem = e
    return visit.show(
        "import.html",
        "preview",
        said=found and answers.previewed(found),
        id=id_,
        found=found,
        how=how,
        error=problem,
        fields=FIELDS,
        of_all=await facets(visit),  # what may be the same in all rows
        near=_near,
    )


def _reading(given: Given) -> Reading:
    """Return how a form says that a file is read.

    What a field is about stands in its name: `all:FIELD`, `into:FIELD` (a
    column), `word:FIELD:WORD` (a code), of which a button may say another.
    """
    said: dict[str, dict[str, str]] = {"all": {}, "into": {}, "column": {}}
    words = dict[str, dict[str, str]]()
    for key, value in given.items():
        what, _, about = key.partition(":")
        if what in said and value.strip():
            said[what][about] = value.strip()
        if what == "word" and value:
            field, _, word = about.partition(":")
            words.setdefault(field, {})[word] = value
    fields = {into: name for name, into in said["column"].items()}
    fields.pop("place", None)  # of which there may be several
    return form_of(  # type: ignore[no-any-return]
        Reading,
        given,
        constants=said["all"],
        words=words,
        columns=fields | said["into"],
        anew="anew" in given,
        refresh="refresh" in given,
    )


def _near(one: Unknown) -> places.Codes:
    """Return the codes that are nearest to a word, with their names."""
    if one.field not in vocabulary.FACETS:
        return []
    found = vocabulary.nearest(one.field, one.word)
    return places.named(one.field, (code.code for code in found))


@page("GET /imports/{id:[0-9]+}", OPERATORS, later("An import"))
async def one(visit: Visit) -> Answer:
    """Show one import, and the next rows that it refused, to be mended."""
    id_ = visit.id
    state = await visit.api("GET /v1/imports/{id}", id=id_)
    asked = form_of(report_forms.RefusedQuery, visit.query)
    refused = await visit.api("GET /v1/imports/{id}/refused", asked, id=id_)
    rows = refused.items[:MENDED]
    more = len(refused.items) > MENDED or refused.next
    return visit.show(
        "import_one.html",
        "refused",
        row=_row(state),
        state=state,
        facts=columns("imports", _COLUMNS)[2:],
        rows=rows,
        next=rows[-1].row if rows and more else 0,
    )


@page("POST /imports/{id:[0-9]+}", OPERATORS, later("An import"))
async def mend(visit: Visit) -> Answer:
    """Make a list of all refused rows, some of them mended; read it."""
    id_ = visit.id
    given = await visit.form()
    rows = dict[int, dict[str, str]]()
    for key, cell in given.items():
        what, _, about = key.partition(":")
        row, _, column = about.partition(":")
        if what == "cell" and row[:15].isdecimal():
            rows.setdefault(int(row[:15]), {})[column] = cell
    wanted = report_forms.RefusedCells(rows=tuple(rows.items()))
    made = await visit.api("POST /v1/imports/{id}/mended", wanted, id=id_)
    how = {"name": f"{id_}.csv", "list": given.get("list", "")}
    return await _read(visit, made.id, how)
