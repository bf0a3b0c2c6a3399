"""Routes of what the alliance holds: of values, tokens and customers."""

from aiohttp import web

from syncd.errors import MalformedError
from syncd.web import forms, problem
from syncd.web.change_forms import ChangePage, ChangeQuery
from syncd.web.routes import COMPLIANCE, READERS, Call, Routes, counted
from syncd.web.screening_forms import (
    ScreeningFilter,
    ScreeningReport,
    ScreeningTaken,
)
from syncd.web.service_ports import MAX_DEADLINE_MS, LookupCall, Screened

routes = Routes()


MOST = 4 << 20  # bytes of a call: 10,000 URLs of 400


def check_reference(text: str, name: str = "reference") -> None:
    """Pass a file number, or a line like one.

    Raises:
        MalformedError: it is too long, or no line.
    """
    if len(text) > 128 or not text.isprintable():
        raise MalformedError(
            "{name}: want up to 128 printable characters", name=name
        )


@routes("POST", "/v1/lookups", READERS, "look up", most=MOST)
async def _lookup(call: Call, body: LookupCall) -> forms.LookupAnswers:
    if not 0 <= body.deadline_ms <= MAX_DEADLINE_MS:
        raise MalformedError(
            "deadline_ms: want 1 to {most}", most=MAX_DEADLINE_MS
        )
    check_reference(body.reference)
    counted("items", body.items)
    return await call.service.lookup(call.caller, body)


@routes(
    *("GET", "/v1/indicators", READERS),
    "list what the alliance holds, by token",
)
async def _indicators(
    call: Call, query: forms.IndicatorQuery
) -> forms.IndicatorPage:
    return await call.service.indicators(call.caller, query.after, query.limit)


@routes("GET", "/v1/indicators/{origin}/{index}", READERS, "read one claim")
async def _claim(call: Call) -> forms.Indicator:
    position = (call.request.match_info["origin"], call.number("index"))
    return await call.service.claim(call.caller, position)


@routes(
    *("GET", "/v1/changes", READERS),
    "follow what merging brings in",
)
async def _changes(
    call: Call, query: ChangeQuery
) -> ChangePage | web.Response:
    found = await call.service.changes.page(call.caller, query.since)
    return found or problem.response(
        problem.plain(
            410,
            "since: so long ago, or in so different a database, that what"
            " came in between is not known",
            "begin anew: take `next` of /v1/changes without `since`, walk"
            " /v1/indicators, then go on from that `next`",
        )
    )


@routes("POST", "/v1/screening", COMPLIANCE, "screen for customers")
async def _screen(call: Call, body: Screened) -> ScreeningTaken:
    counted("items", body.items)
    return await call.service.screening.add(call.caller, body.items)


@routes("POST", "/v1/screening/reports", COMPLIANCE, "report who is listed")
async def _report(call: Call, body: ScreeningFilter) -> ScreeningReport:
    return await call.service.screening.report(call.caller, body)
