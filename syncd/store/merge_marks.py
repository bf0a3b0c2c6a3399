"""Marks: in which order merging brought statements in here.

A mark is a stretch of one log, numbered as it was read in. So the number of
a mark stands for how much of every log had come by then, and "what came
since" is what the later marks cover.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from syncd.store import events
from syncd.store.database import Database
from syncd.store.tables import OWN, Int, Text

KEPT = 100_000  # marks
KEPT_S = 30 * 86_400

mark = sa.Table(
    "merge_mark",
    OWN,
    sa.Column("id", Int, primary_key=True),
    sa.Column("at", Int, nullable=False),  # unix seconds
    sa.Column("origin", Text, nullable=False),
    sa.Column("first", Int, nullable=False),
    sa.Column("stop", Int, nullable=False),
)
sa.Index("merge_mark_origin", mark.c.origin, mark.c.id)


class Mark(NamedTuple):
    """first ≤ index < stop of a log came in."""

    id: int
    at: int  # unix seconds
    origin: str
    first: int
    stop: int


BEGIN = Mark(0, 0, "", 0, 0)  # before the first mark


class MergeMarks:
    """The marks, over own.db."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._db = database
        self._clock = clock

    async def add(self, origin: str, first: int, stop: int, n: int) -> None:
        """Mark that `n` statements came in, and tell of it."""

        def job(c: sa.Connection) -> None:
            now, last = self._clock(), _newest(c)
            if last[2:] == (origin, first, stop):  # handed on once more
                return
            row = (last.id + 1, now, origin, first, stop)
            c.execute(sa.insert(mark).values(row))
            data = {"cursor": f"{last.id}.{last.at}", "n": n}
            events.tell(c, now, "changes", {**data, "origin": origin})

        await self._db.write(job)

    async def newest(self) -> Mark:
        """Return the newest mark, `BEGIN` if there is none."""
        return await self._db.read(_newest)

    async def after(self, number: int) -> Sequence[Mark] | None:
        """Return a mark and the next, if there is one; None if any is gone.

        `BEGIN` is the mark of number 0.
        """

        def job(c: sa.Connection) -> Sequence[Mark] | None:
            newest = _newest(c).id
            count = sa.select(sa.func.count()).where(mark.c.id >= number)
            there = c.execute(count.select_from(mark)).scalar_one()
            if there != newest - max(number, 1) + 1:
                return None
            wanted = sa.select(mark).where(mark.c.id >= number)
            rows = c.execute(wanted.order_by(mark.c.id).limit(2))
            found = [Mark(*row) for row in rows]
            return found if number else [BEGIN, *found[:1]]

        return await self._db.read(job)

    async def sizes(self, number: int) -> Mapping[str, int]:
        """Return how much of each log had come when a mark was made.

        That is where the next mark of the log begins, else where its last
        one ends.
        """

        def job(c: sa.Connection) -> dict[str, int]:
            edge = (sa.func.min, mark.c.first, mark.c.id > number)
            last = (sa.func.max, mark.c.stop, sa.true())
            found: dict[str, int] = {}
            for pick, size, where in (last, edge):
                ids = sa.select(pick(mark.c.id)).where(where)
                ids = ids.group_by(mark.c.origin)
                wanted = sa.select(mark.c.origin, size)
                rows = c.execute(wanted.where(mark.c.id.in_(ids)))
                found |= {row[0]: row[1] for row in rows}
            return found

        return await self._db.read(job)

    async def prune(self) -> None:
        """Drop old marks, but the newest of each log."""

        def job(c: sa.Connection) -> None:
            newest = sa.select(sa.func.max(mark.c.id)).group_by(mark.c.origin)
            old = sa.or_(
                mark.c.at < self._clock() - KEPT_S,
                mark.c.id <= _newest(c).id - KEPT,
            )
            c.execute(sa.delete(mark).where(old, mark.c.id.not_in(newest)))

        await self._db.write(job)


def _newest(c: sa.Connection) -> Mark:
    row = c.execute(sa.select(mark).order_by(mark.c.id.desc()).limit(1))
    found = row.one_or_none()
    return Mark(*found) if found else BEGIN
