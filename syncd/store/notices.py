"""Notices: what the targets of `[notify]` are still to be told.

An event is composed for each target once, in the transaction that moves the
target's cursor, and is a notice until the target has taken it: so a restart
loses nothing, and what is told again is the same bytes under the same number.
Of one target the newest `MOST` are kept, for `KEPT_S`; what goes before it
was told is counted.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from syncd.store import events
from syncd.store.database import Database
from syncd.store.events import StoredEvent
from syncd.store.tables import OWN, Bytes, Int, Text, event

MOST = 1000  # notices of one target
KEPT_S = 3 * 86_400
PAGE = 256  # events read at a time

_target = sa.Table(
    "notify_target",
    OWN,
    sa.Column("name", Text, primary_key=True),
    sa.Column("cursor", Int, nullable=False),  # event that was read last
    sa.Column("dropped", Int, nullable=False),
    sqlite_with_rowid=False,
)
_notice = sa.Table(
    "notice",
    OWN,
    sa.Column("target", Text, primary_key=True),
    sa.Column("number", Int, primary_key=True),  # the event's
    sa.Column("at", Int, nullable=False),
    sa.Column("tries", Int, nullable=False),
    sa.Column("body", Bytes, nullable=False),  # JSON, as it is sent
    sqlite_with_rowid=False,
)


class Notice(NamedTuple):
    """What a target is to be told."""

    target: str
    number: int
    at: int  # unix seconds
    body: bytes


class Queued(NamedTuple):
    """How much a target was not told."""

    waiting: int = 0
    dropped: int = 0  # for good, since the target is known


class Notices:
    """The notices of all targets, over own.db."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._db = database
        self._clock = clock

    async def keep(self, targets: Collection[str]) -> None:
        """Forget all other targets; a new one is told what comes from now on."""

        def job(c: sa.Connection) -> None:
            for name in _target.c.name, _notice.c.target:
                c.execute(sa.delete(name.table).where(name.not_in(targets)))
            known = {*c.execute(sa.select(_target.c.name)).scalars()}
            newest = sa.select(sa.func.coalesce(sa.func.max(event.c.id), 0))
            cursor = c.execute(newest).scalar_one()
            for new in {*targets} - known:
                row = {"name": new, "cursor": cursor, "dropped": 0}
                c.execute(sa.insert(_target), row)

        await self._db.write(job)

    async def queue(
        self, target: str, compose: Callable[[StoredEvent], bytes | None]
    ) -> int:
        """Make notices of what happened; return how many came."""
        ours = _target.c.name == target

        def job(c: sa.Connection) -> int:
            where = sa.select(_target.c.cursor).where(ours)
            cursor, came = c.execute(where).scalar_one(), 0
            while page := events.page(c, cursor + 1, PAGE):
                cursor = page[-1].number
                rows = [
                    {
                        "target": target,
                        "number": one.number,
                        "at": one.at,
                        "tries": 0,
                        "body": body,
                    }
                    for one in page
                    if (body := compose(one)) is not None
                ]
                came += len(rows)
                if rows:
                    c.execute(sa.insert(_notice), rows)
                c.execute(sa.update(_target).where(ours).values(cursor=cursor))
            self._drop(c, target)
            return came

        return await self._db.write(job)

    def _drop(self, c: sa.Connection, target: str) -> None:
        """Drop what is too old or too many, and count it."""
        mine = _notice.c.target == target
        newest = (
            sa.select(_notice.c.number)
            .where(mine)
            .order_by(_notice.c.number.desc())
            .limit(MOST)
        )
        gone = c.execute(
            sa.delete(_notice).where(
                mine,
                (_notice.c.at < self._clock() - KEPT_S)
                | _notice.c.number.not_in(newest),
            )
        ).rowcount
        if gone:
            more = _target.c.dropped + gone
            ours = sa.update(_target).where(_target.c.name == target)
            c.execute(ours.values(dropped=more))

    async def next(self, target: str) -> Notice | None:
        """Return the oldest of those that were tried least."""
        oldest = (
            sa.select(*(_notice.c[name] for name in Notice._fields))
            .where(_notice.c.target == target)
            .order_by(_notice.c.tries, _notice.c.number)
            .limit(1)
        )
        row = await self._db.read(lambda c: c.execute(oldest).first())
        return Notice(*row) if row else None

    async def done(self, notice: Notice, *, taken: bool) -> None:
        """Forget a notice that was taken; count the try of another."""
        this = (
            _notice.c.target == notice.target,
            _notice.c.number == notice.number,
        )
        step: sa.Delete | sa.Update = sa.delete(_notice).where(*this)
        if not taken:
            tries = _notice.c.tries + 1
            step = sa.update(_notice).where(*this).values(tries=tries)
        await self._db.write(lambda c: c.execute(step).close())

    async def queued(self) -> Mapping[str, Queued]:
        """Return of each target how much it was not told."""
        waiting = sa.select(
            _target.c.name,
            sa.func.count(_notice.c.number),
            _target.c.dropped,
        ).outerjoin(_notice, _notice.c.target == _target.c.name)
        grouped = waiting.group_by(_target.c.name, _target.c.dropped)

        def job(c: sa.Connection) -> Mapping[str, Queued]:
            return {n: Queued(*rest) for n, *rest in c.execute(grouped)}

        return await self._db.read(job)
