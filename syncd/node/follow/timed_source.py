"""A source of log data whose answer times are measured."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from syncd.flows.ports import Source

ALLOWED_S = 2.0  # for an answer to begin
RATE = 1 << 18  # bytes per second that cost nothing

T = TypeVar("T")


@dataclass(slots=True)
class TimedSource:
    """Implements `ports.Source` by another one."""

    source: Source
    charge: Callable[[float], None]  # the seconds that an answer, or its
    # failing, took above what is in order for its size
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.source.name

    async def checkpoint(self, origin: str) -> bytes:
        """Fetch the newest signed checkpoint that it has of `origin`."""
        return await self._timed(self.source.checkpoint(origin), len)

    async def hash_tiles(
        self, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        """Fetch tiles, in order, or raise."""
        return await self._timed(self.source.hash_tiles(origin, paths), _sum)

    async def payloads(
        self, origin: str, wanted: Sequence[tuple[int, int]]
    ) -> Sequence[bytes]:
        """Fetch payload bundles as gzip, in order, or raise."""
        return await self._timed(self.source.payloads(origin, wanted), _sum)

    async def entries(self, origin: str, n: int, width: int) -> bytes:
        """Fetch one `tile/entries` bundle."""
        return await self._timed(self.source.entries(origin, n, width), len)

    async def _timed(
        self, answer: Awaitable[T], octets: Callable[[T], int]
    ) -> T:
        began = time.monotonic()
        allowed_s = ALLOWED_S
        try:
            got = await answer
            allowed_s += octets(got) / RATE
            return got
        finally:  # given up counts as well
            over_s = time.monotonic() - began - allowed_s
            if over_s > 0:
                self.charge(over_s)


def _sum(parts: Sequence[bytes]) -> int:
    return sum(map(len, parts))
