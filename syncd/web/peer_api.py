"""The peer API: what members may ask of us, over pinned mutual TLS.

Whoever is not in the roster at the moment of a request gets nothing: the pin
is read again for every request, since a kept-alive connection outlives a
roster. Auditors read checkpoints, tiles, entries, audit bundles, rosters and
evidence only.
"""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from aiohttp.web import Request, Response
from aiohttp.web import StreamResponse as Answer

from syncd import canonical, errors
from syncd.flows import serve
from syncd.tlog.witness import TEXT
from syncd.web import runner

MAX_BODY = 1 << 20  # bytes: 4,096 OPRF elements in hex are 262 kB
MOST_AT_ONCE = 64  # requests of one caller; a client of ours sends 16
KNOCK_S = 0.05  # for one of a newcomer's, one after the other
IN_FLIGHT = 128 << 20  # bytes of bodies and files, of all callers
IN_FLIGHT_OF_CALLER = 16 << 20  # bytes; one file, however long, always is
ANSWER_S = 60.0  # to be read in; a client of ours waits no longer
NO_STORE = "private, no-store"
FOREVER = "public, max-age=31536000, immutable"
BINARY = "application/octet-stream"
JSON = "application/json"


ReadPin = Callable[[Request], str | None]
"""hex SHA-256 of the public key of who is at the connection of a request"""


