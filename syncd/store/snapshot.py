"""Snapshots: a database as it was at one moment, for who checks it.

Everything is read in one transaction, so a daemon may go on writing: the
reader sees the log, its bundles and the claims of the same moment. Rows are
streamed. Nothing is interpreted here: that they hold is for `flows.audit`
to find out.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from syncd.errors import DamagedError
from syncd.flows.ports import Bundle
from syncd.indicator.absent import Range
from syncd.store import bundles, erasing, kept_notes
from syncd.store.database import Database
from syncd.store.home_stores import MIRROR, OWN

# (token, key, index, record, index of the retract that ended it)
HeldRow = tuple[bytes, int, int, bytes, int | None]

_CLAIMS = (
    "token, kind_epoch, idx, record, ended_by FROM claim",
    "token, kind_epoch, idx, record, NULL FROM sighting",
)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log as a database keeps it."""

    id: int
    origin: str
    size: int  # entries
    peaks: bytes  # bytes(Frontier)
    note: bytes  # signed checkpoint
    merged: int = 0  # entries; mirror.db only
    contested: int = 0  # or 1


@dataclass(frozen=True, slots=True)
class CosignRow:
    """What one of our keys cosigned, or another's key on our log."""

    name: str  # `seen` or `merged`; of a receipt the signer's key name
    origin: str
    size: int  # entries
    root: bytes  # 32 bytes; of a receipt empty
    note: bytes


class _Snapshot:
    file: ClassVar[str]  # in the home
    schema: ClassVar[str]

    @classmethod
    @contextmanager
    def of(cls, home: Path) -> Iterator[Self]:
        """Yield the database of a home as it is at this moment.

        Raises:
            UsageError: there is no such file.
            DamagedError: it is no database, or a broken one.
            NewerError: a newer syncd has migrated it.
        """
        database = Database(
            home / cls.file, cls.schema, read_only=True, readers=1
        )
        with (
            closing(database),
            database.reading() as connection,
            ExitStack() as cursors,
        ):
            yield cls(connection, cursors)

    def __init__(self, connection: sa.Connection, cursors: ExitStack) -> None:
        connection.exec_driver_sql("SELECT 1 FROM log LIMIT 1").fetchone()
        self._c = connection
        self._cursors = cursors  # of what nobody reads to its end, too

    def _rows(self, sql: str, *values: Any) -> Iterator[Any]:
        cursor = self._c.connection.cursor()
        self._cursors.enter_context(closing(cursor))
        try:
            cursor.execute(sql, values)
            while row := cursor.fetchone():
                yield row
        except sqlite3.DatabaseError as e:
            raise DamagedError("database: {why}", why=e) from e

    def bundles(self, log_id: int) -> Iterator[Bundle]:
        """Yield a log's bundles, the newest first."""
        sql = f"{bundles.SELECT} WHERE log_id = ? ORDER BY n DESC"
        for row in self._rows(sql, log_id):
            yield Bundle(*row)

    def bundle(self, log_id: int, n: int) -> Bundle | None:
        """Return one bundle of a log."""
        return bundles.get(self._c, log_id, n)

    def roots(self, log_id: int, first: int, last: int) -> list[bytes]:
        """Return the roots of full bundles first..last-1 of a log."""
        return bundles.roots(self._c, log_id, first, last)


class OwnSnapshot(_Snapshot):
    """own.db at one moment."""

    file, schema = OWN, "own"

    def logs(self) -> list[LogRow]:
        """Return our logs, one for each generation, the newest last."""
        sql = "SELECT id, origin, size, peaks, note FROM log ORDER BY id"
        return [*starmap(LogRow, self._rows(sql))]

    def cosigned(self) -> list[CosignRow]:
        """Return the last checkpoint of each log that each key cosigned."""
        rows = self._rows(
            "SELECT role, origin, size, root, note FROM cosigned"
            " ORDER BY origin, role"
        )
        return [*starmap(CosignRow, rows)]

    def receipts(self) -> list[CosignRow]:
        """Return others' cosignatures on our logs."""
        rows = self._rows(
            "SELECT signer, origin, size, x'', note FROM receipt"
            " ORDER BY origin, signer"
        )
        return [*starmap(CosignRow, rows)]


class MirrorSnapshot(_Snapshot):
    """mirror.db at one moment."""

    file, schema = MIRROR, "mirror"

    def logs(self) -> list[LogRow]:
        """Return the logs that we heard of, by origin; ours among them."""
        rows = self._rows(
            "SELECT id, origin, size, peaks, note, merged, contested"
            " FROM log ORDER BY origin"
        )
        return [*starmap(LogRow, rows)]

    def notes(self, log_id: int) -> dict[int, bytes]:
        """Return a log's kept checkpoints by size."""
        return kept_notes.of_log(self._c, log_id)

    def rejected(self, log_id: int) -> list[bytes]:
        """Return a log's notes that the roster decided against."""
        return kept_notes.rejected(self._c, log_id)

    def erased(self, log_id: int) -> list[Range]:
        """Return what the database says is erased: (from, to, by)."""
        return erasing.erased(self._c, log_id)

    def rows(self, sightings: bool) -> Iterator[tuple[int, *HeldRow]]:
        """Yield every claim or sighting row, ended ones too, by log id."""
        yield from self._rows(f"SELECT log_id, {_CLAIMS[sightings]}")

    def held(
        self, log_id: int, sightings: bool, first: int, last: int
    ) -> list[HeldRow]:
        """Return the rows of one log with first ≤ index < last.

        There is no index by position: this reads the whole table, and is
        for finding what is wrong once something is.
        """
        sql = (
            f"SELECT {_CLAIMS[sightings]}"
            " WHERE log_id = ? AND idx >= ? AND idx < ?"
        )
        return [*self._rows(sql, log_id, first, last)]
