"""Sightings that wait for their week's append; their tokens are sealed."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, select

from syncd.store.book import SealedBook, reads
from syncd.store.portable import upsert
from syncd.store.tables import sighting

_ONCE = ("week", "kind", "epoch", "mac", "outcome")
_ADD = upsert(sighting, added=("count",), once=_ONCE)


class SightedToken(Struct, frozen=True):
    """A token that others reported was met in our business."""

    week: int  # its Monday: days since 1970-01-01 in the roster's zone
    kind: str
    epoch: int
    token: bytes
    outcome: str
    count: int = 1  # times
    id: int = 0  # 0 before it is kept


class Sightings(SealedBook):
    """The sightings not yet told, over own.db.

    Those told are dropped by the append that tells them (`sighted`).
    """

    async def add(self, met: Sequence[SightedToken]) -> None:
        """Count each; durable on return."""
        if met:
            await self._run(_ADD, [self._row(one) for one in met])

    @reads
    def due(
        self, c: Connection, before: int, limit: int = 10_000
    ) -> list[SightedToken]:
        """Return what was met in weeks that began before a day."""
        rows = select(sighting).where(sighting.c.week < before)
        rows = rows.order_by("id").limit(limit)
        return [self._opened(row._asdict()) for row in c.execute(rows)]

    def _row(self, met: SightedToken) -> dict[str, Any]:
        mac = self._hash("sighting", met.week, met.token)
        row = {**asdict(met), "mac": mac}
        row["sealed"] = self._seal(row.pop("token"), "sighting", mac)
        del row["id"]
        return row

    def _opened(self, row: dict[str, Any]) -> SightedToken:
        of = "sighting", row.pop("mac")
        row["token"] = self._unseal(row.pop("sealed"), bytes, *of)
        return SightedToken(**row)
