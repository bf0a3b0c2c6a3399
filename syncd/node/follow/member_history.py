"""Keep how each member was seen on each day, as the rounds have seen it.

    heard    it told its heads, or asked us something
    lag      and entries of its were not merged, for a reason
    silent   it did not answer three times in a row; we: nobody answered us
    forked   its log has two histories

A day is as the worst that was seen of it; nobody asked on one that is not
there. What is no news since the last round is not written.
"""

from collections.abc import Iterator
from dataclasses import field

from syncd.errors import NOTHING, Message
from syncd.indicator import statement
from syncd.node.context import Context, part
from syncd.node.follow.peer_choice import SILENT
from syncd.node.follow.rounds import Rounds
from syncd.store.history import STATES

HEARD, LAG, NO_ANSWER, FORKED = range(len(STATES))
Seen = tuple[str, int, Message]  # member, its state, and why


@part
class MemberHistory:
    """Writes what a round brought to light into the book."""

    ctx: Context
    rounds: Rounds
    # What was kept of each member last: (day, state)
    _kept: dict[str, tuple[int, int]] = field(default_factory=dict, init=False)

    async def keep(self) -> None:
        """Keep what is news since the last round, in one transaction."""
        day = statement.day(self.ctx.today())
        contested = await self.ctx.mirror.contested()
        sizes = await self.ctx.mirror.sizes()
        news = [
            (member, state, why)
            for member, state, why in self._seen(contested, sizes)
            if (day, state) > self._kept.get(member, (0, 0))
        ]
        if news:
            await self.ctx.own.history.add(day, news)
            self._kept.update({m: (day, state) for m, state, _ in news})

    def _seen(
        self, contested: frozenset[str], sizes: dict[str, tuple[int, int]]
    ) -> Iterator[Seen]:
        today, rounds = self.ctx.today(), self.rounds
        for member in self.ctx.roster.active():
            log = rounds.logs.state(member.origin)
            peer = rounds.peer_choice.states.get(member.id)
            if member.origin in contested:
                yield member.id, FORKED, log.why
            elif member.id == self.ctx.me:
                alone = rounds.contact.cut_off()
                yield member.id, NO_ANSWER if alone else HEARD, alone
            elif peer and peer.failures >= SILENT:
                yield member.id, NO_ANSWER, peer.why
            elif peer and self.ctx.day_of(peer.heard_at) == today:
                _, merged = sizes.get(member.origin, (0, 0))
                why = log.why if log.known > merged else NOTHING
                yield member.id, LAG if why else HEARD, why
