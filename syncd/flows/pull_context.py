"""What a pull of one log needs: mirror, source, roster, budget."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct, field

from syncd.errors import Message
from syncd.flows.ports import Finding, Mirror, Offload, Source
from syncd.indicator.statement import Book


class Budget(Struct):
    """What may still be merged of one origin today, by the roster's limits.

    Above it merging lags, mirroring goes on, and nothing is refused.
    """

    entries: int = 2**63
    octets: int = 2**63  # record bytes, inflated
    counted: bool = True  # else what is merged was merged before

    @property
    def left(self) -> bool:
        """Whether more may be merged."""
        return self.entries > 0 and self.octets > 0

    def spend(self, entries: int, octets: int) -> None:
        """Count what was merged; the last batch may go a little over."""
        self.entries -= entries
        self.octets -= octets


async def _nobody(_: object) -> None:
    """Hear what nobody asked for."""


class PullContext(Struct, frozen=True, kw_only=True):
    """Whom to ask, what may be merged, and who hears of it."""

    mirror: Mirror
    offload: Offload
    sources: Sequence[Source] = ()  # asked in this order
    report: Callable[[Finding], Awaitable[None]] = _nobody
    budget: Budget = field(default_factory=Budget)
    blame: Callable[[str], object] = len
    """takes the name of a source that gave what was not signed"""
    told: Callable[[Sequence[Book]], Awaitable[None]] = _nobody
    """takes what was merged of a log's book-keeping, before more is fetched"""
    excuse: bool = False
    """an epoch is retired: what none of those asked opens was of it"""

    async def wrong(
        self, origin: str, source: Source, index: int | None, why: Message
    ) -> None:
        """Blame a source that gave what was not signed, and report it."""
        self.blame(source.name)
        await self.report(Finding("broken_source", origin, index, why))
