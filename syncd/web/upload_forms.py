"""Forms of `/v1/uploads`: lists that a browser hands over to be read."""

from dataclasses import dataclass
from typing import Annotated, Any

from syncd.flows.report import Rules
from syncd.flows.submission import LONGEST_NAME
from syncd.lists.preview import Listed, Unknown
from syncd.shape import EMPTY
from syncd.web import forms

Name = Annotated[
    str, forms.meta("of a file or a list", max_length=LONGEST_NAME)
]


class Upload(forms.Output):
    """A file that is kept, sealed, until it is imported or a day old."""

    id: int
    size: int  # bytes
    at: int  # unix seconds
    name: str = ""  # of the file, once it was read
    running: bool = False  # it is being imported
    problem: forms.Problem | None = None  # why its import ended early


class Reading(forms.Input):
    """How a file is read: by a mapping file's text, then by what is said."""

    name: Name  # of the file, which says its format
    map: str = ""  # TOML
    columns: dict[str, str] = EMPTY  # field → name of a column, or its number
    constants: dict[str, Any] = EMPTY  # what all rows have
    words: dict[str, dict[str, str]] = EMPTY  # field → word → code
    list: Name = ""  # name of the list; the file's if absent
    refresh: bool = False  # what says no day of `seen` was seen today
    anew: bool = False  # what was begun of the list and has not ended is over


class RefusedFor(forms.FullOutput):
    """Why rows would be refused."""

    problem: forms.Problem
    row: int  # the first
    rows: int


class UploadPreview(forms.FullOutput):
    """What a file would bring."""

    about: str  # format and encoding
    map: str  # TOML: all that was said, to be given back
    columns: tuple[tuple[str, str], ...]  # name, field or "": not stored
    listed: tuple[Listed, ...]  # the first ten
    rows: int
    good: int
    twice: int  # good rows whose value stands in another row too
    unknown: tuple[Unknown, ...]
    reasons: tuple[RefusedFor, ...]
    notices: dict[str, int]  # codes: rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the process that reads one is told; descriptors are inherited."""

    file: int
    how: Reading
    rules: Rules
    socket: int = 0  # the local API; 0: a preview is wanted