class InFlight:
    """The bytes that are being read or sent, of each caller."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._of = Counter[str]()
        self._left = asyncio.Condition()

    async def enter(self, caller: str, size: int) -> None:
        """Wait until there is room; a caller that has nothing has room."""

        def fits() -> bool:
            held = self._of[caller]
            return not held or (
                held + size <= IN_FLIGHT_OF_CALLER
                and self._of.total() + size <= IN_FLIGHT
            )

        async with self._left:
            await self._left.wait_for(fits)
            self._of[caller] += size

    async def leave(self, caller: str, size: int) -> None:
        """Make room."""
        async with self._left:
            self._of[caller] -= size
            self._left.notify_all()


_HELD = web.RequestKey("held", int)  # bytes in flight
_CALLER = web.RequestKey("caller", str)
_ROLE = web.RequestKey("role", str)
_AUDITORS = re.compile(
    r"/(log|mirror/[0-9a-f]{64})/(checkpoint|notes/|tile/|audit/)|/(?:monitor|evidence)/|/roster",
    re.ASCII,
)


def app(service: Any, pin: ReadPin) -> web.Application:
    """Return the application over a `node.serve.peer_service`."""
    api = _Api(service, pin)
    made = web.Application(middlewares=[api.guard], client_max_size=MAX_BODY)
    get = made.router.add_get
    for prefix in ("/log", r"/mirror/{hash:[0-9a-f]{64}}"):
        get(prefix + "/checkpoint", api.checkpoint)
        get(prefix + r"/notes/{page:\d{1,6}}", api.notes)
        for start in serve.FILES:
            get(f"{prefix}/{start}{{tail:.+}}", partial(api.file, start))
    get("/heads", api.heads)
    get("/waiting", api.waiting)
    made.router.add_post("/join/{id}/{step:roster|request|answer}", api.knock)
    get(r"/evidence/{page:\d{1,6}}", api.evidence)
    get("/roster", api.roster)
    get(r"/roster/{version:\d{1,15}}", api.roster)
    get(r"/monitor/{hash:[0-9a-f]+}/checkpoint", api.monitor)
    made.router.add_post("/oprf/v1/evaluate", api.evaluate)
    made.router.add_post("/witness/add-checkpoint", api.add_checkpoint)
    made.router.add_post("/poke", api.poke)
    made.router.add_post("/push", api.push)
    get("/ceremony/{name:.*}", api.ceremony)
    made.router.add_post("/ceremony/{name}", api.put_ceremony)
    return made


class _Api:
    def __init__(self, service: Any, pin: ReadPin) -> None:
        self._service, self._pin = service, pin
        self._busy = Counter[str]()  # requests of each caller
        self._turns = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._in_flight = InFlight()

    @web.middleware
    async def guard(self, request: Request, handler: Handler) -> Answer:
        # Who is out by the roster that is on its way gets no payload any more.
        if request.path.startswith(("/log/", "/mirror/")):
            await self._service.settled()
        pin = self._pin(request)
        known = self._service.caller(pin) if pin else None
        if known is None and request.path.startswith("/join/"):
            known = "", "newcomer"  # all of them together
        if known is None:
            answer = Response(status=403, text="not in the roster\n")
            answer.force_close()
            return answer
        request[_CALLER], request[_ROLE] = known
        if self._busy[known[0]] >= MOST_AT_ONCE:
            return Response(
                status=429, text="one by one\n", headers={"Retry-After": "1"}
            )
        self._busy[known[0]] += 1
        try:
            found = await self._answer(request, handler)
            await _send(request, found)
            return found
        finally:
            self._busy[known[0]] -= 1
            await self._in_flight.leave(known[0], request.get(_HELD, 0))

    async def _enter(self, request: Request, size: int) -> None:
        await self._in_flight.enter(request[_CALLER], size)
        request[_HELD] = request.get(_HELD, 0) + size

    async def _body(self, request: Request) -> bytes:
        most = request.client_max_size
        await self._enter(request, min(request.content_length or most, most))
        return await runner.body_of(request)

    async def _answer(self, request: Request, handler: Handler) -> Answer:
        if request[_ROLE] == "auditor" and not _AUDITORS.match(request.path):
            return Response(status=403, text="not for auditors\n")
        try:
            return await handler(request)
        except errors.QuotaError as e:
            wait, left = str(e.retry_after_s), str(e.left)
            headers = {"Retry-After": wait, "Quota-Left": left}
            return Response(status=429, text=f"{e}\n", headers=headers)
        except (
            errors.MissingError,
            errors.MalformedError,
            errors.RefusedError,
            errors.UntrustedError,
            errors.StaleError,
        ) as e:
            return Response(status=e.status, text=f"{e}\n")
        except (web.RequestPayloadError, HttpProcessingError):
            return Response(status=400, text="not the body it was to be\n")
        except errors.SyncdError:
            return Response(status=503, text="cannot answer just now\n")

    async def _log(self, request: Request) -> serve.LogFiles:
        named = request.match_info.get("hash")
        log: serve.LogFiles | None = None
        if named is None:
            log = await self._service.own_log()
        else:
            log = await self._service.mirror_log(named)
        if log is None:
            raise _absent("no such log")
        return log

    @asynccontextmanager
    async def _turn(self, request: Request) -> AsyncIterator[None]:
        """Make answers one after the other: of those that wait, none yet."""
        async with self._turns[request[_CALLER]]:
            if _gone(request):
                raise _absent("nobody waits for it")
            yield

    async def checkpoint(self, request: Request) -> Response:
        raw: bytes | None = None
        named = request.match_info.get("hash")
        if named is not None:
            raw = await self._service.held(request[_CALLER], named)
        if raw is None:
            raw = (await self._log(request)).checkpoint
        if not raw:
            raise _absent("no checkpoint yet")
        return _raw(raw, "no-cache", TEXT)

    async def notes(self, request: Request) -> Response:
        origin = (await self._log(request)).origin
        return await self._page(request, partial(self._service.notes, origin))

    async def evidence(self, request: Request) -> Response:
        return await self._page(request, self._service.evidence)

    async def _page(
        self, request: Request, of: Callable[[int], Any]
    ) -> Response:
        async with self._turn(request):
            body = await of(int(request.match_info["page"]))
            if body is None:
                raise _absent("no more of them")
            await self._enter(request, len(body))
        return _raw(body, NO_STORE, JSON)

    async def file(self, start: str, request: Request) -> Response:
        log = await self._log(request)
        path = start + request.match_info["tail"]
        async with self._turn(request):
            try:
                raw = await serve.file(log, path)
            except errors.MalformedError as e:
                raise _absent(str(e)) from e
            if raw is None:
                raise _absent("no such file", **{"Cache-Control": "no-store"})
            await self._enter(request, len(raw))
        found = _raw(raw, FOREVER if path.startswith("tile/") else NO_STORE)
        if path.startswith("payload/"):
            found.headers["Content-Encoding"] = "gzip"
        return found

    async def heads(self, request: Request) -> Response:
        heads = await self._service.heads(
            request[_CALLER], request.query.get("cursor", "")
        )
        return _form(heads)

    async def waiting(self, request: Request) -> Response:
        return _form(self._service.joining.waiting())

    async def knock(self, request: Request) -> Response:
        id_, step = (request.match_info[n] for n in ("id", "step"))
        body = await self._body(request)
        async with self._turn(request):
            await asyncio.sleep(KNOCK_S)
            raw = self._service.joining.knock(id_, step, body)
        return _raw(raw, NO_STORE)

    async def roster(self, request: Request) -> Response:
        text = request.match_info.get("version")
        note = await self._service.roster_note(int(text) if text else None)
        if note is None:
            raise _absent("no such roster version")
        await self._enter(request, len(note))
        return _raw(note, media=TEXT)

    async def monitor(self, request: Request) -> Response:
        key = request.query.get("key", "seen")
        if key not in ("seen", "merged"):
            raise _absent("no such key")
        note = await self._service.monitor(request.match_info["hash"], key)
        if note is None:
            raise _absent("unknown origin")
        return _raw(note, "no-cache", TEXT)

    async def evaluate(self, request: Request) -> Response:
        body = await self._body(request)
        gone = partial(_gone, request)
        raw = await self._service.evaluate(request[_CALLER], body, gone)
        return _raw(raw, NO_STORE, JSON)

    async def add_checkpoint(self, request: Request) -> Response:
        body = await self._body(request)
        judged = await self._service.add_checkpoint(body, request[_CALLER])
        found = _raw(judged.body.encode(), media=judged.content_type)
        found.set_status(judged.status)
        return found

    async def poke(self, request: Request) -> Response:
        await self._service.poke(
            request[_CALLER],
            await self._body(request),
            urgent=request.query.get("urgent") == "1",
        )
        return Response(status=202)

    async def push(self, request: Request) -> Response:
        caller, body = request[_CALLER], await self._body(request)
        return _raw(b"%d" % await self._service.push(caller, body), NO_STORE)

    async def ceremony(self, request: Request) -> Response:
        raw = self._service.mailbox.get(request.match_info["name"])
        if raw is None:
            raise _absent("no such note")
        await self._enter(request, len(raw))
        return _raw(raw, NO_STORE, TEXT)

    async def put_ceremony(self, request: Request) -> Response:
        name, body = request.match_info["name"], await self._body(request)
        await self._service.mailbox.take(request[_CALLER], name, body)
        return Response(status=204)


def _absent(text: str, **headers: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"{text}\n", headers=headers)


def _raw(body: bytes, cache: str = "", media: str = BINARY) -> Response:
    headers = {"Cache-Control": cache} if cache else {}
    return Response(body=body, headers={**headers, "Content-Type": media})


def _form(form: msgspec.Struct) -> Response:
    return _raw(canonical.dumps(msgspec.to_builtins(form)), NO_STORE, JSON)


async def _send(request: Request, answer: Answer) -> None:
    """Write an answer while it counts as in flight, and not for ever."""
    runner.paced(answer)
    try:
        async with asyncio.timeout(ANSWER_S):
            await answer.prepare(request)
            await answer.write_eof()
    except (ConnectionError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()


def _gone(request: Request) -> bool:
    return request.transport is None or request.transport.is_closing()
