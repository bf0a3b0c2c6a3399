"""The peer API: what members may ask of us, over pinned mutual TLS.

Whoever is not in the roster at the moment of a request gets nothing: the pin
is read again for every request, since a kept-alive connection outlives a
roster. Auditors read checkpoints, tiles, entries and audit bundles only.
"""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from syncd import canonical
from syncd.errors import (
    MalformedError,
    QuotaError,
    RefusedError,
    StaleError,
    SyncdError,
    UntrustedError,
)
from syncd.flows import serve
from syncd.flows.ports import Heads
from syncd.flows.serve import LogFiles
from syncd.tlog.witness import TEXT, Judgement
from syncd.web import runner

MAX_BODY = 2 << 20  # bytes: 4,096 OPRF elements in hex are 262 kB
MOST_AT_ONCE = 64  # requests of one caller; a client of ours sends 16
IN_FLIGHT = 128 << 20  # bytes of bodies and files, of all callers
IN_FLIGHT_OF_CALLER = 16 << 20  # bytes; one file, however long, always is
ANSWER_S = 60.0  # to be read in; a client of ours waits no longer
NO_STORE = "private, no-store"
FOREVER = "public, max-age=31536000, immutable"
BINARY = "application/octet-stream"
JSON = "application/json"
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


class PeerService(Protocol):
    """What the API asks of the daemon behind it."""

    def caller(self, request_pin: str) -> tuple[str, str] | None:
        """Return (id, "member" | "auditor") of an active pin, or None."""

    async def own_log(self) -> LogFiles:
        """Return our log up to the released checkpoint."""

    async def mirror_log(self, origin_hash: str) -> LogFiles | None:
        """Return a mirrored log by the SHA-256 of its origin, or None."""

    async def held(self, caller: str, origin_hash: str) -> bytes | None:
        """Return the largest checkpoint that we know of the caller's own log.

        None if the log is another's.
        """

    async def settled(self) -> None:
        """Wait while a newer roster is being fetched, but not for long."""

    async def heads(self, caller: str, cursor: str) -> Heads:
        """Return what changed since `cursor`, and the caller's receipts."""

    async def roster_note(self, version: int | None) -> bytes | None:
        """Return a version's signed note, the newest for None."""

    async def evaluate(
        self, caller: str, body: bytes, gone: Callable[[], bool]
    ) -> bytes:
        """Answer an OPRF request, unless the caller has `gone` meanwhile."""

    async def add_checkpoint(self, body: bytes, caller: str = "") -> Judgement:
        """Judge a witness request."""

    async def monitor(self, origin_hash: str, key: str) -> bytes | None:
        """Return our newest `seen` or `merged` note of an origin."""

    async def poke(
        self, caller: str, note: bytes, *, urgent: bool = False
    ) -> None:
        """Take a hint that the caller's own log has grown, by its word."""


ReadPin = Callable[[web.Request], str | None]
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


SERVICE = web.AppKey("service", PeerService)
PIN: web.AppKey[ReadPin] = web.AppKey("pin")
_BUSY = web.AppKey("busy", Counter[str])  # requests of each caller
_TURNS = web.AppKey("turns", defaultdict[str, asyncio.Lock])
_IN_FLIGHT = web.AppKey("in_flight", InFlight)
_HELD = web.RequestKey("held", int)  # bytes in flight
_CALLER = web.RequestKey("caller", str)
_ROLE = web.RequestKey("role", str)


def app(
    service: PeerService, pin: ReadPin, most: int = MAX_BODY
) -> web.Application:
    """Return the application; a body has at most `most` bytes."""
    made = web.Application(middlewares=[_guard], client_max_size=most)
    made[SERVICE] = service
    made[PIN] = pin
    made[_BUSY] = Counter()
    made[_TURNS] = defaultdict(asyncio.Lock)
    made[_IN_FLIGHT] = InFlight()
    get = made.router.add_get
    for prefix in ("/log", r"/mirror/{hash:[0-9a-f]+}"):
        get(prefix + "/checkpoint", _checkpoint)
        for start in serve.FILES:
            get(f"{prefix}/{start}{{tail:.+}}", partial(_file, start))
    get("/heads", _heads)
    get("/roster", _roster)
    get(r"/roster/{version:\d{1,15}}", _roster)
    get(r"/monitor/{hash:[0-9a-f]+}/checkpoint", _monitor)
    made.router.add_post("/oprf/v1/evaluate", _evaluate)
    made.router.add_post("/witness/add-checkpoint", _add_checkpoint)
    made.router.add_post("/poke", _poke)
    return made


_FOR_AUDITORS = re.compile(
    r"/(log|mirror/[0-9a-f]{64})/(checkpoint|tile/|audit/)|/monitor/|/roster",
    re.ASCII,
)


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    # Who is out by the roster that is on its way gets no payload any more.
    if request.path.startswith(("/log/", "/mirror/")):
        await request.app[SERVICE].settled()
    pin = request.app[PIN](request)
    known = request.app[SERVICE].caller(pin) if pin else None
    if known is None:
        answer = web.Response(status=403, text="not in the roster\n")
        answer.force_close()
        return answer
    request[_CALLER], request[_ROLE] = known
    busy = request.app[_BUSY]
    if busy[known[0]] >= MOST_AT_ONCE:
        return web.Response(
            status=429, text="one by one\n", headers={"Retry-After": "1"}
        )
    busy[known[0]] += 1
    try:
        found = await _answer(request, handler)
        await _send(request, found)
        return found
    finally:
        busy[known[0]] -= 1
        held = request.get(_HELD, 0)
        await request.app[_IN_FLIGHT].leave(known[0], held)


