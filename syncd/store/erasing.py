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
from typing import Any

import msgspec
import sqlalchemy as sa

from syncd.errors import MalformedError, Message
from syncd.flows.ports import Finding
from syncd.indicator import codec, leaf, statement, token
from syncd.indicator.absent import Range
from syncd.indicator.claims import Claim
from syncd.store import bundles
from syncd.store.hot import execute_many, select_in
from syncd.tlog import merkle
from syncd.tlog.merkle import BUNDLE

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
    acted = _Erasure(c, log_id, origin, day)
    numbers = c.exec_driver_sql(
        "SELECT n FROM bundle WHERE log_id = ? AND n >= ? AND n < ?"
        " ORDER BY n",
        (log_id, fresh[0][0] // BUNDLE, -(-fresh[-1][1] // BUNDLE)),
    )
    if there := [*numbers.scalars()]:
        acted.in_bundles(there, fresh)
    else:  # our own log: its bundles are in own.db
        acted.by_index(fresh)
    return [*acted.failed, *(acted.breaches() if day else ())]


def erase_again(
    c: sa.Connection, log_id: int, origin: str, numbers: Sequence[int]
) -> list[Finding]:
    """Act on known erasures in bundles that have just come in."""
    acted = _Erasure(c, log_id, origin)
    acted.in_bundles(numbers, spans(erased(c, log_id)) if numbers else ())
    return acted.failed


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


@dataclass(slots=True)
class _Erasure:
    """Erases in one log; what came of it.

    With a `day` (since 1970) it is noted what still said something on it.
    """

    c: sa.Connection
    log_id: int
    origin: str
    day: int | None = None
    failed: list[Finding] = field(default_factory=list)
    in_force: list[int] = field(default_factory=list)  # claims that stood
    unended: list[int] = field(default_factory=list)  # their retracts, and
    # not with them the claims that these ended

    def breaches(self) -> list[Finding]:
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
                self.origin,
                min(found),
                Message("{why}, and {n} more", why=why, n=len(found) - 1)
                if len(found) > 1
                else why,
            )
            for found, why in counted
            if found
        ]

    def in_bundles(
        self, numbers: Sequence[int], found: Sequence[Span]
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
                self._close(n, gone)

    def by_index(self, found: Sequence[Span]) -> None:
        """Drop what entries said whose payloads are not here to tell tokens.

        Claims have no index by position, so a table is read once for all
        spans.
        """
        c, log_id = self.c, self.log_id
        ends = [end for _, end in found]

        def gone(index: int) -> bool:
            at = bisect_right(ends, index)
            return at < len(found) and found[at][0] <= index

        for table in ("claim", "sighting"):
            rows = c.exec_driver_sql(
                f"SELECT token, log_id, idx FROM {table}"  # noqa: S608
                " WHERE log_id = ? AND idx >= ? AND idx < ?",
                (log_id, found[0][0], found[-1][1]),
            )
            self._drop(table, [tuple(row) for row in rows if gone(row.idx)])
        ended: list[int] = []
        for start, end in found:
            retracts = c.exec_driver_sql(
                "SELECT DISTINCT by_idx FROM ending"
                " WHERE log_id = ? AND by_idx >= ? AND by_idx < ?",
                (log_id, start, end),
            )
            ended += retracts.scalars()
            c.exec_driver_sql(
                "DELETE FROM ending WHERE log_id = ? AND idx >= ? AND idx < ?",
                (log_id, start, end),
            )
        self._stand_again(ended)

    def _close(self, n: int, gone: AbstractSet[int]) -> None:
        """Close the records of types 1–7 that are `gone`; drop their claims."""
        c, log_id, first = self.c, self.log_id, n * BUNDLE
        bundle = bundles.get(c, log_id, n)
        if bundle is None:
            return
        records = codec.records(self.origin, bundle)
        if merkle.root(codec.leaf_hashes(records)) != bundle.root:
            why = Message(
                "bundle {n} does not hash to its root: not erased", n=n
            )
            self.failed.append(Finding("damaged", self.origin, first, why))
            return
        closed: dict[int, bytes] = {}  # index → payload
        for index, (head, _, payload) in enumerate(records, first):
            is_one = len(head) > 1 and head[1] in leaf.INDICATOR_TYPES
            if index in gone and is_one:
                closed[index] = payload
                records[index - first] = leaf.close(records[index - first])
        if any(closed.values()):
            c.exec_driver_sql(
                "UPDATE bundle SET gz = ? WHERE log_id = ? AND n = ?",
                (codec.deflate(records), log_id, n),
            )
        places = [(token_of(p), log_id, index) for index, p in closed.items()]
        for table in ("claim", "sighting"):
            self._drop(table, places)
        execute_many(
            c,
            "DELETE FROM missing WHERE log_id = ? AND idx = ?",
            [(log_id, index) for index in closed],
        )
        self._stand_again([*closed])

    def _drop(self, table: str, places: Sequence[tuple[Any, ...]]) -> None:
        """Drop the rows of entries at (token, log, index)."""
        if self.day is not None and table == "claim":
            day = self.day
            self.in_force += [p[2] for p in places if self._stood(p, day)]
        execute_many(
            self.c,
            f"DELETE FROM {table}"  # noqa: S608
            " WHERE token = ? AND log_id = ? AND idx = ?",
            places,
        )

    def _stood(self, place: tuple[Any, ...], day: int) -> bool:
        """Tell whether a claim at a place says something on a day."""
        rows = self.c.exec_driver_sql(
            "SELECT token, idx, kind_epoch, record FROM claim"
            " WHERE token = ? AND log_id = ? AND idx = ? AND ended_by IS NULL",
            place,
        )
        stated = (Claim.parse("", tuple(row)).statement for row in rows)
        ends = [getattr(one, "expires", "") for one in stated]
        return any(not end or day < statement.day(end) for end in ends)

    def _stand_again(self, gone: Sequence[int]) -> None:
        """Undo what retracts at the erased indices ended, where no other did.

        Those of them that had ended what is not erased are `unended`.
        """
        c, log_id = self.c, self.log_id
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
        for column in ("by_idx", "idx"):
            execute_many(
                c,
                f"DELETE FROM ending WHERE log_id = ? AND {column} = ?",  # noqa: S608
                [(log_id, index) for index in gone],
            )
        execute_many(
            c,
            "UPDATE claim SET ended_by = (SELECT min(e.by_idx) FROM ending e"
            " WHERE e.log_id = claim.log_id AND e.idx = claim.idx"
            " AND e.token = claim.token AND e.kind_epoch = claim.kind_epoch)"
            " WHERE token = ? AND kind_epoch = ? AND log_id = ? AND idx = ?",
            [row[:4] for row in named],
        )
        self.unended += sorted({row[4] for row in named})


def token_of(payload: bytes) -> bytes:
    """Return the token that a payload names, or b"" if none."""
    try:
        match msgspec.json.decode(payload):
            case {"token": str() as text}:
                return token.decode(text)
    except (msgspec.DecodeError, MalformedError, UnicodeDecodeError):
        pass
    return b""
