"""Load a merge's rows, by each engine's own quickest way.

They go to the driver as they are, since every tuple made here would cost a
tenth of the insert. They are sorted: random ones make the pages of the
table's tree travel. docs/store.md has the measurement.
"""

import functools
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from syncd.store.prepared import Prepared


def load(
    c: sa.Connection, table: sa.Table, log_id: int, rows: Iterable[Any]
) -> None:
    """Add rows of a log to a table that has `log_id` after their columns."""
    if c.dialect.name == "postgresql":
        _copy(c, table, log_id, rows)
    else:
        _insert(table, log_id).many(c, rows)


@functools.cache
def _insert(table: sa.Table, log_id: int) -> Prepared:
    """Return a statement in which the log's number stands."""
    number = sa.literal_column(str(log_id), sa.Integer)
    new = sa.insert(table).values(log_id=number).inline()  # no RETURNING
    return Prepared(new, *_columns(table)[:-1])


def _copy(
    c: sa.Connection, table: sa.Table, log_id: int, rows: Iterable[Any]
) -> None:
    names = _columns(table)
    raw: Any = c.connection.driver_connection
    text = f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    with raw.cursor().copy(text) as copy:
        types = (table.c[name].type for name in names)
        copy.set_types([t.compile(c.dialect).lower() for t in types])
        for row in rows:
            copy.write_row((*row, log_id))


def _columns(table: sa.Table) -> list[str]:
    names = table.c.keys()
    return names[: names.index("log_id") + 1]
