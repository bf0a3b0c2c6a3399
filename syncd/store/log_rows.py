"""The rows of logs in mirror.db: how far we hold each."""

import sqlalchemy as sa

from syncd.errors import StaleError
from syncd.flows.ports import MirrorHead
from syncd.tlog.merkle import Frontier


def id_of(c: sa.Connection, origin: str, *, make: bool = False) -> int:
    """Return the row id of an origin; 0 stands for one never heard of."""
    if make:
        c.exec_driver_sql(
            "INSERT INTO log (origin, size, peaks, merged, note, contested)"
            " VALUES (?, 0, ?, 0, ?, 0) ON CONFLICT DO NOTHING",
            (origin, bytes(Frontier.EMPTY), b""),
        )
    found = c.exec_driver_sql("SELECT id FROM log WHERE origin = ?", (origin,))
    return found.scalar() or 0


def head(c: sa.Connection, origin: str) -> MirrorHead:
    """Return how far we are (size 0 if we never heard of it)."""
    row = c.exec_driver_sql(
        "SELECT id, peaks, merged, note, contested FROM log WHERE origin = ?",
        (origin,),
    ).fetchone()
    if row is None:
        return MirrorHead(origin, Frontier.EMPTY)
    log_id, peaks, merged, note, contested = row
    missing = c.exec_driver_sql(
        "SELECT idx FROM missing WHERE log_id = ? ORDER BY idx", (log_id,)
    )
    return MirrorHead(
        origin,
        Frontier.parse(peaks),
        merged,
        note,
        bool(contested),
        tuple(missing.scalars()),
    )


def move(c: sa.Connection, old: MirrorHead, new: MirrorHead) -> int:
    """Move a log's row from `old` to `new`, uncontested; return its id.

    Raises:
        StaleError: (mirrored, merged) is not `old`'s any more, or the origin
            was found to be forked, of which `old` does not know.
    """
    log_id = id_of(c, old.origin, make=True)
    done = c.exec_driver_sql(
        "UPDATE log SET size = ?, peaks = ?, merged = ?, note = ?,"
        " contested = 0"
        " WHERE id = ? AND size = ? AND merged = ? AND contested = ?",
        (
            *(new.mirrored, bytes(new.frontier), new.merged, new.note),
            *(log_id, old.mirrored, old.merged, old.contested),
        ),
    )
    if done.rowcount != 1:
        raise StaleError(
            "mirror: {origin}: not at {merged}/{mirrored} now",
            origin=old.origin,
            merged=old.merged,
            mirrored=old.mirrored,
        )
    return log_id
