"""Forms of `/v1/screening`: which of our own customers are listed."""

from typing import Generic

from syncd.errors import SyncdError
from syncd.flows.draft import RawValue
from syncd.flows.ports import Listed
from syncd.web.forms import (
    AsOf,
    FullOutput,
    Input,
    Output,
    Problem,
    Some,
    T,
    Texts,
)


class ScreeningItem(RawValue):
    """A customer's value, and what the house calls the customer."""

    kind: str
    value: str
    reference: str
    expires: str  # first day on which it is screened for no more


class ScreeningAdd(Input, Generic[T]):
    """Customers that are to be screened for."""

    items: Some[T]


ScreeningCall = ScreeningAdd[ScreeningItem | SyncdError]


class ScreeningOutcome(Output):
    """What became of one item."""

    state: str  # kept, refused
    problem: Problem | None = None  # if refused


class ScreeningTaken(FullOutput):
    """What became of the items, in their order; durable."""

    items: tuple[ScreeningOutcome, ...]
    kept: int
    refused: int


class ScreeningFilter(Input):
    """What a report is to have; what is empty does not matter."""

    verdicts: Texts = ()
    evidence: Texts = ()
    roles: Texts = ()


class ScreeningEntry(Listed, FullOutput):
    """A customer who is listed, or was: an entry for each form of a value."""

    id: int  # as events name it
    kind: str
    reference: str
    expires: str


class ScreeningReport(FullOutput):
    """Who of our customers is listed, as far as was merged."""

    items: tuple[ScreeningEntry, ...]
    stale: int  # entries of an old token key: the list is asked for again
    as_of: tuple[AsOf, ...]
