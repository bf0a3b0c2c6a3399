"""The roster's versions that we accepted, from the pinned first one on."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from syncd.errors import StaleError
from syncd.store.database import Database


@dataclass(frozen=True, slots=True)
class RosterNote:
    """One accepted version."""

    version: int
    hash: str  # hex SHA-256 of the note's text
    note: bytes


class Rosters:
    """Accepted roster versions, over own.db."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._db = database
        self._clock = clock

    async def keep(self, roster: RosterNote) -> None:
        """Keep a verified version; durable on return.

        Raises:
            StaleError: that version is here with another text.
        """

        def job(c: sa.Connection) -> None:
            there = c.exec_driver_sql(
                "SELECT hash FROM roster WHERE version = ?", (roster.version,)
            ).scalar()
            if there is not None and there != roster.hash:
                raise StaleError(
                    f"roster: version {roster.version} is here already,"
                    " with another text"
                )
            c.exec_driver_sql(
                "INSERT INTO roster (version, hash, note, at)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (version) DO NOTHING",
                (roster.version, roster.hash, roster.note, self._clock()),
            )

        await self._db.write(job)

    async def all(self) -> list[RosterNote]:
        """Return every accepted version, the first one first."""

        def job(c: sa.Connection) -> list[RosterNote]:
            rows = c.exec_driver_sql(
                "SELECT version, hash, note FROM roster ORDER BY version"
            )
            return [RosterNote(*row) for row in rows]

        return await self._db.read(job)

    async def get(self, version: int | None = None) -> RosterNote | None:
        """Return one version, the newest for None."""

        def job(c: sa.Connection) -> RosterNote | None:
            row = c.exec_driver_sql(
                "SELECT version, hash, note FROM roster"
                " WHERE version = ? OR ? IS NULL"
                " ORDER BY version DESC LIMIT 1",
                (version, version),
            ).fetchone()
            return None if row is None else RosterNote(*row)

        return await self._db.read(job)
