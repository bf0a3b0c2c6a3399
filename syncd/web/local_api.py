"""The local API: what the member's own systems and people may ask.

JSON over loopback or a unix socket, bearer tokens with a role each. A
service's method gets a closed form and returns one (`routes`); what goes wrong
is one RFC 9457 problem, whoever found it.
"""

import functools
import ipaddress
import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Collection, Sequence

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from aiohttp.web import Request, Response
from aiohttp.web import StreamResponse as Answer
from msgspec import Struct

from syncd.errors import Message, SyncdError
from syncd.indicator import vocabulary
from syncd.roster import certificate
from syncd.web import openapi, problem, routes
from syncd.web.forms import Vocabulary, VocabularyQuery
from syncd.web.problem import plain
from syncd.web.routes import EVERYBODY, OPEN, Caller, Route, route
from syncd.web.status_forms import Alive

log = logging.getLogger("syncd.local_api")

LOOKUPS = "/v1/lookups"
MAX_LINE = 4096  # bytes of a request's target: positions, cursors


class Limits(Struct, frozen=True):
    """What is taken from whom."""

    hosts: frozenset[str] = frozenset()  # beside loopback's own names
    max_request_bytes: int = 16_777_216


Whose = Callable[[str], Awaitable[Caller | str]]
"""whose a token is; else the day on which it was revoked, or \"\" """


# -------------------------------------------------------------- application


def app(
    whose: Whose,
    services: Sequence[object],
    limits: Limits,
    rest: Handler | None = None,
    *,
    relayed: bool = False,
) -> web.Application:
    """Return the application: each service answers the routes it has.

    With `rest` they answer look-ups alone, and it answers the rest. What was
    `relayed` may say whose certificate was shown: it comes from `relay`
    alone, which says so itself, whatever it was sent.
    """
    own = LocalApi(whose, limits, relayed)
    made = web.Application(
        middlewares=[_problems, own.guard],
        client_max_size=limits.max_request_bytes,
    )
    for service in (*services, own):
        for one in routes.of(type(service)):
            if rest is not None and one.path != LOOKUPS:
                continue
            handler = functools.partial(own.answer, service, one)
            made.router.add_route(one.method, one.path, handler)
    if rest is not None:
        made.router.add_route("*", "/{path:.*}", rest)
    return made


# ------------------------------------------------------------------- guards


@web.middleware
async def _problems(request: Request, handler: Handler) -> Answer:
    try:
        return await handler(request)
    except SyncdError as e:
        if e.status >= 500:
            log.warning("%s: %s", type(e).__name__, e)
        return problem.respond(e)
    except web.HTTPException as e:
        allow = e.headers.get(hdrs.ALLOW)
        text = _TEXTS.get(e.status, Message("the request cannot be answered"))
        headers = {"Allow": allow} if allow else {}
        return plain(e.status, text, headers=headers)
    except (web.RequestPayloadError, HttpProcessingError):
        return plain(400, "the body does not come as its headers say")
    except Exception as e:  # noqa: BLE001  a caller gets a problem all the same
        # Its message may quote a value, so only its name and place are shown.
        frames = traceback.extract_tb(e.__traceback__)
        log.error(  # noqa: TRY400
            "request failed: %s at %s",
            type(e).__name__,
            " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames[-6:])),
        )
        return plain(500, "internal error; the log says more")


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


_BEARER = re.compile(r"(?i)Bearer ([A-Za-z0-9._~+/=-]{1,512})", re.ASCII)


_RELAYED = re.compile(r"Bearer (certificate:[0-9a-f]{64})", re.ASCII)


def _bearer(request: Request, *, relayed: bool) -> str:
    """Return the token of who asks, or what stands for it; "" for neither.

    Over TLS it is the certificate and nothing else.
    """
    transport = request.transport
    tls = transport.get_extra_info("ssl_object") if transport else None
    if tls is not None:
        der = tls.getpeercert(binary_form=True)
        return certificate.credential(der) if der else ""
    text = request.headers.get(hdrs.AUTHORIZATION, "")
    match = _BEARER.fullmatch(text) or (relayed and _RELAYED.fullmatch(text))
    return match[1] if match else ""


