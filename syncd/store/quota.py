"""Quotas: what each member had us evaluate, debited before it is computed.

Durable by the minute, and held in memory as windows, so that a debit costs
the same however much was given, and a refusal nothing of the database. A
request for what was given just now is debited again only if it comes often.

Beside it stands how much each log said of late, by day: what lifts others'
reports, and reports of each key.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection, func, select

from syncd.errors import QuotaError
from syncd.flows.ports import Given
from syncd.grouped import Grouped
from syncd.roster.quotas import DAY_S, HOUR_S, Limit, Window
from syncd.store.book import Book, Row, add_counts, writes
from syncd.store.database import Database
from syncd.store.tables import Int, done, own_table

FREE_REPEATS = 8  # of one request in an hour; an asker needs n - t + 2
_RECENT = 1024  # requests of a member of which a repeat is known
_MINUTE_S = 60

quota = own_table(  # debits of the last day, by minute
    "quota",
    "member text key, key text key, minute int key, purpose text key, n int",
)

usage = own_table(
    "usage",
    "day text key, key text key, member text key, purpose text key",
    "count int, denied int",
)


ALL, HITS = "statements", "lifts"  # keys of counts

published = own_table(  # of some days; a page read twice counts twice
    "published",
    "day text key, origin text key, key text key, n int",
    sqlite_with_rowid=False,
)


class Debit(NamedTuple):
    """One request for evaluation."""

    member: str
    key: str  # kind/epoch
    purpose: str
    n: int  # elements
    request: bytes  # 32 bytes, the same if it tells nothing new
    now: int  # unix seconds
    day: str  # YYYY-MM-DD in the roster's zone
    limits: tuple[Limit, ...]  # of an hour or a day

    @property
    def row(self) -> Row:
        """The row of `usage` that it counts in."""
        return self.day, self.key, self.member, self.purpose


Usage = tuple[str, str, int, int]
"""member, purpose, elements given and refused: of a day and key"""

Windows = dict[int, Window]  # by its seconds


class Quotas(Book):
    """The holder's durable quota book, over own.db."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._debits = Grouped(self._debit_all)
        self._books = dict[tuple[str, str], Windows]()
        self._doubted = set[tuple[str, str]]()  # a write of these has failed
        self._recent: defaultdict[str, OrderedDict[bytes, tuple[int, int]]]
        self._recent = defaultdict(OrderedDict)  # since when, how often again
        self._denied = Counter[Row]()

    async def debit(self, debit: Debit) -> int:
        """Count the elements, durably; return how many more would be given.

        What is refused is durable from the next `prune` on.

        Raises:
            QuotaError: a limit would be passed; says when to come back.
        """
        at = debit.member, debit.key
        if at not in self._books:
            book = await self._db.read(lambda c: _windows(c, at))
            self._books.setdefault(at, book)  # another may have been faster
        book = self._books[at]
        _, left = _left(debit, book)
        recent = self._recent[debit.member]
        since, again = recent.get(debit.request, (0, FREE_REPEATS))
        if again < FREE_REPEATS and debit.now - since < HOUR_S:
            recent[debit.request] = since, again + 1
            return left
        if debit.n > left:
            self._denied[debit.row] += debit.n
            raise _refusal(debit, book)
        _add(book, debit)
        try:
            why = await self._debits.submit(debit)
        except Exception:
            self._doubted.add(at)
            self._books.pop(at, None)
            raise
        if why:
            self._books.pop(at, None)
            self._denied[debit.row] += debit.n
            raise why
        recent[debit.request] = debit.now, 0  # only now is a repeat free
        recent.move_to_end(debit.request)
        if len(recent) > _RECENT:
            recent.popitem(last=False)
        return left - debit.n

    @writes
    def _debit_all(
        self, c: Connection, debits: Sequence[Debit]
    ) -> list[QuotaError | None]:
        """Write what a group counted, each row once.

        Other daemons count in the same rows, which then decide anew; so they
        do where a write has failed, after which memory knows too little.
        """
        refused: list[QuotaError | None] = [None] * len(debits)
        books = dict[tuple[str, str], Windows]()
        for i, debit in enumerate(debits):
            at = debit.member, debit.key
            if not self._db.fence and at not in self._doubted:
                continue
            book = books[at] = books.get(at) or _windows(c, at)
            if debit.n > _left(debit, book)[1]:
                refused[i] = _refusal(debit, book)
            else:
                _add(book, debit)
        minutes, given = Counter[Row](), Counter[Row]()
        for one, why in zip(debits, refused, strict=True):
            if not why:
                minute = one.now // _MINUTE_S
                minutes[one.member, one.key, minute, one.purpose] += one.n
                given[one.row] += one.n
        add_counts(c, quota, {row: (n,) for row, n in minutes.items()})
        add_counts(c, usage, {row: (n, 0) for row, n in given.items()})
        return refused

    async def usage(self, day: str, key: str) -> list[Usage]:
        """Return the non-zero rows of one day and key, sorted."""
        t = usage.c
        wanted = select(t.member, t.purpose, t.count, t.denied)
        wanted = wanted.filter_by(day=day, key=key)
        wanted = wanted.order_by("member", "purpose")
        return [(*row,) for row in await self._rows(wanted)]

    async def hours(self) -> list[Given]:
        """Return what each member had in each hour that is kept."""
        t = quota.c
        sixty = sa.literal_column(
            "60", Int
        )  # the same text where it is grouped
        hour = ((t.minute - t.minute % sixty) * sixty).label("hour")
        by = (hour, t.member, t.key, t.purpose)
        n = sa.cast(func.sum(t.n), Int).label("n")
        rows = await self._rows(select(*by, n).group_by(*by).order_by(*by))
        return [Given(**row._asdict()) for row in rows]

    async def unreported(self, before: str) -> list[tuple[str, str]]:
        """Return the (day, key) before a day with usage not yet written.

        Written is what an append had among `done` as `reported_mark(day, key)`.
        """
        t = usage.c
        mark = sa.literal("usage/") + t.day + "/" + t.key
        wanted = (
            select(t.day, t.key)
            .distinct()
            .where(t.day < before, ~sa.exists().where(done.c.name == mark))
            .order_by("day", "key")
        )
        return [(day, key) for day, key in await self._rows(wanted)]

    async def prune(self, now: int) -> None:
        """Keep what memory refused; forget what fell out of all windows."""
        denied = +self._denied
        old = quota.c.minute < (now - 2 * DAY_S) // _MINUTE_S

        def job(c: Connection) -> None:
            c.execute(quota.delete().where(old))
            add_counts(c, usage, {row: (0, n) for row, n in denied.items()})

        await self._db.write(job)
        self._denied -= denied  # what came meanwhile is kept the next time


