"""Where disputes stand that are against us, or ours: not what they say.

What a dispute says, and who has answered it, is read from the claims on its
token; this is what finds them again, and what was told of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from syncd.flows.ports import Position
from syncd.store import events
from syncd.store.database import Database
from syncd.store.sealing import Cipher
from syncd.store.tables import OWN, Bytes, Int, Text

OF_ONE = 500  # disputes of one log that are kept

dispute = sa.Table(
    "dispute",
    OWN,
    sa.Column("origin", Text, primary_key=True, nullable=False),
    sa.Column("idx", Int, primary_key=True, nullable=False),
    sa.Column("by_us", Int, nullable=False),  # 0 or 1
    sa.Column("kind", Int, nullable=False),
    sa.Column("epoch", Int, nullable=False),
    sa.Column("sealed", Bytes, nullable=False),  # its token
    sa.Column("due", Int, nullable=False),  # days since 1970-01-01
    sa.Column("reminded", Int, nullable=False),  # 1: told that it is overdue
)


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """One dispute, opened."""

    position: Position
    by_us: bool
    kind: int  # code
    epoch: int
    token: bytes = field(repr=False)
    due: int  # days since 1970-01-01
    reminded: bool = False


class DisputeBook:
    """The disputes, over own.db."""

    def __init__(
        self, database: Database, cipher: Cipher, clock: Callable[[], int]
    ) -> None:
        self._db = database
        self._cipher = cipher
        self._clock = clock

    async def keep(
        self, rows: Mapping[DisputeRow, Mapping[str, Any] | None]
    ) -> None:
        """Keep disputes that are new, with an event each that has data.

        Of one log so many that nobody crowds out the others' disputes.
        """

        def job(c: sa.Connection) -> None:
            for row, data in rows.items():
                if not row.by_us and _count(c, row) >= OF_ONE:
                    continue
                known = sa.select(dispute.c.idx).where(_is(row.position))
                if c.execute(known).first():
                    continue
                origin, index = row.position
                c.execute(
                    sa.insert(dispute).values(
                        origin=origin,
                        idx=index,
                        by_us=int(row.by_us),
                        kind=row.kind,
                        epoch=row.epoch,
                        sealed=self._cipher.seal(
                            row.token, _bound(row.position)
                        ),
                        due=row.due,
                        reminded=0,
                    )
                )
                if data is not None:
                    events.tell(c, self._clock(), "dispute", data)

        if rows:
            await self._db.write(job)

    async def remind(
        self, row: DisputeRow, data: Mapping[str, Any] | None
    ) -> None:
        """Note that a dispute is overdue, with an event if it has data."""

        def job(c: sa.Connection) -> None:
            c.execute(
                sa.update(dispute).where(_is(row.position)).values(reminded=1)
            )
            if data is not None:
                events.tell(c, self._clock(), "dispute", data)

        await self._db.write(job)

    async def rows(self, limit: int) -> Sequence[DisputeRow]:
        """Return disputes of each side, those due last first."""
        last = dispute.c.due.desc()
        wanted = sa.select(dispute).order_by(last, *_KEY).limit(limit)
        sides = [wanted.where(dispute.c.by_us == side) for side in (0, 1)]
        return await self._db.read(
            lambda c: [
                self._opened(row) for side in sides for row in c.execute(side)
            ]
        )

    async def drop(self, positions: Iterable[Position]) -> None:
        """Forget disputes."""
        found = [*positions]

        def job(c: sa.Connection) -> None:
            for at in found:
                c.execute(sa.delete(dispute).where(_is(at)))

        if found:
            await self._db.write(job)

    def _opened(self, row: Any) -> DisputeRow:
        position = row.origin, row.idx
        return DisputeRow(
            position,
            bool(row.by_us),
            row.kind,
            row.epoch,
            self._cipher.open(row.sealed, _bound(position)),
            row.due,
            bool(row.reminded),
        )


def _count(c: sa.Connection, row: DisputeRow) -> int:
    mine = dispute.c.origin == row.position[0]
    found = c.execute(sa.select(sa.func.count()).where(mine))
    return int(found.scalar_one())


_KEY = dispute.c.origin, dispute.c.idx


def _is(at: Position) -> sa.ColumnElement[bool]:
    return sa.and_(dispute.c.origin == at[0], dispute.c.idx == at[1])


def _bound(position: Position) -> bytes:
    return b"syncd-dispute-v1\0%b/%d" % (position[0].encode(), position[1])
