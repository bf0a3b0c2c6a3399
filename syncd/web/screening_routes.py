"""Routes of `/v1/screening`: which of our own customers are listed."""

from syncd.errors import MalformedError
from syncd.web.routes import COMPLIANCE, Call, Routes, counted
from syncd.web.screening_forms import (
    ScreeningEnd,
    ScreeningEnded,
    ScreeningFilter,
    ScreeningPage,
    ScreeningQuery,
    ScreeningReport,
    ScreeningRuns,
    ScreeningTaken,
)
from syncd.web.service_ports import Screened

routes = Routes()


@routes("POST", "/v1/screening", COMPLIANCE, "screen for customers")
async def _add(call: Call, body: Screened) -> ScreeningTaken:
    counted("items", body.items)
    return await call.service.screening.add(call.caller, body.items)


@routes("GET", "/v1/screening", COMPLIANCE, "list whom we screen for")
async def _page(call: Call, query: ScreeningQuery) -> ScreeningPage:
    return await call.service.screening.page(query.after, query.limit)


@routes(
    "POST", "/v1/screening/end", COMPLIANCE, "screen for customers no more"
)
async def _end(call: Call, body: ScreeningEnd) -> ScreeningEnded:
    if bool(body.reference) == bool(body.ids):
        raise MalformedError("screening: want a reference, or ids")
    counted("ids", body.ids, least=0)
    return await call.service.screening.end(body.reference, body.ids)


@routes("POST", "/v1/screening/reports", COMPLIANCE, "report who is listed")
async def _report(call: Call, body: ScreeningFilter) -> ScreeningReport:
    return await call.service.screening.report(call.caller, body)


@routes("GET", "/v1/screening/reports", COMPLIANCE, "list the reports made")
async def _runs(call: Call) -> ScreeningRuns:
    return await call.service.screening.runs()