async def _send(request: web.Request, answer: web.StreamResponse) -> None:
    """Write an answer while it counts as in flight, and not for ever."""
    runner.paced(answer)
    try:
        async with asyncio.timeout(ANSWER_S):
            await answer.prepare(request)
            await answer.write_eof()
    except (ConnectionError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()


async def _enter(request: web.Request, size: int) -> None:
    await request.app[_IN_FLIGHT].enter(request[_CALLER], size)
    request[_HELD] = request.get(_HELD, 0) + size


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _body(request: web.Request) -> bytes:
    most = request.client_max_size
    await _enter(request, min(request.content_length or most, most))
    return await runner.body_of(request)


async def _answer(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    if request[_ROLE] == "auditor" and not _FOR_AUDITORS.match(request.path):
        return web.Response(status=403, text="not for auditors\n")
    try:
        return await handler(request)
    except QuotaError as e:
        return web.Response(
            status=429,
            text=f"{e}\n",
            headers={
                "Retry-After": str(e.retry_after_s),
                "Quota-Left": str(e.left),
            },
        )
    except (
        MalformedError,
        RefusedError,
        UntrustedError,
        StaleError,
    ) as e:
        return web.Response(status=e.status, text=f"{e}\n")
    except (web.RequestPayloadError, HttpProcessingError):
        return web.Response(status=400, text="not the body it was to be\n")
    except SyncdError:
        return web.Response(status=503, text="cannot answer just now\n")


# ------------------------------------------------------------------ answers


def _absent(text: str, **headers: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"{text}\n", headers=headers)


def _raw(body: bytes, cache: str = "", media: str = BINARY) -> web.Response:
    headers = {"Cache-Control": cache} if cache else {}
    return web.Response(body=body, headers={**headers, "Content-Type": media})


# --------------------------------------------------------------------- logs


async def _log(request: web.Request) -> LogFiles:
    service = request.app[SERVICE]
    named = request.match_info.get("hash")
    if named is None:
        return await service.own_log()
    log = await service.mirror_log(named) if _HEX.fullmatch(named) else None
    if log is None:
        raise _absent("no such log")
    return log


async def _checkpoint(request: web.Request) -> web.Response:
    raw: bytes | None = None
    named = request.match_info.get("hash")
    if named is not None:
        raw = await request.app[SERVICE].held(request[_CALLER], named)
    if raw is None:
        raw = (await _log(request)).checkpoint
    if not raw:
        raise _absent("no checkpoint yet")
    return _raw(raw, "no-cache", TEXT)


async def _file(start: str, request: web.Request) -> web.Response:
    log, path = await _log(request), start + request.match_info["tail"]
    # One after the other: of those that wait, none is made yet.
    async with request.app[_TURNS][request[_CALLER]]:
        if _gone(request):
            raise _absent("nobody waits for it")
        try:
            raw = await serve.file(log, path)
        except MalformedError as e:
            raise _absent(str(e)) from e
        if raw is None:
            raise _absent("no such file", **{"Cache-Control": "no-store"})
        await _enter(request, len(raw))
    found = _raw(raw, FOREVER if path.startswith("tile/") else NO_STORE)
    if path.startswith("payload/"):
        found.headers["Content-Encoding"] = "gzip"
    return found


# -------------------------------------------------------------------- other


async def _heads(request: web.Request) -> web.Response:
    heads = await request.app[SERVICE].heads(
        request[_CALLER], request.query.get("cursor", "")
    )
    body = canonical.dumps(msgspec.to_builtins(heads))
    return _raw(body, NO_STORE, JSON)


async def _roster(request: web.Request) -> web.Response:
    text = request.match_info.get("version")
    note = await request.app[SERVICE].roster_note(int(text) if text else None)
    if note is None:
        raise _absent("no such roster version")
    await _enter(request, len(note))
    return _raw(note, media=TEXT)


async def _monitor(request: web.Request) -> web.Response:
    key = request.query.get("key", "seen")
    if key not in ("seen", "merged"):
        raise _absent("no such key")
    note = await request.app[SERVICE].monitor(request.match_info["hash"], key)
    if note is None:
        raise _absent("unknown origin")
    return _raw(note, "no-cache", TEXT)


async def _evaluate(request: web.Request) -> web.Response:
    body = await _body(request)
    service = request.app[SERVICE]
    raw = await service.evaluate(
        request[_CALLER], body, partial(_gone, request)
    )
    return _raw(raw, NO_STORE, JSON)


async def _add_checkpoint(request: web.Request) -> web.Response:
    body = await _body(request)
    judged = await request.app[SERVICE].add_checkpoint(body, request[_CALLER])
    found = _raw(judged.body.encode(), media=judged.content_type)
    found.set_status(judged.status)
    return found


async def _poke(request: web.Request) -> web.Response:
    await request.app[SERVICE].poke(
        request[_CALLER],
        await _body(request),
        urgent=request.query.get("urgent") == "1",
    )
    return web.Response(status=202)
