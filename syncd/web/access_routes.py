"""Routes of the access record, and of appeals."""

from syncd.web.access_forms import (
    AboutAnswer,
    AboutCall,
    AccessFilter,
    AccessSums,
    AppealDraft,
    AppealFilter,
    AppealPage,
    AppealStep,
)
from syncd.web.lookup_routes import check_reference
from syncd.web.routes import COMPLIANCE, READERS, Call, Routes

routes = Routes()


@routes("GET", "/v1/access", COMPLIANCE, "count who looked up what for")
async def _access(call: Call, query: AccessFilter) -> AccessSums:
    return await call.service.access.sums(call.caller, query)


@routes(
    *("POST", "/v1/access/about", COMPLIANCE),
    "answer a person which look-ups were about a value",
)
async def _about(call: Call, body: AboutCall) -> AboutAnswer:
    check_reference(body.reference)
    return await call.service.access.about(call.caller, body)


@routes("GET", "/v1/appeals", READERS, "list measures to look at again")
async def _appeals(call: Call, query: AppealFilter) -> AppealPage:
    return await call.service.access.appeals(call.caller, query)


@routes("POST", "/v1/appeals", READERS, "enter an appeal", status=201)
async def _appeal(call: Call, body: AppealDraft) -> AppealPage:
    check_reference(body.reference)
    return await call.service.access.add(call.caller, body)


@routes("POST", "/v1/appeals/{id}", READERS, "note what was done on an appeal")
async def _step(call: Call, body: AppealStep) -> AppealPage:
    check_reference(body.why, "why")
    number = call.number("id")
    return await call.service.access.move(call.caller, number, body)
