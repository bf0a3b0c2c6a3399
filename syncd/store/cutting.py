"""Cut a log in mirror.db at a point, and drop what is behind.

The roster chose another branch of a log that forked, or said where it ended.
What later entries said goes: bundles, claims, and what they had ended or
erased of earlier ones. A payload that was erased by an entry which is gone
is withheld from then on; merging begins again before it.
"""

from sqlalchemy import Connection, update

from syncd.flows.ports import MirrorHead
from syncd.indicator import codec
from syncd.indicator.absent import RETIRED
from syncd.store import bundles, erasing, kept_notes, tables
from syncd.store.log_rows import drop
from syncd.tlog import checkpoint, merkle
from syncd.tlog.merkle import BUNDLE, Frontier


def cut(c: Connection, log_id: int, head: MirrorHead, size: int) -> MirrorHead:
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
        signed = checkpoint.read(raw).root
        if at <= size and signed == bundles.root_at(c, log_id, origin, at):
            newest = raw
            break
        drop(c, tables.kept_note, log_id, tables.kept_note.c.size == at)
    return MirrorHead(origin, frontier, merged, newest)


def _cut_bundles(
    c: Connection, log_id: int, origin: str, size: int
) -> list[bytes]:
    """Drop what is beyond; return the leaf hashes of the partial bundle."""
    n, width = divmod(size, BUNDLE)
    last = bundles.need(c, log_id, origin, n) if width else None
    drop(c, tables.bundle, log_id, tables.bundle.c.n >= n)
    if last is None:
        return []
    bundles.put(c, log_id, [codec.narrow(origin, last, width)])
    return codec.leaf_hashes(codec.records(origin, last)[:width])


def _undo_erasures(c: Connection, log_id: int, size: int) -> int:
    """Forget erasures by entries from `size` on; return the first undone.

    A roster's erasure in a tree of just that size is forgotten with them: it
    is ordered again.
    """
    known = erasing.erased(c, log_id)
    drop(c, tables.erased, log_id, tables.erased.c.by_idx >= size)
    epochs = [  # by themselves, not by a later entry
        (start, min(stop, size), by)
        for start, stop, by in known
        if by == RETIRED and start < size
    ]
    erasing.remember(c, log_id, epochs)
    gone = [row for row in known if size <= row[2] < RETIRED]
    stay = [row for row in known if row[2] < size] + epochs
    undone = erasing.without(erasing.spans(gone), erasing.spans(stay))
    return undone[0][0] if undone else size


def _cut_rows(c: Connection, log_id: int, merged: int, size: int) -> None:
    """Drop what entries from `merged` on said, and end nothing by them."""
    for table in (tables.claim, tables.mirror_sighting):
        drop(c, table, log_id, table.c.idx >= merged)
    drop(c, tables.ending, log_id, tables.ending.c.by_idx >= merged)
    c.execute(
        update(tables.claim)
        .values(ended_by=erasing.LEAST)
        .where(
            tables.claim.c.log_id == log_id, tables.claim.c.ended_by >= merged
        )
    )
    drop(c, tables.missing, log_id, tables.missing.c.idx >= size)
    beyond = tables.spent.c.log_id == log_id, tables.spent.c.size > merged
    c.execute(update(tables.spent).values(size=merged).where(*beyond))
