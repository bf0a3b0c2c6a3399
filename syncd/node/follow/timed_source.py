"""A source of log data whose answer times are measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from syncd.flows.ports import Source

ALLOWED_S = 2.0  # for an answer to begin
RATE = 1 << 18  # bytes per second that cost nothing


@dataclass(slots=True)
class TimedSource:
    """Implements `ports.Source` by another one."""

    source: Source
    charge: Callable[[float], None]  # the seconds that an answer, or its
    # failing, took above what is in order for its size
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.source.name

    async def files(
        self, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        """Fetch files of a log, in order, or raise."""
        began = time.monotonic()
        allowed_s = ALLOWED_S
        try:
            got = await self.source.files(origin, paths)
            allowed_s += sum(map(len, got)) / RATE
            return got
        finally:  # given up counts as well
            over_s = time.monotonic() - began - allowed_s
            if over_s > 0:
                self.charge(over_s)
