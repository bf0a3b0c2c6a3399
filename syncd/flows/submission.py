"""What is handed in, alone or as a list step by step, and what became of it.

A caller's form, the store's row and an answer are one struct each.
"""

from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

from syncd.indicator.notation import Natural
from syncd.roster.row import Hash
from syncd.shape import EMPTY, Form

LONGEST_NAME = 256  # characters of a file's or a list's name
_Name = Annotated[str, Meta(max_length=LONGEST_NAME)]


class Submission(NamedTuple):
    """Who hands reports in, when, and what is said of all of them."""

    caller: str = ""
    today: str = ""  # day in the roster's zone
    refresh: bool = False  # a day of `seen` that is a default counts as said
    again: str = ""  # why they are reported though they were taken back
    held: bool = False  # they wait for a second person


class Outcome(Struct, frozen=True):
    """What became of one report."""

    state: str  # accepted, known, taken_back, refused
    id: int = 0  # in the vault: its own, or of the row that was taken back
    reason: str = ""  # if taken back: why it was
    on: str = ""  # likewise: day
    notices: tuple[str, ...] = ()  # codes: how the value was read
    elsewhere: str = ""  # another member took it back: MEMBER REASON


class ImportBegin(Form):
    """A file that is to be imported."""

    name: _Name
    size: Natural  # bytes
    file: Hash  # that the client knows the file by
    list: _Name = ""  # name of the list; the file's if absent
    options: dict[str, Any] = EMPTY
    anew: bool = False  # what was begun of the list and has not ended is over


class ImportMark(Form):
    """How far the file is read behind these reports; moves with them."""

    id: Natural
    old_offset: Natural  # bytes that we believe are committed
    offset: Natural  # bytes of the file behind this step
    row: Natural  # rows of the file behind this step
    prefix: Hash  # SHA-256 of the file's first `offset` bytes


class ImportEnd(Form):
    """How an import ends."""

    complete: bool = True  # false: the rest of the file does not come
    gone: Literal["", "retract"] = ""  # what the list had and lacks now
    gone_at_most: Natural | None = None  # rows to take back; 1 % or 100


class ImportStatus(Form):
    """One import: how far it has come, durably, and what came of it."""

    id: int
    list: str  # its name
    name: str  # of the file
    by: str  # who handed it in
    began_at: int  # unix seconds
    finished_at: int | None
    size: int  # bytes of the file
    offset: int  # bytes of the file that are committed
    row: int  # rows of the file that are committed
    prefix: str  # hex SHA-256 of the committed bytes
    accepted: int
    known: int
    taken_back: int  # by ourselves, before
    refused: int
    elsewhere: int  # of its reports, taken back by another member
    gone: int  # what the list had, and lacks now
    due: int  # of these, missing twice running: could be taken back
    dropped: int  # of these, taken back
    finished: bool
    pending: int = 0  # its reports wait for a second person, as that
