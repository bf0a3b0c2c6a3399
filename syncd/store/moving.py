"""Move a stopped member's databases from files to a server.

own.db says how far it is, by its revision: a move was begun, or all is proven
to be there. Until config.toml says so the server's `own` is being filled, and
no daemon runs on a part. One that runs on the file again takes its mark away;
the next move drops what was copied.

Rows go in by primary key: the last one there says how far a table is, so a
move that was interrupted anywhere is begun again, and goes on.
"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table, func, select

from syncd.errors import DamagedError, UsageError
from syncd.store import durable, loading, migrating, tables
from syncd.store.database import Database
from syncd.store.failpoint import hit
from syncd.store.home_stores import LOCK, MIRROR, OWN
from syncd.store.migrating import BEGUN, DONE, FILLING
from syncd.store.server import Server

_BATCH = 20_000  # rows a commit
_AT_ONCE = 1000  # rows in memory


class Move:
    """A member's two databases, open where they are and where they go."""

    def __init__(self, home: Path, server: Server) -> None:
        """Begin a move, or go on with it.

        Raises:
            UsageError: a daemon runs, or the server has another's databases.
        """
        with ExitStack() as undo:
            undo.callback(durable.Lock(home / LOCK).release)

            def opened(place: Path | Server, schema: str) -> Database:
                found = Database(place, schema, readers=1, moving=True)
                undo.callback(found.close)
                return found

            self._own = opened(home / OWN, "own"), opened(server, "own")
            mirror = opened(home / MIRROR, "mirror"), opened(server, "mirror")
            sides = (self._own, tables.OWN), (mirror, tables.MIRROR)
            self._tables = [
                (*side, t) for side, all_ in sides for t in all_.sorted_tables
            ]
            self._begin(mirror[1])
            self.close = undo.pop_all().close

    def _begin(self, mirror: Database) -> None:
        """Mark both sides with one id; the server's is empty, or of that."""
        here, there = self._own
        mark = str(here.read_now(migrating.revision))
        had = str(there.read_now(migrating.revision))
        if not had.startswith(FILLING) and there.read_now(_count(tables.log)):
            raise UsageError(
                "{name}: a member's databases are there already", there
            )
        if not mark.startswith((BEGUN, DONE)):
            mark = BEGUN + secrets.token_hex(4)
            here.write_now(partial(migrating.mark, found=mark))
        self._id = mark.rpartition("-")[2]
        if had != FILLING + self._id:
            newest = migrating.HEADS["mirror"]
            mirror.write_now(partial(_empty, tables.MIRROR, newest))
            there.write_now(partial(_empty, tables.OWN, FILLING + self._id))
        hit("move.begun")

    def rows(self) -> int:
        """Return how many rows there are to move."""
        return sum(here.read_now(_count(t)) for here, _, t in self._tables)

    def copied(self) -> Iterator[int]:
        """Copy what is not there yet; yield how many rows more are."""
        for here, there, table in self._tables:
            keys = [*table.primary_key.columns]
            newest = select(*keys).order_by(*(key.desc() for key in keys))
            with there.reading() as connection:
                last = connection.execute(newest.limit(1)).first()
            yield there.read_now(_count(table))
            wanted = _sorted(table)
            if last is not None:
                wanted = wanted.where(sa.tuple_(*keys) > tuple(last))
            with here.reading() as connection:
                rows = iter(connection.execute(wanted))
                while n := there.write_now(partial(_load, table, rows)):
                    hit("move.committed")
                    yield n

    def compared(self) -> Iterator[int]:
        """Read all rows back; yield how many more are what they were.

        Raises:
            DamagedError: one is not.
        """
        for here, there, table in self._tables:
            with (
                here.reading() as old,
                there.reading() as new,
                old.execute(_sorted(table)) as ours,
                new.execute(_sorted(table)) as theirs,
            ):
                for some, same in zip_longest(
                    ours.partitions(), theirs.partitions()
                ):
                    if some != same:
                        raise DamagedError(
                            "{name}: is not what it was",
                            name=f"{there.name}.{table.name}",
                        )
                    yield len(some)

    def seal(self) -> None:
        """Let nothing write to own.db, under whatever name it is."""
        self._own[0].write_now(partial(migrating.mark, found=DONE + self._id))
        hit("move.sealed")


def finish(home: Path, server: Server) -> None:
    """Put the files away, and let a daemon run on the server.

    What was moved is proven to be there, and config.toml says so.
    """
    hit("move.configured")
    for name in (OWN, MIRROR):
        if (home / name).exists():
            (home / name).rename(home / f"{name}{migrating.AWAY}")
        hit("move.away")
    durable.sync_directory(home)
    with closing(Database(server, "own", moving=True)) as there:
        there.write_now(partial(migrating.mark, found=migrating.HEADS["own"]))


def _empty(data: sa.MetaData, mark: str, c: Connection) -> None:
    data.drop_all(c)
    data.create_all(c)
    migrating.mark(c, mark)


def _count(table: Table) -> Any:
    counted = select(func.count()).select_from(table)
    return lambda c: c.execute(counted).scalar_one()


def _sorted(table: Table) -> sa.Select[Any]:
    rows = select(table).order_by(*table.primary_key.columns)
    return rows.execution_options(yield_per=_AT_ONCE)


def _load(table: Table, rows: Iterator[Any], c: Connection) -> int:
    """Copy some rows; return how many they were. Numbers go on after them."""
    n = loading.copy(c, table, table.columns.keys(), islice(rows, _BATCH))
    number = table.autoincrement_column
    if number is not None:
        sequence = func.pg_get_serial_sequence(table.name, number.name)
        highest = select(func.max(number)).scalar_subquery()
        c.execute(select(func.setval(sequence, highest)))
    hit("move.rows")
    return n
