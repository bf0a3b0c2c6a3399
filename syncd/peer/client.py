"""One member's peer API, as its client: nothing believed.

What a request may cost is bounded by `transport`; what the bytes mean is the
flows' work.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote

from syncd import canonical
from syncd.errors import AbsentError, BrokenSourceError, MalformedError
from syncd.flows.ports import Heads
from syncd.peer.transport import CONCURRENT, Transport, Wanted
from syncd.tlog import tiles

MAX_NOTE = 1 << 16  # bytes, a signed checkpoint with all its lines
MAX_ROSTER = 16 << 20  # bytes
MAX_HEADS = 4 << 20  # bytes
AT_ONCE = 1 << 16  # bytes of heads that are read on the event loop
MAX_REPLY = 4 << 20  # bytes, an OPRF reply of 4,096 elements is 0.3 MB
MAX_BUNDLE_GZ = 20 << 20  # bytes as sent; what it inflates to is bounded too
MAX_TILE = 256 * 32  # bytes
MAX_ENTRIES = 256 * 65_537  # bytes
MAX_TOGETHER = 32 << 20  # bytes of bundles asked for at once; or one
HEADS_S = 30.0  # for all heads: a round waits for no slow member longer

Call = Callable[[Callable[[int], None]], Awaitable[bytes]]


@dataclass(eq=False)
class PeerClient(Transport):
    """The client of one member's peer API; implements `ports.Peer`."""

    own_origins: frozenset[str] = field(kw_only=True)
    """the logs that it serves as its own, under `/log/`"""

    # ------------------------------------------------------------ Source

    async def checkpoint(self, origin: str) -> bytes:
        """Fetch the newest signed checkpoint the peer has of `origin`."""
        return await self.get(f"{self._prefix(origin)}/checkpoint", MAX_NOTE)

    async def hash_tiles(
        self, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        """Fetch tiles by their path after `tile/`, in order."""
        prefix = self._prefix(origin)
        return await self._many(
            [
                partial(self._file, f"{prefix}/tile/{p}", MAX_TILE, False)
                for p in paths
            ],
            whole=True,
        )

    async def payloads(
        self, origin: str, wanted: Sequence[tuple[int, int]]
    ) -> Sequence[bytes]:
        """Fetch payload bundles as gzip; a prefix of `wanted`, not empty."""
        prefix = self._prefix(origin)
        return await self._many(
            [
                partial(
                    self._file,
                    f"{prefix}/{tiles.payload_path(n, width)}",
                    MAX_BUNDLE_GZ,
                    True,
                )
                for n, width in wanted
            ],
            whole=False,
        )

    async def entries(self, origin: str, n: int, width: int) -> bytes:
        """Fetch one `tile/entries` bundle."""
        path = tiles.entries_path(n, width)
        return await self.get(f"{self._prefix(origin)}/{path}", MAX_ENTRIES)

    # -------------------------------------------------------------- Peer

    async def heads(self, cursor: str) -> Heads:
        """Ask what is new since `cursor`."""
        path = f"/heads?cursor={quote(cursor)}"
        raw = await self.get(path, MAX_HEADS, timeout_s=HEADS_S)
        try:
            if len(raw) <= AT_ONCE:
                return canonical.load(raw, Heads)
            return await asyncio.to_thread(canonical.load, raw, Heads)
        except MalformedError as e:
            raise BrokenSourceError(
                "{member}: heads: {why}", member=self.name, why=e
            ) from e

    async def roster(self, version: int) -> bytes:
        """Fetch the signed note of roster `version`."""
        return await self.get(f"/roster/{version}", MAX_ROSTER)

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """POST an OPRF request and return the reply's bytes.

        All addresses together have `timeout_s`: a look-up's caller waits.
        """
        each_s = timeout_s / max(len(self.urls), 1)
        wanted = Wanted("POST", "/oprf/v1/evaluate", MAX_REPLY, body)
        return await self.request(wanted, each_s)

    async def poke(self, note: bytes, *, urgent: bool = False) -> None:
        """Send our own newest checkpoint."""
        path = "/poke?urgent=1" if urgent else "/poke"
        await self.request(Wanted("POST", path, MAX_NOTE, note), 10)

    async def monitor(self, origin: str, key: str) -> bytes:
        """Fetch the peer's `seen` or `merged` note for `origin`."""
        tail = "?key=merged" if key == "merged" else ""
        path = f"/monitor/{tiles.origin_hash(origin)}/checkpoint{tail}"
        return await self.get(path, MAX_NOTE)

    async def add_checkpoint(self, body: bytes) -> bytes:
        """POST to the peer's witness; return its signature lines."""
        path = "/witness/add-checkpoint"
        return await self.request(Wanted("POST", path, MAX_NOTE, body), 10)

    # ------------------------------------------------------------- inside

    def _prefix(self, origin: str) -> str:
        if origin in self.own_origins:
            return "/log"
        return f"/mirror/{tiles.origin_hash(origin)}"

    async def _file(
        self,
        path: str,
        limit: int,
        keep_gzip: bool = False,
        read: Callable[[int], None] = lambda _: None,
    ) -> bytes:
        return await self.get(path, limit, keep_gzip=keep_gzip, read=read)

    async def _many(
        self, calls: Sequence[Call], *, whole: bool
    ) -> Sequence[bytes]:
        """Make calls, some at a time and in order; stop when one fails.

        So a peer that stalls costs one time limit, not one for each call,
        and what it sends together is bounded. Unless it must be `whole`, a
        shorter answer will do: the answers before the first that failed, or
        that was one too many while it was read.
        """
        gate = asyncio.Semaphore(CONCURRENT)
        sizes = [0] * len(calls)
        left = {*range(len(calls))}
        stop = False

        def read(n: int, size: int) -> None:
            sizes[n] += size
            if sum(sizes) > MAX_TOGETHER and n > min(left) and not whole:
                sizes[n] = 0
                raise AbsentError("bundles: enough for once")

        async def one(n: int, call: Call) -> bytes | None:
            nonlocal stop
            async with gate:
                if stop or (sum(sizes) > MAX_TOGETHER and not whole):
                    return None
                try:
                    return await call(partial(read, n))
                except BaseException:
                    stop = True
                    raise
                finally:
                    left.discard(n)

        got = await asyncio.gather(
            *(one(n, call) for n, call in enumerate(calls)),
            return_exceptions=True,
        )
        good: list[bytes] = []
        for item in got:
            if isinstance(item, BaseException):
                if whole or not good:
                    raise item
                break
            if item is None:
                break
            good.append(item)
        return good
