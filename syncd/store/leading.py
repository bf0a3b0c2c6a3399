# ruff: noqa: S608 (of constants alone)
"""Which of a member's daemons leads, where several share a database.

Who holds a lock of the server's leads. A session of its own holds it: the
server ends one that is silent for a while, so a daemon that died, hangs or
was cut off loses it. It may not know that yet, and wake up in the midst of
an append. So who gets the lock raises the fencing number first, and what a
leader writes compares it in the same transaction: that of one who led before
is refused.
"""

import asyncio
import contextlib
import threading
import time
import zlib
from typing import Any, NamedTuple

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert

from syncd.errors import UnavailableError
from syncd.store.book import Book, Clock, highest, reads
from syncd.store.database import FENCING, Database, Fence
from syncd.store.portable import TIMELINE, upsert, writing_lock
from syncd.store.tables import cosigned, event, own_table, vault

_LOCK = zlib.crc32(b"syncd leader")
_HANGS_S = 5.0
_NAMED = "syncd "  # before a daemon's name, in its session's

log = structlog.get_logger("syncd.leading")

leader = own_table(  # one row, once a daemon has led
    "leader",
    "fencing int key, node text, since int",
    "system text",  # of the server
    "timeline text",
)

accepted_roster = own_table(  # for the daemons that have not heard of it
    "accepted_roster", "version int key, note bytes"
)

_ASK = text(f"SELECT pg_try_advisory_lock({_LOCK})")
_SERVER = text(
    f"SELECT system_identifier::text, {TIMELINE} FROM pg_control_system()"
)
_SIZES = text(
    "SELECT 'postgresql ' || schemaname,"
    " CAST(sum(pg_total_relation_size(relid)) AS bigint)"
    " FROM pg_stat_user_tables GROUP BY schemaname"
)
_HOLDS = (  # whether a session has one of some locks
    "EXISTS (SELECT FROM pg_locks AS lock WHERE lock.pid = session.pid"
    " AND locktype = 'advisory' AND granted AND objid::bigint IN ({}))"
)
# Who writes, and lets the server wait for what comes next: it hangs if nothing
# does. What is sent in a pipeline or a `COPY` is not idle for the server.
_WAITED_FOR = text(
    "SELECT session.pid, state_change, bytes_processed"
    " FROM pg_stat_activity AS session"
    " LEFT JOIN pg_stat_progress_copy AS copy ON copy.pid = session.pid"
    " WHERE session.datname = current_database()"
    " AND wait_event = 'ClientRead' AND "
    + _HOLDS.format(f"{writing_lock('own')}, {writing_lock('mirror')}")
)
_THERE = text(
    f"SELECT application_name, {_HOLDS.format(_LOCK)}"
    " FROM pg_stat_activity AS session WHERE datname = current_database()"
    f" AND starts_with(application_name, '{_NAMED}') ORDER BY 1"
)

_WAITS = select(sa.exists().where(vault.c.state.in_((0, 2))))
_RECEIPTS = select(cosigned.c.origin, cosigned.c.size).filter_by(role="merged")


class Term(NamedTuple):
    """A row of `leader`: who led, and by which server."""

    fencing: int
    node: str
    since: int  # unix seconds
    system: str
    timeline: str


class News(NamedTuple):
    """What another daemon may have written."""

    rosters: list[bytes]  # newer than ours, in order
    known: int  # version of the newest roster that is kept
    event: int  # number of the newest event
    waits: bool  # something is to be published
    receipts: dict[str, int]  # sizes of others' logs that we signed as merged


class Election(Book):
    """Stands for leader over own.db, and holds on while it is one."""

    def __init__(self, database: Database, node: str, clock: Clock) -> None:
        """Neither lead nor follow yet; `node` is what people know us by."""
        super().__init__(database, clock)
        self.node = node
        self.fence = Fence()
        self.handed_over = False  # by one whom we saw, on the same server
        self._session: Connection | None = None
        self._at_work = threading.Lock()
        self._waited_for = dict[Any, float]()  # since when
        self._seen: Term | None = None  # who led when we looked last

    @property
    def leader(self) -> str:
        """Who led when we looked last, "" if nobody ever did."""
        return self._seen.node if self._seen else ""

    async def look(self) -> int:
        """Lead if nobody does; return our fencing number, 0 if we follow."""
        try:
            if not await asyncio.to_thread(self._hold):
                self.fence.number = 0
                self._seen = await self._db.read(_term)
            elif not self.fence.number:
                await self._begin()
        except UnavailableError as e:
            self.resign()
            log.warning("not leading", why=str(e))
        return self.fence.number

    def _hold(self) -> bool:
        """Tell if the lock is ours, having asked for it."""
        with self._at_work, self._db.translated():
            if self._session is None:
                self.fence.number = 0
                self._session = self._db.session(_NAMED + self.node)
            self._end_hanging(self._session)
            if not self.fence.number:
                return bool(self._session.scalar(_ASK))
            return bool(self._session.scalar(FENCING) == self.fence.number)

    def _end_hanging(self, session: Connection) -> None:
        """End who writes, and of whom nothing has come for a while."""
        now, waited_for = time.monotonic(), dict[Any, float]()
        for row in session.execute(_WAITED_FOR).all():
            since = waited_for[row] = self._waited_for.get(row, now)
            if now - since > _HANGS_S:
                session.execute(select(func.pg_terminate_backend(row[0])))
        self._waited_for = waited_for

    async def _begin(self) -> None:
        """Raise the fencing number: what led before is over."""

        def job(c: Connection) -> tuple[Term | None, Term]:
            before = _term(c)
            system, timeline = c.execute(_SERVER).one()
            number = (before.fencing if before else 0) + 1
            new = Term(number, self.node, self._clock(), system, timeline)
            c.execute(sa.delete(leader))
            c.execute(insert(leader).values(new._asdict()))
            return before, new

        before, new = await self._db.write(job)
        same = before and before[-2:] == new[-2:]
        self.handed_over = bool(same) and before == self._seen
        self._seen, self.fence.number = new, new.fencing
        log.info("leads", fencing=new.fencing, handed_over=self.handed_over)

    @reads
    def daemons(self, c: Connection) -> list[tuple[str, int | None]]:
        """Return which daemons there are, and since when which one leads."""
        since = c.scalar(select(leader.c.since))
        return [
            (name.removeprefix(_NAMED), since if leads else None)
            for name, leads in c.execute(_THERE)
        ]

    @reads
    def sizes(self, c: Connection) -> dict[str, int]:
        """Return how many bytes each schema has on the server."""
        return dict(map(tuple, c.execute(_SIZES)))

    @reads
    def news(self, c: Connection, version: int) -> News:
        """Return what is new to who has this version of the roster."""
        at = accepted_roster.c
        notes = select(at.note).where(at.version > version)
        return News(
            [*c.scalars(notes.order_by(at.version))],
            highest(c, at.version),
            highest(c, event.c.id),
            bool(c.scalar(_WAITS)),
            dict(map(tuple, c.execute(_RECEIPTS))),
        )

    async def keep(self, version: int, note: bytes) -> None:
        """Let the others have a roster that we accepted."""
        new = upsert(accepted_roster)
        await self._run(new.values(version=version, note=note))

    def resign(self) -> None:
        """Lead no more."""
        self.fence.number = 0
        with self._at_work:
            session, self._session = self._session, None
            if session is not None:
                with contextlib.suppress(Exception):
                    session.close()


def _term(c: Connection) -> Term | None:
    row = c.execute(select(leader)).first()
    return Term(*row) if row else None
