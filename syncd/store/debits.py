"""Debits of a group commit: one reading of each thing, one writing.

What a limit's window holds is kept as a sum: a minute is read once when it
falls out, and else only to say how long a refused caller has to wait.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from syncd.errors import QuotaError
from syncd.roster.quotas import HOUR_S, MINUTE_S, Limit
from syncd.store.tables import OWN, Bytes, Int, Text

REPEAT_S = 86_400  # for so long a repeated request is recognised
FREE_REPEATS = 8  # of one request in an hour; an asker needs n - t + 2

quota = sa.Table(  # debits of the last day, by minute
    "quota",
    OWN,
    sa.Column("member", Text, primary_key=True),
    sa.Column("key", Text, primary_key=True),
    sa.Column("minute", Int, primary_key=True),
    sa.Column("purpose", Text, primary_key=True),
    sa.Column("n", Int, nullable=False),
)

quota_sum = sa.Table(  # of them, those of a limit's window
    "quota_sum",
    OWN,
    sa.Column("member", Text, primary_key=True),
    sa.Column("key", Text, primary_key=True),
    sa.Column("window_s", Int, primary_key=True),
    sa.Column("purpose", Text, primary_key=True),
    sa.Column("since", Int, nullable=False),  # the first minute that counts
    sa.Column("n", Int, nullable=False),
    sqlite_with_rowid=False,
)

debit = sa.Table(  # requests that were debited already
    "debit",
    OWN,
    sa.Column("member", Text, primary_key=True),
    sa.Column("request", Bytes, primary_key=True),
    sa.Column("at", Int, nullable=False),
    sa.Column("hour", Int, nullable=False, server_default="0"),
    # free repeats in that hour since 1970
    sa.Column("again", Int, nullable=False, server_default="0"),
)
sa.Index("debit_at", debit.c.at)

usage = sa.Table(
    "usage",
    OWN,
    sa.Column("day", Text, primary_key=True),
    sa.Column("key", Text, primary_key=True),
    sa.Column("member", Text, primary_key=True),
    sa.Column("purpose", Text, primary_key=True),
    sa.Column("count", Int, nullable=False),
    sa.Column("denied", Int, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Debit:
    """One request for evaluation."""

    member: str
    key: str  # kind/epoch
    purpose: str
    n: int  # elements
    request: bytes  # 32 bytes, the same if it tells nothing new
    now: int  # unix seconds
    day: str  # YYYY-MM-DD in the roster's zone
    limits: tuple[Limit, ...]

    @property
    def row(self) -> tuple[str, str, str, str]:
        """The row of `usage` that it counts in."""
        return self.day, self.key, self.member, self.purpose

    def refused(self, how: "Refusal") -> QuotaError:
        """Return what to say where a limit would be passed."""
        limit = how.limit
        return QuotaError(
            "quota: {member}: {n} more of {key} would pass {most} in "
            "{window_s} h",
            retry_after_s=how.until - self.now,
            left=how.left,
            member=self.member,
            n=self.n,
            key=self.key,
            most=limit.most,
            window_s=limit.window_s // 3600,
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """So many elements, or more, do not fit before a time."""

    n: int
    left: int  # elements that did fit
    until: int  # unix seconds
    limit: Limit  # that they would pass
    limits: tuple[Limit, ...]  # of that time

    def holds(self, debit: Debit) -> bool:
        """Tell whether it refuses this one too."""
        return (
            debit.n >= self.n
            and debit.now < self.until
            and debit.limits == self.limits
        )


def debit_all(
    c: sa.Connection, debits: Sequence[Debit]
) -> list[Refusal | Exception | None]:
    """Count each, in order, or return why not."""
    group = _Group(c, debits)
    outcomes: list[Refusal | Exception | None]
    outcomes = [group.debit(one) for one in debits]
    group.write()
    return outcomes


class _Group:
    """Debits of one transaction: one reading of each thing, one writing."""

    def __init__(self, c: sa.Connection, debits: Sequence[Debit]) -> None:
        self._c = c
        self._books: dict[tuple[str, str], _Book] = {}
        self._usage: defaultdict[tuple[str, str, str, str], list[int]]
        self._usage = defaultdict(lambda: [0, 0])
        t = debit.c
        names = {one.request for one in debits}
        found = c.execute(sa.select(debit).where(t.request.in_(names)))
        self._known: dict[tuple[str, bytes], list[int]]
        self._known = {(r.member, r.request): [*r[2:]] for r in found}
        self._changed: dict[tuple[str, bytes], list[int]] = {}

    def debit(self, one: Debit) -> Refusal | None:
        if self._free(one):
            return None
        at = (one.member, one.key)
        book = self._books.get(at)
        if book is None:
            book = self._books[at] = _Book(self._c, *at)
        refusal = book.refusal(one)
        given, denied = self._usage[one.row]
        if refusal is not None:
            self._usage[one.row] = [given, denied + one.n]
            return refusal
        book.add(one)
        self._usage[one.row] = [given + one.n, denied]
        self._note(one, [one.now, one.now // HOUR_S, 0])
        return None

    def _free(self, one: Debit) -> bool:
        """Tell whether it is a repeat, of which there were not too many."""
        known = self._known.get((one.member, one.request))
        if known is None or known[0] < one.now - REPEAT_S:
            return False
        at, hour, again = known
        if hour != one.now // HOUR_S:
            hour, again = one.now // HOUR_S, 0
        if again < FREE_REPEATS:
            self._note(one, [at, hour, again + 1])
        return again < FREE_REPEATS

    def _note(self, one: Debit, columns: list[int]) -> None:
        name = (one.member, one.request)
        self._known[name] = self._changed[name] = columns

    def write(self) -> None:
        for book in self._books.values():
            book.write()
        rows = [(*name, *row) for name, row in self._changed.items()]
        _put(self._c, debit, rows)
        count(self._c, self._usage)


@dataclass(slots=True)
class _Book:
    """What one member had of one key, as a group finds and leaves it."""

    c: sa.Connection
    member: str
    key: str
    since: dict[int, int] = field(default_factory=dict)  # by window
    sums: dict[int, Counter[str]] = field(default_factory=dict)  # by purpose
    given: Counter[tuple[int, str]] = field(default_factory=Counter)
    # not written yet, by minute and purpose

    def __post_init__(self) -> None:
        for row in self.c.execute(
            sa.select(quota_sum).where(*self._of(quota_sum))
        ):
            self.since[row.window_s] = row.since
            self.sums.setdefault(row.window_s, Counter())[row.purpose] = row.n

    def _of(self, table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
        return table.c.member == self.member, table.c.key == self.key

    def refusal(self, debit: Debit) -> Refusal | None:
        """Return which limit the debit would pass for longest, if one."""
        self._advance(debit)
        over = {
            limit: used + debit.n - limit.most
            for limit in debit.limits
            if limit.covers(debit.purpose)
            for used in (self._used(limit),)
            if used + debit.n > limit.most
        }
        if not over:
            return None
        waits = {
            limit: self._wait(limit, n, debit.now) for limit, n in over.items()
        }
        limit = max(waits, key=lambda one: waits[one])
        left = max(debit.n - max(over.values()), 0)
        until = debit.now + waits[limit]
        return Refusal(debit.n, left, until, limit, debit.limits)

    def add(self, debit: Debit) -> None:
        self.given[debit.now // MINUTE_S, debit.purpose] += debit.n
        for sums in self.sums.values():
            sums[debit.purpose] += debit.n

    def write(self) -> None:
        whose = self.member, self.key
        given = [(*whose, *at, n) for at, n in self.given.items()]
        _put(self.c, quota, given, add=True)
        sums = [
            (*whose, window, purpose, since, n)
            for window, since in self.since.items()
            for purpose, n in self.sums[window].items()
        ]
        _put(self.c, quota_sum, sums)

    def _used(self, limit: Limit) -> int:
        sums = self.sums[limit.window_s]
        return sum(n for purpose, n in sums.items() if limit.covers(purpose))

    def _advance(self, debit: Debit) -> None:
        """Take out of each window what has fallen out of it."""
        windows = {limit.window_s for limit in debit.limits}
        for window in sorted(windows | self.since.keys()):
            since = (debit.now - window) // MINUTE_S
            before = self.since.get(window)
            if before == since:
                continue
            self.since[window] = since
            if before is not None and before < since:
                self.sums[window].subtract(self._between(before, since))
                continue
            # a window that is new, or a clock that was set back
            self.sums[window] = self._between(since, None)
            for (minute, purpose), n in self.given.items():
                self.sums[window][purpose] += n * (minute >= since)
            old = quota.c.minute < min(self.since.values())
            self.c.execute(quota.delete().where(*self._of(quota), old))

    def _between(self, first: int, stop: int | None) -> Counter[str]:
        t = quota.c
        wanted = sa.select(t.purpose, sa.func.sum(t.n)).where(
            *self._of(quota), t.minute >= first
        )
        if stop is not None:
            wanted = wanted.where(t.minute < stop)
        rows = self.c.execute(wanted.group_by(t.purpose))
        return Counter({purpose: int(n) for purpose, n in rows})

    def _wait(self, limit: Limit, over: int, now: int) -> int:
        """Return in how many seconds so many elements have come free."""
        t = quota.c
        wanted = sa.select(t.minute, t.purpose, t.n).where(
            *self._of(quota), t.minute >= self.since[limit.window_s]
        )
        for minute, purpose, n in self.c.execute(wanted.order_by(t.minute)):
            over -= n if limit.covers(purpose) else 0
            if over <= 0:
                free = (minute + 1) * MINUTE_S + limit.window_s
                return max(int(free) - now, 1)
        return limit.window_s  # larger than the limit itself: never fits


def count(
    c: sa.Connection,
    counts: Mapping[tuple[str, str, str, str], Sequence[int]],
) -> None:
    """Add (given, denied) elements to rows of `usage`."""
    rows = [
        (day, key, member, purpose, *counted)
        for (day, key, member, purpose), counted in counts.items()
    ]
    _put(c, usage, rows, add=True)


def _put(
    c: sa.Connection,
    table: sa.Table,
    rows: Sequence[tuple[object, ...]],
    *,
    add: bool = False,
) -> None:
    """Insert rows, or put them in the place of those there, or add to them."""
    made = insert(table)
    put = {
        column.name: made.excluded[column.name] + (column if add else 0)
        for column in table.c
        if not column.primary_key
    }
    if rows:
        c.execute(
            made.on_conflict_do_update([*table.primary_key], set_=put),
            [dict(zip(table.c.keys(), row, strict=True)) for row in rows],
        )
