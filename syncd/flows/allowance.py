"""What is left to us at each holder, as far as we can tell.

A holder keeps the book. Here we count what we had of each since the start, so
as to ask all of them alike: only so does a member get all of a quota of which
each gives a part. A holder that refuses says how much it still gives, and is
asked for no more until it said that we may come back.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from syncd.errors import NOTHING, Message, QuotaError
from syncd.roster import quotas
from syncd.roster.quotas import DAY_S, HOUR_S, Limit, Window
from syncd.roster.roster import Roster
from syncd.roster.terms import LOOKUP, PUBLISH, Epoch

_DOWN_S = 10  # seconds for which a holder that failed is asked last
_SHOWN = {LOOKUP: "call_check", PUBLISH: PUBLISH}  # by one of their purposes


@dataclass(slots=True)
class HolderState:
    """What we last saw of a holder; told in `status`."""

    member: str
    up: bool = True
    why: Message = NOTHING
    since: float = 0.0  # seconds of the clock given
    latency_s: float = 0.0
    silent: bool = False  # down, for it gave no answer at all

    def down(self, now: float) -> bool:
        """Tell whether to ask it last: it failed just now."""
        return not self.up and now - self.since < _DOWN_S


@dataclass(slots=True)
class _Refusal:
    """What a holder said: it gives no more than that before a time."""

    left: int  # elements
    until: float  # seconds of the clock
    limits: tuple[Limit, ...]  # of that time
    said: Message


class QuotaLeft(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What is left to us of a key's quota, as far as we know."""

    key: str  # kind/epoch
    purpose: str  # lookup, publish
    hour: int  # evaluations
    hour_left: int
    day: int
    day_left: int
    refill_s: int  # until more is left; 0: nothing was asked for
    denied: int  # elements that holders refused since the start


