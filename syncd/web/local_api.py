"""The own door: what the member's own systems and people may ask.

JSON over loopback or a unix socket, bearer tokens with a role each. ROUTES
is the whole of it: the router and /openapi.json are both made from it. A
handler reads its body into a closed form, asks the desk, and writes a closed
form; what goes wrong is one RFC 9457 problem, whoever found it.
"""

import contextlib
import functools
import ipaddress
import logging
import re
import traceback
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from syncd.errors import MalformedError, SyncdError
from syncd.flows.ports import Position
from syncd.web import (
    codes,
    events,
    forms,
    import_routes,
    openapi,
    own_lists,
    problem,
)
from syncd.web.bodies import CALLER as _CALLER
from syncd.web.bodies import LIMIT as _LIMIT
from syncd.web.bodies import NUMBER as _NUMBER
from syncd.web.bodies import Caller
from syncd.web.bodies import answer as _answer
from syncd.web.bodies import each as _each
from syncd.web.bodies import flag as _flag
from syncd.web.bodies import known_query as _known_query
from syncd.web.bodies import number as _number
from syncd.web.bodies import read as _read
from syncd.web.events import Event
from syncd.web.forms import MOST_ITEMS, MOST_PAGE
from syncd.web.import_routes import INTAKE, Intake
from syncd.web.own_lists import OwnListsDesk
from syncd.web.problem import Problem
from syncd.web.routes import (
    BINARY,
    EVERYBODY,
    JSON,
    OPEN,
    OPERATORS,
    PROMETHEUS,
    READERS,
    SSE,
    TEXT,
    Handler,
    Parameter,
    Route,
)

log = logging.getLogger("syncd.local_api")

MAX_LINE = 4096  # bytes of a request's target: positions, cursors
MAX_DEADLINE_MS = 60_000


