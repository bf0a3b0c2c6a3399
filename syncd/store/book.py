"""What a part of the store works with: its database, a clock, a cipher."""

import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy import Column, Connection

from syncd.store.database import Database
from syncd.store.log_rows import id_of
from syncd.store.portable import upsert
from syncd.store.prepared import Prepared
from syncd.store.sealing import VaultCipher

Row = tuple[str | int, ...]  # a primary key
Clock = Callable[[], int]  # unix seconds

P = ParamSpec("P")
T = TypeVar("T")
B = TypeVar("B", bound="Book")


def _in(
    run: Callable[[Database, Any], Coroutine[Any, Any, Any]],
) -> Callable[
    [Callable[Concatenate[B, Connection, P], T]],
    Callable[Concatenate[B, P], Coroutine[Any, Any, T]],
]:
    """Return what has a method's body run in a transaction of its book.

    The body takes the connection first; who calls the method awaits it, and
    leaves that out.
    """

    def made(job: Any) -> Any:
        @functools.wraps(job)
        async def method(self: B, *args: Any, **more: Any) -> Any:
            return await run(self._db, lambda c: job(self, c, *args, **more))

        return method

    return made


reads = _in(lambda db, job: db.read(job))
reads_few = _in(lambda db, job: db.read(job, few=True))
writes = _in(lambda db, job: db.write(job))
any_daemon_writes = _in(lambda db, job: db.write(job, leading=False))


def reading(read: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    """Return the method of a book that reads in it what `read` does."""
    return reads(lambda _, c, *of: read(c, *of))


def writing(change: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    """Return the method of a book that changes in it what `change` does."""
    return writes(lambda _, c, *of: change(c, *of))


def of_log(read: Callable[..., T]) -> Callable[..., Coroutine[Any, Any, T]]:
    """Return the method that reads of a log, by its origin, what `read` does."""
    return reading(lambda c, origin, *of: read(c, id_of(c, origin), *of))


def highest(c: Connection, column: Column[int]) -> int:
    """Return the highest number of a column, 0 where there is no row."""
    return c.scalar(sa.select(sa.func.max(column))) or 0


class Book:
    """Some tables of a database; the rows of most have times."""

    def __init__(self, database: Database, clock: Clock = int) -> None:
        self._db, self._clock = database, clock

    async def _rows(self, wanted: sa.Select[Any]) -> Sequence[Any]:
        """Return all rows of a query."""
        return await self._db.read(lambda c: c.execute(wanted).all())

    async def _run(
        self,
        change: sa.UpdateBase,
        rows: Sequence[Mapping[str, Any]] | None = None,
    ) -> int:
        """Make a change, for each of some rows; return how many it met."""
        return await self._db.write(lambda c: c.execute(change, rows).rowcount)


class SealedBook(Book):
    """Tables in some of whose columns values are sealed."""

    def __init__(
        self, database: Database, cipher: VaultCipher, clock: Clock
    ) -> None:
        super().__init__(database, clock)
        self._cipher, self._hash = cipher, cipher.hash_of
        self._seal, self._unseal = cipher.seal_json, cipher.open_json


def pruning(*of: tuple[Any, ...]) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return the method of a book that drops what is so many days old.

    Of each table that is named by its column of times, and what else holds.
    """

    def job(self: Book, c: Connection, days: int) -> None:
        since = self._clock() - days * 86_400
        for at, *which in of:
            c.execute(sa.delete(at.table).where(at < since, *which))

    return writes(job)


def add_counts(
    c: Connection, table: sa.Table, counts: Mapping[Row, tuple[int, ...]]
) -> None:
    """Add to what rows of a table count in the columns behind their key."""
    _adding(table).many(c, ((*row, *n) for row, n in counts.items()))


@functools.cache
def _adding(table: sa.Table) -> Prepared:
    counts = [column.name for column in table.c if not column.primary_key]
    return Prepared(upsert(table, added=counts), *table.c.keys())
