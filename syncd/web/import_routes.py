"""Routes of what is handed in: reports and lists, and what became of them."""

from typing import Protocol

import msgspec
from aiohttp import web

from syncd.errors import MalformedError, SyncdError
from syncd.web import forms, import_forms, problem
from syncd.web.bodies import (
    CALLER,
    LIMIT,
    Caller,
    answer,
    each,
    known_query,
    number,
    path_id,
    read,
)
from syncd.web.forms import MOST_ITEMS, MOST_PAGE
from syncd.web.routes import OPERATORS, Parameter, Route

LONGEST_AGAIN = 200  # characters


class Intake(Protocol):
    """What these routes ask of the daemon behind them."""

    async def take_reports(
        self,
        drafts: "list[forms.Draft | SyncdError]",
        step: import_forms.ImportStep | None,
        caller: str = "",
        *,
        refresh: bool = False,
        again: str = "",
    ) -> forms.ReportsTaken:
        """Keep what is right among the drafts; durable on return."""
        ...

    async def reports(
        self, wanted: import_forms.ReportSearch
    ) -> forms.VaultPage:
        """Return rows of the vault, newest first."""
        ...

    async def begin_import(
        self, wanted: import_forms.ImportBegin, caller: str = ""
    ) -> tuple[import_forms.ImportStatus, bool]:
        """Begin an import or find it again; tell whether it is new."""
        ...

    async def finish_import(
        self, number: int, how: import_forms.ImportEnd
    ) -> import_forms.ImportStatus | None:
        """End an import; None if there is none of that id."""
        ...

    async def imports(
        self, before: int, limit: int, name: str
    ) -> import_forms.ImportPage:
        """Return imports, newest first; of one list, or of all."""
        ...

    async def import_state(
        self, number: int
    ) -> import_forms.ImportStatus | None:
        """Return one import; None if there is none of that id."""
        ...

    async def refused_rows(
        self, number: int, after: int
    ) -> import_forms.RefusedPage | None:
        """Return refused rows of an import behind a row; None: no import."""
        ...

    async def keep_cells(
        self, number: int, cells: import_forms.RefusedCells
    ) -> bool:
        """Keep the cells of refused rows, sealed; False: no such import."""
        ...


INTAKE = web.AppKey("intake", Intake)


def _of(request: web.Request) -> tuple[Intake, Caller]:
    return request.app[INTAKE], request[CALLER]


async def _take_reports(request: web.Request) -> web.Response:
    body = await read(request, import_forms.RawReports)
    step = body.import_
    drafts = (
        each(body.reports, forms.Draft, "reports")
        if (body.reports or step is None)
        else []
    )
    if len(body.again) > LONGEST_AGAIN or not body.again.isprintable():
        raise MalformedError(
            "again: want up to {most} printable characters", most=LONGEST_AGAIN
        )
    if step is not None and (
        len(step.rows) not in (0, len(drafts))
        or len(step.refused) > MOST_ITEMS
    ):
        raise MalformedError(
            "import: want a row for each report, and at most {most} refused",
            most=MOST_ITEMS,
        )
    intake, caller = _of(request)
    taken = await intake.take_reports(
        drafts, step, caller.name, refresh=body.refresh, again=body.again
    )
    return answer(taken, 202)


async def _reports(request: web.Request) -> web.Response:
    known_query(request, *import_forms.QUERY_FIELDS)
    try:
        wanted = msgspec.convert(
            dict(request.query), import_forms.ReportSearch, strict=False
        )
    except msgspec.ValidationError as e:
        raise problem.shape(e, "query") from None
    return await _page(request, wanted)


async def _search(request: web.Request) -> web.Response:
    return await _page(request, await read(request, import_forms.ReportSearch))


async def _page(
    request: web.Request, wanted: import_forms.ReportSearch
) -> web.Response:
    if not 1 <= wanted.limit <= MOST_PAGE:
        raise MalformedError(
            "limit: want a number 1 to {most}", most=MOST_PAGE
        )
    intake, _ = _of(request)
    return answer(await intake.reports(wanted))


async def _begin_import(request: web.Request) -> web.Response:
    body = await read(request, import_forms.ImportBegin)
    intake, caller = _of(request)
    state, new = await intake.begin_import(body, caller.name)
    return answer(state, 201 if new else 200)


async def _finish_import(request: web.Request) -> web.Response:
    body = await read(request, import_forms.ImportEnd)
    intake, _ = _of(request)
    return _found(await intake.finish_import(path_id(request), body))


