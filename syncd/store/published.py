"""How much each log said of late, by day: what lifts, reports of each key."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, cast, delete, func, select

from syncd.store.book import Book, add_counts, writes
from syncd.store.tables import Int, own_table

ALL, HITS = "statements", "lifts"  # keys of counts

published = own_table(  # of some days; a page read twice counts twice
    "published",
    "day text key, origin text key, key text key, n int",
    sqlite_with_rowid=False,
)


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
        wanted = select(func.max(published.c.day)).where(
            published.c.origin == origin
        )
        [(day,)] = await self._rows(wanted)
        return day or ""

    async def sums(
        self, origins: Sequence[str], first: str, last: str, *keys: str
    ) -> dict[str, int]:
        """Return the sums of some logs' counts by key, of days first..last."""
        t = published.c
        rows = await self._rows(
            select(t.key, cast(func.sum(t.n), Int))
            .where(t.day.between(first, last))
            .where(t.origin.in_(origins), t.key.in_(keys))
            .group_by(t.key)
        )
        return {**dict.fromkeys(keys, 0), **dict(rows)}

    async def prune(self, before: str) -> None:
        """Forget the days before one."""
        await self._run(delete(published).where(published.c.day < before))