class OwnDesk(Protocol):
    """What the door asks of the daemon behind it.

    Every method may raise a SyncdError, which becomes its problem.
    """

    @property
    def intake(self) -> Intake:
        """What stands behind `/v1/reports` and `/v1/imports`."""
        ...

    @property
    def own_lists(self) -> OwnListsDesk:
        """What stands behind `/v1/own`."""
        ...

    async def caller(self, bearer: str) -> Caller | None:
        """Return whose token that is, or None."""
        ...

    async def revoked(self, bearer: str) -> str:
        """Return the day on which a token was revoked, or ""."""
        ...

    async def retract(self, wanted: forms.Retraction) -> forms.Retracting:
        """Have reports of ours end."""
        ...

    async def dispute(
        self, caller: Caller, draft: forms.DisputeDraft
    ) -> forms.Disputed:
        """Keep a dispute."""
        ...

    async def lookup(
        self, caller: Caller, wanted: "LookupCall"
    ) -> forms.LookupAnswers:
        """Answer every item, in order; recorded durably before return."""
        ...

    async def indicators(
        self, caller: Caller, after: str, limit: int
    ) -> forms.IndicatorPage:
        """Return what the alliance holds after a token; recorded."""
        ...

    async def claim(
        self, caller: Caller, position: Position
    ) -> forms.Indicator | None:
        """Return the claim at a position, if one stands there; recorded."""
        ...

    async def status(self, *, digests: bool) -> forms.Status:
        """Return how we are doing."""
        ...

    def events(self, cursor: str) -> AsyncGenerator[Event | None, None]:
        """Yield what happened after a cursor; None for a heartbeat."""
        ...

    async def take_roster(self, raw: bytes) -> forms.RosterTaken:
        """Accept a roster note from our own admin."""
        ...

    async def roster(self) -> bytes:
        """Return the newest roster's signed note."""
        ...

    async def take_share(self, raw: bytes) -> forms.ShareTaken:
        """Accept a sealed share file."""
        ...

    async def metrics(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        ...

    async def ready(self) -> forms.Ready:
        """Tell whether we serve."""
        ...


@dataclass(frozen=True, slots=True)
class LookupCall:
    """A look-up as the desk gets it: items read one by one."""

    purpose: str
    reference: str
    deadline_ms: int  # 0: the setting's, and more for many items
    items: "list[forms.Item | SyncdError]"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the door takes from whom."""

    hosts: frozenset[str] = frozenset()  # beside loopback's own names
    max_request_bytes: int = 16_777_216


# -------------------------------------------------------------- application

DESK = web.AppKey("desk", OwnDesk)
LIMITS = web.AppKey("limits", Limits)
_ROUTE = web.AppKey("routes", dict[web.AbstractRoute, Route])


def app(desk: OwnDesk, limits: Limits) -> web.Application:
    """Return the door's application."""
    door = web.Application(
        middlewares=[_problems, _guard],
        client_max_size=limits.max_request_bytes,
    )
    door[DESK] = desk
    door[own_lists.DESK] = desk.own_lists
    door[INTAKE] = desk.intake
    door[LIMITS] = limits
    door[_ROUTE] = {}
    for route in ROUTES:
        # HEAD is what GET is without a body, aiohttp adds it.
        added = (
            door.router.add_get(route.path, route.handler, allow_head=False)
            if route.method == "GET"
            else door.router.add_route(route.method, route.path, route.handler)
        )
        door[_ROUTE][added] = route
    return door


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
        # Its message may quote a value, so only its name and place are told.
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
    said = _SAID.get(e.status, "the request cannot be answered")
    return problem.response(problem.plain(e.status, said), headers)


_SAID = {
    404: "no such path; /openapi.json lists what there is",
    405: "not with this method; Allow lists which",
    413: "the body is longer than [own] max_request_bytes",
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
        caller = await request.app[DESK].caller(bearer)
        if caller is None:
            day = await request.app[DESK].revoked(bearer)
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
                    what=route.said,
                )
            )
        request[_CALLER] = caller
    if (
        route.takes is not None
        and request.content_type not in route.takes_media
    ):
        return problem.response(
            problem.plain(415, f"the body must be {route.takes_media[0]}")
        )
    return await handler(request)


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
    host = request.headers.get(hdrs.HOST, "")
    if not _is_ours(host, limits):
        return problem.plain(
            403,
            "host: this door does not answer to that name",
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


# ----------------------------------------------------------------- handlers


async def _retract(request: web.Request) -> web.Response:
    body = await _read(request, forms.Retraction)
    named = [body.value, body.token, body.positions, body.ids, body.import_]
    if sum(map(bool, [*named, body.never])) != 1:
        raise MalformedError(
            "retraction: want one of value, token, positions, ids, import,"
            " never"
        )
    if max(len(body.positions), len(body.ids)) > MOST_ITEMS:
        raise MalformedError(f"retraction: want at most {MOST_ITEMS} at once")
    done = await request.app[DESK].retract(body)
    if not done.retracting and not done.already:
        other = "report" if body.type == "dispute" else "dispute"
        return problem.response(
            problem.absent(
                "retraction: nothing of ours that stands matches",
                f"but a {other} of ours does: say type {other}, or all"
                if done.spared
                else "",
            )
        )
    return _answer(done, 202)


async def _dispute(request: web.Request) -> web.Response:
    body = await _read(request, forms.DisputeDraft)
    if bool(body.value) == bool(body.token):
        raise MalformedError("dispute: want a value, or a token and epoch")
    done = await request.app[DESK].dispute(request[_CALLER], body)
    return _answer(done, 202)


async def _lookup(request: web.Request) -> web.Response:
    body = await _read(request, forms.RawLookups)
    if not 0 <= body.deadline_ms <= MAX_DEADLINE_MS:
        raise MalformedError(f"deadline_ms: want 1 to {MAX_DEADLINE_MS}")
    if len(body.reference) > 128 or not body.reference.isprintable():
        raise MalformedError("reference: want up to 128 printable characters")
    answers = await request.app[DESK].lookup(
        request[_CALLER],
        LookupCall(
            body.purpose,
            body.reference,
            body.deadline_ms,
            _each(body.items, forms.Item, "items"),
        ),
    )
    return _answer(answers)


async def _indicators(request: web.Request) -> web.Response:
    _known_query(request, "after", "limit")
    after = request.query.get("after", "")
    if len(after) > 64:
        raise MalformedError("after: not what a page gave as `next`")
    limit = _number(request, "limit", 100, 1, MOST_PAGE)
    desk = request.app[DESK]
    return _answer(await desk.indicators(request[_CALLER], after, limit))


async def _claim(request: web.Request) -> web.Response:
    text = request.match_info["index"]
    if not _NUMBER.fullmatch(text):
        raise MalformedError("index: not a number")
    position = (request.match_info["origin"], int(text))
    found = await request.app[DESK].claim(request[_CALLER], position)
    if found is None:
        return problem.response(
            problem.absent("indicator: no claim stands at that position")
        )
    return _answer(found)


async def _status(request: web.Request) -> web.Response:
    _known_query(request, "digests")
    digests = _flag(request, "digests")
    return _answer(await request.app[DESK].status(digests=digests))


async def _events(request: web.Request) -> web.StreamResponse:
    _known_query(request, "cursor")
    cursor = request.headers.get(
        "Last-Event-ID", request.query.get("cursor", "")
    )
    happening = request.app[DESK].events(cursor)
    return await events.stream(request, _allowed(request, happening))


async def _allowed(
    request: web.Request, happening: AsyncGenerator[Event | None, None]
) -> AsyncGenerator[Event | None, None]:
    """Yield what happens for as long as the token stands."""
    async with contextlib.aclosing(happening):
        async for event in happening:
            caller = await request.app[DESK].caller(_bearer(request) or "")
            if caller != request[_CALLER]:
                return
            yield event


async def _take_roster(request: web.Request) -> web.Response:
    raw = await request.read()
    return _answer(await request.app[DESK].take_roster(raw))


async def _roster(request: web.Request) -> web.Response:
    return web.Response(
        body=await request.app[DESK].roster(),
        content_type=TEXT,
        charset="utf-8",
    )


async def _take_share(request: web.Request) -> web.Response:
    raw = await request.read()
    return _answer(await request.app[DESK].take_share(raw))


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(
        body=await request.app[DESK].metrics(),
        headers={hdrs.CONTENT_TYPE: PROMETHEUS},
    )


async def _alive(request: web.Request) -> web.Response:
    return _answer(forms.Alive(alive=True))


async def _ready(request: web.Request) -> web.Response:
    found = await request.app[DESK].ready()
    return _answer(found, 200 if found.ready else 503)


async def _openapi(request: web.Request) -> web.Response:
    return web.Response(body=_document(), content_type=JSON)


@functools.cache
def _document() -> bytes:
    """Return the document; making it takes as long as a hundred requests."""
    return openapi.document(ROUTES)


# -------------------------------------------------------------------- table

ROUTES = (
    *import_routes.ROUTES,
    Route(
        "POST",
        "/v1/retractions",
        _retract,
        OPERATORS,
        "retract reports",
        forms.Retracting,
        forms.Retraction,
        status=202,
    ),
    Route(
        "POST",
        "/v1/disputes",
        _dispute,
        OPERATORS,
        "dispute others' reports",
        forms.Disputed,
        forms.DisputeDraft,
        status=202,
    ),
    Route(
        "POST",
        "/v1/lookups",
        _lookup,
        READERS,
        "look up",
        forms.LookupAnswers,
        forms.Lookups,
    ),
    Route(
        "GET",
        "/v1/indicators",
        _indicators,
        READERS,
        "list what the alliance holds, by token",
        forms.IndicatorPage,
        parameters=(
            Parameter(
                "after",
                {"type": "string", "maxLength": 64},
                "what the last page gave as `next`",
            ),
            _LIMIT,
        ),
    ),
    Route(
        "GET",
        "/v1/indicators/{origin}/{index}",
        _claim,
        READERS,
        "read one claim",
        forms.Indicator,
        parameters=(
            Parameter(
                "origin", {"type": "string"}, "of the log, encoded", "path"
            ),
            Parameter("index", {"type": "integer"}, "in the log", "path"),
        ),
    ),
    Route(
        "GET",
        "/v1/status",
        _status,
        EVERYBODY,
        "read the status",
        forms.Status,
        parameters=(
            Parameter(
                "digests",
                {"type": "integer", "enum": [0, 1]},
                "1: compute digests from the rows",
            ),
        ),
    ),
    Route(
        "GET",
        "/v1/events",
        _events,
        EVERYBODY,
        "follow what happens",
        media=SSE,
        parameters=(
            Parameter(
                "cursor",
                {"type": "string", "maxLength": 64},
                "the id of the last event that was seen",
            ),
        ),
    ),
    Route(
        "POST",
        "/v1/roster",
        _take_roster,
        OPERATORS,
        "hand in a roster",
        forms.RosterTaken,
        str,
        takes_media=(TEXT, BINARY),
    ),
    Route(
        "GET",
        "/v1/roster",
        _roster,
        EVERYBODY,
        "read the roster",
        media=TEXT,
    ),
    Route(
        "POST",
        "/v1/shares",
        _take_share,
        OPERATORS,
        "hand in a key share",
        forms.ShareTaken,
        bytes,
        takes_media=(BINARY, JSON, TEXT),
    ),
    Route(
        "GET",
        "/metrics",
        _metrics,
        EVERYBODY,
        "read metrics",
        media=TEXT,
    ),
    *codes.ROUTES,
    *own_lists.ROUTES,
    Route("GET", "/healthz", _alive, OPEN, "ask for life", forms.Alive),
    Route(
        "GET",
        "/readyz",
        _ready,
        OPEN,
        "ask whether we serve",
        forms.Ready,
        also=(503,),
    ),
    Route("GET", "/openapi.json", _openapi, OPEN, "read this document", dict),
)

__all__ = ["ROUTES", "Caller", "Limits", "OwnDesk", "Problem", "app"]
