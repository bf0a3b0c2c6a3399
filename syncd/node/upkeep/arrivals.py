"""What merging brought in, handed on in the order of each log.

Whoever acts on it, such as a dispute against us, gets every statement about an
indicator at least once: how far a log was read is kept after that, so what a
crash swallowed comes again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from syncd.errors import DamagedError
from syncd.flows.basis import Key
from syncd.flows.ports import Bundle, Position
from syncd.indicator import codec, statement, token
from syncd.indicator.leaf import INDICATOR_TYPES
from syncd.indicator.statement import ClaimStatement, Retract, Sighting
from syncd.node.context import Context, log, part
from syncd.tlog.merkle import BUNDLE

PAGE = 16 * BUNDLE  # entries that are handed on at once


AboutIndicator = ClaimStatement | Retract | Sighting  # types 1–7


class Arrival(NamedTuple):
    """A statement about an indicator that was merged."""

    position: Position
    statement: AboutIndicator

    @property
    def key(self) -> Key:
        """What it is about."""
        about = self.statement
        return about.kind, about.epoch, token.decode(about.token)


Page = Sequence[Arrival]  # of one log, in order
Consumer = Callable[[Page], Awaitable[None]]


@part
class Arrivals:
    """Reads on in every log, ours among them, whenever one has grown."""

    ctx: Context
    consumers: tuple[Consumer, ...]  # must be cheap: a first sync is long

    def __post_init__(self) -> None:
        self._reading = asyncio.Lock()
        self._due = False
        self._read = dict[str, int]()  # entries of each log

    async def grown(self) -> None:
        """Hand on what is new, unless that is being done already."""
        self._due = True
        if self._reading.locked():
            return
        async with self._reading:
            while self._due:
                self._due = False
                sizes = await self.ctx.mirror.sizes()
                for origin, (_, merged) in sizes.items():
                    await self._log(origin, merged)

    async def _log(self, origin: str, merged: int) -> None:
        name = f"arrivals/{origin}"
        if origin not in self._read:
            known = await self.ctx.own.events.reported(name)
            self._read[origin] = int(known or 0)
        first = min(self._read[origin], merged)  # less where a fork was cut
        while first < merged:
            stop = min(first - first % BUNDLE + PAGE, merged)
            found = await read(self.ctx, origin, first, stop)
            for consumer in self.consumers:
                try:
                    await consumer(found)
                except DamagedError as e:  # it stays so: nobody waits for it
                    log.error("arrivals are not acted on", why=str(e))  # noqa: TRY400
            first = stop
            await self.ctx.own.events.now(name, str(first), "")
        self._read[origin] = first


async def read(
    ctx: Context, origin: str, first: int, stop: int
) -> list[Arrival]:
    """Return what first ≤ index < stop of a log say of indicators."""
    page = [
        bundle
        for n in range(first // BUNDLE, -(-stop // BUNDLE))
        if (bundle := await ctx.mirror.bundle(origin, n))
    ]
    found: list[Arrival] = await ctx.bulk(_open, origin, page, first, stop)
    return found


def _open(
    origin: str, page: Sequence[Bundle], first: int, stop: int
) -> list[Arrival]:
    found = []
    for bundle in page:
        records = codec.records(origin, bundle)
        for index, (leaf, _, payload) in enumerate(records, bundle.n * BUNDLE):
            wanted = first <= index < stop and leaf[1] in INDICATOR_TYPES
            if payload and wanted:
                what = statement.decode(payload, leaf[1])
                if isinstance(what, AboutIndicator):  # else it is void
                    found.append(Arrival((origin, index), what))
    return found
