"""Snapshots: a database as it was at one moment, for who checks it.

Everything is read in one transaction, so a daemon may go on writing: the
reader sees the log, its bundles and the claims of the same moment. Rows are
streamed. Nothing is interpreted here: that they hold is for `flows.audit`
to find out.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partialmethod
from itertools import starmap
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

from sqlalchemy import Connection, Select, Table, null, select
from sqlalchemy.exc import DBAPIError

from syncd.errors import DamagedError
from syncd.flows.ports import Bundle
from syncd.indicator.receipt import Named
from syncd.store import access, erasing, kept_notes, tables
from syncd.store import bundles as bundle_rows
from syncd.store.database import Database
from syncd.store.home_stores import MIRROR, OWN
from syncd.store.server import Server

# (token, key, index, record, index of the retract that ended it)
HeldRow = tuple[bytes, int, int, bytes, int | None]

T = TypeVar("T")
_AT_ONCE = 1000  # rows


class LogRow(NamedTuple):
    """One log as a database keeps it."""

    id: int
    origin: str
    size: int  # entries
    peaks: bytes  # bytes(Frontier)
    note: bytes  # signed checkpoint
    merged: int = 0  # entries; mirror.db only
    contested: int = 0  # or 1


class CosignRow(NamedTuple):
    """What one of our keys cosigned, or another's key on our log."""

    name: str  # `seen` or `merged`; of a receipt the signer's key name
    origin: str
    size: int  # entries
    root: bytes  # 32 bytes; of a receipt empty
    note: bytes


def _of(read: Callable[..., T]) -> Callable[..., T]:
    """Return the method that reads in a snapshot what `read` does."""
    return lambda snapshot, *of: read(snapshot.connection, *of)


class _Snapshot:
    file: ClassVar[str]  # in the home
    schema: ClassVar[str]
    log: ClassVar[Table]

    @classmethod
    @contextmanager
    def of(cls, home: Path, server: Server | None = None) -> Iterator[Self]:
        """Yield the database of a home, or of its server, at this moment.

        Raises:
            UsageError: there is no such file.
            DamagedError: it is no database, or a broken one.
            NewerError: a newer syncd has migrated it.
        """
        database = Database(
            server or home / cls.file, cls.schema, read_only=True, readers=1
        )
        with closing(database), database.reading() as connection:
            yield cls(connection)

    def __init__(self, connection: Connection) -> None:
        connection.execute(select(tables.log.c.id).limit(1)).first()
        self.connection = connection

    def _rows(self, wanted: Select[Any], **values: int) -> Iterator[Any]:
        some = wanted.execution_options(yield_per=_AT_ONCE)
        try:
            yield from self.connection.execute(some, values)
        except DBAPIError as e:
            raise DamagedError("database: {why}", why=e.orig) from e

    def logs(self) -> list[LogRow]:
        """Return the logs that there are: of ours, the newest last."""
        rows = self._rows(select(self.log).order_by("id"))
        return [LogRow(**row._asdict()) for row in rows]

    def bundles(self, log_id: int) -> Iterator[Bundle]:
        """Yield a log's bundles, the newest first."""
        newest_first = bundle_rows.OF_LOG.order_by(tables.bundle.c.n.desc())
        yield from starmap(Bundle, self._rows(newest_first, log_id=log_id))

    bundle = _of(bundle_rows.get)  # one of a log, or None
    roots = _of(bundle_rows.roots)  # of full bundles first..last-1 of a log


class OwnSnapshot(_Snapshot):
    """own.db at one moment."""

    file, schema, log = OWN, "own", tables.log

    def cosigned(self) -> list[CosignRow]:
        """Return the last checkpoint of each log that each key cosigned."""
        rows = select(tables.cosigned).order_by("origin", "role")
        return [*starmap(CosignRow, self._rows(rows))]

    def accesses(self) -> Iterator[Any]:
        """Yield the access records as they lie there, by id."""
        rows = self._rows(select(tables.access).order_by("id"))
        return (row._asdict() for row in rows)

    def anchored(self, receipt: str = "") -> list[Named]:
        """Return of which access records our newest anchor speaks.

        Of a receipt, the first that speaks of it: nothing, if none does.
        """
        at, start = tables.done.c.name, access.ANCHORED
        names = select(at).where(at.startswith(start, autoescape=True))
        upto = (int(name[len(start) :]) for (name,) in self._rows(names))
        marks = [0, *sorted(upto)]
        wanted = select(tables.access.c.id).filter_by(receipt=receipt)
        id_ = self.connection.scalar(wanted) if receipt else marks[-1]
        i = bisect_left(marks, id_ or 0)
        span = marks[i - 1 : i + 1]
        return access.named(self.connection, *span) if len(span) > 1 else []

    def _receipts(self, table: Table) -> list[CosignRow]:
        rows = select(table).order_by("origin", "signer", "size")
        return [
            CosignRow(row.signer, row.origin, row.size, b"", row.note)
            for row in self._rows(rows)
        ]

    # Others' newest cosignatures on our logs, and their first receipts of
    # whatever took effect.
    receipts = partialmethod(_receipts, tables.receipt)
    kept_receipts = partialmethod(_receipts, tables.kept_receipt)


class MirrorSnapshot(_Snapshot):
    """mirror.db at one moment."""

    file, schema, log = MIRROR, "mirror", tables.mirror_log

    notes = _of(kept_notes.of_log)  # a log's kept checkpoints by size
    forked = _of(kept_notes.evidence)  # that contradict each other, or did
    rejected = _of(kept_notes.rejected)  # those the roster decided against
    erased = _of(erasing.erased)  # (from, to, by), as the database has it

    def rows(self, sightings: bool) -> Iterator[tuple[int, *HeldRow]]:
        """Yield every claim or sighting row, ended ones too, by log id."""
        at = (tables.claim, tables.mirror_sighting)[sightings].c
        ended_by = null() if sightings else at.ended_by
        columns = at.log_id, at.token, at.kind_epoch, at.idx, at.record
        return self._rows(select(*columns, ended_by))
