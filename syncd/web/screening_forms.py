"""Forms of `/v1/screening`: which of our own customers are listed."""

from typing import Generic

from syncd.errors import SyncdError
from syncd.flows.draft import RawValue
from syncd.flows.ports import Listed
from syncd.web import forms


class ScreeningItem(RawValue):
    """A customer's value, and what the house calls the customer."""

    kind: str
    value: str
    reference: str
    expires: str  # first day on which it is screened for no more


class ScreeningAdd(forms.Input, Generic[forms.T]):
    """Customers that are to be screened for."""

    items: forms.Some[forms.T]


ScreeningCall = ScreeningAdd[ScreeningItem | SyncdError]


class ScreeningOutcome(forms.Output):
    """What became of one item."""

    state: str  # kept, refused
    problem: forms.Problem | None = None  # if refused


class ScreeningTaken(forms.FullOutput):
    """What became of the items, in their order; durable."""

    items: tuple[ScreeningOutcome, ...]
    kept: int
    refused: int


class ScreeningFilter(forms.Input):
    """What a report is to have; what is empty does not matter."""

    verdicts: forms.Texts = ()
    evidence: forms.Texts = ()
    roles: forms.Texts = ()


class ScreeningEntry(Listed, forms.FullOutput):
    """A customer who is listed, or was: an entry for each form of a value."""

    id: int  # as events name it
    kind: str
    reference: str
    expires: str


class ScreeningReport(forms.FullOutput):
    """Who of our customers is listed, as far as was merged."""

    items: tuple[ScreeningEntry, ...]
    stale: int  # entries of an old token key: the list is asked for again
    as_of: tuple[forms.AsOf, ...]
