"""The local API: what the member's own systems and people may ask.

JSON over loopback or a unix socket, bearer tokens with a role each. A
handler gets a closed form, asks the service, and returns a closed form; what
goes wrong is one RFC 9457 problem, whoever found it.
"""

import contextlib
import functools
import ipaddress
import logging
import re
import traceback
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from syncd.errors import MalformedError, Message, SyncdError
from syncd.web import (
    access_routes,
    claim_routes,
    event_stream,
    forms,
    lookup_routes,
    openapi,
    own_list_routes,
    problem,
    report_forms,
    report_routes,
    status_routes,
    vocabulary_routes,
)
from syncd.web.event_stream import Event
from syncd.web.problem import Problem
from syncd.web.routes import (
    BINARY,
    CALLER,
    EVERYBODY,
    JSON,
    MOST_ITEMS,
    OPEN,
    OPERATORS,
    SERVICE,
    SSE,
    TEXT,
    Call,
    Route,
    Routes,
)
from syncd.web.service_ports import LocalService

log = logging.getLogger("syncd.local_api")

MAX_LINE = 4096  # bytes of a request's target: positions, cursors


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken from whom."""

    hosts: frozenset[str] = frozenset()  # beside loopback's own names
    max_request_bytes: int = 16_777_216


# -------------------------------------------------------------- application

LIMITS = web.AppKey("limits", Limits)
_ROUTE = web.AppKey("routes", dict[web.AbstractRoute, Route])


def app(service: LocalService, limits: Limits) -> web.Application:
    """Return the application."""
    made = web.Application(
        middlewares=[_problems, _guard],
        client_max_size=limits.max_request_bytes,
    )
    made[SERVICE] = service
    made[LIMITS] = limits
    made[_ROUTE] = {}
    for route in ROUTES:
        # HEAD is what GET is without a body, aiohttp adds it.
        added = (
            made.router.add_get(route.path, route.answer, allow_head=False)
            if route.method == "GET"
            else made.router.add_route(route.method, route.path, route.answer)
        )
        made[_ROUTE][added] = route
    return made


# ------------------------------------------------------------------- guards


@web.middleware
async def _problems(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Turn whatever goes wrong into one problem."""
    try:
        return await handler(request)
    except SyncdError as e:
        if e.status >= 500:
            log.warning("%s: %s", type(e).__name__, e)
        return problem.respond(e)
    except web.HTTPException as e:
        return _http_problem(e)
    except (web.RequestPayloadError, HttpProcessingError):
        return problem.response(
            problem.plain(400, "the body does not come as its headers say")
        )
    except Exception as e:  # noqa: BLE001  a caller gets a problem all the same
        # Its message may quote a value, so only its name and place are shown.
        frames = traceback.extract_tb(e.__traceback__)
        log.error(  # noqa: TRY400
            "request failed: %s at %s",
            type(e).__name__,
            " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames[-6:])),
        )
        return problem.response(
            problem.plain(500, "internal error; the log says more")
        )


def _http_problem(e: web.HTTPException) -> web.Response:
    allow = e.headers.get(hdrs.ALLOW)
    headers = {"Allow": allow} if allow else {}
    text = _TEXTS.get(e.status, Message("the request cannot be answered"))
    return problem.response(problem.plain(e.status, text), headers)


_TEXTS = {
    404: Message("no such path; /openapi.json lists what there is"),
    405: Message("not with this method; Allow lists which"),
    408: Message("the body is too slow"),
    413: Message(
        "the body is longer than [own] max_request_bytes, or than 4 MiB of"
        " look-ups"
    ),
    415: Message("a body is sent as it is, without Content-Encoding"),
}


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    limits = request.app[LIMITS]
    foreign = _foreign(request, limits)
    if foreign is not None:
        return problem.response(foreign)
    route = request.app[_ROUTE].get(request.match_info.route)
    if route is None:  # 404, 405
        return await handler(request)
    if route.roles:
        refused = await _nobody(request, route)
        if refused is not None:
            return refused
    if (
        route.takes is not None
        and request.content_type not in route.takes_media
    ):
        return problem.response(
            problem.plain(
                415, "the body must be {media}", media=route.takes_media[0]
            )
        )
    return await handler(request)