async def _imports(request: web.Request) -> web.Response:
    known_query(request, "before", "limit", "list")
    intake, _ = _of(request)
    page = await intake.imports(
        number(request, "before", 0, 0, 10**15),
        number(request, "limit", 100, 1, MOST_PAGE),
        request.query.get("list", ""),
    )
    return answer(page)


async def _import(request: web.Request) -> web.Response:
    intake, _ = _of(request)
    return _found(await intake.import_state(path_id(request)))


def _found(form: msgspec.Struct | None) -> web.Response:
    if form is None:
        return problem.response(problem.absent("import: none of that id"))
    return answer(form)


async def _refused(request: web.Request) -> web.Response:
    known_query(request, "after")
    intake, _ = _of(request)
    after = number(request, "after", 0, 0, 10**15)
    return _found(await intake.refused_rows(path_id(request), after))


async def _keep_cells(request: web.Request) -> web.Response:
    body = await read(request, import_forms.RefusedCells)
    if len(body.rows) > MOST_ITEMS:
        raise MalformedError(
            "rows: {n} of them, want up to {most}",
            n=len(body.rows),
            most=MOST_ITEMS,
        )
    intake, _ = _of(request)
    kept = await intake.keep_cells(path_id(request), body)
    return _found(import_forms.Kept(kept=len(body.rows)) if kept else None)


_ID = Parameter("id", {"type": "integer"}, "of the import", "path")
_BEFORE = Parameter(
    "before",
    {"type": "integer", "minimum": 0, "maximum": 10**15},
    "smaller ids only: what the last page gave as `next`",
)
_SAID = {
    "kind": "of the value",
    "label": "code",
    "list": "name of a list that holds the value",
    "by": "name of the token by which it was handed in",
    "seen_from": "day",
    "seen_to": "day, included",
    "accepted_from": "day",
    "accepted_to": "day, included",
}

ROUTES = (
    Route(
        *("POST", "/v1/reports", _take_reports, OPERATORS),
        "hand in reports",
        forms.ReportsTaken,
        import_forms.Reports,
        status=202,
    ),
    Route(
        *("GET", "/v1/reports", _reports, OPERATORS),
        "list reports with their values",
        forms.VaultPage,
        parameters=(
            _BEFORE,
            LIMIT,
            Parameter(
                "state",
                {
                    "type": "string",
                    "enum": ["", "waiting", "published", "ending", "ended"],
                },
                "rows in this state only",
            ),
            Parameter(
                "import",
                {"type": "integer", "minimum": 0, "maximum": 10**15},
                "rows that an import brought",
            ),
            *(
                Parameter(name, {"type": "string", "maxLength": 256}, said)
                for name, said in _SAID.items()
            ),
        ),
    ),
    Route(
        *("POST", "/v1/reports/search", _search, OPERATORS),
        "list reports about a value",
        forms.VaultPage,
        import_forms.ReportSearch,
    ),
    Route(
        *("POST", "/v1/imports", _begin_import, OPERATORS),
        "begin or resume an import",
        import_forms.ImportStatus,
        import_forms.ImportBegin,
        status=201,
        also=(200,),
    ),
    Route(
        *("GET", "/v1/imports", _imports, OPERATORS),
        "list imports",
        import_forms.ImportPage,
        parameters=(
            _BEFORE,
            LIMIT,
            Parameter(
                "list",
                {"type": "string", "maxLength": import_forms.LONGEST_NAME},
                "of one list",
            ),
        ),
    ),
    Route(
        *("GET", "/v1/imports/{id}", _import, OPERATORS),
        "read one import",
        import_forms.ImportStatus,
        parameters=(_ID,),
    ),
    Route(
        *("POST", "/v1/imports/{id}/finish", _finish_import, OPERATORS),
        "end an import",
        import_forms.ImportStatus,
        import_forms.ImportEnd,
        parameters=(_ID,),
    ),
    Route(
        *("GET", "/v1/imports/{id}/refused", _refused, OPERATORS),
        "read the rows that an import refused",
        import_forms.RefusedPage,
        parameters=(
            _ID,
            Parameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": 10**15},
                "rows behind this one only",
            ),
        ),
    ),
    Route(
        *("POST", "/v1/imports/{id}/refused", _keep_cells, OPERATORS),
        "keep the cells of refused rows",
        import_forms.Kept,
        import_forms.RefusedCells,
        parameters=(_ID,),
    ),
)
