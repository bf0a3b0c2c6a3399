"""Which of our own entries may be erased, by the rules of docs/protocol.md, 9."""

from collections.abc import Collection, Mapping, Sequence

from syncd.errors import RefusedError
from syncd.indicator import absent, leaf, statement


def checked(
    origin: str,
    records: Mapping[int, leaf.Record],
    stand: Collection[int],
    gone: Sequence[absent.Range],
) -> dict[int, int]:
    """Return the types of entries of ours that may go and are still here.

    Some of them may `stand`; of the same log these ranges are `gone` already.

    Raises:
        RefusedError: a retract goes with or after all that it ended, anything
            else when nothing that it says stands, and book-keeping never.
    """
    for index, (head, _, _) in records.items():
        if head[1] not in leaf.INDICATOR_TYPES:
            raise RefusedError(
                "erase: entry {index} is of type {n}, and only types 1 to 7"
                " are ever erased",
                index=index,
                n=head[1],
            )
    if stand:
        raise RefusedError(
            "erase: {n} of them stand, such as {origin}:{index}",
            n=len(stand),
            origin=origin,
            index=min(stand),
        )
    left = {i: (one[0][1], one[2]) for i, one in records.items() if one[1]}
    for index, (type_, payload) in left.items():
        for end in getattr(statement.decode(payload, type_), "ends", ()):
            if end not in records and not absent.covered(end, end + 1, gone):
                raise RefusedError(
                    "erase: entry {index} took back entry {end}, which is"
                    " still there",
                    index=index,
                    end=end,
                )
    return {index: type_ for index, (type_, _) in left.items()}
