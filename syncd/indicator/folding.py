"""Fold a stretch of a log: the claims that it adds, and those that it ends.

`fold` turns a stretch of one log into a `Batch` of plain rows; a store adds
`adds`, takes away what `ends` and `erases` name, and has the claims. Nothing
overwrites anything, so neither the order in which logs arrive nor the cut
into batches can matter.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain

import msgspec

from syncd.indicator import absent, frames
from syncd.indicator import statement as statements
from syncd.indicator.claims import REPORT, Claim, Row, about
from syncd.indicator.leaf import (
    DEFINED_TYPES,
    INDICATOR_TYPES,
    SEALED_TYPES,
    Record,
    is_void,
)
from syncd.indicator.notation import DAYS

# (token, index, by_index, key, day on which it was written)
End = tuple[bytes, int, int, int, int]
Slice = tuple[str, bytes]  # (spans, cells), see `Rows`


class Rows(msgspec.Struct, frozen=True, gc=False):
    """Rows in order of token, in the few bytes in which they travel.

    A row is a cell, made where it is read and cut where it is kept:

        token (16) ‖ index ‖ key (17 decimal digits each) ‖ record

    A slice is the cells of tokens with some first bytes, one after the other,
    and their spans: `offset << 16 | length` of each in a JSON list. A
    database takes a slice in one statement, and no row ever is an object.
    """

    count: int = 0
    parts: tuple[tuple[Slice, ...], ...] = ()  # each over all tokens

    @classmethod
    def pack(cls, rows: Iterable[Row]) -> "Rows":
        """Return rows, packed."""
        return cls.of([frames.CELL % row for row in rows])

    @classmethod
    def of(cls, cells: list[bytes]) -> "Rows":
        """Return the rows of cells, which are sorted."""
        cells.sort()
        cuts = [bisect_left(cells, bytes((at,))) for at in range(0, 256, 4)]
        spans = zip(cuts, [*cuts[1:], len(cells)], strict=True)
        return cls(len(cells), (tuple(_slice(cells[a:b]) for a, b in spans),))

    def __add__(self, other: "Rows") -> "Rows":
        return Rows(self.count + other.count, self.parts + other.parts)

    def __len__(self) -> int:
        return self.count

    @property
    def slices(self) -> Iterator[Slice]:
        """The rows in order, those of the same first bytes together."""
        if len(self.parts) < 2:
            return chain.from_iterable(self.parts)
        return map(_slice, self._cells())

    def __iter__(self) -> Iterator[Row]:
        """Yield rows in order."""
        for cell in chain.from_iterable(self._cells()):
            at, number = int(cell[16:33]), int(cell[33:50])
            yield cell[:16], at, number, cell[50:]

    def _cells(self) -> Iterator[list[bytes]]:
        """Yield a slice's cells: those of one slice are there at a time."""
        for same in zip(*self.parts, strict=True):
            cells = [
                raw[span >> 16 : (span >> 16) + (span & 0xFFFF)]
                for spans, raw in same
                for span in _read_spans(spans)
            ]
            cells.sort()  # of sorted runs: little more than a merge
            yield cells


def _slice(cells: Sequence[bytes]) -> Slice:
    ends = accumulate(map(len, cells))
    spans = [
        (end - n) << 16 | n
        for end, n in zip(ends, map(len, cells), strict=True)
    ]
    return _write_spans(spans).decode(), b"".join(cells)


_write_spans = msgspec.json.Encoder().encode
_read_spans = msgspec.json.Decoder(list[int]).decode


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
    erases: list[absent.Range] = []
    sightings: list[Row] = []  # (token, index, key, sighting record)
    voids: list[tuple[int, str]] = []  # (index, why)
    books: list[statements.Book] = []


def fold(
    origin: str,
    start: int,
    records: Sequence[Record],
    *,
    erased: Sequence[absent.Range] = (),
) -> Batch:
    """Return what entries `start`, `start + 1`, … of a log say.

    Every record is complete (see `complete`); one without its payload says
    nothing. `erased` are the erasures known from elsewhere: later in the
    log, or in the roster (with `by` its size).
    """
    stop = start + len(records)
    batch = Batch(origin=origin, start=start, stop=stop)
    cells = list[bytes]()
    batch.erases = absent.erases(start, records)
    gone = absent.covered(start, stop, [*erased, *batch.erases])
    reports = []  # most of most logs
    for index, (leaf, salt, payload) in enumerate(records, start):
        type_ = leaf[1] if salt else 0
        if type_ == REPORT:
            if index not in gone:
                reports.append((index, payload))
        elif not salt:
            if is_void(leaf):
                batch.voids.append((index, "leaf is void by itself"))
        elif type_ not in DEFINED_TYPES:
            batch.voids.append((index, f"type {type_} is not defined"))
        elif type_ not in SEALED_TYPES and not (
            index in gone and type_ in INDICATOR_TYPES
        ):
            _fold_one(batch, cells, index, payload, type_)
    for at in range(0, len(reports), _BULK):
        framed, odd = frames.cells(reports[at : at + _BULK])
        cells += framed
        for index, payload in odd:
            _fold_one(batch, cells, index, payload, REPORT)
    batch.voids.sort()
    batch.adds = Rows.of(cells)
    batch.ends.sort()
    batch.sightings.sort()
    return batch


def _fold_one(
    batch: Batch, cells: list[bytes], index: int, payload: bytes, type_: int
) -> None:
    content = statements.decode(payload, type_)
    match content:
        case statements.Void(reason=why):
            batch.voids.append((index, why))
        case statements.Retract(ends=ends):
            (token, number), day = about(content), DAYS[content.on]
            batch.ends += [
                (token, at, index, number, day) for at in ends if at < index
            ]
        case statements.Sighting():
            token, number = about(content)
            on = (DAYS[d] for d in (content.on, content.first, content.last))
            outcome = content.outcome.encode()
            record = _SIGHTING(4, *on, content.count) + outcome
            batch.sightings.append((token, index, number, record))
        case statements.Book():  # erasures act before: see `absent.erases`
            batch.books.append(content)
        case _:
            cells.append(
                frames.CELL % Claim(batch.origin, index, content).row()
            )


_SIGHTING = struct.Struct(">BIIIB").pack
_BULK = 1024  # reports decoded together: a bad one slows the others
