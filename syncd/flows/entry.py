"""Entries of a member's own lists: drafts, new ones and kept ones."""

from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from syncd import canonical
from syncd.flows.draft import RawValue
from syncd.indicator.active import OFFICIAL
from syncd.indicator.record import ReportFields
from syncd.shape import Form, Secret

EXEMPT = "exempt"
NOTE = "note"
LOCAL = "local"
DISTRUST = "distrust"
TYPES = (EXEMPT, NOTE, LOCAL, DISTRUST)
MAX_LIST = 100  # characters of a list's name


class _Whom(NamedTuple):
    """What all members are kept on that we distrust, each by its name."""

    kind: str = "member"
    value: str = ""


WHOM: Final[Any] = _Whom()  # found as identifiers are


class OwnDraft(RawValue, frozen=True, kw_only=True):
    """An exempt entry or note as it is handed in; "" and absent are the same."""

    why: str = ""  # ours alone, as is the text
    code: str = ""  # of a note
    text: str = ""  # of a note
    expires: str = ""  # first day on which it does not count; never if absent


class EntryFields(ReportFields):
    """What an entry says: a local one what a report does."""

    why: str = ""
    code: str = ""  # of a note
    text: str = ""  # of a note
    official: bool = False  # exempt in view of an official report


class NewEntry(Secret, frozen=True):
    """What is to be kept of one entry; all but type, kind, day is secret."""

    type: str  # one of TYPES
    kind: str
    value: str  # normal form
    fields: EntryFields
    name: str = ""  # one of a name stands per value
    until: int | None = None  # first day on which it does not count

    @property
    def content(self) -> bytes:
        """What tells two entries of one value and name apart."""
        fields = msgspec.to_builtins(self.fields)
        return canonical.dumps({**fields, "until": self.until or 0})


class Entry(Secret, frozen=True):
    """One entry as it is kept."""

    id: int
    type: str  # one of TYPES
    kind: str
    value: str  # normal form
    fields: EntryFields
    list: str  # of a local entry
    until: int | None
    by: str  # the bearer's name
    at: int  # unix seconds
    removed_at: int | None = None
    removed_by: str = ""
    removed_why: str = ""

    @property
    def official(self) -> bool:
        """Whether it weighs as an official report, or answers one."""
        if self.type == LOCAL:
            return self.fields.evidence in OFFICIAL
        return self.fields.official


def _of(words: str, **bounds: Any) -> Meta:
    return Meta(description=words, **bounds)


class Filter(Form):
    """Which entries are meant; what is empty does not matter."""

    after: Annotated[int, _of("larger ids only", ge=0, le=10**15)] = 0
    limit: Annotated[int, _of("items in a page", ge=1, le=1000)] = 100
    type: Literal["", "exempt", "note", "local", "distrust"] = ""
    list: Annotated[str, _of("name of a local list", max_length=MAX_LIST)] = ""
    ended: Annotated[
        bool, _of("1: also those that were removed or replaced")
    ] = False
