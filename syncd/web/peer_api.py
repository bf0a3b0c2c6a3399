"""The peer door: what members may ask of us, over pinned mutual TLS.

Whoever is not in the roster at the moment of a request gets nothing: the pin
is read again for every request, since a kept-alive connection outlives a
roster. Auditors read checkpoints, tiles, entries and audit bundles only.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

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
from syncd.flows.cosign import Judged
from syncd.flows.ports import Heads
from syncd.flows.serve import LogFiles
from syncd.tlog import tiles

MAX_BODY = 2 << 20  # bytes: 4,096 OPRF elements in hex are 262 kB
MOST_AT_ONCE = 64  # requests of one caller; a client of ours sends 16
NO_STORE = "private, no-store"
FOREVER = "public, max-age=31536000, immutable"
BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


class PeerDesk(Protocol):
    """What the door asks of the daemon behind it."""

    def caller(self, request_pin: str) -> tuple[str, str] | None:
        """Return (id, "member" | "auditor") of an active pin, or None."""
        ...

    async def own_log(self) -> LogFiles:
        """Return our log up to the released checkpoint."""
        ...

    async def mirror_log(self, origin_hash: str) -> LogFiles | None:
        """Return a mirrored log by the SHA-256 of its origin, or None."""
        ...

    async def held(self, caller: str, origin_hash: str) -> bytes | None:
        """Return the largest checkpoint that we know of the caller's own log.

        None if the log is another's.
        """
        ...

    async def settled(self) -> None:
        """Wait while a newer roster is being fetched, but not for long."""
        ...

    async def heads(self, caller: str, cursor: str) -> Heads:
        """Return what changed since `cursor`, and the caller's receipts."""
        ...

    async def roster_note(self, version: int | None) -> bytes | None:
        """Return a version's signed note, the newest for None."""
        ...

    async def evaluate(
        self, caller: str, body: bytes, gone: Callable[[], bool]
    ) -> bytes:
        """Answer an OPRF request, unless the caller has `gone` meanwhile."""
        ...

    async def add_checkpoint(self, body: bytes, caller: str = "") -> Judged:
        """Judge a witness request."""
        ...

    async def monitor(self, origin_hash: str, key: str) -> bytes | None:
        """Return our newest `seen` or `merged` note of an origin."""
        ...

    async def poke(self, caller: str, note: bytes) -> None:
        """Take a hint that the caller's own log has grown."""
        ...


class ReadPin(Protocol):
    """Reads the pin of the connection that a request came over."""

    def __call__(self, request: web.Request) -> str | None:
        """Return hex SHA-256 of the caller's public key, or None."""
        ...


DESK = web.AppKey("desk", PeerDesk)
PIN = web.AppKey("pin", ReadPin)
_BUSY = web.AppKey("busy", Counter[str])  # requests of each caller
_CALLER = web.RequestKey("caller", str)
_ROLE = web.RequestKey("role", str)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def app(desk: PeerDesk, pin: ReadPin, most: int = MAX_BODY) -> web.Application:
    """Return the door's application; a body has at most `most` bytes."""
    door = web.Application(middlewares=[_guard], client_max_size=most)
    door[DESK] = desk
    door[PIN] = pin
    door[_BUSY] = Counter()
    get = door.router.add_get
    for prefix in ("/log", r"/mirror/{hash:[0-9a-f]+}"):
        get(prefix + "/checkpoint", _checkpoint)
        get(prefix + r"/tile/entries/{tail:.+}", _entries)
        get(prefix + r"/tile/{tail:.+}", _tile)
        get(prefix + r"/payload/{tail:.+}", _payload)
        get(prefix + r"/audit/{tail:.+}", _audit)
    get("/heads", _heads)
    get("/roster", _roster)
    get(r"/roster/{version:\d{1,15}}", _roster)
    get(r"/monitor/{hash:[0-9a-f]+}/checkpoint", _monitor)
    door.router.add_post("/oprf/v1/evaluate", _evaluate)
    door.router.add_post("/witness/add-checkpoint", _add_checkpoint)
    door.router.add_post("/poke", _poke)
    return door


_FOR_AUDITORS = re.compile(
    r"/(log|mirror/[0-9a-f]{64})/(checkpoint|tile/|audit/)|/monitor/|/roster",
    re.ASCII,
)


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    # Who is out by the roster that is on its way gets no payload any more.
    if request.path.startswith(("/log/", "/mirror/")):
        await request.app[DESK].settled()
    pin = request.app[PIN](request)
    known = request.app[DESK].caller(pin) if pin else None
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
        return await _answer(request, handler)
    finally:
        busy[known[0]] -= 1


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
            headers={"Retry-After": str(e.retry_after_s)},
        )
    except (
        MalformedError,
        RefusedError,
        UntrustedError,
        StaleError,
    ) as e:
        return web.Response(status=e.status, text=f"{e}\n")
    except SyncdError:
        return web.Response(status=503, text="cannot answer just now\n")


