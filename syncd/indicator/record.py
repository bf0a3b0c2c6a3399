"""The records of what members say of a value: each field declared once.

A statement on the wire, a draft that is handed in, a row of the vault, an
entry of a list of our own and an answer extend these structs; claim rows,
faults, options and tables go by `notation.forms` of them. So whoever adds a
field adds it here, to its schema, to the vocabulary if it has codes, to the
command line's table of options and to the page that describes it.

Whatever is empty is absent. What the wire asks for and nobody named is given
its usual value when a draft is prepared.
"""

from typing import Annotated, get_args

import msgspec

from syncd.indicator.notation import (
    PERCENT,
    POSITIONS,
    Day,
    Positions,
    code,
    codes,
    hexadecimal,
    optional,
)
from syncd.shape import Frozen


class _Given(Frozen, omit_defaults=True, gc=False):
    """What is empty is left out."""


class ReportFields(_Given):
    """What a report says of a value, whoever holds it."""

    label: Annotated[str, code("label")] = ""
    role: Annotated[str, code("role")] = ""
    channel: Annotated[str, optional(code("channel"))] = ""
    evidence: Annotated[str, code("evidence")] = ""
    handling: Annotated[str, code("handling")] = ""
    technique: Annotated[tuple[str, ...], optional(codes("technique"))] = ()
    basis: Annotated[Positions, optional(POSITIONS)] = ()
    # what it rests on; empty: own knowledge
    confidence: Annotated[int, PERCENT] = -1
    seen: Day = ""  # day it was last seen in use
    expires: Day = ""  # first day on which it does not count any more
    spoofed: bool = False
    test: bool = False
    case: Annotated[str, optional(hexadecimal(8))] = ""


class DisputeFields(_Given):
    """What a dispute says of a value, whoever holds it."""

    reason: Annotated[str, code("dispute_reason")] = ""
    due: Day = ""  # look again by then, please
    expires: Day = ""
    about: Annotated[Positions, optional(POSITIONS)] = ()
    # these reports; empty: all


class ReassignedFields(_Given):
    """What a carrier says of a number that has a new owner."""

    since: Day = ""


class AnswerFields(_Given):
    """What the author of disputed reports found on looking again."""

    outcome: Annotated[str, code("answer_outcome")] = ""
    reason: Annotated[str, code("answer_reason")] = ""
    about: Annotated[Positions, POSITIONS] = ()  # of the reports


class VouchFields(_Given):
    """What an institution says of a value in its own name."""

    role: Annotated[str, code("vouch_role")] = ""
    expires: Day = ""  # first day on which it does not count any more


Fields = (
    ReportFields
    | DisputeFields
    | ReassignedFields
    | AnswerFields
    | VouchFields
)
KEPT: dict[int, type[Fields]] = dict(
    zip((1, 3, 5, 6, 7), get_args(Fields), strict=True)  # by type
)
encode = msgspec.json.Encoder(order="sorted").encode  # RFC 8785


def decode(type_: int, raw: bytes) -> Fields:
    """Read what `encode` wrote of a statement of some type.

    Raises:
        DecodeError: it did not write that.
    """
    return msgspec.json.decode(raw, type=KEPT[type_])
