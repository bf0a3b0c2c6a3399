"""Snapshots: a database as it was at one moment, for who checks it.

Everything is read in one transaction, so a daemon may go on writing: the
reader sees the log, its bundles and the claims of the same moment. Rows are
streamed. Nothing is interpreted here: that they hold is for `flows.audit`
to find out.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from syncd.errors import DamagedError
from syncd.flows.ports import Bundle
from syncd.indicator.absent import Range
from syncd.store.database import Database

T = TypeVar("T")

# (log id, token, key, index, record, index of the retract that ended it)
HeldRow = tuple[int, bytes, int, int, bytes, int | None]

_CLAIMS = (
    "SELECT log_id, token, kind_epoch, idx, record, ended_by FROM claim",
    "SELECT log_id, token, kind_epoch, idx, record, NULL FROM sighting",
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
    contested: bool = False


@dataclass(frozen=True, slots=True)
class CosignRow:
    """What one of our keys cosigned, or another's key on our log."""

    name: str  # `seen` or `merged`; of a receipt the signer's key name
    origin: str
    size: int  # entries
    root: bytes  # 32 bytes; of a receipt empty
    note: bytes


class _Snapshot:
    def __init__(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SELECT 1 FROM log LIMIT 1").fetchone()
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101
        self._raw = raw
        self._cursors: list[sqlite3.Cursor] = []

    def close(self) -> None:
        """End readings that nobody has read to their end."""
        for cursor in self._cursors:
            cursor.close()

    def _rows(self, sql: str, *values: Any) -> Iterator[Any]:
        cursor = self._raw.cursor()
        self._cursors.append(cursor)
        try:
            for row in cursor.execute(sql, values):  # noqa: UP028  that closes
                yield row
        except sqlite3.DatabaseError as e:
            raise DamagedError("database: {why}", why=e) from e

    def bundles(self, log_id: int) -> Iterator[Bundle]:
        """Yield a log's bundles, the newest first."""
        for row in self._rows(
            "SELECT n, width, gz, root, entries FROM bundle"
            " WHERE log_id = ? ORDER BY n DESC",
            log_id,
        ):
            yield Bundle(*row)

    def bundle(self, log_id: int, n: int) -> Bundle | None:
        """Return one bundle of a log."""
        for row in self._rows(
            "SELECT n, width, gz, root, entries FROM bundle"
            " WHERE log_id = ? AND n = ?",
            log_id,
            n,
        ):
            return Bundle(*row)
        return None


S = TypeVar("S", bound=_Snapshot)


class OwnSnapshot(_Snapshot):
    """own.db at one moment."""

    def logs(self) -> list[LogRow]:
        """Return our logs, one for each generation, the newest last."""
        return [
            LogRow(*row)
            for row in self._rows(
                "SELECT id, origin, size, peaks, note FROM log ORDER BY id"
            )
        ]

    def cosigned(self) -> list[CosignRow]:
        """Return the last checkpoint of each log that each key cosigned."""
        return [
            CosignRow(*row)
            for row in self._rows(
                "SELECT role, origin, size, root, note FROM cosigned"
                " ORDER BY origin, role"
            )
        ]

    def receipts(self) -> list[CosignRow]:
        """Return others' cosignatures on our logs."""
        return [
            CosignRow(signer, origin, size, b"", note)
            for signer, origin, size, note in self._rows(
                "SELECT signer, origin, size, note FROM receipt"
                " ORDER BY origin, signer"
            )
        ]


class MirrorSnapshot(_Snapshot):
    """mirror.db at one moment."""

    def logs(self) -> list[LogRow]:
        """Return the logs that we heard of, by origin; ours among them."""
        return [
            LogRow(id_, origin, size, peaks, note, merged, bool(contested))
            for id_, origin, size, peaks, note, merged, contested in (
                self._rows(
                    "SELECT id, origin, size, peaks, note, merged, contested"
                    " FROM log ORDER BY origin"
                )
            )
        ]

    def notes(self, log_id: int) -> list[tuple[int, bytes]]:
        """Return a log's kept checkpoints as (size, note)."""
        return [
            (size, note)
            for size, note in self._rows(
                "SELECT size, note FROM kept_note WHERE log_id = ?"
                " ORDER BY size",
                log_id,
            )
        ]

    def rejected(self, log_id: int) -> list[bytes]:
        """Return a log's notes that the roster decided against."""
        return [
            note
            for (note,) in self._rows(
                "SELECT f.note FROM fork_note AS f JOIN rejected_note AS r"
                " ON r.log_id = f.log_id AND r.hash = f.hash"
                " WHERE f.log_id = ?",
                log_id,
            )
        ]

    def erased(self, log_id: int) -> list[Range]:
        """Return what the database says is erased: (from, to, by)."""
        return [
            (start, stop, by)
            for start, stop, by in self._rows(
                "SELECT start, stop, by_idx FROM erased WHERE log_id = ?",
                log_id,
            )
        ]

    def claims(self) -> Iterator[HeldRow]:
        """Yield every claim row of every log, ended ones too."""
        yield from self._rows(_CLAIMS[0])

    def sightings(self) -> Iterator[HeldRow]:
        """Yield every sighting row of every log."""
        yield from self._rows(_CLAIMS[1])

    def held(
        self, log_id: int, first: int, last: int, *, sightings: bool
    ) -> list[HeldRow]:
        """Return the rows of one log with first ≤ index < last.

        There is no index by position: this reads the whole table, and is
        for finding what is wrong once something is.
        """
        rows = self._rows(
            f"{_CLAIMS[sightings]} WHERE log_id = ? AND idx >= ? AND idx < ?",
            log_id,
            first,
            last,
        )
        return list(rows)


def of_own(path: Path, job: Callable[[OwnSnapshot], T]) -> T:
    """Return what `job` makes of own.db at this moment.

    Raises:
        UsageError: there is no such file.
        DamagedError: it is no database, or a broken one.
        NewerError: a newer syncd has migrated it.
    """
    return _read(path, "own", OwnSnapshot, job)


def of_mirror(path: Path, job: Callable[[MirrorSnapshot], T]) -> T:
    """Return what `job` makes of mirror.db at this moment.

    Raises:
        UsageError, DamagedError, NewerError: as `of_own`.
    """
    return _read(path, "mirror", MirrorSnapshot, job)


def _read(
    path: Path,
    schema: str,
    kind: Callable[[sa.Connection], S],
    job: Callable[[S], T],
) -> T:
    def closing(connection: sa.Connection) -> T:
        taken = kind(connection)
        try:
            return job(taken)
        finally:
            taken.close()

    database = Database(path, schema, read_only=True, readers=1)
    try:
        return database.read_now(closing)
    finally:
        database.close()
