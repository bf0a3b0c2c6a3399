"""`/v1/status`, `/metrics`, `/healthz` and `/readyz`: how this member is doing."""

from aiohttp import hdrs, web

from syncd.web import status_forms
from syncd.web.quota_forms import Quota
from syncd.web.routes import (
    EVERYBODY,
    OPEN,
    OPERATORS,
    PROMETHEUS,
    READERS,
    TEXT,
    Call,
    Routes,
    answer,
)

routes = Routes()


@routes("GET", "/v1/status", EVERYBODY, "read the status")
async def _status(
    call: Call, query: status_forms.StatusQuery
) -> status_forms.Status:
    return await call.service.status(digests=bool(query.digests))


@routes("GET", "/v1/quota", READERS, "read what is left of quotas")
async def _quota(call: Call) -> Quota:
    return await call.service.quota(call.caller)


@routes("POST", "/v1/status/mutes", OPERATORS, "mute what there is to do")
async def _mute(
    call: Call, body: status_forms.Mute
) -> status_forms.MuteResult:
    return await call.service.mute(call.caller, body)


@routes("GET", "/metrics", EVERYBODY, "read metrics", media=TEXT)
async def _metrics(call: Call) -> web.Response:
    return web.Response(
        body=await call.service.metrics(call.caller),
        headers={hdrs.CONTENT_TYPE: PROMETHEUS},
    )


@routes("GET", "/healthz", OPEN, "ask for life")
async def _alive(call: Call) -> status_forms.Alive:
    return status_forms.Alive(alive=True)


@routes("GET", "/readyz", OPEN, "ask whether we serve", also=(503,))
async def _ready(call: Call) -> status_forms.Ready | web.Response:
    found = await call.service.ready()
    return answer(found, 200 if found.ready else 503)
