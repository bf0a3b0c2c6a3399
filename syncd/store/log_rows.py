"""The rows of logs in mirror.db: how far we hold each."""

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, select

from syncd.errors import StaleError
from syncd.flows.ports import MirrorHead
from syncd.store.prepared import Prepared, given
from syncd.store.tables import mirror_log, missing
from syncd.tlog.merkle import Frontier

log = mirror_log.c
_ID = Prepared(select(log.id).where(given(log.origin)))


def id_of(c: Connection, origin: str, *, make: bool = False) -> int:
    """Return the row id of an origin; 0 stands for one never heard of."""
    row = _ID.one(c, origin)
    if row is None and make:
        new = _columns(MirrorHead(origin, Frontier.EMPTY))
        made = sa.insert(mirror_log).values(origin=origin, **new)
        row = c.execute(made).inserted_primary_key
    return row[0] if row else 0


def head(c: Connection, origin: str) -> MirrorHead:
    """Return how far we are (size 0 if we never heard of it)."""
    found = heads(c, log.origin == origin)
    return found[0] if found else MirrorHead(origin, Frontier.EMPTY)


def heads(c: Connection, *which: ColumnElement[bool]) -> list[MirrorHead]:
    """Return how far we are with each log that we heard of, or some."""
    lacks = defaultdict[int, list[int]](list)
    gaps = select(log.id, missing.c.idx).where(
        log.id == missing.c.log_id, *which
    )
    for log_id, idx in c.execute(gaps.order_by("idx")):
        lacks[log_id].append(idx)
    columns = (log.origin, log.peaks, log.merged, log.note, log.contested)
    rows = c.execute(select(log.id, *columns).where(*which)).all()
    return [
        MirrorHead(
            *(origin, Frontier.parse(peaks), merged, note, bool(contested)),
            tuple(lacks[log_id]),
        )
        for log_id, origin, peaks, merged, note, contested in rows
    ]


def drop(
    c: Connection, table: sa.Table, log_id: int, *which: ColumnElement[bool]
) -> None:
    """Drop a log's rows of a table, or some of them."""
    c.execute(sa.delete(table).where(table.c.log_id == log_id, *which))


def move(c: Connection, old: MirrorHead, new: MirrorHead) -> int:
    """Move a log's row from `old` to `new`, uncontested; return its id.

    Raises:
        StaleError: (mirrored, merged) is not `old`'s any more, or the origin
            was found to be forked, of which `old` does not know.
    """
    log_id = id_of(c, old.origin, make=True)
    done = c.execute(
        sa.update(mirror_log)
        .values(_columns(new))
        .filter_by(
            id=log_id,
            size=old.mirrored,
            merged=old.merged,
            contested=int(old.contested),
        )
    )
    if done.rowcount != 1:
        raise StaleError(
            "mirror: {origin}: not at {merged}/{mirrored} now", old
        )
    return log_id


def _columns(head: MirrorHead) -> dict[str, object]:
    """Return what an uncontested log's row holds of its head."""
    return {
        "size": head.mirrored,
        "peaks": bytes(head.frontier),
        "merged": head.merged,
        "note": head.note,
        "contested": 0,
    }
