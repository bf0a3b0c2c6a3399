"""What is left to us at each holder: what it said when it answered last.

A holder keeps the book. We believe what it says, ask those that have enough
left, and where one refuses, another: only so does a member get all of a quota
of which each gives a part.
"""

import math
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from syncd.errors import NOTHING, Message, QuotaError
from syncd.roster.roster import Roster
from syncd.roster.terms import ALL, LOOKUP, Epoch
from syncd.shape import Form

_DOWN_S = 10  # seconds for which a holder that failed is asked last


class HolderState(Struct):
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


class _Seen(Struct):
    left: float = math.inf  # elements
    at: float = 0.0  # seconds of the clock
    denied: int = 0  # elements, since the start
    until: float = 0.0  # it gives no more before
    version: int = 0  # of the roster, at that time
    why: Message = NOTHING


class QuotaLeft(Form):
    """What a holder said last that it still gives us."""

    member: str
    key: str  # kind/epoch
    purpose: str  # lookup, or another that has a row in the roster
    left: int  # evaluations
    age_s: int  # since it said so
    refill_s: int  # until it gives more; 0: it refuses nothing
    denied: int  # elements that it refused since the start


class Allowance(Struct, kw_only=True, eq=False):
    """Keeps what each holder said, by key and the roster's row."""

    me: str
    roster: Callable[[], Roster]
    clock: Callable[[], float]
    _seen: dict[tuple[str, str, str], _Seen] = {}

    def of(self, epoch: Epoch, holder: str, purpose: str) -> _Seen:
        """Return what a holder said of a purpose."""
        row = self.roster().quota(self.me, purpose).purpose
        name = LOOKUP if row == ALL else row
        return self._seen.setdefault((holder, epoch.label, name), _Seen())

    def gave(
        self, epoch: Epoch, holder: str, purpose: str, left: int | None
    ) -> None:
        """Keep what a holder says with an answer."""
        seen = self.of(epoch, holder, purpose)
        seen.left = math.inf if left is None else left
        seen.at, seen.until = self.clock(), 0.0

    def refused(
        self, epoch: Epoch, holder: str, purpose: str, n: int, e: QuotaError
    ) -> None:
        """Keep that a holder gives so many no more."""
        seen = self.of(epoch, holder, purpose)
        seen.left, seen.at = e.left if e.left < n else 0, self.clock()
        seen.denied += n
        seen.until, seen.why = seen.at + e.retry_after_s, e.text
        seen.version = self.roster().version

    def refusals(self, epoch: Epoch, purpose: str) -> dict[int, _Seen]:
        """Return what holders refused and is not over, by share index."""
        return {
            index: seen
            for index, member in self.roster().holders_of(epoch).items()
            for seen in (self.of(epoch, member.id, purpose),)
            if self._holds(seen)
        }

    def _holds(self, seen: _Seen) -> bool:
        """Tell whether it refuses still; a new roster may allow more."""
        return (
            seen.until > self.clock() and seen.version == self.roster().version
        )

    def choose(
        self,
        epoch: Epoch,
        among: Collection[int],
        purpose: str,
        n: int,
        states: Mapping[str, HolderState],
    ) -> tuple[int, ...]:
        """Return the t share indices to ask for n elements.

        Quick holders, but for those that then have less left than (t - 1)/t of
        who has most: the part of the others would be missing in the end.
        """
        now = self.clock()
        names = {i: epoch.shares[i][0] for i in among}
        left = {i: self.of(epoch, names[i], purpose).left for i in among}
        fair = max(left.values()) * (epoch.t - 1) / epoch.t

        def rank(index: int) -> tuple[bool, bool, bool, float]:
            state = states.get(names[index], HolderState(names[index]))
            after = left[index] - n
            return state.down(now), after < 0, after < fair, state.latency_s

        return tuple(sorted(sorted(among, key=rank)[: epoch.t]))

    def fit(self, epoch: Epoch, purpose: str, n: int) -> int:
        """Return how many of n elements to ask for: what t holders have left.

        All of them where none is left: who keeps the book decides.
        """
        left = sorted(
            self.of(epoch, member.id, purpose).left
            for member in self.roster().holders_of(epoch).values()
        )[-epoch.t :]
        return int(min(left[0], n)) or n

    def state(self) -> list[QuotaLeft]:
        """Return what holders said, each as long as it has said anything."""
        now = self.clock()
        return [
            QuotaLeft(
                member=member,
                key=key,
                purpose=purpose,
                left=int(seen.left),
                age_s=int(now - seen.at),
                refill_s=math.ceil(seen.until - now)
                if self._holds(seen)
                else 0,
                denied=seen.denied,
            )
            for (member, key, purpose), seen in sorted(self._seen.items())
            if seen.left < math.inf
        ]
