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


class OwnEntries(forms.Input, Generic[forms.T]):
    """Exempt entries or notes to keep, each for itself."""

    type: Literal["exempt", "note", "distrust"]
    entries: forms.Some[forms.T]


OwnAdd = OwnEntries[OwnDraft | SyncdError]


class OwnSeen(RawValue):
    """What can be read of a row that is refused; any kind if absent."""

    value: str


class OwnRows(forms.Input, Generic[forms.T]):
    """Rows of a list that we use and do not pass on."""

    list: str
    reports: forms.Some[forms.T]
    load: forms.Natural = 0  # of which they are a part; absent: they are added
    refused: forms.Many[OwnSeen] = ()  # rows, no reports


OwnLocal = OwnRows[forms.Draft | SyncdError]


class OwnOutcome(forms.Output):
    """What became of one entry."""

    state: str  # added, known, replaced, refused
    id: int = 0  # absent if refused
    official: bool = False  # made in view of an official report
    problem: forms.Problem | None = None  # if refused


class OwnTaken(forms.FullOutput):
    """What became of the entries, in their order; durable."""

    items: tuple[OwnOutcome, ...]
    added: int
    known: int
    replaced: int
    refused: int


class OwnLoadBegin(forms.Input):
    """A list that is to be read anew, whole."""

    list: str


class OwnLoad(forms.FullOutput):
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
    ids: forms.Many[forms.Natural] = ()
    list: str = ""
    load: forms.Natural = 0
    gone_at_most: forms.Natural | None = None  # entries that the load may lack


class OwnRemoved(forms.FullOutput):
    """So many entries stood and have ended; they stay as history."""

    removed: int
    entries: int = 0  # of the list, that stand


class OwnItem(EntryFields, forms.Output):
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
