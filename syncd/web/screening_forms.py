"""Forms of `/v1/screening`: which of our own customers are listed."""

from typing import Generic, TypeVar

from syncd.flows.ports import Position
from syncd.web.forms import (
    AsOf,
    Cursor,
    FullOutput,
    Input,
    Limit,
    Natural,
    Output,
    Problem,
    Query,
)

T = TypeVar("T")


class ScreeningItem(Input, frozen=True, kw_only=True):
    """A customer's value, and what the house calls the customer."""

    kind: str
    value: str
    reference: str
    until: str  # first day on which it is screened for no more
    scheme: str = ""
    region: str = ""


class ScreeningAdd(Input, Generic[T], frozen=True, kw_only=True):
    """Customers that are to be screened for."""

    items: tuple[T, ...]


class ScreeningOutcome(Output, frozen=True, kw_only=True):
    """What became of one item."""

    state: str  # clear, listed, refused
    ids: tuple[int, ...] = ()  # entries; an account may have several forms
    problem: Problem | None = None  # if refused


class ScreeningTaken(FullOutput, frozen=True, kw_only=True):
    """What became of the items, in their order; durable."""

    items: tuple[ScreeningOutcome, ...]
    clear: int
    listed: int
    refused: int


class ScreeningQuery(Query, frozen=True, kw_only=True):
    """Which entries are meant."""

    after: Cursor = 0
    limit: Limit = 100


class ScreeningEntry(Output, frozen=True, kw_only=True):
    """An entry; what stands behind `until` is there if it is listed."""

    id: int
    kind: str
    epoch: int
    reference: str
    until: str
    verdict: str = ""
    action: str = ""
    evidence: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    positions: tuple[Position, ...] = ()
    handling: str = ""
    since: int = 0  # unix seconds


class ScreeningPage(Output, frozen=True, kw_only=True):
    """Entries, in the order of their ids."""

    items: tuple[ScreeningEntry, ...]
    next: int = 0


class ScreeningEnd(Input, frozen=True, kw_only=True):
    """Whose entries are to go."""

    reference: str = ""
    ids: tuple[Natural, ...] = ()


class ScreeningEnded(FullOutput, frozen=True, kw_only=True):
    """So many entries are gone."""

    ended: int


class ScreeningFilter(Input, frozen=True, kw_only=True):
    """What a report is to have; what is empty does not matter."""

    verdicts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


class ScreeningRun(FullOutput, frozen=True, kw_only=True):
    """A report that was made."""

    run: int
    at: int  # unix seconds
    by: str
    filters: dict[str, list[str]]
    entries: int  # that were screened for
    listed: int  # of them
    shown: int  # of these, by the filters
    complete: bool  # no entry is of an old token key
    stale: dict[str, int]  # entries by old key: the list is asked for again


class ScreeningReport(FullOutput, frozen=True, kw_only=True):
    """Who of our customers is listed, as far as was merged."""

    run: ScreeningRun
    items: tuple[ScreeningEntry, ...]
    as_of: tuple[AsOf, ...]


class ScreeningRuns(FullOutput, frozen=True, kw_only=True):
    """Reports that were made, newest first."""

    items: tuple[ScreeningRun, ...]
