"""A SQLite database: one thread that writes, a few that read.

Sync SQLAlchemy engines in threads: a look-up takes 37 µs this way, 288 with
an asyncio driver. Writing from one thread only means that SQLite's lock is
never contended inside the process and that what one write did is seen by the
next. Commits are durable when they return (WAL, synchronous=FULL): receipts
and checkpoints are signed after a commit and must not claim what a power cut
can undo.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from syncd.errors import (
    DamagedError,
    NewerError,
    UnavailableError,
    UsageError,
)
from syncd.store.hot import cursor

T = TypeVar("T")

# The newest revision of each database that this build knows. A test holds
# them equal to the scripts in migrations/; looking here saves the daemon and
# the command line the import of alembic.
HEADS = {"own": "own_first", "mirror": "mirror_first"}
MIGRATIONS = Path(__file__).parent / "migrations"
PRAGMAS = (  # of the connection that writes
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=OFF",
    "wal_autocheckpoint=16384",  # pages, 64 MiB
    "journal_size_limit=67108864",
    "cache_size=-16384",  # KiB
)
NEWS = "news"  # of a connection: its transaction has what others wait for
_BUSY_MS = 10_000
FEW = 16  # keys: what they find is read in less time than a thread's turn


def _create(path: Path) -> None:
    """Make the file, empty and for its owner alone: its WAL follows it.

    Raises:
        UsageError: it cannot be made there.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass  # another process was quicker
    except OSError as e:
        raise UsageError("{path}: {why}", path=path, why=e.strerror) from e


