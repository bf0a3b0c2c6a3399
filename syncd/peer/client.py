"""One member's peer API, as its client: nothing believed.

What a request may cost is bounded by `transport`; what the bytes mean is the
flows' work.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote

from syncd import canonical
from syncd.errors import AbsentError, BrokenSourceError, MalformedError
from syncd.flows import evidence
from syncd.flows.ports import Heads
from syncd.peer.transport import CONCURRENT, Transport, Wanted
from syncd.tlog import tiles

MAX_NOTE = 1 << 16  # bytes, a signed checkpoint with all its lines
MAX_ROSTER = 16 << 20  # bytes
MAX_HEADS = 4 << 20  # bytes
AT_ONCE = 1 << 16  # bytes of heads that are read on the event loop
MAX_REPLY = 4 << 20  # bytes, an OPRF reply of 4,096 elements is 0.3 MB
PAYLOAD = "payload/"
MAX_FILES = {  # bytes of files, as sent, by what their paths begin with
    "checkpoint": MAX_NOTE,
    "notes/": 8 << 20,  # a thousand of them
    "audit/": 256 * 65_537,
    PAYLOAD: 20 << 20,  # what it inflates to is bounded too
    "tile/entries/": 256 * 65_537,
    "tile/": 256 * 32,
    "evaluations/": 1 << 19,  # over a gap; 4,096 elements in hex are 262 kB
}
MAX_TOGETHER = 32 << 20  # bytes of bundles asked for at once; or one
ALLOWED_S = 2.0  # for files to begin to come
RATE = 1 << 18  # bytes of them per second that cost nothing
HEADS_S = 30.0  # for all heads: a round waits for no slow member longer


def most(path: str) -> int:
    """Return how many bytes a file of a log may have, as it is sent."""
    return next(n for start, n in MAX_FILES.items() if path.startswith(start))


@dataclass(eq=False)
class PeerClient(Transport):
    """The client of one member's peer API; implements `ports.Source` and `Holder`."""

    own_origins: frozenset[str] = field(kw_only=True)
    """the logs that it serves as its own, under `/log/`"""
    slow: Callable[[float], None] = field(kw_only=True, default=lambda _: None)
    """hears of the seconds that files, or their failing, took above what is
    in order for their size"""

    async def files(self, origin: str, paths: Sequence[str]) -> list[bytes]:
        """Fetch files of a log by their paths below its prefix, in order."""
        prefix = "/log"
        if origin not in self.own_origins:
            prefix = f"/mirror/{tiles.origin_hash(origin)}"
        payloads = paths[0].startswith(PAYLOAD)
        wanted = [
            Wanted(f"{prefix}/{path}", most(path), keep_gzip=payloads)
            for path in paths
        ]
        began, allowed_s = time.monotonic(), ALLOWED_S
        try:
            got = await self._many(wanted, whole=not payloads)
            allowed_s += sum(map(len, got)) / RATE
            return got
        finally:  # given up counts as well
            over_s = time.monotonic() - began - allowed_s
            if over_s > 0:
                self.slow(over_s)

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

    async def waiting(self) -> bytes:
        """Fetch what waits for admins there."""
        return await self.get(Wanted("/waiting", MAX_HEADS), HEADS_S)

    async def roster(self, version: int) -> bytes:
        """Fetch the signed note of roster `version`."""
        return await self.get(Wanted(f"/roster/{version}", MAX_ROSTER))

    async def evidence(self, n: int) -> bytes:
        """Fetch file `n` of what the member keeps against holders."""
        return await self.get(Wanted(f"/evidence/{n}", evidence.MAX_SIZE))

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """POST an OPRF request and return the reply's bytes.

        All addresses together have `timeout_s`: a look-up's caller waits.
        """
        wanted = Wanted("/oprf/v1/evaluate", MAX_REPLY, body)
        return await self.request(wanted, timeout_s)

    async def poke(self, note: bytes, *, urgent: bool = False) -> None:
        """Send our own newest checkpoint."""
        path = "/poke?urgent=1" if urgent else "/poke"
        await self.request(Wanted(path, MAX_NOTE, note), 10)

    async def push(self, body: bytes) -> int:
        """Give files of our log; return how much of it is mirrored there."""
        raw = await self.request(Wanted("/push", 20, body), HEADS_S)
        if not raw.isdigit():
            raise BrokenSourceError(
                "{member}: push: no size", member=self.name
            )
        return int(raw)

    # ------------------------------------------------------------- inside

    async def _many(self, wanted: list[Wanted], *, whole: bool) -> list[bytes]:
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
                    return await self.get(file._replace(read=partial(read, n)))
                except BaseException:
                    stop = True
                    raise
                finally:
                    left.discard(n)

        got = await asyncio.gather(
            *(one(n, file) for n, file in enumerate(wanted)),
            return_exceptions=True,
        )
        good = list[bytes]()
        for item in got:
            if isinstance(item, BaseException):
                if whole or not good:
                    raise item
                break
            if item is None:
                break
            good.append(item)
        return good
