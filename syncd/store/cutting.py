"""Cut a log in mirror.db at a point, and drop what is behind.

The roster chose another branch of a log that forked, or said where it ended.
What later entries said goes: bundles, claims, and what they had ended or
erased of earlier ones. A payload that was erased by an entry which is gone
is withheld from then on; merging begins again before it.
"""

import sqlalchemy as sa

from syncd.flows.ports import Bundle, MirrorHead
from syncd.indicator import codec
from syncd.indicator.absent import RETIRED
from syncd.store import bundles, erasing, kept_notes
from syncd.store.hot import execute_many
from syncd.tlog import checkpoint, merkle, note, tiles
from syncd.tlog.merkle import BUNDLE, Frontier


def cut(
    c: sa.Connection, log_id: int, head: MirrorHead, size: int
) -> MirrorHead:
    """Return what is left of a log: its first `size` entries, uncontested.

    Its note is the largest kept checkpoint of the entries that are left.

    Raises:
        DamagedError: a bundle of them is missing.
    """
    origin = head.origin
    roots = bundles.roots(c, log_id, 0, size // BUNDLE)
    tail = _cut_bundles(c, log_id, origin, size)
    frontier = Frontier.EMPTY.extend(roots, merkle.BUNDLE_LEVEL).extend(tail)
    merged = min(head.merged, size, _undo_erasures(c, log_id, size))
    _cut_rows(c, log_id, merged, size)
    newest = b""
    for at, raw in reversed(kept_notes.of_log(c, log_id).items()):
        if at <= size and _signed_root(raw) == bundles.root_at(
            c, log_id, origin, at
        ):
            newest = raw
            break
        kept_notes.drop(c, log_id, "size", [at])
    return MirrorHead(origin, frontier, merged, newest)


def _cut_bundles(
    c: sa.Connection, log_id: int, origin: str, size: int
) -> list[bytes]:
    """Drop what is beyond; return the leaf hashes of the partial bundle."""
    n, width = divmod(size, BUNDLE)
    last = bundles.need(c, log_id, n) if width else None
    c.exec_driver_sql(
        "DELETE FROM bundle WHERE log_id = ? AND n >= ?", (log_id, n)
    )
    if last is None:
        return []
    bundles.put(c, log_id, [narrow(origin, last, width)])
    return codec.leaf_hashes(codec.records(origin, last)[:width])


def narrow(origin: str, bundle: Bundle, width: int) -> Bundle:
    """Return a bundle of the first `width` entries of another."""
    if bundle.width <= width:
        return bundle
    records = codec.records(origin, bundle)[:width]
    entries = tiles.encode_bundle([leaf for leaf, _, _ in records])
    return Bundle(
        bundle.n,
        width,
        codec.deflate(records),
        merkle.root(codec.leaf_hashes(records)),
        entries if bundle.entries else b"",
    )


def _undo_erasures(c: sa.Connection, log_id: int, size: int) -> int:
    """Forget erasures by entries from `size` on; return the first undone.

    A roster's erasure in a tree of just that size is forgotten with them: it
    is ordered again.
    """
    known = erasing.erased(c, log_id)
    c.exec_driver_sql(
        "DELETE FROM erased WHERE log_id = ? AND by_idx >= ?", (log_id, size)
    )
    epochs = [  # by themselves, not by a later entry
        (start, min(stop, size), by)
        for start, stop, by in known
        if by == RETIRED and start < size
    ]
    execute_many(
        c,
        f"INSERT INTO erased (log_id, start, stop, by_idx)"  # noqa: S608
        f" VALUES ({int(log_id)}, ?, ?, ?)",
        epochs,
    )
    gone = [row for row in known if size <= row[2] < RETIRED]
    stay = [row for row in known if row[2] < size] + epochs
    undone = erasing.without(erasing.spans(gone), erasing.spans(stay))
    return undone[0][0] if undone else size


def _cut_rows(c: sa.Connection, log_id: int, merged: int, size: int) -> None:
    """Drop what entries from `merged` on said, and end nothing by them."""
    for table in ("claim", "sighting"):
        c.exec_driver_sql(
            f"DELETE FROM {table} WHERE log_id = ? AND idx >= ?",  # noqa: S608
            (log_id, merged),
        )
    c.exec_driver_sql(
        "DELETE FROM ending WHERE log_id = ? AND by_idx >= ?", (log_id, merged)
    )
    c.exec_driver_sql(
        "UPDATE claim SET ended_by = (SELECT min(e.by_idx) FROM ending e"
        " WHERE e.log_id = claim.log_id AND e.idx = claim.idx"
        " AND e.token = claim.token AND e.kind_epoch = claim.kind_epoch)"
        " WHERE log_id = ? AND ended_by >= ?",
        (log_id, merged),
    )
    c.exec_driver_sql(
        "DELETE FROM missing WHERE log_id = ? AND idx >= ?", (log_id, size)
    )


def _signed_root(raw: bytes) -> bytes:
    return checkpoint.parse(note.parse(raw).text).root
