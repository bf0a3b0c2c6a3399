"""Drafts: a report or dispute as somebody hands it in, before any check."""

from typing import Annotated, Final

import msgspec

CONFIDENCE: Final = 50  # of 100, where a report names none
HANDLING: Final = "no_tip_off"  # the careful one, where none is named
NEEDED: Final = ("kind", "value", "label", "role", "evidence")  # never guessed

Natural = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Position = tuple[str, Natural]


class Draft(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A report as an operator hands it in; "" and absent are the same."""

    kind: str = ""
    value: str = ""
    scheme: str = ""  # what a bare account number is
    region: str = ""  # country of a phone without one; ours if absent
    label: str = ""
    role: str = ""
    evidence: str = ""
    confidence: int = CONFIDENCE
    seen: str = ""  # day; today if absent
    expires: str = ""  # day; as long as the roster lets it count
    channel: str = ""
    technique: tuple[str, ...] = ()
    case: str = ""  # 8 bytes in hex
    handling: str = HANDLING
    spoofed: bool = False
    test: bool = False
    basis: tuple[Position, ...] = ()
    urgent: bool = False  # tell the others at once
    keep_query: bool = False  # of a URL
    allow_personal: bool = False  # a URL whose path may name a person


class DisputeDraft(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A dispute as an operator hands it in, by value or by token."""

    kind: str = ""
    value: str = ""
    scheme: str = ""
    region: str = ""
    token: str = ""  # 22 characters, instead of a value
    epoch: Natural = 0  # of the token
    reason: str = ""
    due: str = ""  # day; in 30 days if absent
    expires: str = ""  # day
    about: tuple[Position, ...] = ()  # these reports; all if absent
    yes: bool = False  # also of what nobody reports
