"""Fold a stretch of a log: the claims that it adds, and those that it ends.

`fold` turns a stretch of one log into a `Batch` of plain rows; a store adds
`adds`, takes away what `ends` and `erases` name, and has the claims. Nothing
overwrites anything, so neither the order in which logs arrive nor the cut
into batches can matter.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final

import msgspec

from syncd.indicator import absent, frames
from syncd.indicator import statement as statements
from syncd.indicator import token as tokens
from syncd.indicator.absent import Range
from syncd.indicator.claims import REPORT, Claim, Row, key
from syncd.indicator.leaf import (
    DEFINED_TYPES,
    INDICATOR_TYPES,
    SEALED_TYPES,
    Record,
    is_void,
)
from syncd.indicator.notation import DAYS
from syncd.indicator.statement import (
    Anchor,
    Erase,
    Evidence,
    Retract,
    RosterAccepted,
    Sighting,
    Usage,
    Void,
)

End = tuple[bytes, int, int, int]  # (token, index, by_index, key)


class Rows(msgspec.Struct, frozen=True, gc=False):
    """Rows in order of token, in the few bytes in which they travel.

    A row takes a third of the memory that its objects would. Each part is cut
    evenly over the space of tokens, and read slice by slice: so objects of
    one slice are there at a time, whatever the parts add up to.
    """

    count: int = 0
    parts: tuple[tuple[bytes, ...], ...] = ()  # slices by a token's first byte

    @classmethod
    def pack(cls, rows: Sequence[Row]) -> "Rows":
        """Return sorted rows, packed."""
        firsts = [row[0][0] for row in rows]
        cuts = [bisect_left(firsts, at) for at in range(0, 256, _WIDTH)]
        spans = zip(cuts, [*cuts[1:], len(rows)], strict=True)
        return cls(len(rows), (tuple(_pack(rows[a:b]) for a, b in spans),))

    def __add__(self, other: "Rows") -> "Rows":
        return Rows(self.count + other.count, self.parts + other.parts)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        for same in zip(*self.parts, strict=True):
            rows = [*chain.from_iterable(map(_unpack, same))]
            rows.sort()  # of sorted runs: little more than a merge
            yield from rows


_WIDTH: Final = 4  # first bytes of a token that share a slice
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(list[Row]).decode


class Batch(msgspec.Struct, gc=False):
    """What a stretch of one log adds to, and takes from, the claims.

    Apply it in this order: add `adds`, remove `ends`, remove every claim in
    `erases`. Rows are sorted by token. `adds` holds no entry that an erase
    of the same stretch covers; it does hold claims that a retract of the
    same stretch ends, and `ends` names them. An erase that covers a retract
    below `start` un-ends what that ended.
    """

    origin: str
    start: int  # first index of the stretch
    stop: int  # one past its last index
    octets: int = 0  # of its payloads, where the day's limit counts them
    adds: Rows = Rows()
    ends: list[End] = []
    erases: list[Range] = []
    sightings: list[Row] = []  # (token, index, key, sighting record)
    voids: list[tuple[int, str]] = []  # (index, why)
    rosters: list[tuple[int, int, str]] = []  # (index, version, hash)
    usages: list[tuple[int, Usage]] = []


# ------------------------------------------------------------------ fold


def fold(
    origin: str,
    start: int,
    records: Sequence[Record],
    *,
    erased: Sequence[Range] = (),
) -> Batch:
    """Return what entries `start`, `start + 1`, … of a log say.

    Every record is complete (see `complete`); one without its payload says
    nothing. `erased` are the erasures known from elsewhere: later in the
    log, or in the roster (with `by` its size).
    """
    stop = start + len(records)
    batch = Batch(origin=origin, start=start, stop=stop)
    rows: list[Row] = []
    batch.erases = absent.erases(start, records)
    gone = absent.covered(start, stop, [*erased, *batch.erases])
    reports: list[tuple[int, bytes]] = []  # most of most logs
    for index, (leaf, salt, payload) in enumerate(records, start):
        type_ = leaf[1] if salt else 0
        if type_ == REPORT and index not in gone:
            reports.append((index, payload))
            if len(reports) == _BULK:
                _fold_reports(batch, rows, reports)
        elif not salt:
            if is_void(leaf):
                batch.voids.append((index, "leaf is void by itself"))
        elif type_ not in DEFINED_TYPES:
            batch.voids.append((index, f"type {type_} is not defined"))
        elif type_ not in SEALED_TYPES and not (
            index in gone and type_ in INDICATOR_TYPES
        ):
            _fold_one(batch, rows, index, payload, type_)
    _fold_reports(batch, rows, reports)
    batch.voids.sort()
    rows.sort(key=_by_token)  # tuples compare at twice the cost;
    rows.sort()  # this only settles ties
    batch.adds = Rows.pack(rows)
    batch.ends.sort()
    batch.sightings.sort()
    return batch


def _fold_reports(
    batch: Batch, rows: list[Row], reports: list[tuple[int, bytes]]
) -> None:
    """Add reports: what `statement.decode` makes of each; empty the list."""
    framed, odd = frames.rows(reports)
    rows += framed
    for index, payload in odd:
        _fold_one(batch, rows, index, payload, REPORT)
    reports.clear()


def _fold_one(
    batch: Batch, rows: list[Row], index: int, payload: bytes, type_: int
) -> None:
    content = statements.decode(payload, type_)
    match content:
        case Void(reason=why):
            batch.voids.append((index, why))
        case Retract(ends=ends):
            token, number = tokens.decode(content.token), _key(content)
            batch.ends += [
                (token, at, index, number) for at in ends if at < index
            ]
        case Sighting():
            batch.sightings.append(_sighting(index, content))
        case Usage():
            batch.usages.append((index, content))
        case RosterAccepted(version=version, hash_=hash_):
            batch.rosters.append((index, version, hash_))
        case Anchor() | Evidence() | Erase():
            pass  # erasures are read ahead of all else: see `absent.erases`
        case _:
            rows.append(Claim(batch.origin, index, content).row())


def _sighting(index: int, seen: Sighting) -> Row:
    days = (DAYS[text] for text in (seen.on, seen.first, seen.last))
    record = _SIGHTING(4, *days, seen.count) + seen.outcome.encode("ascii")
    return tokens.decode(seen.token), index, _key(seen), record


def _key(content: statements.Indicator) -> int:
    return key(tokens.KIND_CODES[content.kind], content.epoch)


_SIGHTING: Final = struct.Struct(">BIIIB").pack
_BULK: Final = 1024  # reports decoded together; bounds what is held at once
_by_token: Final = itemgetter(0)
