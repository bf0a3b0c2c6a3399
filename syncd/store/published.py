"""How much each log published of late, by key and day."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from syncd.store.database import Database
from syncd.store.tables import OWN, Int, Text

published = sa.Table(  # claims of some days; a page read twice counts twice
    "published",
    OWN,
    sa.Column("day", Text, primary_key=True),
    sa.Column("origin", Text, primary_key=True),
    sa.Column("key", Text, primary_key=True),
    sa.Column("n", Int, nullable=False),
    sqlite_with_rowid=False,
)


class PublishedCounts:
    """The counts, over own.db."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, counts: Mapping[tuple[str, str, str], int]) -> None:
        """Count claims by day, origin and key."""
        made = insert(published)
        more = published.c.n + made.excluded.n
        put = made.on_conflict_do_update(
            [*published.primary_key], set_={"n": more}
        )
        rows = [
            {"day": day, "origin": origin, "key": key, "n": n}
            for (day, origin, key), n in counts.items()
        ]
        await self._db.write(lambda c: c.execute(put, rows))

    async def of(self, day: str) -> dict[tuple[str, str], int]:
        """Return the claims of a day by origin and key."""
        t = published.c
        wanted = sa.select(t.origin, t.key, t.n).where(t.day == day)
        rows = await self._db.read(lambda c: c.execute(wanted).all())
        return {(origin, key): n for origin, key, n in rows}

    async def prune(self, before: str) -> None:
        """Forget the days before one."""
        gone = published.delete().where(published.c.day < before)
        await self._db.write(lambda c: c.execute(gone))
