"""Choose which members to ask in a round, and from whom to fetch a log.

No network and no clock in here: `now` is seconds of a steady clock, so that
setting the machine's time neither ends a pause nor draws it out.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from syncd.errors import NOTHING, Message

SOURCES = 8  # asked for one log in one pull, at most
MOST_LOST_S = 600.0  # that a source is remembered for having cost
HALF_S = 600.0  # after which half of it is forgotten
STEP_S = 5.0  # of cost, below which sources are as good as each other


@dataclass(slots=True)
class PeerState:
    """What we know of one member as a peer; shown in `status`."""

    cursor: str = ""
    last_ok: int = 0  # unix seconds
    failures: int = 0
    retry_at: float = 0.0  # steady seconds
    why: Message = NOTHING
    lost_s: float = 0.0  # what it cost us as a source, as of `lost_at`
    lost_at: float = 0.0  # steady seconds


@dataclass(kw_only=True, eq=False)
class PeerChoice:
    """What we know of the other members' APIs, and what follows from it."""

    fanout: int  # members asked in a round
    interval_s: float  # what a first pause is
    backoff_max_s: float  # what it grows to
    rng: random.Random  # draws them
    states: dict[str, PeerState] = field(default_factory=dict)
    _poked: set[str] = field(default_factory=set)

    def state(self, member: str) -> PeerState:
        """Return what we know of a member."""
        return self.states.setdefault(member, PeerState())

    # -------------------------------------------------------------- rounds

    def choose(self, others: Sequence[str], now: float) -> list[str]:
        """Return whom to ask in a round: who poked, and some at random.

        Who failed is left alone for a while. If that is everybody, it is
        likelier that we were cut off: the one whose pause ends first is asked
        all the same. What is known of those not among `others` is forgotten.
        """
        for gone in self.states.keys() - set(others):
            del self.states[gone]
        rest = {m for m, s in self.states.items() if s.retry_at > now}
        able = [m for m in others if m not in rest] if rest else others
        poked = [m for m in able if m in self._poked]
        self._poked.clear()
        if not able:
            return sorted(others, key=lambda m: self.state(m).retry_at)[:1]
        return list(dict.fromkeys([*poked, *self.draw(able)]))

    def draw(self, members: Sequence[str]) -> list[str]:
        """Return some members at random."""
        return self.rng.sample(members, min(self.fanout, len(members)))

    def answered(self, member: str, at: int) -> None:
        """Note that a member answered, at unix second `at`."""
        state = self.state(member)
        state.failures, state.why, state.last_ok = 0, NOTHING, at

    def failed(self, member: str, why: Message, now: float) -> float:
        """Leave a member alone, twice as long each time; return how long."""
        state = self.state(member)
        wait = self.pause(state.failures)
        state.failures += 1
        state.why = why
        state.retry_at = now + wait
        return wait

    def pause(self, failures: int) -> float:
        """Return the pause after so many failures and one more."""
        return min(
            self.interval_s * (1 << min(failures, 16)), self.backoff_max_s
        )

    def poked(self, member: str, *, news: bool) -> None:
        """Note that a member is alive: it is not left alone any more.

        With news it is asked in the next round. How often it failed is not
        forgotten: its address may be closed to us though ours is open to it.
        """
        self.state(member).retry_at = 0.0
        if news:
            self._poked.add(member)

    # ------------------------------------------------------------- sources

    def order(
        self, first: Iterable[str], rest: Iterable[str], now: float
    ) -> list[str]:
        """Return whom to ask for a log: `first`, then the rest at random.

        Behind the others stand those that cost us time lately, and behind
        these those that are left alone. The next pull draws anew, so what
        is left out for being too many is met in time.
        """
        others = list(rest)
        self.rng.shuffle(others)
        order = list(dict.fromkeys([*first, *others]))
        order.sort(
            key=lambda m: (
                self.state(m).retry_at > now,
                self.lost_s(m, now) // STEP_S,
            )
        )  # stable
        return order[:SOURCES]

    def charge(self, member: str, seconds: float, now: float) -> None:
        """Remember what a source has cost us."""
        state = self.state(member)
        lost_s = self.lost_s(member, now) + seconds
        state.lost_s, state.lost_at = min(lost_s, MOST_LOST_S), now

    def lost_s(self, member: str, now: float) -> float:
        """Return what of a source's cost is not forgotten yet."""
        state = self.state(member)
        halves: float = 0.5 ** ((now - state.lost_at) / HALF_S)
        return state.lost_s * halves
