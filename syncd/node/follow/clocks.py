"""Estimate how far the other members' clocks are ahead of ours.

What a member says is held against our steady clock, which nobody sets, and
not against the time of day. So whoever sets our clock is seen at once, and
what was heard stays right while nobody answers.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from syncd.errors import RefusedError
from syncd.node.context import Context, part
from syncd.node.pinned import MAX_SKEW_S

# Who was heard so long before the last one decides nothing any more: a clock
# may have been set since. With three asked a minute all that answer are in.
FRESH_S = 3600.0


class ClockReading(NamedTuple):
    """What one member said last."""

    ahead_s: float  # its unix seconds minus our steady ones
    at: float  # steady seconds


@part
class OurClock:
    """Our clock, as good as the others' said it is since the start."""

    ctx: Context
    steady: Callable[[], float] = time.monotonic  # nobody sets it
    cut_off: bool = False  # nobody answered, and we go on all the same

    def __post_init__(self) -> None:
        self._heard = dict[str, ClockReading]()

    def hear(self, member: str, clock_s: int, asked: float) -> None:
        """Take a member's unix seconds, asked for at `asked` (steady).

        It read its clock somewhere between the question and now.
        """
        now = self.steady()
        self._heard[member] = ClockReading(clock_s - (asked + now) / 2, now)

    def offset_s(self, member: str) -> int | None:
        """Return how far a member's clock is ahead of ours; None: not heard."""
        heard = self._heard.get(member)
        if heard is None:
            return None
        return round(heard.ahead_s + self.steady() - self.ctx.clock())

    def skew_s(self) -> int | None:
        """Return how far the others' clocks are ahead of ours.

        None while none was heard since the start. With no others there is
        nothing that ours could differ from.

        It is the median of those heard within an hour of the last. Of two in
        the middle the one nearer to ours: a single liar stops nobody, be it
        one of two. With three or more it does not hide that ours is wrong.
        """
        others = self.ctx.others
        heard = [h for m, h in self._heard.items() if m in others]
        if not heard:
            return None if others else 0
        last = max(h.at for h in heard)
        fresh = sorted(h.ahead_s for h in heard if last - h.at <= FRESH_S)
        middle = fresh[(len(fresh) - 1) // 2 : len(fresh) // 2 + 1]
        here = self.steady() - self.ctx.clock()
        nearer = min((ahead_s + here for ahead_s in middle), key=abs)
        return round(nearer)

    def healthy(self) -> None:
        """Pass, unless our clock is astray.

        Raises:
            RefusedError: it differs from the others' by too much, or none of
                theirs was heard yet.
        """
        skew = self.skew_s()
        if skew is None and self.cut_off:
            return
        if skew is None:
            raise RefusedError(
                "clock: no other member has told us the time yet"
            )
        if abs(skew) > MAX_SKEW_S:
            raise RefusedError(
                "clock: the others' clocks are {s} s off ours", s=skew
            )
