"""Choose which members to ask in a round, and from whom to fetch a log.

Every round asks the holders, so that it shows at once when one is lost, and
of the others those that were not asked for longest: whoever is dead shows
without a look-up, and news reaches everybody.

No network and no clock in here: `now` is seconds of a steady clock, so that
setting the machine's time neither ends a pause nor draws it out.
"""

import math
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from syncd.errors import NOTHING, Message

SOURCES = 8  # asked for one log in one pull, at most
MOST_LOST_S = 600.0  # that a source is remembered for having cost
HALF_S = 600.0  # after which half of it is forgotten
STEP_S = 5.0  # of cost, below which sources are as good as each other
SILENT = 3  # failures in a row, from which on a member is silent
FEW = 9  # others, of whom each is asked within three rounds
HOUR_S = 3600.0  # within which each is asked, however many there are


@dataclass(slots=True)
class PeerState:
    """What we know of one member as a peer; shown in `status`."""

    cursor: str = ""
    asked_at: int = 0  # unix seconds
    last_ok: int = 0  # unix seconds; when it last told its heads
    told_at: int = 0  # unix seconds; so too, before our start perhaps
    heard_at: int = 0  # unix seconds; of any answer or request of its
    silent_since: int = 0  # unix seconds; the first of the failures in a row
    roster: int = 0  # the version that it told last
    failures: int = 0
    turn: float = math.inf  # steady seconds; when it was last chosen
    ended: float = -math.inf  # steady seconds; when it last answered or failed
    retry_at: float = 0.0  # steady seconds
    why: Message = NOTHING
    away: tuple[int, int] = (0, 0)  # unix seconds; when it is, as it told
    lost_s: float = 0.0  # what it cost us as a source, as of `lost_at`
    lost_at: float = 0.0  # steady seconds
    holds: dict[str, int] = field(default_factory=dict)  # entries, by origin


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

    def away(self, member: str, now: int) -> bool:
        """Tell whether a member is away just now, as it told ahead."""
        start, end = self.states.get(member, PeerState()).away
        return start <= now < end

    # -------------------------------------------------------------- rounds

    def choose(
        self, others: Sequence[str], now: float, holders: Collection[str] = ()
    ) -> list[str]:
        """Return whom to ask in a round: who poked, holders, whose turn it is.

        Who failed is asked again in the next rounds, and from the third
        time on left alone for a while, unless it is a holder. If that is
        everybody, it is likelier that we were cut off: the one whose pause
        ends first is asked all the same. What is known of those not among
        `others` is forgotten.
        """
        for gone in self.states.keys() - set(others):
            del self.states[gone]
        for state in map(self.state, others):
            if state.turn > now:  # as if it had been asked: else all are late
                ago_s = self.rng.uniform(0, max(HOUR_S - self._margin_s, 0))
                state.turn = now - ago_s
        states = self.states
        first = [  # before their turn
            m
            for m in others
            if m in self._poked
            or m in holders
            or 0 < states[m].failures < SILENT
            or now - states[m].turn > HOUR_S - self._margin_s
        ]
        rest = [
            m for m in others if m not in holders and states[m].retry_at <= now
        ]
        rest.sort(key=lambda m: (states[m].turn, self.rng.random()))
        self._poked.clear()
        chosen = [*first, *rest[: self.share(len(others))]] or sorted(
            others, key=lambda m: states[m].retry_at
        )[:1]
        for member in chosen:
            states[member].turn = now
        return list(dict.fromkeys(chosen))

    @property
    def _margin_s(self) -> float:
        """Before the hour is over, so that no round comes too late for it."""
        return 2 * self.interval_s

    def share(self, others: int) -> int:
        """Return how many have their turn in one round."""
        soon = math.ceil(others / 3) if others <= FEW else 0
        hourly = math.ceil(others * self.interval_s / HOUR_S)
        return max(self.fanout, soon, hourly)

    def draw(self, members: Sequence[str]) -> list[str]:
        """Return some members at random."""
        return self.rng.sample(members, min(self.fanout, len(members)))

    def heard(self, member: str, at: int) -> None:
        """Note an answer or a request of a member, at unix second `at`."""
        self.state(member).heard_at = at

    def answered(self, member: str, at: int, now: float) -> None:
        """Note that a member told its heads, at unix second `at`."""
        state = self.state(member)
        state.failures, state.why, state.silent_since = 0, NOTHING, 0
        state.last_ok = state.told_at = state.heard_at = at
        state.retry_at, state.ended = 0.0, now

    def failed(self, member: str, why: Message, now: float, at: int) -> float:
        """Leave a member alone, twice as long each time; return how long."""
        state = self.state(member)
        wait = self.pause(state.failures)
        state.failures += 1
        state.why = why
        state.retry_at, state.ended = now + wait, now
        state.silent_since = state.silent_since or at
        return wait

    def hurry(self) -> None:
        """Leave nobody alone any longer: we were cut off, and are not now."""
        for state in self.states.values():
            state.retry_at = 0.0

    def pause(self, failures: int) -> float:
        """Return the pause after so many failures and one more."""
        grown_s = self.interval_s * (1 << min(failures, 16))
        return min(grown_s, self.backoff_max_s)

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
