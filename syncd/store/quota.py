"""Quotas: what each member had us evaluate, debited before it is computed.

Counted by the minute, so that in no window of a limit's length more than it
allows is given out; the price is that an element comes free up to a minute
late. What a refused caller asks until it may come back is refused from
memory. A request for what was given before is debited again only if it comes
often. How a debit is counted is in `debits`.
"""

from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass

import sqlalchemy as sa

from syncd.store import debits
from syncd.store.database import Database
from syncd.store.debits import REPEAT_S, Debit, Refusal, usage
from syncd.store.grouped import Grouped
from syncd.store.tables import done

_RECENT = 1024  # requests of a member that a refusal in memory lets by


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
        self._debits: Grouped[Debit, Refusal | None]
        self._debits = Grouped(database, debits.debit_all)
        self._refusals: dict[tuple[str, str, str], Refusal] = {}
        self._recent: defaultdict[str, OrderedDict[bytes, None]]
        self._recent = defaultdict(OrderedDict)
        self._denied: Counter[tuple[str, str, str, str]] = Counter()

    async def debit(self, debit: Debit) -> None:
        """Count the elements, durably, or refuse and count that.

        What memory refuses is durable from the next `prune` on.

        Raises:
            QuotaError: a limit would be passed; says when to come back.
        """
        at = (debit.member, debit.key, debit.purpose)
        known = self._refusals.get(at)
        recent = self._recent[debit.member]
        if known and known.holds(debit) and debit.request not in recent:
            self._denied[debit.row] += debit.n
            raise debit.refused(known)
        refusal = await self._debits.submit(debit)
        if refusal is not None:
            self._refusals[at] = refusal
            raise debit.refused(refusal)
        recent[debit.request] = None
        if len(recent) > _RECENT:
            recent.popitem(last=False)

    async def usage(self, day: str, key: str) -> list[UsageRow]:
        """Return the non-zero rows of one day and key, sorted."""
        t = usage.c
        wanted = sa.select(t.member, t.purpose, t.count, t.denied)
        wanted = wanted.where(t.day == day, t.key == key)
        wanted = wanted.order_by(t.member, t.purpose)
        rows = await self._db.read(lambda c: c.execute(wanted).all())
        return [UsageRow(*row) for row in rows]

    async def unreported(self, before: str) -> list[tuple[str, str]]:
        """Return the (day, key) before a day with usage not yet written.

        Written is what an append had among `done` as `reported_mark(day, key)`.
        """
        t = usage.c
        mark = sa.literal("usage/") + t.day + "/" + t.key
        wanted = (
            sa.select(t.day, t.key)
            .distinct()
            .where(t.day < before, ~sa.exists().where(done.c.name == mark))
            .order_by(t.day, t.key)
        )
        rows = await self._db.read(lambda c: c.execute(wanted).all())
        return [(day, key) for day, key in rows]

    async def prune(self, now: int) -> None:
        """Keep what memory refused; forget requests too old to repeat."""
        denied, self._denied = self._denied, Counter()

        def job(c: sa.Connection) -> None:
            c.execute(
                debits.debit.delete().where(debits.debit.c.at < now - REPEAT_S)
            )
            debits.count(c, {row: (0, n) for row, n in denied.items()})

        await self._db.write(job)


def reported_mark(day: str, key: str) -> str:
    """Return the name under which an append writes one day's usage."""
    return f"usage/{day}/{key}"
