"""One member's peer API, as its client: nothing believed.

What a request may cost is bounded by `transport`; what the bytes mean is the
flows' work.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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


@dataclass(eq=False)
class PeerClient(Transport):
    """The client of one member's peer API; implements `ports.Source` and `Holder`."""

    own_origins: frozenset[str] = field(kw_only=True)
    """the logs that it serves as its own, under `/log/`"""

    # ------------------------------------------------------------ Source

    async def checkpoint(self, origin: str) -> bytes:
        """Fetch the newest signed checkpoint the peer has of `origin`."""
        path = f"{self._prefix(origin)}/checkpoint"
        return await self.get(Wanted(path, MAX_NOTE))

    async def hash_tiles(
        self, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        """Fetch tiles by their path after `tile/`, in order."""
        prefix = self._prefix(origin)
        wanted = [Wanted(f"{prefix}/tile/{path}", MAX_TILE) for path in paths]
        return await self._many(wanted, whole=True)

    async def payloads(
        self, origin: str, wanted: Sequence[tuple[int, int]]
    ) -> Sequence[bytes]:
        """Fetch payload bundles as gzip; a prefix of `wanted`, not empty."""
        prefix = self._prefix(origin)
        paths = [f"{prefix}/{tiles.payload_path(*place)}" for place in wanted]
        return await self._many(
            [Wanted(path, MAX_BUNDLE_GZ, keep_gzip=True) for path in paths],
            whole=False,
        )

    async def entries(self, origin: str, n: int, width: int) -> bytes:
        """Fetch one `tile/entries` bundle."""
        path = f"{self._prefix(origin)}/{tiles.entries_path(n, width)}"
        return await self.get(Wanted(path, MAX_ENTRIES))

    # -------------------------------------------------------------- Peer

    async def heads(self, cursor: str) -> Heads:
        """Ask what is new since `cursor`."""
        wanted = Wanted(f"/heads?cursor={quote(cursor)}", MAX_HEADS)
        raw = await self.get(wanted, HEADS_S)
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
        return await self.get(Wanted(f"/roster/{version}", MAX_ROSTER))

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """POST an OPRF request and return the reply's bytes.

        All addresses together have `timeout_s`: a look-up's caller waits.
        """
        each_s = timeout_s / max(len(self.urls), 1)
        wanted = Wanted("/oprf/v1/evaluate", MAX_REPLY, body)
        return await self.request(wanted, each_s)

    async def poke(self, note: bytes, *, urgent: bool = False) -> None:
        """Send our own newest checkpoint."""
        path = "/poke?urgent=1" if urgent else "/poke"
        await self.request(Wanted(path, MAX_NOTE, note), 10)

    # ------------------------------------------------------------- inside

    def _prefix(self, origin: str) -> str:
        if origin in self.own_origins:
            return "/log"
        return f"/mirror/{tiles.origin_hash(origin)}"

    async def _many(
        self, wanted: Sequence[Wanted], *, whole: bool
    ) -> Sequence[bytes]:
        """Fetch files, some at a time and in order; stop when one fails.

        So a peer that stalls costs one time limit, not one for each file,
        and what it sends together is bounded. Unless it must be `whole`, a
        shorter answer will do: the answers before the first that failed, or
        that was one too many while it was read.
        """
        gate = asyncio.Semaphore(CONCURRENT)
        sizes = [0] * len(wanted)
        left = {*range(len(wanted))}
        stop = False

        def read(n: int, size: int) -> None:
            sizes[n] += size
            if sum(sizes) > MAX_TOGETHER and n > min(left) and not whole:
                sizes[n] = 0
                raise AbsentError("bundles: enough for once")

        async def one(n: int, file: Wanted) -> bytes | None:
            nonlocal stop
            async with gate:
                if stop or (sum(sizes) > MAX_TOGETHER and not whole):
                    return None
                try:
                    return await self.get(replace(file, read=partial(read, n)))
                except BaseException:
                    stop = True
                    raise
                finally:
                    left.discard(n)

        got = await asyncio.gather(
            *(one(n, file) for n, file in enumerate(wanted)),
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