_HOST = re.compile(
    r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::([0-9]{1,5}))?", re.ASCII
)


def is_ours(host: str, hosts: Collection[str] = ()) -> bool:
    """Tell whether it is a name of this machine's, or one of some hosts."""
    match = _HOST.fullmatch(host)
    if match is None or int(match[3] or 0) > 65_535:
        return False
    name = (match[1] or match[2]).lower()
    if name == "localhost" or name in hosts:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


# --------------------------------------------------------------------- API


class LocalApi(Struct, frozen=True):
    """Lets callers in; what concerns no service, it answers itself."""

    whose: Whose
    limits: Limits
    relayed: bool = False

    @web.middleware
    async def guard(self, request: Request, handler: Handler) -> Answer:
        """Refuse what no program of ours would send.

        And what a browser sends on behalf of somebody else's page: a foreign
        name that was made to resolve to this address shows in Host, a page of
        another origin in Origin.
        """
        # An absolute target would name a host of its own (RFC 9112, 3.2.2).
        if not request.raw_path.startswith("/"):
            return plain(400, "target: want a path")
        host = request.headers.get(hdrs.HOST, "")
        if not is_ours(host, self.limits.hosts):
            return plain(
                403,
                "host: this API does not answer to that name",
                "[own] hosts in config.toml lists further names",
            )
        origin = request.headers.get(hdrs.ORIGIN)
        if origin not in (None, f"http://{host}", f"https://{host}"):
            return plain(403, "origin: a page of another site")
        request[routes.BEARER] = _bearer(request, relayed=self.relayed)
        came = ",".join(request.headers.getall("X-Forwarded-For", ()))
        here = [] if self.relayed else [request.remote or ""]
        request[routes.HOPS] = [*map(str.strip, came.split(",")), *here]
        return await handler(request)

    async def answer(
        self, service: object, way: Route, request: Request
    ) -> Answer:
        """Have a service answer those who may ask."""
        if way.roles and (refused := await self._nobody(request, way)):
            return refused
        media = way.takes_media
        if way.takes is not None and request.content_type not in media:
            return plain(415, "the body must be {media}", media=media[0])
        return await way.answer(service, request)

    async def _nobody(self, request: Request, way: Route) -> Response | None:
        """Set whose token a request bears, or return why it may not."""
        bearer = request[routes.BEARER]
        if not bearer:
            return plain(
                401,
                "a bearer token is needed",
                "Authorization: Bearer TOKEN; `syncd token add` makes one",
                headers={"WWW-Authenticate": "Bearer"},
            )
        caller = await self.whose(bearer)
        if isinstance(caller, str):
            return plain(
                401,
                "this token opens nothing here: it was revoked on {day}"
                if caller
                else "this token opens nothing here: it is another"
                " member's, or none",
                "`syncd token list` shows those that do",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
                day=caller,
            )
        if caller.role not in way.roles:
            return plain(
                403,
                "the role {role} may not: {what}",
                role=caller.role,
                what=way.summary,
            )
        request[routes.CALLER] = caller
        return None

    @route("GET /v1/vocabulary", EVERYBODY, "list codes")
    async def codes(self, wanted: VocabularyQuery) -> Vocabulary:
        """Return codes and what they are called."""
        return Vocabulary(codes=vocabulary.listed(wanted.field, wanted.word))

    @route("GET /healthz", OPEN, "ask for life")
    async def alive(self) -> Alive:
        """Answer."""
        return Alive(alive=True)

    @route("GET /openapi.json", OPEN, "read this document", gives=dict)
    async def document(self) -> bytes:
        """Return what all routes are."""
        return openapi.document()
