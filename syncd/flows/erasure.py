"""Which of our own entries may be erased, by the rules of docs/protocol.md, 9.

A retract goes with or after all that it ended, anything else when nothing that
it says stands. Who breaks that is followed all the same, and found out.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from syncd.errors import MalformedError, RefusedError
from syncd.indicator import absent, leaf, statement
from syncd.indicator.absent import Range
from syncd.indicator.leaf import Record

MOST: Final = 1000  # entries at once


def named(ranges: Sequence[tuple[int, int]], size: int) -> list[int]:
    """Return the entries in ranges [from, to), each once, in order.

    Raises:
        MalformedError: there are none or too many, or the log has not all.
    """
    spans = [range(*one) for one in ranges]
    if not all(spans) or not 0 < sum(map(len, spans)) <= MOST:
        raise MalformedError(
            "ranges: want 1 to {most} entries, as [from, to)", most=MOST
        )
    found = sorted(set().union(*spans))
    if found[-1] >= size:
        raise MalformedError(
            "ranges: our log has {size} entries, none at {index}",
            size=size,
            index=found[-1],
        )
    return found


def checked(
    origin: str,
    records: Mapping[int, Record],
    stand: Collection[int],
    gone: Sequence[Range],
) -> dict[int, Any]:
    """Return what the entries say that are not closed yet, by index.

    Args:
        origin: our log.
        records: of all that are to be erased, by index.
        stand: those of them that say something today.
        gone: what is erased of the log already.

    Raises:
        RefusedError: a rule forbids it.
    """
    said = dict[int, Any]()
    for index, (head, salt, payload) in records.items():
        if head[1] not in leaf.INDICATOR_TYPES:
            raise RefusedError(
                "erase: entry {index} is of type {n}, and only types 1 to 7"
                " are ever erased",
                index=index,
                n=head[1],
            )
        if salt:
            said[index] = statement.decode(payload, head[1])
    if stand:
        raise RefusedError(
            "erase: {n} of them stand, such as {origin}:{index}",
            n=len(stand),
            origin=origin,
            index=min(stand),
        )
    for index, content in said.items():
        for end in getattr(content, "ends", ()):
            if end not in records and not absent.covered(end, end + 1, gone):
                raise RefusedError(
                    "erase: entry {index} took back entry {end}, which is"
                    " still there",
                    index=index,
                    end=end,
                )
    return said