class Database:
    """One database file, open, at this build's newest revision."""

    def __init__(
        self,
        path: Path,
        schema: str,
        *,
        read_only: bool = False,
        readers: int = 4,
    ) -> None:
        """Open the file, creating or migrating it unless `read_only`.

        Raises:
            NewerError: a newer syncd has migrated it.
            DamagedError: it is no database, or a broken one.
            UsageError: `read_only`, and it is not there.
        """
        self.path = path
        self.name = path.name
        self.schema = schema
        if not path.exists():
            if read_only:
                raise UsageError("{name}: no such file", name=self.name)
            _create(path)
        self._read_engine = self._engine("BEGIN", readers + 1, read_only=True)
        self._write_engine = self._engine("BEGIN IMMEDIATE", 1)
        self._readers = ThreadPoolExecutor(readers, f"{schema}-read")
        self._writer = ThreadPoolExecutor(1, f"{schema}-write")
        self._here: sa.Connection | None = None  # the event loop's own
        self._read_only = read_only
        self.on_news: Callable[[], None] = lambda: None
        self._news = False  # some were committed
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------ jobs

    async def read(
        self, job: Callable[[sa.Connection], T], *, few: bool = False
    ) -> T:
        """Return what `job` makes of one consistent snapshot.

        It is read at once where it asks for a `few` rows by their keys: that
        takes less time than another thread's turn.
        """
        if few:
            here = self._here = self._here or self._read_engine.connect()
            with self._translated():
                try:
                    return job(here)
                finally:
                    if here.in_transaction():
                        here.rollback()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, job)

    async def rows(
        self, sql: str, *values: object, few: bool = False
    ) -> Sequence[Any]:
        """Return the rows that a query has just now."""
        return await self.read(
            lambda c: cursor(c).execute(sql, values).fetchall(), few=few
        )

    async def write(
        self,
        job: Callable[[sa.Connection], T],
        then: Callable[[], None] = lambda: None,
    ) -> T:
        """Run `job` in one transaction; it is durable on return.

        What comes `then` is done after the commit, before any other write.
        """

        def step() -> T:
            done = self.write_now(job)
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

    def read_now(self, job: Callable[[sa.Connection], T]) -> T:
        """Like `read`, on the calling thread."""
        with self.reading() as connection:
            return job(connection)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield one consistent snapshot, on the calling thread."""
        with self._translated(), self._read_engine.connect() as connection:
            yield connection

    def write_now(self, job: Callable[[sa.Connection], T]) -> T:
        """Like `write`; only for `in_writer` steps and before the loop."""
        with self._translated(), self._write_engine.begin() as connection:
            done = job(connection)
            news = connection.info.pop(NEWS, False)
        self._news |= news
        return done

    async def purge(self) -> None:
        """Leave no byte of what was deleted, in file or WAL.

        SQLite frees pages without wiping them; only a rewrite of the whole
        file does, so this takes a while on a large database.
        """
        await self.in_writer(self._purge)

    def _purge(self) -> None:
        with self._translated():
            raw = self._write_engine.raw_connection()
            try:
                connection = raw.driver_connection
                assert isinstance(connection, sqlite3.Connection)  # noqa: S101
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.execute("VACUUM")
                busy, _, _ = connection.execute(
                    "PRAGMA wal_checkpoint(TRUNCATE)"
                ).fetchone()
            finally:
                raw.close()
        if busy:
            raise UnavailableError(
                "{name}: a long read keeps old pages alive",
                hint="purge again later",
                name=self.name,
            )

    def close(self) -> None:
        """Finish what runs, then close."""
        self._writer.shutdown()
        self._readers.shutdown()
        if self._here is not None:
            self._here.close()
        self._read_engine.dispose()
        self._write_engine.dispose()

    # --------------------------------------------------------- innards

    def _engine(
        self, begin: str, connections: int, *, read_only: bool = False
    ) -> sa.Engine:
        engine = sa.create_engine(
            sa.URL.create("sqlite+pysqlite", database=str(self.path)),
            pool_size=connections,
            max_overflow=0,
            hide_parameters=True,  # or errors would print raw values
        )

        @event.listens_for(engine, "connect")
        def _connect(raw: sqlite3.Connection, _record: object) -> None:
            raw.isolation_level = None  # we say BEGIN ourselves
            raw.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
            if read_only:
                raw.execute("PRAGMA query_only=ON")
                return
            for pragma in PRAGMAS:
                raw.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            cursor(connection).execute(begin)

        return engine

    def _migrate(self) -> None:
        look = self.read_now if self._read_only else self.write_now
        found, newest = look(self._revision), HEADS[self.schema]
        if found == newest:
            return
        if found is not None and found not in self._revisions():
            raise NewerError(
                "{name}: at revision {found}, this syncd knows up to {most}",
                hint="install the newer syncd again, or restore the backup"
                " from before the upgrade",
                name=self.name,
                found=found,
                most=newest,
            )
        if self._read_only:
            raise UsageError(
                "{name}: at revision {found}, want {newest}",
                hint="start the daemon once: it migrates the database",
                name=self.name,
                found=found,
                newest=newest,
            )
        self.write_now(self._upgrade)

    def _revision(self, connection: sa.Connection) -> str | None:
        there = connection.exec_driver_sql(
            "SELECT count(*) FROM sqlite_master WHERE name='alembic_version'"
        ).scalar()
        if not there:
            return None
        return connection.exec_driver_sql(
            "SELECT version_num FROM alembic_version"
        ).scalar()

    def _scripts(self) -> Any:
        # alembic takes a quarter of a second to import: only when needed.
        from alembic.script import ScriptDirectory

        return ScriptDirectory(
            str(MIGRATIONS),
            version_locations=[str(MIGRATIONS / self.schema)],
        )

    def _revisions(self) -> set[str]:
        return {s.revision for s in self._scripts().walk_revisions()}

    def _upgrade(self, connection: sa.Connection) -> None:
        """Migrate inside the one transaction that `write_now` holds.

        BEGIN IMMEDIATE is the exclusive lock: a second process waits, then
        finds nothing left to do.
        """
        from alembic.config import Config
        from alembic.runtime.environment import EnvironmentContext

        scripts = self._scripts()

        def steps(revision: Any, _context: object) -> Any:
            return scripts._upgrade_revs("head", revision)

        with EnvironmentContext(Config(), scripts, fn=steps) as environment:
            environment.configure(
                connection=connection, transactional_ddl=False
            )
            environment.run_migrations()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as e:
            raise self._explained(e, e.orig) from e
        except sqlite3.Error as e:
            raise self._explained(e, e) from e

    def _explained(
        self, e: Exception, cause: BaseException | None
    ) -> Exception:
        code = getattr(cause, "sqlite_errorname", "") or ""
        if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return DamagedError(
                "{name}: {cause}",
                hint="restore it from a backup; mirror.db may be deleted and"
                " is fetched again",
                name=self.name,
                cause=cause,
            )
        if code.startswith(
            (
                "SQLITE_BUSY",
                "SQLITE_FULL",
                "SQLITE_IOERR",
                "SQLITE_CANTOPEN",
                "SQLITE_READONLY",
            )
        ):
            return UnavailableError(
                "{name}: {cause}", name=self.name, cause=cause
            )
        return e  # ours: a broken constraint or a wrong statement
