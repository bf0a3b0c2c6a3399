"""Load a merge's rows, by each engine's own quickest way.

They go to the driver as they come, since whatever is made of each here would
cost a tenth of the insert. They are sorted: random ones make the pages of the
table's tree travel. docs/store.md has the measurement.
"""

import functools
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from syncd.indicator.folding import Rows
from syncd.store.prepared import Prepared
from syncd.store.tables import claim

# Takes one of `folding.Rows`' slices, in SQLite.
_CUT = Prepared(
    sa.text(
        "INSERT INTO claim (token, idx, kind_epoch, record, log_id)"
        " SELECT substr(:cells, at + 1, 16),"
        " CAST(substr(:cells, at + 17, 17) AS INTEGER),"
        " CAST(substr(:cells, at + 34, 17) AS INTEGER),"
        " substr(:cells, at + 51, size - 50), :log"
        " FROM (SELECT value >> 16 AS at, value & 65535 AS size"
        " FROM json_each(:spans))"
    ),
    *("spans", "cells", "log"),
)


def load(
    c: Connection, log_id: int, rows: Iterable[Any], table: Table = claim
) -> None:
    """Add rows of a log to a table that has `log_id` after their columns.

    SQLite cuts claims itself, a slice in a statement: no row is an object, and
    other threads run meanwhile.
    """
    if c.dialect.name == "postgresql":
        copy(c, table, _columns(table), ((*row, log_id) for row in rows))
    elif isinstance(rows, Rows):
        for spans, cells in rows.slices:
            _CUT.run(c, spans, cells, log_id)
    else:
        _insert(table, log_id).many(c, rows)


@functools.cache
def _insert(table: Table, log_id: int) -> Prepared:
    """Return a statement in which the log's number stands."""
    number = sa.literal_column(str(log_id), sa.Integer)
    new = sa.insert(table).values(log_id=number).inline()  # no RETURNING
    return Prepared(new, *_columns(table)[:-1])


def copy(
    c: Connection, table: Table, names: list[str], rows: Iterable[Any]
) -> int:
    """Add rows of some columns to PostgreSQL's table; return their number."""
    raw: Any = c.connection.driver_connection
    types = [table.c[n].type.compile(c.dialect).lower() for n in names]
    quoted = ", ".join(f'"{name}"' for name in names)
    text = f'COPY "{table.name}" ({quoted}) FROM STDIN (FORMAT BINARY)'
    cursor = raw.cursor()
    with cursor.copy(text) as copying:
        copying.set_types([type_.split()[0] for type_ in types])
        for row in rows:
            copying.write_row(row)
    return int(cursor.rowcount)


def _columns(table: Table) -> list[str]:
    names = table.c.keys()
    return names[: names.index("log_id") + 1]
