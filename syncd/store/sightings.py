"""Sightings that wait for the day's append."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from syncd.store.database import Database


@dataclass(frozen=True, slots=True)
class SightedToken:
    """A token under another's active report was met in our business."""

    day: int  # days since 1970-01-01 in the roster's zone
    kind: str
    epoch: int
    token: bytes
    outcome: str


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to be told of one token, day and outcome."""

    id: int
    met: SightedToken
    count: int


class Sightings:
    """The sightings not yet told, over own.db.

    Those told are dropped by the append that tells them (`sighted`).
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, met: Sequence[SightedToken]) -> None:
        """Count each; durable on return."""

        def job(c: sa.Connection) -> None:
            c.exec_driver_sql(
                "INSERT INTO sighting"
                " (day, kind, epoch, token, outcome, count)"
                " VALUES (?, ?, ?, ?, ?, 1)"
                " ON CONFLICT (day, kind, epoch, token, outcome)"
                " DO UPDATE SET count = sighting.count + 1",
                [(m.day, m.kind, m.epoch, m.token, m.outcome) for m in met],
            )

        if met:
            await self._db.write(job)

    async def due(self, before: int, limit: int = 10_000) -> list[Pending]:
        """Return what was met before a day, up to `limit`."""

        def job(c: sa.Connection) -> list[Pending]:
            rows = c.exec_driver_sql(
                "SELECT id, count, day, kind, epoch, token, outcome"
                " FROM sighting WHERE day < ? ORDER BY id LIMIT ?",
                (before, limit),
            )
            return [
                Pending(id_, SightedToken(*rest), count)
                for id_, count, *rest in rows
            ]

        return await self._db.read(job)
