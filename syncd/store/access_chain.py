"""The chain of access records: what a record's hash is over, and if it holds.

No secret is needed: what is sealed stands in it as it lies there.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

Row = Mapping[str, Any]  # of the table `access`
_CLEAR: Final = (
    *("id", "at", "caller", "purpose", "kind"),
    *("writer", "previous"),
)


def bound_to(row: Row) -> bytes:
    """Return what of a record's clear part its sealed part is bound to."""
    clear = msgspec.json.encode([row[name] for name in _CLEAR])
    return b"syncd-access-v2\0%b%b" % (clear, row["tag"])


def chained(before: bytes, bound: bytes, sealed: bytes) -> bytes:
    """Return a record's hash; `before` is that of the writer's one before."""
    return hashlib.sha256(before + bound + sealed).digest()


def headed(heads: Iterable[tuple[int, bytes]]) -> str:
    """Return the hash over (id, hash) of each writer's newest record, hex."""
    found = sorted([id_, hash_.hex()] for id_, hash_ in heads)
    raw = msgspec.json.encode(found)
    return hashlib.sha256(raw).hexdigest() if found else ""


def verify(rows: Iterable[Row], upto: int, anchored: str) -> Iterator[str]:
    """Yield what is wrong with records, as they lie there, the oldest first.

    `upto` is the newest id that our log has anchored, as `anchored`. Of what
    expired nothing is left but the hash in the record behind it.
    """
    last, heads = (
        dict[str, tuple[int, bytes]](),
        dict[str, tuple[int, bytes]](),
    )
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
        if id_ <= upto:
            heads[row["writer"]] = id_, hash_
    if anchored and headed(heads.values()) != anchored:
        yield f"access records up to {upto}: not those that our log anchored"