@dataclass(kw_only=True, eq=False)
class Allowance:
    """Counts what we had of each holder."""

    me: str
    roster: Callable[[], Roster]
    clock: Callable[[], float]
    denied: Counter[tuple[str, str]] = field(default_factory=Counter)
    # elements by holder and key

    def __post_init__(self) -> None:
        self._had: dict[tuple[str, str], dict[str, Mapping[int, Window]]] = {}
        self._refusals: dict[tuple[str, str, str], _Refusal] = {}

    def take(self, epoch: Epoch, holder: str, purpose: str, n: int) -> None:
        """Count what a holder is asked for; give it back as a negative."""
        book = self._books(epoch, holder)
        if purpose not in book:
            book[purpose] = {w: Window(w) for w in (HOUR_S, DAY_S)}
        for window in book[purpose].values():
            window.add(self.clock(), n)
        known = self.refusal(epoch, holder, purpose)
        if known is not None:
            known.left = max(known.left - n, 0)

    def refused(
        self, epoch: Epoch, holder: str, purpose: str, n: int, e: QuotaError
    ) -> None:
        """Believe a holder that gives so many no more."""
        self.denied[holder, epoch.label] += n
        self._refusals[holder, epoch.label, purpose] = _Refusal(
            e.left if e.left < n else 0,
            self.clock() + e.retry_after_s,
            self._limits(epoch, purpose),
            e.text,
        )

    def refusal(
        self, epoch: Epoch, holder: str, purpose: str
    ) -> _Refusal | None:
        """Return what a holder refused, while that holds."""
        at = (holder, epoch.label, purpose)
        known = self._refusals.get(at)
        if known is not None and (
            known.until <= self.clock()
            or known.limits != self._limits(epoch, purpose)
        ):
            del self._refusals[at]
            return None
        return known

    def used_up(self, epoch: Epoch, purpose: str) -> dict[int, Message]:
        """Return what those said who give nothing before another time."""
        return {
            index: known.said
            for index, member in self.roster().holders_of(epoch).items()
            for known in (self.refusal(epoch, member.id, purpose),)
            if known is not None and not known.left
        }

    def left(
        self, epoch: Epoch, holder: str, purpose: str, window_s: int = 0
    ) -> int:
        """Return how much a holder should still give, or of one window."""
        spare = [
            limit.most - self._used(epoch, holder, limit)
            for limit in self._limits(epoch, purpose)
            if window_s in (0, limit.window_s)
        ]
        known = self.refusal(epoch, holder, purpose)
        if known is not None:
            spare.append(known.left)
        return max(min(spare), 0)

    def choose(
        self,
        epoch: Epoch,
        among: Iterable[int],
        purpose: str,
        n: int,
        slow: Callable[[str], tuple[bool, float]],
    ) -> tuple[int, ...]:
        """Return the t share indices to ask for n elements.

        Quick holders, but for those whose part would be missing in the end if
        it were not used now. `slow` says who is down, and how long it takes.
        """
        left, most = self._all_left(epoch, purpose)

        def rank(index: int) -> tuple[bool, bool, bool, float]:
            member = epoch.shares[index][0]
            down, took_s = slow(member)
            spare = left.get(member, 0)
            return down, spare < n, spare <= most - n, took_s

        return tuple(sorted(sorted(among, key=rank)[: epoch.t]))

    def fit(self, epoch: Epoch, purpose: str, n: int) -> int:
        """Return how many of n elements to ask for in one request.

        As many as leave the most to be had of all holders. All of them where
        we count none as left: who keeps the book decides.
        """
        left, most = self._all_left(epoch, purpose)
        if not most:
            return n
        beside = [0, *sorted(left.values())][: -epoch.t][-1]
        at_t = sorted(left.values())[-epoch.t]
        return min(n, at_t, max(most - beside, 1))

    def _all_left(
        self, epoch: Epoch, purpose: str
    ) -> tuple[dict[str, int], int]:
        """Return what is left at each holder, and what it gives together."""
        left = {
            member.id: self.left(epoch, member.id, purpose)
            for member in self.roster().holders_of(epoch).values()
        }
        return left, quotas.together([*left.values()], epoch.t)

    def state(self) -> list[QuotaLeft]:
        """Return what is left of every key, as far as we know."""
        roster = self.roster()
        newest = (roster.epoch(kind) for kind in ("phone", "account"))
        return [
            self._left(epoch, name, purpose)
            for epoch in newest
            if epoch is not None
            for name, purpose in _SHOWN.items()
        ]

    def _left(self, epoch: Epoch, name: str, purpose: str) -> QuotaLeft:
        roster, now = self.roster(), self.clock()
        row = roster.quota(self.me, name)
        holders = [m.id for m in roster.holders_of(epoch).values()]

        def left(window_s: int) -> int:
            spare = [
                self.left(epoch, one, purpose, window_s) for one in holders
            ]
            return quotas.together(spare, epoch.t)

        refusals = [self.refusal(epoch, one, purpose) for one in holders]
        waits = [one.until - now for one in refusals if one is not None]
        if not waits:  # the oldest minute falls out
            own = self._limits(epoch, purpose)[-1]
            waits = [
                windows[HOUR_S].wait_s(now, 1)
                for one in holders
                for asked, windows in self._books(epoch, one).items()
                if own.covers(asked) and windows[HOUR_S].at(now)
            ]
        return QuotaLeft(
            key=epoch.label,
            purpose=name,
            hour=row.hour,
            hour_left=min(left(HOUR_S), row.hour),
            day=row.day,
            day_left=min(left(DAY_S), row.day),
            refill_s=math.ceil(min(waits, default=0)),
            denied=sum(self.denied[one, epoch.label] for one in holders),
        )

    def _limits(self, epoch: Epoch, purpose: str) -> tuple[Limit, ...]:
        return quotas.limits(self.roster(), epoch, self.me, purpose)

    def _used(self, epoch: Epoch, holder: str, limit: Limit) -> int:
        return sum(
            windows[limit.window_s].at(self.clock())
            for purpose, windows in self._books(epoch, holder).items()
            if limit.covers(purpose)
        )

    def _books(
        self, epoch: Epoch, holder: str
    ) -> dict[str, Mapping[int, Window]]:
        return self._had.setdefault((holder, epoch.label), {})
