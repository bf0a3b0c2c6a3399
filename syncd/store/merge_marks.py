"""Marks: in which order merging brought statements in here.

A mark is a stretch of one log, numbered as it was read in. So the number of
a mark stands for how much of every log had come by then, and "what came
since" is what the later marks cover.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Index, delete, func, insert, or_, select

from syncd.store import events
from syncd.store.book import Book, reading, reads, writes
from syncd.store.tables import own_table, told

KEPT = 100_000  # marks
KEPT_S = 30 * 86_400

mark = own_table(
    "merge_mark",
    "id int key, at int",  # unix seconds
    "origin text, first int, stop int",
)
Index("merge_mark_origin", mark.c.origin, mark.c.id)
_ARRIVALS = "arrivals/"
_CAME = select(told).where(told.c.name.startswith(_ARRIVALS))


class Mark(NamedTuple):
    """first ≤ index < stop of a log came in."""

    id: int
    at: int  # unix seconds
    origin: str
    first: int
    stop: int


BEGIN = Mark(0, 0, "", 0, 0)  # before the first mark


def _newest(c: Connection) -> Mark:
    """Return the newest mark, `BEGIN` if there is none."""
    row = c.execute(select(mark).order_by(mark.c.id.desc()).limit(1)).first()
    return Mark(*row) if row else BEGIN


class MergeMarks(Book):
    """The marks, over own.db."""

    newest = reading(_newest)

    @writes
    def add(
        self, c: Connection, origin: str, first: int, stop: int, n: int
    ) -> None:
        """Mark that `n` statements came in, and tell of it."""
        now, last = self._clock(), _newest(c)
        if last[2:] == (origin, first, stop):  # handed on once more
            return
        c.execute(insert(mark).values((last.id + 1, now, origin, first, stop)))
        data = {"cursor": f"{last.id}.{last.at}", "n": n}
        events.tell(c, now, "changes", {**data, "origin": origin})

    async def after(self, number: int) -> Sequence[Mark] | None:
        """Return a mark and the next, if there is one; None if it is gone.

        `BEGIN` is the mark of number 0.
        """
        wanted = select(mark).where(mark.c.id >= number)
        rows = await self._rows(wanted.order_by("id").limit(2))
        found = [Mark(*row) for row in rows]
        if number == 0 and (not found or found[0].id == 1):
            return [BEGIN, *found[:1]]
        return found if found and found[0].id == number else None

    @reads
    def sizes(self, c: Connection, number: int) -> Mapping[str, int]:
        """Return how much of each log had come when a mark was made.

        That is where the next mark of the log begins, else how far the log
        was handed on.
        """
        ids = select(func.min(mark.c.id)).where(mark.c.id > number)
        first = select(mark.c.origin, mark.c.first).where(
            mark.c.id.in_(ids.group_by(mark.c.origin))
        )
        return {
            name.removeprefix(_ARRIVALS): int(size)
            for name, size in c.execute(_CAME)
        } | dict(map(tuple, c.execute(first)))

    @writes
    def prune(self, c: Connection) -> None:
        """Drop old marks, but the newest."""
        newest, oldest = _newest(c).id, self._clock() - KEPT_S
        old = or_(mark.c.at < oldest, mark.c.id <= newest - KEPT)
        c.execute(delete(mark).where(old, mark.c.id < newest))
