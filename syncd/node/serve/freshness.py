"""How fresh is what an answer rests on."""

from collections.abc import Callable, Iterator, Mapping

from syncd.node.context import Reading, part
from syncd.node.serve.shown import shown
from syncd.roster.roster import Roster
from syncd.web import forms

Heard = Mapping[str, tuple[int, int]]
"""by origin, of the other members' logs: when we last heard how large it is,
unix seconds or 0, and how large it is known to be"""


@part
class Freshness:
    """Says which roster is in force, and how much is merged as of when."""

    ctx: Reading
    heard: Callable[[], Heard]

    def __post_init__(self) -> None:
        self._known: tuple[int, Roster, Heard] | None = None
        self._states: tuple[forms.AsOf, ...] = ()

    def roster_state(self) -> forms.RosterState:
        """Return which roster is in force."""
        roster = self.ctx.roster
        return shown(
            forms.RosterState,
            roster,
            expired=roster.expired(self.ctx.now()),
            merging=not roster.stops_merging,
        )

    async def as_of(self) -> tuple[forms.AsOf, ...]:
        """Return how fresh is what we hold of each active member's log.

        As of this second: what we hear of within it shows in the next, unless
        it is merged.
        """
        known = self.ctx.now(), self.ctx.roster, await self.ctx.mirror.sizes()
        if known != self._known:
            self._known, self._states = known, tuple(self._read(*known))
        return self._states

    def _read(
        self, now: int, roster: Roster, sizes: Mapping[str, tuple[int, int]]
    ) -> Iterator[forms.AsOf]:
        there = self.heard()
        for member in roster.active():
            origin = member.origin
            mirrored, merged = sizes.get(origin, (0, 0))
            if origin == self.ctx.origin:
                heard, known = now, merged
            else:
                heard, known = there.get(origin, (0, 0))
            yield forms.AsOf(
                member=member.id,
                origin=origin,
                merged=merged,
                behind=max(known, mirrored) - merged,
                heard_at=heard or None,
                age_s=max(now - heard, 0) if heard else None,
            )