async def _nobody(request: web.Request, route: Route) -> web.Response | None:
    """Set whose token a request bears, or return why it may not."""
    bearer = _bearer(request)
    if bearer is None:
        return problem.response(
            problem.plain(
                401,
                "a bearer token is needed",
                "Authorization: Bearer TOKEN; `syncd token add` makes one",
            ),
            {"WWW-Authenticate": "Bearer"},
        )
    caller = await request.app[SERVICE].caller(bearer)
    if caller is None:
        day = await request.app[SERVICE].revoked(bearer)
        return problem.response(
            problem.plain(
                401,
                "this token opens nothing here: it was revoked on {day}"
                if day
                else "this token opens nothing here: it is another"
                " member's, or none",
                "`syncd token list` shows those that do",
                day=day,
            ),
            {"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    if caller.role not in route.roles:
        return problem.response(
            problem.plain(
                403,
                "the role {role} may not: {what}",
                role=caller.role,
                what=route.summary,
            )
        )
    request[CALLER] = caller
    return None


_BEARER = re.compile(
    r"Bearer ([A-Za-z0-9._~+/=-]{1,512})", re.ASCII | re.IGNORECASE
)


def _bearer(request: web.Request) -> str | None:
    match = _BEARER.fullmatch(request.headers.get(hdrs.AUTHORIZATION, ""))
    return match[1] if match else None


def _foreign(request: web.Request, limits: Limits) -> Problem | None:
    """Refuse what a browser sends on behalf of somebody else's page.

    A foreign name that was made to resolve to this address shows in Host; a
    page of another origin shows in Origin.
    """
    # An absolute target would name a host of its own (RFC 9112, 3.2.2).
    if not request.raw_path.startswith("/"):
        return problem.plain(400, "target: want a path")
    host = request.headers.get(hdrs.HOST, "")
    if not _is_ours(host, limits):
        return problem.plain(
            403,
            "host: this API does not answer to that name",
            "[own] hosts in config.toml lists further names",
        )
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None and origin != f"http://{host}":
        return problem.plain(403, "origin: a page of another site")
    return None


_HOST = re.compile(
    r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::[0-9]{1,5})?", re.ASCII
)


def _is_ours(host: str, limits: Limits) -> bool:
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = (match[1] or match[2]).lower()
    if name == "localhost" or name in limits.hosts:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


# ------------------------------------------------------------------ routes

routes = Routes()


@routes("POST", "/v1/retractions", OPERATORS, "retract reports", status=202)
async def _retract(
    call: Call, body: report_forms.Retraction
) -> report_forms.Retracting:
    named = [body.value, body.token, body.positions, body.ids, body.import_]
    if sum(map(bool, [*named, body.never])) != 1:
        raise MalformedError(
            "retraction: want one of value, token, positions, ids, import,"
            " never"
        )
    if max(len(body.positions), len(body.ids)) > MOST_ITEMS:
        raise MalformedError(
            "retraction: want at most {most} at once", most=MOST_ITEMS
        )
    return await call.service.retract(body)


@routes("GET", "/v1/events", EVERYBODY, "follow what happens", media=SSE)
async def _events(call: Call, query: forms.EventQuery) -> web.StreamResponse:
    cursor = call.request.headers.get("Last-Event-ID", query.cursor)
    happening = call.service.events(cursor)
    return await event_stream.stream(call.request, _allowed(call, happening))


async def _allowed(
    call: Call, happening: AsyncGenerator[Event | None, None]
) -> AsyncGenerator[Event | None, None]:
    """Yield what happens for as long as the token stands."""
    bearer = _bearer(call.request) or ""
    async with contextlib.aclosing(happening):
        async for event in happening:
            if await call.service.caller(bearer) != call.caller:
                return
            yield event


@routes(
    *("POST", "/v1/roster", OPERATORS, "hand in a roster"),
    takes_media=(TEXT, BINARY),
)
async def _take_roster(call: Call, body: bytes) -> forms.RosterTaken:
    return await call.service.take_roster(body)


@routes("GET", "/v1/roster", EVERYBODY, "read the roster", media=TEXT)
async def _roster(call: Call) -> web.Response:
    note = await call.service.roster()
    return web.Response(body=note, content_type=TEXT, charset="utf-8")


@routes(
    *("POST", "/v1/shares", OPERATORS, "hand in a key share"),
    takes_media=(BINARY, JSON, TEXT),
)
async def _take_share(call: Call, body: bytes) -> forms.ShareTaken:
    return await call.service.take_share(body)


@routes("GET", "/openapi.json", OPEN, "read this document", gives=dict)
async def _openapi(call: Call) -> web.Response:
    return web.Response(body=_document(), content_type=JSON)


@functools.cache
def _document() -> bytes:
    """Return the document; making it takes as long as a hundred requests."""
    return openapi.document(ROUTES)


ROUTES = (
    *report_routes.routes,
    *claim_routes.routes,
    *own_list_routes.routes,
    *lookup_routes.routes,
    *access_routes.routes,
    *vocabulary_routes.routes,
    *status_routes.routes,
    *routes,
)
