"""What each holder gives a member of its quota.

A roster's quota is what the alliance gives. An output needs t holders, and
any t of the n will do, so each gives t/n of the quota, rounded up: all of
them together give no more than it. Whoever asks must ask all n alike to get
all of it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from syncd.roster.roster import Roster
from syncd.roster.terms import ALL, BULK, LOOKUP, SCREEN, Epoch

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` elements in any `window_s`."""

    most: int  # elements
    window_s: int
    purposes: frozenset[str] | None = None  # None: all purposes together
    others: bool = False  # of all purposes but those

    def covers(self, purpose: str) -> bool:
        """Tell whether what is asked for a purpose counts."""
        if self.purposes is None:
            return True
        return (purpose in self.purposes) is not self.others


@dataclass(slots=True)
class Window:
    """What was had in a window that ends now, counted by the minute."""

    window_s: int
    total: int = 0  # as of the last look
    had: deque[tuple[int, int]] = field(default_factory=deque)

    def add(self, now: float, n: int) -> None:
        """Count what is had now; less than nothing gives it back."""
        minute, before = int(now // MINUTE_S), 0
        if not n:
            return
        if self.had and self.had[-1][0] >= minute:
            minute, before = self.had.pop()
        self.had.append((minute, before + n))
        self.total += n

    def at(self, now: float) -> int:
        """Return what counts just now."""
        since = (now - self.window_s) // MINUTE_S
        while self.had and self.had[0][0] < since:
            self.total -= self.had.popleft()[1]
        return self.total

    def wait_s(self, now: float, over: int) -> int:
        """Return in how many seconds so many elements will have come free."""
        for minute, n in self.had:
            over -= n
            if over <= 0:
                free = (minute + 1) * MINUTE_S + self.window_s
                return max(int(free - now), 1)
        return self.window_s


def limits(
    roster: Roster, epoch: Epoch, member: str, purpose: str
) -> tuple[Limit, ...]:
    """Return what one holder of a key lets a member evaluate for a purpose.

    Whatever is asked is a look-up, however it is called, but for our own bulk
    work where it has a row; screening of customers, which tells as much as
    look-ups do, where the member has one of its own.
    """
    rows = {name: roster.quota(member, name) for name in (*BULK, purpose)}
    apart = frozenset(
        name
        for name in BULK
        if rows[name].purpose == name and (name != SCREEN or rows[name].member)
    )
    scopes: list[tuple[str, Limit]] = [(ALL, Limit(0, 0))]
    if purpose not in apart:
        scopes.append((LOOKUP, Limit(0, 0, apart, others=True)))
    if rows[purpose].purpose == purpose:
        scopes.append((purpose, Limit(0, 0, frozenset({purpose}))))
    return tuple(
        Limit(share(most, roster, epoch), window_s, of.purposes, of.others)
        for name, of in scopes
        for row in (roster.quota(member, name),)
        for most, window_s in ((row.hour, HOUR_S), (row.day, DAY_S))
    )


def together(left: Sequence[int], t: int) -> int:
    """Return how many outputs holders give that have so much left each.

    Each output takes one of t of them: no holder more than once.
    """
    most = sorted(left, reverse=True)
    if len(most) < t:
        return 0
    return min(sum(most[j:]) // (t - j) for j in range(t))


def share(most: int, roster: Roster, epoch: Epoch) -> int:
    """Return what one holder gives of a quota of the alliance, rounded up."""
    n = max(len(roster.holders_of(epoch)), epoch.t)
    return -(-most * epoch.t // n)
