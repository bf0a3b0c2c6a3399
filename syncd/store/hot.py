"""Statements that are hot: by the driver itself, in few round trips.

SQLAlchemy's result objects cost 80 µs a statement, a look-up 5.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

_VARIABLES = 512  # most values in one IN (…)


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield `values` in slices of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def select_in(
    connection: sa.Connection,
    sql: str,
    values: Sequence[Any],
    *fixed: object,
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of `sql` for all `values`, some hundred at a time.

    `sql` holds `IN (?*)` where the values go, after the `fixed` ones. Short
    lists are padded with their last value up to a few fixed widths, so that
    SQLite's statement cache sees few different texts.
    """
    hot = cursor(connection)
    for part in chunks(values, _VARIABLES):
        width = next(w for w in (1, 8, 64, _VARIABLES) if w >= len(part))
        marks = ",".join("?" * width)
        padded = (*fixed, *part, *(part[-1],) * (width - len(part)))
        yield from hot.execute(sql.replace("?*", marks), padded).fetchall()


def execute_many(
    connection: sa.Connection, sql: str, rows: Iterable[Any]
) -> None:
    """Run `sql` once for each row, taking them one by one.

    SQLAlchemy wants them all in a list.
    """
    cursor(connection).executemany(sql, rows)


def cursor(connection: sa.Connection) -> sqlite3.Cursor:
    """Return the driver's own cursor."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101
    return raw.cursor()
