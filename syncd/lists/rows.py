"""Rows and tables as all readers of lists give them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, structs

from syncd.errors import MalformedError, Message

_UNSURE = re.compile(
    "[\ud800-\uf8ff\ufffd]"
)  # no text; others see another there


class FileOptions(Struct, frozen=True):
    """What the operator says of a file; "" is to be detected."""

    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    header: bool = True
    sheet: str = ""
    names: tuple[str, ...] = ()  # columns that --map names
    split: str = ""  # column (name, or number from 1) of several values
    widths: str = ""  # "1-19,20-60": columns of fixed width
    trailer: str = ""  # what the last line is, as in "TRAILER|{count}|*"
    control: Path | None = None  # another file that says the count

    @property
    def given(self) -> dict[str, Any]:
        """Return what is not to be detected."""
        return {
            one.name: value
            for one in structs.fields(self)
            if (value := getattr(self, one.name)) != one.default
        }


class Flawed(str):
    """A cell that says no more what was meant: refused where it is used."""

    __slots__ = ("why",)

    why: MalformedError

    def __new__(cls, text: str, why: MalformedError) -> "Flawed":
        """Return the text with why it is of no use."""
        made = super().__new__(cls, text)
        made.why = why
        return made


def flaw(cell: str) -> MalformedError | None:
    """Return why a cell says no more what was meant, if it does not."""
    if isinstance(cell, Flawed):
        return cell.why
    if not cell.isascii() and (found := _UNSURE.search(cell)):
        return MalformedError(
            "holds U+{code}, which is lost or of private use",
            code=f"{ord(found[0]):04X}",
        )
    return None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells, or why it cannot be read."""

    number: int  # of its first line (of the row, in a sheet), from 1
    last: int  # number of its last line
    end: int  # offset behind it: bytes, or rows of a sheet
    cells: Sequence[str] | Mapping[str, str] = field(repr=False)
    raw: str = field(repr=False)  # as it stands in the file
    problem: MalformedError | None = None


class Table(Protocol):
    """A list as rows; what `offset` counts is its own affair."""

    format: str
    about: str  # what was detected, for people
    header: tuple[str, ...] | None  # names of columns, None: each row's own
    width: int  # columns
    size: int  # offset of the end
    span: int  # the same as far as the file tells, to show progress
    parted: Callable[[Row], Iterable[Row]] | None = None  # each value's row

    @property
    def notes(self) -> tuple[Message, ...]:
        """What is noted of the file; complete when all rows are read."""

    def whole(self, offset: int, row: int) -> Iterator[Row]:
        """Yield the rows of the file, one of several values as one."""

    def rows(self, offset: int, row: int) -> Iterator[Row]:
        """Yield the rows behind an offset, where `row` lines were read.

        Those of a cell of several values end together.
        """
        found = self.whole(offset, row)
        if not self.parted:
            return found
        return chain.from_iterable(map(self.parted, found))

    def prefix(self) -> Callable[[int], str]:
        """Return the SHA-256, in hex, of what is before larger offsets."""
