"""SQLite: a database is a file, and its errors.

Commits are durable when they return (WAL, synchronous=FULL).
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from syncd.errors import DamagedError, UnavailableError, UsageError, at_path
from syncd.store import migrating

PRAGMAS = (  # of the connection that writes
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=OFF",
    "wal_autocheckpoint=16384",  # pages, 64 MiB
    "journal_size_limit=67108864",
    "cache_size=-16384",  # KiB
)
_BUSY_MS = 10_000
_UNAVAILABLE = (
    "SQLITE_BUSY",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
)


class SqliteEngine:
    """One file: readers that see a snapshot, and one writer at a time.

    Writers of several processes take turns by a lock of our own: SQLite's is
    asked for again after 1, 2, 5, 10 … ms, by who waits longest last of all.
    """

    errors: type[Exception] = sqlite3.Error

    def __init__(self, path: Path, *, read_only: bool, readers: int) -> None:
        """Make the file unless it is there or is only to be read.

        Raises:
            UsageError: `read_only`, and it is not there; it was moved; or it
                cannot be made there.
        """
        self.path = path
        self.name = path.name
        if not path.exists():
            if path.with_name(path.name + migrating.AWAY).exists():
                raise migrating.moved(self.name)
            if read_only:
                raise UsageError("{name}: no such file", self)
            # For its owner alone: its WAL follows it. Another may be quicker.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with at_path(path), contextlib.suppress(FileExistsError):
                os.close(os.open(path, flags, 0o600))
        self._read = self._engine("BEGIN", readers + 1, ("query_only=ON",))
        self._here: Connection | None = None
        self._write = self._engine("BEGIN IMMEDIATE", 1, PRAGMAS)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        turn = f"{path}-turn"  # closing the file itself would drop its locks
        self._turn = -1 if read_only else os.open(turn, flags, 0o600)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _engine(
        self, begin: str, connections: int, pragmas: tuple[str, ...]
    ) -> Engine:
        engine = create_engine(
            URL.create("sqlite+pysqlite", database=str(self.path)),
            pool_size=connections,
            max_overflow=0,
            hide_parameters=True,  # or errors would print raw values
        )

        @event.listens_for(engine, "connect")
        def _connect(raw: sqlite3.Connection, _record: object) -> None:
            raw.isolation_level = None  # we say BEGIN ourselves
            for pragma in (f"busy_timeout={_BUSY_MS}", *pragmas):
                raw.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            raw: Any = connection.connection.driver_connection
            raw.execute(begin)

        return engine

    def here(self) -> Connection | None:
        """Return the event loop's own connection, for a few rows by key."""
        self._here = self._here or self._read.connect()
        return self._here

    def reading(self) -> contextlib.AbstractContextManager[Connection]:
        """Return one consistent snapshot."""
        return self._read.begin()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a transaction, alone; it is durable afterwards."""
        with self._in_turn(), self._write.begin() as connection:
            yield connection

    def purge(self) -> None:
        """Rewrite the file: SQLite frees pages without wiping them.

        Raises:
            UnavailableError: there is no room for a second copy of the file
                and its WAL, or a long read keeps old pages.
        """
        with self._in_turn(), closing(self._write.raw_connection()) as raw:
            connection: Any = raw.driver_connection
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            wanted = 2 * self.path.stat().st_size
            free = shutil.disk_usage(self.path.parent).free
            if free < wanted:
                raise UnavailableError(
                    "{name}: a purge wants {wanted} MB free, {free} MB are",
                    self,
                    wanted=-(-wanted // 1_000_000),
                    free=free // 1_000_000,
                )
            folder = str(self.path.parent).replace("'", "''")
            # Elsewhere its copy would lie in /tmp, which may be memory.
            connection.execute(f"PRAGMA temp_store_directory='{folder}'")
            connection.execute("VACUUM")
            busy, _, _ = connection.execute(
                "PRAGMA wal_checkpoint(TRUNCATE)"
            ).fetchone()
        if busy:
            raise UnavailableError(
                "{name}: a long read keeps old pages alive", self
            )

    def close(self) -> None:
        """Close all connections."""
        if self._here is not None:
            self._here.close()
        self._read.dispose()
        self._write.dispose()
        if self._turn >= 0:
            os.close(self._turn)
            self._turn = -1

    def explained(self, cause: BaseException | None) -> Exception | None:
        """Return the error that a driver's is for us, if it is no mistake."""
        code = getattr(cause, "sqlite_errorname", "") or ""
        if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return DamagedError(
                "{name}: {cause}",
                self,
                hint="restore it from a backup; mirror.db may be deleted and"
                " is fetched again",
                cause=cause,
            )
        if code.startswith(_UNAVAILABLE):
            return UnavailableError("{name}: {cause}", self, cause=cause)
        return None
