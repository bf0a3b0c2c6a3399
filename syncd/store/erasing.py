"""Erase payloads, salts and claims in mirror.db.

An erasure (from, to, by) acts on entries from ≤ index < min(to, by) of types
1–7 and on nothing else. It is remembered, so that a slow mirror cannot bring
back what is gone. Ranges that were acted on before are not walked again,
however often a log repeats them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa

from syncd.errors import MalformedError, Message
from syncd.flows.ports import Finding
from syncd.indicator import codec, leaf, statement, token
from syncd.indicator.absent import Range
from syncd.indicator.claims import Claim, Row
from syncd.store import bundles
from syncd.store.database import execute_many, select_in
from syncd.tlog import merkle
from syncd.tlog.merkle import BUNDLE

Span = tuple[int, int]  # first index, one past the last


@dataclass(slots=True)
class ErasureResult:
    """What came of erasing."""

    failed: list[Finding] = field(default_factory=list)
    in_force: list[int] = field(default_factory=list)  # claims that stood
    unended: list[int] = field(default_factory=list)  # their retracts, and
    # not with them the claims that these ended

    def breaches(self, origin: str) -> list[Finding]:
        """Return what a writer should not have erased, as findings."""
        counted = (
            (
                self.in_force,
                Message("its author erased a claim that stood"),
            ),
            (
                self.unended,
                Message("its author erased a retract, and not what it ended"),
            ),
        )
        return [
            Finding(
                "erase_breach",
                origin,
                min(found),
                Message("{why}, and {n} more", why=why, n=len(found) - 1)
                if len(found) > 1
                else why,
            )
            for found, why in counted
            if found
        ]


def erased(c: sa.Connection, log_id: int) -> list[Range]:
    """Return all erasures known of a log."""
    rows = c.exec_driver_sql(
        "SELECT start, stop, by_idx FROM erased WHERE log_id = ?"
        " ORDER BY start, stop, by_idx",
        (log_id,),
    )
    return [(start, stop, by) for start, stop, by in rows]


def erase(
    c: sa.Connection,
    log_id: int,
    origin: str,
    ranges: Iterable[Range],
    *,
    day: int | None = None,
) -> list[Finding]:
    """Remember the ranges and act on what is here; return what went wrong.

    With a `day` (since 1970) it was the log's author who erased: what still
    said something on that day is a breach. It is erased all the same.
    """
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
    acted = ErasureResult()
    numbers = c.exec_driver_sql(
        "SELECT n FROM bundle WHERE log_id = ? AND n >= ? AND n < ?"
        " ORDER BY n",
        (log_id, fresh[0][0] // BUNDLE, -(-fresh[-1][1] // BUNDLE)),
    )
    if there := [*numbers.scalars()]:
        _erase_all(c, log_id, origin, there, fresh, acted, day)
    else:  # our own log: its bundles are in own.db
        _drop_by_index(c, log_id, fresh, acted, day)
    return [*acted.failed, *(acted.breaches(origin) if day else ())]


def erase_again(
    c: sa.Connection, log_id: int, origin: str, numbers: Sequence[int]
) -> list[Finding]:
    """Act on known erasures in bundles that have just come in."""
    known = spans(erased(c, log_id)) if numbers else []
    acted = ErasureResult()
    _erase_all(c, log_id, origin, numbers, known, acted, None)
    return acted.failed


def _erase_all(
    c: sa.Connection,
    log_id: int,
    origin: str,
    numbers: Sequence[int],
    found: Sequence[Span],
    acted: ErasureResult,
    day: int | None,
) -> None:
    """Act on disjoint sorted spans in some bundles; pack each once.

    In order of the log: what a retract ended goes before the retract does.
    """
    ends = [end for _, end in found]
    for n in numbers:
        low, high = n * BUNDLE, (n + 1) * BUNDLE
        gone: set[int] = set()
        for start, end in found[bisect_right(ends, low) :]:
            if start >= high:
                break
            gone.update(range(max(start, low), min(end, high)))
        if gone:
            _erase_in(c, log_id, origin, n, gone, acted, day)


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
    acted: ErasureResult,
    day: int | None,
) -> None:
    """Close the records of types 1–7 that are `gone`; drop their claims."""
    bundle = bundles.get(c, log_id, n)
    if bundle is None:
        return
    first = n * BUNDLE
    records = codec.records(origin, bundle)
    if merkle.root(codec.leaf_hashes(records)) != bundle.root:
        acted.failed.append(
            Finding(
                "damaged",
                origin,
                first,
                Message(
                    "bundle {n} does not hash to its root: not erased", n=n
                ),
            )
        )
        return
    closed: dict[int, bytes] = {}  # index → payload
    for at, (head, _, payload) in enumerate(records):
        index = first + at
        if index in gone and len(head) > 1 and head[1] in leaf.INDICATOR_TYPES:
            closed[index] = payload
            records[at] = leaf.close(records[at])
    if not closed:
        return
    if any(closed.values()):
        c.exec_driver_sql(
            "UPDATE bundle SET gz = ? WHERE log_id = ? AND n = ?",
            (codec.deflate(records), log_id, n),
        )
    places = [(token_of(p), log_id, index) for index, p in closed.items()]
    if day is not None:
        acted.in_force += [p[2] for p in places if _stood(c, p, day)]
    for table in ("claim", "sighting"):
        c.exec_driver_sql(
            f"DELETE FROM {table}"  # noqa: S608
            " WHERE token = ? AND log_id = ? AND idx = ?",
            places,
        )
    c.exec_driver_sql(
        "DELETE FROM missing WHERE log_id = ? AND idx = ?",
        [(log_id, index) for index in closed],
    )
    acted.unended += _stand_again(c, log_id, list(closed))


def _stood(c: sa.Connection, place: tuple[bytes, int, int], day: int) -> bool:
    """Tell whether a claim at (token, log, index) says something on a day."""
    rows = c.exec_driver_sql(
        "SELECT token, idx, kind_epoch, record FROM claim"
        " WHERE token = ? AND log_id = ? AND idx = ? AND ended_by IS NULL",
        place,
    )
    return any(_stands(tuple(row), day) for row in rows)


def _stands(row: Row, day: int) -> bool:
    """Tell whether a claim that no retract ends says something on a day."""
    content = Claim.parse("", row).statement
    expires = getattr(content, "expires", "")
    return not expires or day < statement.day(expires)


def _drop_by_index(
    c: sa.Connection,
    log_id: int,
    found: Sequence[Span],
    acted: ErasureResult,
    day: int | None,
) -> None:
    """Drop what entries said whose payloads are not here to tell tokens.

    Claims have no index by position, so a table is read once for all spans.
    """
    ends = [end for _, end in found]

    def gone(index: int) -> bool:
        at = bisect_right(ends, index)
        return at < len(found) and found[at][0] <= index

    for table, more in (("claim", "record, ended_by"), ("sighting", "0, 0")):
        read = c.exec_driver_sql(
            f"SELECT token, kind_epoch, log_id, idx, {more}"  # noqa: S608
            f" FROM {table} WHERE log_id = ? AND idx >= ? AND idx < ?",
            (log_id, found[0][0], found[-1][1]),
        )
        rows = [row for row in read if gone(row[3])]
        if day is not None and table == "claim":
            acted.in_force += [
                index
                for short, key, _, index, record, ended_by in rows
                if ended_by is None
                and _stands((short, index, key, record), day)
            ]
        execute_many(
            c,
            f"DELETE FROM {table}"  # noqa: S608
            " WHERE token = ? AND kind_epoch = ? AND log_id = ? AND idx = ?",
            [tuple(row[:4]) for row in rows],
        )
    ended: list[int] = []
    for start, end in found:
        retracts = c.exec_driver_sql(
            "SELECT DISTINCT by_idx FROM ending"
            " WHERE log_id = ? AND by_idx >= ? AND by_idx < ?",
            (log_id, start, end),
        ).fetchall()
        ended += [by for (by,) in retracts]
        c.exec_driver_sql(
            "DELETE FROM ending WHERE log_id = ? AND idx >= ? AND idx < ?",
            (log_id, start, end),
        )
    acted.unended += _stand_again(c, log_id, ended)


def _stand_again(
    c: sa.Connection, log_id: int, gone: Sequence[int]
) -> list[int]:
    """Undo what retracts at the erased indices ended, where no other did.

    Returns those of them that had ended what is not erased.
    """
    if not gone:
        return []
    named = list(
        select_in(
            c,
            "SELECT e.token, e.kind_epoch, e.log_id, e.idx, e.by_idx"
            " FROM ending AS e JOIN claim USING"
            " (token, kind_epoch, log_id, idx)"
            " WHERE e.log_id = ? AND e.by_idx IN (?*)",
            gone,
            log_id,
        )
    )
    ended = [tuple(row[:4]) for row in named]
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
    return sorted({row[4] for row in named})


def token_of(payload: bytes) -> bytes:
    """Return the token that a payload names, or b"" if none."""
    try:
        match msgspec.json.decode(payload):
            case {"token": str() as text}:
                return token.decode(text)
    except (msgspec.DecodeError, MalformedError, UnicodeDecodeError):
        pass
    return b""