class PublishedCounts(Book):
    """The counts, over own.db."""

    @writes
    def add(
        self, c: Connection, counts: Mapping[tuple[str, str, str], int]
    ) -> None:
        """Count statements by day, origin and key."""
        add_counts(c, published, {row: (n,) for row, n in counts.items()})

    async def newest(self, origin: str) -> str:
        """Return the last day of a log that anything is counted of, or ""."""
        wanted = select(func.max(published.c.day)).filter_by(origin=origin)
        [(day,)] = await self._rows(wanted)
        return day or ""

    async def sums(
        self, origins: Sequence[str], first: str, last: str, *keys: str
    ) -> dict[str, int]:
        """Return the sums of some logs' counts by key, of days first..last."""
        t = published.c
        rows = await self._rows(
            select(t.key, sa.cast(func.sum(t.n), Int))
            .where(t.day.between(first, last))
            .where(t.origin.in_(origins), t.key.in_(keys))
            .group_by(t.key)
        )
        return {**dict.fromkeys(keys, 0), **dict(rows)}

    async def prune(self, before: str) -> None:
        """Forget the days before one."""
        await self._run(sa.delete(published).where(published.c.day < before))


def reported_mark(day: str, key: str) -> str:
    """Return the name under which an append writes one day's usage."""
    return f"usage/{day}/{key}"


def _windows(c: Connection, at: tuple[str, str]) -> Windows:
    """Return what a member had of a key."""
    t = quota.c
    wanted = select(t.minute, t.purpose, t.n).order_by("minute")
    rows = c.execute(wanted.filter_by(member=at[0], key=at[1]))
    book = {window_s: Window(window_s) for window_s in (HOUR_S, DAY_S)}
    for minute, purpose, n in rows:
        for window in book.values():
            window.add(minute * _MINUTE_S, purpose, n)
    return book


def _add(book: Windows, debit: Debit) -> None:
    for window in book.values():
        window.add(debit.now, debit.purpose, debit.n)


def _left(debit: Debit, book: Windows) -> tuple[dict[Limit, int], int]:
    """Return what limits leave, each and all together."""
    room = {
        limit: limit.most - book[limit.window_s].used(debit.now, limit.covers)
        for limit in debit.limits
        if limit.covers(debit.purpose)
    }
    return room, max(min(room.values(), default=debit.n), 0)


def _refusal(debit: Debit, book: Windows) -> QuotaError:
    """Name the limit that the debit would pass for longest."""
    room, left = _left(debit, book)

    def wait_s(limit: Limit) -> int:
        over = debit.n - room[limit]
        return book[limit.window_s].wait_s(debit.now, limit.covers, over)

    limit = max((one for one in room if room[one] < debit.n), key=wait_s)
    return QuotaError(
        "quota: {member}: {n} more of {key} would pass {most} in {window_s} h",
        debit,
        retry_after_s=wait_s(limit),
        left=left,
        most=limit.most,
        window_s=limit.window_s // HOUR_S,
    )
