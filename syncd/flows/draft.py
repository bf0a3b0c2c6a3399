"""Drafts of what a member says, and what is kept of each."""

from collections.abc import Callable
from typing import TypeVar

from syncd.indicator.notation import Natural
from syncd.indicator.record import (
    DisputeFields,
    ReassignedFields,
    ReportFields,
    VouchFields,
)
from syncd.shape import Form, Secret

T = TypeVar("T")


class RawValue(Form):
    """A value as somebody writes it; "" and absent are the same."""

    kind: str = ""
    value: str = ""
    scheme: str = ""  # what a bare account number is
    region: str = ""  # country of a phone without one; ours if absent

    def read(self, reader: Callable[..., T], region: str, **more: bool) -> T:
        """Return what a reader of values makes of it; `region` is ours."""
        return reader(
            self.kind,
            self.value,
            region=self.region or region,
            scheme=self.scheme,
            **more,
        )


class Draft(ReportFields, forbid_unknown_fields=True, omit_defaults=False):
    """A report as an operator hands it in; "" and absent are the same.

    Of `seen` and `expires` nothing means today, and as long as the roster
    lets it count; of `handling` what is usual for the evidence.
    """

    kind: str = ""
    value: str = ""
    scheme: str = ""  # what a bare account number is
    region: str = ""  # country of a phone without one; ours if absent
    confidence: int = 50
    urgent: bool = False  # tell the others at once
    keep_query: bool = False  # of a URL
    allow_personal: bool = False  # a URL whose path may name a person


NEEDED = ("kind", "value", "label", "role", "evidence")  # not guessed


class DisputeDraft(
    DisputeFields, forbid_unknown_fields=True, omit_defaults=False
):
    """A dispute as an operator hands it in.

    Without `due` an answer is asked for in as many days as are usual.
    """

    kind: str = ""
    value: str = ""
    scheme: str = ""
    region: str = ""
    yes: bool = False  # also of what nobody reports


class AnswerDraft(Form):
    """An answer as an operator hands it in, on a dispute of ours."""

    dispute: tuple[str, Natural]  # its position
    outcome: str = ""
    reason: str = ""


class VouchDraft(VouchFields, forbid_unknown_fields=True):
    """A vouch as an operator hands it in; `expires` absent: the cap's day."""

    kind: str = ""
    value: str = ""
    scheme: str = ""
    region: str = ""


class ReassignedDraft(ReassignedFields, forbid_unknown_fields=True):
    """A number that has a new owner, as a carrier hands it in."""

    value: str = ""
    region: str = ""


OwnerDraft = VouchDraft | ReassignedDraft


class NewReport(Secret, frozen=True):
    """What the vault is to keep: an identifier and what is said of it."""

    kind: str
    value: str  # normal form, 1–256 ASCII bytes; or none
    fields: bytes  # `record.encode` of them: public once published
    type: int = 1  # of the statement
    urgent: bool = False
    test: bool = False  # a drill
    again: str = ""
    # why it is reported though it was taken back; sealed likewise
    token: bytes = b""  # 16 bytes, where there is no value
    epoch: int = 0  # of the token
    seen: str = ""  # day that was said; "": `fields` has a default
    expires: str = ""  # likewise
    raw: str = ""  # its cell in a list
    notices: tuple[str, ...] = ()  # codes: how the value was read
