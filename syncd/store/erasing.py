"""Erasing in mirror.db: payloads, salts, claims, and what retracts ended.

An erasure (from, to, by) acts on entries from ≤ index < min(to, by) of types
1–7 and on nothing else. It is remembered, so that a slow mirror cannot bring
back what is gone. Ranges that were acted on before are not walked again,
however often a log repeats them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import msgspec
import sqlalchemy as sa

from syncd.errors import MalformedError
from syncd.flows import serve
from syncd.flows.ports import Finding
from syncd.indicator import leaf, token
from syncd.indicator.claims import Range
from syncd.store import bundles
from syncd.store.database import execute_many, select_in
from syncd.tlog import merkle

_FULL = 256

Span = tuple[int, int]  # first index, one past the last


def erased(c: sa.Connection, log_id: int) -> list[Range]:
    """Return all erasures known of a log."""
    rows = c.exec_driver_sql(
        "SELECT start, stop, by_idx FROM erased WHERE log_id = ?"
        " ORDER BY start, stop, by_idx",
        (log_id,),
    )
    return [(start, stop, by) for start, stop, by in rows]


def erase(
    c: sa.Connection, log_id: int, origin: str, ranges: Iterable[Range]
) -> list[Finding]:
    """Remember the ranges and act on what is here; return what went wrong."""
    ordered = list(ranges)
    if not ordered:
        return []
    before = spans(erased(c, log_id))
    c.exec_driver_sql(
        "INSERT INTO erased (log_id, start, stop, by_idx)"
        " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(log_id, start, stop, by) for start, stop, by in ordered],
    )
    fresh = without(spans(ordered), before)
    if not fresh:
        return []
    if not _has_bundles(c, log_id):
        _drop_by_index(c, log_id, fresh)
        return []
    rows = c.exec_driver_sql(
        "SELECT n FROM bundle WHERE log_id = ? AND n >= ? AND n < ?",
        (log_id, fresh[0][0] // _FULL, -(-fresh[-1][1] // _FULL)),
    ).fetchall()
    return _erase_all(c, log_id, origin, [n for (n,) in rows], fresh)


def erase_again(
    c: sa.Connection, log_id: int, origin: str, numbers: Sequence[int]
) -> list[Finding]:
    """Act on known erasures in bundles that have just come in."""
    known = spans(erased(c, log_id)) if numbers else []
    return _erase_all(c, log_id, origin, numbers, known)


def _erase_all(
    c: sa.Connection,
    log_id: int,
    origin: str,
    numbers: Sequence[int],
    found: Sequence[Span],
) -> list[Finding]:
    """Act on disjoint sorted spans in some bundles; pack each once."""
    failed: list[Finding] = []
    ends = [end for _, end in found]
    for n in numbers:
        low, high = n * _FULL, (n + 1) * _FULL
        gone: set[int] = set()
        for start, end in found[bisect_right(ends, low) :]:
            if start >= high:
                break
            gone.update(range(max(start, low), min(end, high)))
        if gone:
            failed += _erase_in(c, log_id, origin, n, gone)
    return failed


def spans(ranges: Iterable[Range]) -> list[Span]:
    """Return the indices that erasures act on, as disjoint sorted spans."""
    found: list[Span] = []
    for start, end in sorted((a, min(b, by)) for a, b, by in ranges):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(these: Sequence[Span], those: Sequence[Span]) -> list[Span]:
    """Return what is in the spans `these` and in none of `those`."""
    found: list[Span] = []
    for start, end in these:
        at = start
        for low, high in those:
            if high <= at:
                continue
            if low >= end:
                break
            if at < low:
                found.append((at, low))
            at = high
        if at < end:
            found.append((at, end))
    return found


def _erase_in(
    c: sa.Connection,
    log_id: int,
    origin: str,
    n: int,
    gone: AbstractSet[int],
) -> list[Finding]:
    """Close the records of types 1–7 that are `gone`; drop their claims."""
    bundle = bundles.get(c, log_id, n)
    if bundle is None:
        return []
    first = n * _FULL
    records = serve.records(origin, bundle)
    if merkle.root(serve.leaf_hashes(records)) != bundle.root:
        return [
            Finding(
                "damaged",
                origin,
                first,
                f"bundle {n} does not hash to its root: not erased",
            )
        ]
    closed: dict[int, bytes] = {}  # index → payload
    for at, (head, _, payload) in enumerate(records):
        index = first + at
        if index in gone and len(head) > 1 and head[1] in leaf.INDICATOR_TYPES:
            closed[index] = payload
            records[at] = leaf.close(records[at])
    if not closed:
        return []
    if any(closed.values()):
        c.exec_driver_sql(
            "UPDATE bundle SET gz = ? WHERE log_id = ? AND n = ?",
            (serve.deflate(records), log_id, n),
        )
    for table in ("claim", "sighting"):
        c.exec_driver_sql(
            f"DELETE FROM {table}"  # noqa: S608
            " WHERE token = ? AND log_id = ? AND idx = ?",
            [(token_of(p), log_id, index) for index, p in closed.items()],
        )
    c.exec_driver_sql(
        "DELETE FROM missing WHERE log_id = ? AND idx = ?",
        [(log_id, index) for index in closed],
    )
    _stand_again(c, log_id, list(closed))
    return []


def _has_bundles(c: sa.Connection, log_id: int) -> bool:
    """Tell another's log from our own, whose bundles are in own.db."""
    row = c.exec_driver_sql(
        "SELECT 1 FROM bundle WHERE log_id = ? LIMIT 1", (log_id,)
    )
    return row.fetchone() is not None


