"""Quotas: what each member had us evaluate, debited before it is computed.

Counted by the minute, so that in no window of a limit's length more than it
allows is given out; the price is that an element comes free up to a minute
late. A request for what was given before is not debited again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from syncd.errors import QuotaError
from syncd.store.database import Database
from syncd.store.grouped import Grouped

_MINUTE_S = 60
_REPEAT_S = 86_400  # for so long a repeated request is recognised


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` elements in any `window_s`."""

    most: int  # elements
    window_s: int
    purposes: frozenset[str] | None = None  # None: all purposes together


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


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One member's evaluations of a day, for one key and purpose."""

    member: str
    purpose: str
    count: int  # elements given
    denied: int  # elements refused


class Quotas:
    """The holder's durable quota book, over own.db."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._debits: Grouped[Debit, None] = Grouped(database, _debit_all)

    async def debit(self, debit: Debit) -> None:
        """Count the elements, durably, or refuse and count that.

        Raises:
            QuotaError: a limit would be passed; says when to come back.
        """
        await self._debits.submit(debit)

    async def usage(self, day: str, key: str) -> list[UsageRow]:
        """Return the non-zero rows of one day and key, sorted."""

        def job(c: sa.Connection) -> list[UsageRow]:
            rows = c.exec_driver_sql(
                "SELECT member, purpose, count, denied FROM usage"
                " WHERE day = ? AND key = ? ORDER BY member, purpose",
                (day, key),
            )
            return [UsageRow(*row) for row in rows]

        return await self._db.read(job)

    async def unreported(self, before: str) -> list[tuple[str, str]]:
        """Return the (day, key) before a day with usage not yet written.

        Written is what an append had among `done` as `reported_mark(day, key)`.
        """

        def job(c: sa.Connection) -> list[tuple[str, str]]:
            rows = c.exec_driver_sql(
                "SELECT DISTINCT day, key FROM usage WHERE day < ? AND"
                " NOT EXISTS (SELECT 1 FROM done"
                " WHERE name = 'usage/' || usage.day || '/' || usage.key)"
                " ORDER BY day, key",
                (before,),
            )
            return [(day, key) for day, key in rows]

        return await self._db.read(job)

    async def prune(self, now: int) -> None:
        """Forget requests that are too old to be repeated."""

        def job(c: sa.Connection) -> None:
            c.exec_driver_sql(
                "DELETE FROM debit WHERE at < ?", (now - _REPEAT_S,)
            )

        await self._db.write(job)


def reported_mark(day: str, key: str) -> str:
    """Return the name under which an append writes one day's usage."""
    return f"usage/{day}/{key}"


def _debit_all(
    c: sa.Connection, debits: Sequence[Debit]
) -> list[Exception | None]:
    return [_debit(c, debit) for debit in debits]


def _debit(c: sa.Connection, debit: Debit) -> QuotaError | None:
    again = c.exec_driver_sql(
        "SELECT 1 FROM debit WHERE member = ? AND request = ? AND at >= ?",
        (debit.member, debit.request, debit.now - _REPEAT_S),
    ).fetchone()
    if again is not None:
        return None
    longest = max((limit.window_s for limit in debit.limits), default=0)
    c.exec_driver_sql(
        "DELETE FROM quota WHERE member = ? AND key = ? AND minute < ?",
        (debit.member, debit.key, (debit.now - longest) // _MINUTE_S),
    )
    used = c.exec_driver_sql(
        "SELECT minute, purpose, n FROM quota WHERE member = ? AND key = ?"
        " ORDER BY minute",
        (debit.member, debit.key),
    ).fetchall()
    for limit in debit.limits:
        if limit.purposes is not None and debit.purpose not in limit.purposes:
            continue
        wait = _wait(limit, debit, [(m, p, n) for m, p, n in used])
        if wait:
            _count(c, debit, 0, debit.n)
            return QuotaError(
                "quota: {member}: {n} more of {key} would pass {most} in "
                "{window_s} h",
                retry_after_s=wait,
                member=debit.member,
                n=debit.n,
                key=debit.key,
                most=limit.most,
                window_s=limit.window_s // 3600,
            )
    c.exec_driver_sql(
        "INSERT INTO quota (member, key, minute, purpose, n)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (member, key, minute, purpose)"
        " DO UPDATE SET n = quota.n + excluded.n",
        (
            debit.member,
            debit.key,
            debit.now // _MINUTE_S,
            debit.purpose,
            debit.n,
        ),
    )
    c.exec_driver_sql(
        "INSERT INTO debit (member, request, at) VALUES (?, ?, ?)"
        " ON CONFLICT (member, request) DO UPDATE SET at = excluded.at",
        (debit.member, debit.request, debit.now),
    )
    _count(c, debit, debit.n, 0)
    return None


def _wait(
    limit: Limit, debit: Debit, used: Sequence[tuple[int, str, int]]
) -> int:
    """Return in how many seconds the debit would fit; 0: it does now."""
    since = (debit.now - limit.window_s) // _MINUTE_S
    counted = [
        (minute, n)
        for minute, purpose, n in used
        if minute >= since
        and (limit.purposes is None or purpose in limit.purposes)
    ]
    over = sum(n for _, n in counted) + debit.n - limit.most
    if over <= 0:
        return 0
    for minute, n in counted:
        over -= n
        if over <= 0:
            free = (minute + 1) * _MINUTE_S + limit.window_s
            return max(free - debit.now, 1)
    return limit.window_s  # larger than the limit itself: never fits


def _count(c: sa.Connection, debit: Debit, count: int, denied: int) -> None:
    c.exec_driver_sql(
        "INSERT INTO usage (day, key, member, purpose, count, denied)"
        " VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (day, key, member, purpose) DO UPDATE SET"
        " count = usage.count + excluded.count,"
        " denied = usage.denied + excluded.denied",
        (debit.day, debit.key, debit.member, debit.purpose, count, denied),
    )
