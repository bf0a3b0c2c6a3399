"""A database: one thread that writes, a few that read.

It is a file of SQLite or a schema of PostgreSQL; each engine has its own
file. Sync SQLAlchemy engines in threads: a look-up takes 37 µs this way, 288
with an asyncio driver. Writing from one thread only means that SQLite's lock
is never contended inside the process and that what one write did is seen by
the next. Commits are durable when they return: receipts and checkpoints are
signed after a commit and must not claim what a power cut can undo.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from syncd.errors import NewerError, StaleError, UsageError
from syncd.store import migrating
from syncd.store.portable import TIMELINE
from syncd.store.server import Server
from syncd.store.sqlite import SqliteEngine

if TYPE_CHECKING:
    from syncd.store.postgresql import PostgresqlEngine

T = TypeVar("T")

NEWS = "news"  # of a connection: its transaction has what others wait for
FENCING = sa.text(  # from either schema; none since a failover
    f"SELECT fencing FROM own.leader WHERE timeline = {TIMELINE}"  # noqa: S608 (constants)
)
FEW = 16  # keys: what they find is read in less time than a thread's turn


class Fence(Struct):
    """The number under which this process leads, 0 while it does not."""

    number: int = 0

    def check(self, c: Connection) -> None:
        """Pass if we lead, as this transaction sees it.

        Raises:
            StaleError: another does, or nobody, as after a failover: what
                was committed last may be lost there, so others are asked.
        """
        if not self.number or c.scalar(FENCING) != self.number:
            raise StaleError("log: another daemon of ours leads now")


class Database:
    """One database, open, at this build's newest revision."""

    def __init__(
        self,
        place: Path | Server,
        schema: str,
        *,
        read_only: bool = False,
        readers: int = 4,
        moving: bool = False,
    ) -> None:
        """Open it, creating or migrating it unless `read_only`.

        One that is moved to a server is open to who is `moving` it, or reads.

        Raises:
            NewerError: a newer syncd has migrated it.
            DamagedError: it is no database, or a broken one.
            UsageError: `read_only`, and it is not there; or a server that
                does not let us in or does not promise durability.
            UnavailableError: the server does not answer.
        """
        self.schema = schema
        how: Any = {"read_only": read_only, "readers": readers}
        self._engine: SqliteEngine | PostgresqlEngine
        if isinstance(place, Path):
            self._engine = SqliteEngine(place, **how)
        else:
            from syncd.store import postgresql  # its driver may lack

            self._engine = postgresql.PostgresqlEngine(place, schema, **how)
        self.name = self._engine.name
        self._readers = ThreadPoolExecutor(readers, f"{schema}-read")
        self._writer = ThreadPoolExecutor(1, f"{schema}-write")
        self._read_only = read_only
        self.fence: Fence | None = None
        self.on_news: Callable[[], None] = lambda: None
        self._news = False  # some were committed
        try:
            self._migrate(moving or read_only)
        except BaseException:
            self.close()
            raise

    async def read(
        self, job: Callable[[Connection], T], *, few: bool = False
    ) -> T:
        """Return what `job` makes of one consistent snapshot.

        It is read at once where it asks for a `few` rows by their keys: that
        takes less time than another thread's turn.
        """
        if few and (here := self._engine.here()) is not None:
            with self.translated():
                try:
                    return job(here)
                finally:
                    if here.in_transaction():
                        here.rollback()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, job)

    async def write(
        self,
        job: Callable[[Connection], T],
        then: Callable[[], None] = lambda: None,
        *,
        leading: bool | None = None,
    ) -> T:
        """Run `job` in one transaction; it is durable on return.

        What comes `then` is done after the commit, before any other write.
        Of several daemons only the one that leads does what is `leading`: if
        it is not told, all that is written to mirror.

        Raises:
            StaleError: another leads, and nothing was written.
        """
        only_leader = self.schema == "mirror" if leading is None else leading

        def fenced(c: Connection) -> T:
            if self.fence and only_leader:
                self.fence.check(c)
            return job(c)

        def step() -> T:
            done = self.write_now(fenced)
            then()
            return done

        return await self.in_writer(step)

    async def in_writer(self, step: Callable[[], T]) -> T:
        """Run `step` in the writing thread: between two transactions.

        A step may call `write_now` and do more after the commit, and no
        other write comes between.
        """
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self._writer, step)
        if self._news:
            self._news = False
            self.on_news()
        return done

    def session(self, name: str) -> Connection:
        """Return a server's session that ends when it is silent for a while."""
        return self._engine.session(name)  # type: ignore[union-attr]

    def read_now(self, job: Callable[[Connection], T]) -> T:
        """Like `read`, on the calling thread."""
        with self.reading() as connection:
            return job(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield one consistent snapshot, on the calling thread."""
        with self.translated(), self._engine.reading() as connection:
            yield connection

    def write_now(self, job: Callable[[Connection], T]) -> T:
        """Like `write`; only for `in_writer` steps and before the loop."""
        with self.translated(), self._engine.writing() as connection:
            done = job(connection)
            news = connection.info.pop(NEWS, False)
        self._news |= news
        return done

    async def purge(self) -> None:
        """Leave no byte of what was deleted, as far as the engine can.

        Only a rewrite of the whole does, so this takes a while, and as much
        room again, on a large database.

        Raises:
            UnavailableError: there is no room, or a long read goes on.
        """
        await self.in_writer(self.translated()(self._engine.purge))

    def close(self) -> None:
        """Finish what runs, then close."""
        self._writer.shutdown()
        self._readers.shutdown()
        self._engine.close()

    def _migrate(self, moving: bool) -> None:
        look = self.read_now if self._read_only else self.write_now
        found, newest = look(migrating.revision), migrating.HEADS[self.schema]
        if found == newest:
            return
        if found is not None and found.startswith(migrating.MOVE):
            if not moving:
                if not found.startswith(migrating.BEGUN):
                    raise migrating.moved(self.name)
                self.write_now(partial(migrating.mark, found=newest))
            return
        if found is not None and found not in migrating.known(self.schema):
            raise NewerError(
                "{name}: at revision {found}, this syncd knows up to {most}",
                self,
                found=found,
                most=newest,
            )
        if self._read_only:
            raise UsageError(
                "{name}: at revision {found}, want {newest}",
                self,
                found=found,
                newest=newest,
            )
        self.write_now(partial(migrating.upgrade, self.schema))

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Let the driver's errors be ours."""
        try:
            yield
        except (DBAPIError, self._engine.errors) as e:
            cause = e.orig if isinstance(e, DBAPIError) else e
            raise self._engine.explained(cause) or e from e