def _drop_by_index(
    c: sa.Connection, log_id: int, found: Sequence[Span]
) -> None:
    """Drop what entries said whose payloads are not here to tell tokens.

    Claims have no index by position, so a table is read once for all spans.
    """
    ends = [end for _, end in found]

    def gone(index: int) -> bool:
        at = bisect_right(ends, index)
        return at < len(found) and found[at][0] <= index

    for table in ("claim", "sighting"):
        rows = c.exec_driver_sql(
            f"SELECT token, kind_epoch, log_id, idx FROM {table}"  # noqa: S608
            " WHERE log_id = ? AND idx >= ? AND idx < ?",
            (log_id, found[0][0], found[-1][1]),
        ).fetchall()
        execute_many(
            c,
            f"DELETE FROM {table}"  # noqa: S608
            " WHERE token = ? AND kind_epoch = ? AND log_id = ? AND idx = ?",
            [tuple(row) for row in rows if gone(row[3])],
        )
    ended: list[int] = []
    for start, end in found:
        rows = c.exec_driver_sql(
            "SELECT DISTINCT by_idx FROM ending"
            " WHERE log_id = ? AND by_idx >= ? AND by_idx < ?",
            (log_id, start, end),
        ).fetchall()
        ended += [by for (by,) in rows]
        c.exec_driver_sql(
            "DELETE FROM ending WHERE log_id = ? AND idx >= ? AND idx < ?",
            (log_id, start, end),
        )
    _stand_again(c, log_id, ended)


def _stand_again(c: sa.Connection, log_id: int, gone: Sequence[int]) -> None:
    """Undo what retracts at the erased indices ended, where no other did."""
    if not gone:
        return
    ended = list(
        select_in(
            c,
            "SELECT token, kind_epoch, log_id, idx FROM ending"
            " WHERE log_id = ? AND by_idx IN (?*)",
            gone,
            log_id,
        )
    )
    for column in ("by_idx", "idx"):
        c.exec_driver_sql(
            f"DELETE FROM ending WHERE log_id = ? AND {column} = ?",  # noqa: S608
            [(log_id, index) for index in gone],
        )
    if ended:
        c.exec_driver_sql(
            "UPDATE claim SET ended_by = (SELECT min(e.by_idx) FROM ending e"
            " WHERE e.log_id = claim.log_id AND e.idx = claim.idx"
            " AND e.token = claim.token AND e.kind_epoch = claim.kind_epoch)"
            " WHERE token = ? AND kind_epoch = ? AND log_id = ? AND idx = ?",
            ended,
        )


def token_of(payload: bytes) -> bytes:
    """Return the token that a payload names, or b"" if none."""
    try:
        match msgspec.json.decode(payload):
            case {"token": str() as text}:
                return token.decode(text)
    except (msgspec.DecodeError, MalformedError, UnicodeDecodeError):
        pass
    return b""
