"""Bundles: how both databases keep a log, 256 records to a row.

A log's tiles are not stored: level 0 follows from a bundle's leaves, all
above from the roots. An append or a pull rewrites the partial last bundle.
"""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from syncd.errors import DamagedError, StaleError
from syncd.flows.ports import Bundle
from syncd.indicator import codec
from syncd.tlog import growth
from syncd.tlog.merkle import BUNDLE

SELECT = "SELECT n, width, gz, root, entries FROM bundle"


def put(
    connection: sa.Connection, log_id: int, bundles: Sequence[Bundle]
) -> None:
    """Keep the bundles; a narrower one of the same number is replaced."""
    if bundles:
        connection.exec_driver_sql(
            "INSERT INTO bundle (log_id, n, width, gz, root, entries)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (log_id, n) DO UPDATE SET width = excluded.width,"
            " gz = excluded.gz, root = excluded.root,"
            " entries = excluded.entries"
            " WHERE excluded.width >= bundle.width",
            [(log_id, b.n, b.width, b.gz, b.root, b.entries) for b in bundles],
        )


def rewrite(connection: sa.Connection, log_id: int, b: Bundle) -> None:
    """Replace records of a bundle, leaves unchanged.

    Raises:
        StaleError: it has grown, or is not there at all.
    """
    done = connection.exec_driver_sql(
        "UPDATE bundle SET gz = ?, entries = ?"
        " WHERE log_id = ? AND n = ? AND width = ? AND root = ?",
        (b.gz, b.entries, log_id, b.n, b.width, b.root),
    )
    if done.rowcount != 1:
        raise StaleError(
            "log: bundle {n} is not {width} wide now", n=b.n, width=b.width
        )


def get(connection: sa.Connection, log_id: int, n: int) -> Bundle | None:
    """Return bundle `n` of a log, or None."""
    row = connection.exec_driver_sql(
        f"{SELECT} WHERE log_id = ? AND n = ?", (log_id, n)
    ).fetchone()
    return None if row is None else Bundle(*row)


def roots(
    connection: sa.Connection, log_id: int, first: int, last: int
) -> list[bytes]:
    """Return the roots of full bundles first..last-1, in order.

    Raises:
        DamagedError: one of them is missing or not full.
    """
    rows = connection.exec_driver_sql(
        "SELECT root FROM bundle WHERE log_id = ? AND n >= ? AND n < ?"
        " AND width = 256 ORDER BY n",
        (log_id, first, last),
    ).fetchall()
    if len(rows) != max(last - first, 0):
        raise DamagedError(
            "log: {n} full bundles of {first} to {last}",
            n=len(rows),
            first=first,
            last=last,
        )
    return [root for (root,) in rows]


def need(connection: sa.Connection, log_id: int, n: int) -> Bundle:
    """Return bundle `n` of a log.

    Raises:
        DamagedError: it is missing.
    """
    found = get(connection, log_id, n)
    if found is None:
        where = Path(str(connection.engine.url.database)).name
        raise DamagedError("{where}: bundle {n} is missing", where=where, n=n)
    return found


def root_at(c: sa.Connection, log_id: int, origin: str, size: int) -> bytes:
    """Return the root of the first `size` entries.

    Raises:
        DamagedError: a bundle of them is missing.
    """
    n, width = divmod(size, BUNDLE)
    whole, tail = roots(c, log_id, 0, n), list[bytes]()
    if width:
        records = codec.records(origin, need(c, log_id, n))[:width]
        tail = codec.leaf_hashes(records)
    return growth.prefix_root(size, whole, tail)
