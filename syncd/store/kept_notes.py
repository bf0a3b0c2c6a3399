"""Signed checkpoints in mirror.db: those that are ahead, and those of forks."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, select

from syncd.store import log_rows
from syncd.store.portable import upsert
from syncd.store.tables import fork_note, kept_note, mirror_log

_AHEAD = 32  # verified notes kept above `merged`, at most
_log = mirror_log.c


def of_log(c: Connection, log_id: int) -> dict[int, bytes]:
    """Return the kept signed checkpoints of a log by size, in order."""
    kept = select(kept_note.c.size, kept_note.c.note)
    rows = c.execute(kept.filter_by(log_id=log_id).order_by("size"))
    return dict(map(tuple, rows))


def rejected(c: Connection, log_id: int) -> list[bytes]:
    """Return a log's notes that the roster decided against."""
    return evidence(c, log_id, fork_note.c.rejected == 1)


def keep(c: Connection, log_id: int, size: int, note: bytes) -> None:
    """Keep a note, and of all those only what receipts may still need.

    That is the largest one up to `merged`, and above it a thinned few: a
    merge that is far behind signs some of the sizes on its way, not all.
    """
    if note:
        row = {"log_id": log_id, "size": size, "note": note}
        c.execute(upsert(kept_note, "note"), row)
    merged: int = c.scalar(select(_log.merged).filter_by(id=log_id)) or 0
    sizes = [*of_log(c, log_id)]
    ahead = [n for n in sizes if n > merged]
    gone = sizes[: len(sizes) - len(ahead)][:-1]
    if len(ahead) > _AHEAD:
        gone += ahead[1:-1:2]  # the nearest and the largest stay
    log_rows.drop(c, kept_note, log_id, kept_note.c.size.in_(gone))


def reject(c: Connection, log_id: int, notes: Sequence[bytes]) -> None:
    """Keep notes as evidence alone: they are of no account any more."""
    keep_evidence(c, log_id, notes, rejected=1)
    log_rows.drop(c, kept_note, log_id, kept_note.c.note.in_(notes))


def evidence(
    c: Connection, log_id: int, *which: ColumnElement[bool]
) -> list[bytes]:
    """Return a log's notes that contradict each other, some or all."""
    found = select(fork_note.c.note).order_by(fork_note.c.hash)
    return [*c.scalars(found.where(fork_note.c.log_id == log_id, *which))]


def keep_evidence(
    c: Connection, log_id: int, notes: Sequence[bytes], rejected: int = 0
) -> None:
    """Keep notes; what the roster decided against stays so."""
    again = upsert(fork_note, "rejected", least="rejected")
    for note in notes:
        hash_ = hashlib.sha256(note).digest()
        row = {"log_id": log_id, "hash": hash_, "note": note}
        c.execute(again, {**row, "rejected": rejected})
