"""Routes of `/v1/own`: the member's own lists."""

import msgspec

from syncd.errors import MalformedError
from syncd.flows.entry import Filter
from syncd.web.own_list_forms import (
    OwnFilter,
    OwnLoad,
    OwnLoadBegin,
    OwnLoaded,
    OwnLoadEnd,
    OwnPage,
    OwnRemoval,
    OwnRemoved,
    OwnTaken,
)
from syncd.web.routes import MOST_ITEMS, OPERATORS, Call, Routes, counted
from syncd.web.service_ports import OwnAdd, OwnLocal

routes = Routes()


@routes("POST", "/v1/own/entries", OPERATORS, "add exempt entries and notes")
async def _add(call: Call, body: OwnAdd) -> OwnTaken:
    counted("entries", body.entries)
    return await call.service.own_lists.add(call.caller, body)


@routes(
    "GET",
    "/v1/own/entries",
    OPERATORS,
    "list our own entries with their values",
)
async def _page(call: Call, query: OwnFilter) -> OwnPage:
    filters = msgspec.structs.asdict(query)
    wanted = Filter(**filters | {"ended": bool(query.ended)})
    return await call.service.own_lists.page(wanted)


@routes("POST", "/v1/own/local", OPERATORS, "add rows to a local list")
async def _local(call: Call, body: OwnLocal) -> OwnTaken:
    counted("reports", body.reports)
    if len(body.refused) > MOST_ITEMS:
        raise MalformedError(
            "refused: want at most {most} at once", most=MOST_ITEMS
        )
    return await call.service.own_lists.add_local(call.caller, body)


@routes("POST", "/v1/own/loads", OPERATORS, "begin a load of a local list")
async def _begin(call: Call, body: OwnLoadBegin) -> OwnLoad:
    return await call.service.own_lists.begin_load(body)


@routes(
    "POST", "/v1/own/loads/finish", OPERATORS, "finish a load of a local list"
)
async def _finish(call: Call, body: OwnLoadEnd) -> OwnLoaded:
    return await call.service.own_lists.finish_load(call.caller, body)


@routes("POST", "/v1/own/removals", OPERATORS, "remove our own entries")
async def _remove(call: Call, body: OwnRemoval) -> OwnRemoved:
    if sum(map(bool, (body.ids, body.value, body.list))) != 1:
        raise MalformedError("removal: want one of ids, value, list")
    if len(body.ids) > MOST_ITEMS:
        raise MalformedError(
            "removal: want at most {most} ids at once", most=MOST_ITEMS
        )
    return await call.service.own_lists.remove(call.caller, body)
