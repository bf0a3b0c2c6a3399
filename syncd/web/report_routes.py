"""Routes of reports and imports."""

import msgspec
from aiohttp import web

from syncd.errors import MalformedError, SyncdError
from syncd.web.forms import Draft
from syncd.web.report_forms import (
    ImportBegin,
    ImportEnd,
    ImportPage,
    ImportQuery,
    ImportStatus,
    Kept,
    RefusedCells,
    RefusedPage,
    RefusedQuery,
    ReportQuery,
    Reports,
    ReportSearch,
    ReportsTaken,
    VaultPage,
)
from syncd.web.routes import (
    MOST_ITEMS,
    OPERATORS,
    Call,
    Routes,
    answer,
    counted,
)

LONGEST_AGAIN = 200  # characters

routes = Routes()


@routes("POST", "/v1/reports", OPERATORS, "hand in reports", status=202)
async def _take_reports(
    call: Call, body: Reports[Draft | SyncdError]
) -> ReportsTaken:
    step = body.import_
    if step is None:
        counted("reports", body.reports)
    if len(body.again) > LONGEST_AGAIN or not body.again.isprintable():
        raise MalformedError(
            "again: want up to {most} printable characters", most=LONGEST_AGAIN
        )
    if step is not None and (
        len(step.rows) not in (0, len(body.reports))
        or len(step.refused) > MOST_ITEMS
    ):
        raise MalformedError(
            "import: want a row for each report, and at most {most} refused",
            most=MOST_ITEMS,
        )
    return await call.service.intake.take_reports(
        body.reports,
        step,
        call.caller.name,
        refresh=body.refresh,
        again=body.again,
    )


@routes("GET", "/v1/reports", OPERATORS, "list reports with their values")
async def _reports(call: Call, query: ReportQuery) -> VaultPage:
    wanted = ReportSearch(**msgspec.structs.asdict(query))
    return await call.service.intake.reports(wanted)


@routes("POST", "/v1/reports/search", OPERATORS, "list reports about a value")
async def _search(call: Call, body: ReportSearch) -> VaultPage:
    return await call.service.intake.reports(body)


@routes(
    *("POST", "/v1/imports", OPERATORS, "begin or resume an import"),
    status=201,
    also=(200,),
)
async def _begin_import(
    call: Call, body: ImportBegin
) -> ImportStatus | web.Response:
    state, new = await call.service.intake.begin_import(body, call.caller.name)
    return answer(state, 201 if new else 200)


@routes("GET", "/v1/imports", OPERATORS, "list imports")
async def _imports(call: Call, query: ImportQuery) -> ImportPage:
    return await call.service.intake.imports(
        query.before, query.limit, query.list
    )


@routes("GET", "/v1/imports/{id}", OPERATORS, "read one import")
async def _import(call: Call) -> ImportStatus:
    return await call.service.intake.import_state(call.number("id"))


@routes("POST", "/v1/imports/{id}/finish", OPERATORS, "end an import")
async def _finish_import(call: Call, body: ImportEnd) -> ImportStatus:
    return await call.service.intake.finish_import(call.number("id"), body)


@routes(
    *("GET", "/v1/imports/{id}/refused", OPERATORS),
    "read the rows that an import refused",
)
async def _refused(call: Call, query: RefusedQuery) -> RefusedPage:
    intake = call.service.intake
    return await intake.refused_rows(call.number("id"), query.after)


@routes(
    *("POST", "/v1/imports/{id}/refused", OPERATORS),
    "keep the cells of refused rows",
)
async def _keep_cells(call: Call, body: RefusedCells) -> Kept:
    if len(body.rows) > MOST_ITEMS:
        raise MalformedError(
            "rows: {n} of them, want up to {most}",
            n=len(body.rows),
            most=MOST_ITEMS,
        )
    return await call.service.intake.keep_cells(call.number("id"), body)
