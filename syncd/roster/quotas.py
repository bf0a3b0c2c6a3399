"""What each holder gives a member of its quota.

A roster's quota is what the alliance gives. An output needs t holders, and
any t of the n will do, so each gives t/n of the quota, rounded up: all of
them together give no more than it. Whoever asks must ask all n alike to get
all of it.
"""

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from msgspec import Struct, field

from syncd.roster.roster import Roster
from syncd.roster.terms import (
    ALL,
    BULK,
    LOOKUP,
    PUBLISH,
    ROTATE,
    SCREEN,
    Epoch,
)

HOUR_S = 3600
DAY_S = 86_400
STEPS = 60  # of a window


class Limit(NamedTuple):
    """At most `most` elements in any `window_s`."""

    most: int  # elements
    window_s: int
    purposes: frozenset[str] = frozenset()
    others: bool = True  # of all purposes but those

    def covers(self, purpose: str) -> bool:
        """Tell whether what is asked for a purpose counts."""
        return (purpose in self.purposes) is not self.others


class Window(Struct):
    """What was had in a window that ends now, by purpose.

    Counted by sixtieths of the window, which fall out of it as a whole: what
    was had comes free up to one late, and no window has more than it counts.
    """

    window_s: int
    sums: Counter[str] = field(default_factory=Counter)  # as of the last look
    had: deque[tuple[int, Counter[str]]] = field(default_factory=deque)

    def add(self, now: float, purpose: str, n: int) -> None:
        """Count what is had now."""
        step = int(now // (self.window_s // STEPS))
        if not self.had or self.had[-1][0] < step:
            self.had.append((step, Counter()))
        self.had[-1][1][purpose] += n
        self.sums[purpose] += n

    def used(self, now: float, covers: Callable[[str], bool]) -> int:
        """Return what counts just now, of some purposes."""
        since = (now - self.window_s) // (self.window_s // STEPS)
        while self.had and self.had[0][0] < since:
            self.sums -= self.had.popleft()[1]
        return sum(n for purpose, n in self.sums.items() if covers(purpose))

    def wait_s(
        self, now: float, covers: Callable[[str], bool], over: int = 1
    ) -> int:
        """Return in how many seconds so many elements will have come free."""
        for step, had in self.had:
            over -= sum(n for purpose, n in had.items() if covers(purpose))
            if over <= 0:
                free = (step + 1) * (self.window_s // STEPS) + self.window_s
                return max(int(free - now), 1)
        return self.window_s  # more than the limit itself: never


def limits(
    roster: Roster,
    epoch: Epoch,
    member: str,
    purpose: str,
    day: str = "",
    published: int = 0,
) -> tuple[Limit, ...]:
    """Return what a holder of a key lets a member evaluate for a purpose.

    Whatever is asked is a look-up, however it is called, but for our own bulk
    work where it has a row; screening of customers, which tells as much as
    look-ups do, where the member has one of its own. What its log shows to be
    `published` of late is given back.
    """
    of = partial(roster.quota, member, day=day)
    rows = {name: of(name) for name in (*BULK, purpose)}
    apart = frozenset(
        name
        for name in BULK
        if rows[name].purpose == name and (name != SCREEN or rows[name].member)
    )
    newest, *older = roster.in_use(epoch.kind)
    replaces = bool(older) and epoch.epoch == newest
    scopes = {ALL: (frozenset[str](), True)}
    if purpose not in apart:
        scopes[LOOKUP] = apart, True
    if rows[purpose].purpose == purpose:
        scopes[purpose] = frozenset({purpose}), False
    return tuple(
        Limit(
            share(most * (replaces or name != ROTATE), roster, epoch),
            window_s,
            *which,
        )
        for name, which in scopes.items()
        for row, back in ((of(name), published * (name == PUBLISH)),)
        for most, window_s in ((row.hour, HOUR_S), (row.day + back, DAY_S))
    )


def share(most: int, roster: Roster, epoch: Epoch) -> int:
    """Return what one holder gives of a quota of the alliance, rounded up."""
    return -(-most * epoch.t // max(len(roster.holders_of(epoch)), epoch.t))
