"""Absent entries: erased, retired with their epoch, or withheld.

An erasure acts below the entry that orders it. So it is read ahead of what
it covers, and what it covers is never written.
"""

from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter

from syncd.indicator import statement as statements
from syncd.indicator.leaf import INDICATOR_TYPES, SEALED_TYPES, Record, is_void

Range = tuple[int, int, int]  # (from, to, by): acts on from ≤ i < min(to, by)
Span = tuple[int, int]  # from, to
RETIRED = 2**63 - 1  # `by` of what was erased with its epoch
_ERASE = b"\x12"
_salt = itemgetter(1)


def erases(start: int, records: Sequence[Record]) -> list[Range]:
    """Return what the erase statements among the records cover.

    To be read even above `merged`: a withheld entry may be an erased one.
    """
    return [
        (first, last, index)
        for index, record in enumerate(records, start)
        if record[0][1:2] == _ERASE and record[1]
        for content in [statements.decode(record[2], 18)]
        if isinstance(content, statements.Erase)
        for first, last in content.ranges
        if first < last
    ]


def retired(
    start: int, records: Sequence[Record], epochs: Collection[tuple[str, int]]
) -> list[Range]:
    """Return the open entries of types 1–7 that name a retired epoch.

    Void ones too, if they have its (kind, epoch) in the canonical spelling:
    in JSON those bytes can only be a key and its value.
    """
    marks = [
        (b'"epoch":%d,' % epoch, b'"kind":"%s",' % kind.encode("ascii"))
        for kind, epoch in epochs
    ]
    return gone_with_epoch(
        index
        for index, (leaf, salt, payload) in enumerate(records, start)
        if salt
        and leaf[1] in INDICATOR_TYPES
        and any(epoch in payload and kind in payload for epoch, kind in marks)
    )


def gone_with_epoch(indices: Iterable[int]) -> list[Range]:
    """Return ascending indices as ranges that a retired epoch erased."""
    runs = spans((index, index + 1, RETIRED) for index in indices)
    return [(*run, RETIRED) for run in runs]


def covered(start: int, stop: int, ranges: Iterable[Range]) -> set[int]:
    """Return the indices of one stretch that erasures cover.

    A log may name the same entries in any number of ranges: each is taken
    once.
    """
    return {
        index
        for first, last in spans(ranges)
        for index in range(max(first, start), min(last, stop))
    }


def spans(ranges: Iterable[Range]) -> list[Span]:
    """Return the indices that erasures act on, as disjoint sorted spans."""
    found = list[Span]()
    for start, end in sorted((a, min(b, by)) for a, b, by in ranges):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def complete(
    start: int, records: Sequence[Record], *, erased: Sequence[Range] = ()
) -> list[int]:
    """Return the indices that are withheld: neither present nor excused.

    An entry is complete if its payload is here, it is rightly erased (add
    the log's own later `erases` to `erased`), sealed for others, or void by
    its leaf. `merged` may advance up to the first index returned.
    """
    if all(map(_salt, records)):  # as in most stretches of most logs
        return []
    missing = [
        index
        for index, (leaf, salt, _) in enumerate(records, start)
        if not salt and not is_void(leaf) and leaf[1] not in SEALED_TYPES
    ]
    if not missing:
        return []
    known = [*erased, *erases(start, records)]
    gone = covered(start, start + len(records), known)
    return [
        index
        for index in missing
        if index not in gone
        or records[index - start][0][1] not in INDICATOR_TYPES
    ]
