"""Forms of `/v1/own`: the member's own lists, which no other ever sees.

Exempt entries and notes come one by one or in bulk; a local list comes as a
load: begun, filled by any number of calls, finished. What a finished load did
not have is then no longer on the list, so that tonight's whole file takes
the place of yesterday's.
"""

from typing import Generic, Literal

from syncd.errors import SyncdError
from syncd.flows.draft import RawValue
from syncd.flows.entry import EntryFields, OwnDraft
from syncd.web import forms
from syncd.web.forms import FullOutput, Input, Many, Natural, Output, Some, T


class OwnEntries(Input, Generic[T]):
    """Exempt entries or notes to keep, each for itself."""

    type: Literal["exempt", "note", "distrust"]
    entries: Some[T]


OwnAdd = OwnEntries[OwnDraft | SyncdError]


class OwnSeen(RawValue):
    """What can be read of a row that is refused; any kind if absent."""

    value: str


class OwnRows(Input, Generic[T]):
    """Rows of a list that we use and do not pass on."""

    list: str
    reports: Some[T]
    load: Natural = 0  # of which they are a part; absent: they are added
    refused: Many[OwnSeen] = ()  # rows, no reports


OwnLocal = OwnRows[forms.Draft | SyncdError]


class OwnOutcome(Output):
    """What became of one entry."""

    state: str  # added, known, replaced, refused
    id: int = 0  # absent if refused
    official: bool = False  # made in view of an official report
    problem: forms.Problem | None = None  # if refused


class OwnTaken(FullOutput):
    """What became of the entries, in their order; durable."""

    items: tuple[OwnOutcome, ...]
    added: int
    known: int
    replaced: int
    refused: int


class OwnLoadBegin(Input):
    """A list that is to be read anew, whole."""

    list: str


class OwnLoad(FullOutput):
    """A load that has begun."""

    load: int
    entries: int  # that stand on the list now


class OwnRemoval(RawValue):
    """What is to end: by ids, by value, or of a local list.

    Of a list all, or what `load` did not have, all of it being handed in.
    """

    why: str = ""
    type: Literal["", "exempt", "note", "local", "distrust"] = ""
    # any if absent
    ids: Many[Natural] = ()
    list: str = ""
    load: Natural = 0
    gone_at_most: Natural | None = None  # entries that the load may lack


class OwnRemoved(FullOutput):
    """So many entries stood and have ended; they stay as history."""

    removed: int
    entries: int = 0  # of the list, that stand


class OwnItem(EntryFields, Output):
    """One entry, with its value, and what it says."""

    id: int
    type: str
    kind: str
    value: str
    state: Literal["stands", "expired", "ended"]
    by: str
    at: int  # unix seconds
    list: str = ""
    removed_at: int | None = None
    removed_by: str = ""
    removed_why: str = ""