async def _log(request: web.Request) -> LogFiles:
    desk = request.app[DESK]
    origin_hash = request.match_info.get("hash")
    if origin_hash is None:
        return await desk.own_log()
    log = (
        await desk.mirror_log(origin_hash)
        if _HEX.fullmatch(origin_hash)
        else None
    )
    if log is None:
        raise web.HTTPNotFound(text="no such log\n")
    return log


def _found(
    raw: bytes | None, cache: str, *, gzipped: bool = False
) -> web.Response:
    if raw is None:
        raise web.HTTPNotFound(
            text="no such file\n", headers={"Cache-Control": "no-store"}
        )
    headers = {"Cache-Control": cache, "Content-Type": BINARY}
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=raw, headers=headers)


def _span(request: web.Request) -> tuple[int, int]:
    try:
        return tiles.parse_path(request.match_info["tail"])
    except MalformedError as e:
        raise web.HTTPNotFound(text=f"{e}\n") from e


async def _checkpoint(request: web.Request) -> web.Response:
    raw: bytes | None = None
    origin_hash = request.match_info.get("hash")
    if origin_hash is not None:
        raw = await request.app[DESK].held(request[_CALLER], origin_hash)
    if raw is None:
        raw = (await _log(request)).checkpoint
    if not raw:
        raise web.HTTPNotFound(text="no checkpoint yet\n")
    return web.Response(
        body=raw,
        headers={"Cache-Control": "no-cache", "Content-Type": TEXT},
    )


async def _tile(request: web.Request) -> web.Response:
    log = await _log(request)
    try:
        level, n, width = tiles.parse_tile(request.match_info["tail"])
    except MalformedError as e:
        raise web.HTTPNotFound(text=f"{e}\n") from e
    return _found(await serve.tile(log, level, n, width), FOREVER)


async def _entries(request: web.Request) -> web.Response:
    log = await _log(request)
    return _found(await serve.entries(log, *_span(request)), FOREVER)


async def _payload(request: web.Request) -> web.Response:
    log = await _log(request)
    raw = await serve.payload(log, *_span(request))
    return _found(raw, NO_STORE, gzipped=True)


async def _audit(request: web.Request) -> web.Response:
    log = await _log(request)
    return _found(await serve.audit(log, *_span(request)), NO_STORE)


async def _heads(request: web.Request) -> web.Response:
    heads = await request.app[DESK].heads(
        request[_CALLER], request.query.get("cursor", "")
    )
    body = canonical.dumps(
        {
            "cursor": heads.cursor,
            "notes": [note.decode() for note in heads.notes],
            "receipts": [note.decode() for note in heads.receipts],
            "roster": {
                "hash": heads.roster_hash,
                "version": heads.roster_version,
            },
            "time": heads.time,
        }
    )
    return web.Response(
        body=body,
        headers={"Cache-Control": NO_STORE},
        content_type="application/json",
    )


async def _roster(request: web.Request) -> web.Response:
    text = request.match_info.get("version")
    note = await request.app[DESK].roster_note(int(text) if text else None)
    if note is None:
        raise web.HTTPNotFound(text="no such roster version\n")
    return web.Response(body=note, headers={"Content-Type": TEXT})


async def _monitor(request: web.Request) -> web.Response:
    key = request.query.get("key", "seen")
    if key not in ("seen", "merged"):
        raise web.HTTPNotFound(text="no such key\n")
    note = await request.app[DESK].monitor(request.match_info["hash"], key)
    if note is None:
        raise web.HTTPNotFound(text="unknown origin\n")
    return web.Response(
        body=note,
        headers={"Cache-Control": "no-cache", "Content-Type": TEXT},
    )


async def _evaluate(request: web.Request) -> web.Response:
    body = await request.read()

    def gone() -> bool:
        return request.transport is None or request.transport.is_closing()

    raw = await request.app[DESK].evaluate(request[_CALLER], body, gone)
    return web.Response(
        body=raw,
        headers={"Cache-Control": NO_STORE},
        content_type="application/json",
    )


async def _add_checkpoint(request: web.Request) -> web.Response:
    body = await request.read()
    judged = await request.app[DESK].add_checkpoint(body, request[_CALLER])
    return web.Response(
        status=judged.status,
        body=judged.body,
        headers={"Content-Type": judged.content_type},
    )


async def _poke(request: web.Request) -> web.Response:
    await request.app[DESK].poke(request[_CALLER], await request.read())
    return web.Response(status=202)


def origin_hash(origin: str) -> str:
    """Return how an origin is named in a path: hex SHA-256."""
    return hashlib.sha256(origin.encode()).hexdigest()
