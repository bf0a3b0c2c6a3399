"""The chain of access records: what a record's hash is over, and if it holds.

No secret is needed: what is sealed stands in it as it lies there.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, select

from syncd.indicator.receipt import Named, head
from syncd.store.tables import access

Row = Mapping[str, Any]  # of the table `access`
_CLEAR: Final = (
    *("id", "at", "caller", "purpose", "kind"),
    *("writer", "previous", "receipt"),
)


def bound_to(row: Row) -> bytes:
    """Return what of a record's clear part its sealed part is bound to."""
    clear = msgspec.json.encode([row[name] for name in _CLEAR])
    return b"syncd-access-v2\0%b%b" % (clear, row["tag"])


def chained(before: bytes, bound: bytes, sealed: bytes) -> bytes:
    """Return a record's hash; `before` is that of the writer's one before."""
    return hashlib.sha256(before + bound + sealed).digest()


def named(c: Connection, after: int, upto: int) -> list[Named]:
    """Return of which records an anchor speaks, by id.

    Those are each writer's newest up to an id, and all that have a receipt
    and are newer than what the anchor before spoke of.
    """
    t = access.c
    newest = select(func.max(t.id)).where(t.id <= upto)
    fresh = t.id.between(after + 1, upto) & (t.receipt != "")
    some = t.id.in_(newest.group_by(t.writer)) | fresh
    rows = select(t.id, t.hash, t.receipt).where(some).order_by(t.id)
    return [(id_, hash_.hex(), of) for id_, hash_, of in c.execute(rows)]


def verify(
    rows: Iterable[Row], found: Sequence[Named], anchored: str
) -> Iterator[str]:
    """Yield what is wrong with records, as they lie there, the oldest first.

    `found` are those of which our newest anchor speaks, as `anchored`. Of what
    expired nothing is left but the hash in the record behind it.
    """
    last = dict[str, tuple[int, bytes]]()
    for row in rows:
        before = last.get(row["writer"])
        id_, hash_ = row["id"], row["hash"]
        if before is not None and before[0] != row["previous"]:
            yield f"access record {id_}: {row['previous']} before it is missing"
        elif before is not None or not row["previous"]:
            was = before[1] if before else b""
            if chained(was, bound_to(row), row["sealed"]) != hash_:
                yield f"access record {id_}: changed"
        last[row["writer"]] = id_, hash_
    if anchored not in ("", head(found)):
        yield "access records: not those that our newest anchor names"
