"""XLSX: one sheet of a workbook as rows of cells, in bounded memory.

The workbook is read by a child (see `workbook`), which may run out of memory
without harm and is ended when nobody reads on. What offset counts is rows, by
the sheet's own numbers.
"""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from syncd.errors import MalformedError, Message, UsageError
from syncd.lists import column_names, workbook
from syncd.lists.rows import FileOptions, Flawed, Row, Table
from syncd.lists.workbook import DIGITS, MAX_COLUMNS, MAX_ROWS, UNDONE
from syncd.lists.xlsx_parts import broken, too_large

_HEADER = 4  # rows at most that a header is merged over, behind its first
_MEMORY = (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV)


class Sheet(Table):
    """One sheet of a workbook."""

    format = "xlsx"
    size = MAX_ROWS + 1  # offset behind whatever a sheet can hold

    def __init__(self, path: Path, options: FileOptions) -> None:
        """Look the file over and find the sheet and its header.

        Raises:
            UsageError: it is no workbook that we read; says why.
        """
        self.path = path
        self._wanted = options.sheet
        about, rows = self._read()
        self.about = f"xlsx, {about['sheet']}"
        self.span = about["span"]  # the last row with something in it
        self._notes = [Message(text, **n) for text, n in about["notes"]]
        top = list(islice(rows, column_names.FIRST))
        if not top:
            raise UsageError("{path}: is empty", path=path)
        number, last, cells = top[0]
        self._begin = number - 1
        self.header: tuple[str, ...] | None = ()
        if options.header:
            # What is merged over a banner's columns is there but once.
            seen = [[*dict.fromkeys(map(_text, row[2]))] for row in top]
            at = column_names.header_row(seen, column_names.knows(options))
            number, last, cells = top[at]
            if at:
                self._notes.append(column_names.skipped(at, number))
            # Merged downwards, it ends with the last of its rows.
            self._begin = last if last <= number + _HEADER else number
            cells = [r[2] for r in top if number <= r[0] <= self._begin][-1]
            self.header = tuple(_text(cell).strip() for cell in cells)
        self.width = len(cells)
        self._fresh: Iterator[Any] | None = chain(top, rows)

    @property
    def notes(self) -> tuple[Message, ...]:
        """What is hidden, and where the header is."""
        return tuple(self._notes)

    def whole(self, offset: int, row: int) -> Iterator[Row]:
        """Yield the rows behind row number `offset`."""
        del row  # the same
        found, self._fresh = self._fresh, None
        if not found:
            found = self._read()[1]
        begin, width = max(offset, self._begin), self.width
        for number, _, cells in found:
            if number <= begin:
                continue
            here = len(cells)
            texts = [c if type(c) is str else _flawed(*c) for c in cells]
            raw = "\t".join(texts)
            problem = None
            if here > MAX_COLUMNS:
                problem = MalformedError("more than {n} cells", n=MAX_COLUMNS)
            elif here > width:
                problem = MalformedError(
                    "{here} cells, want {want}", here=here, want=width
                )
            # A sheet leaves cells out at the end of a row that are empty.
            if here != width:
                texts = texts[:width] + [""] * (width - here)
            yield Row(number, number, number, texts, raw, problem)

    def prefix(self) -> Callable[[int], str]:
        """Return the hash of the whole file, whatever the offset."""
        with self.path.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest()
        nothing = hashlib.sha256().hexdigest()
        return lambda offset: whole if offset else nothing

    def _read(self) -> tuple[dict[str, Any], Iterator[Any]]:
        """Return what is noted of the sheet, and its rows."""
        frames = _frames(self.path, self._wanted)
        return next(frames), chain.from_iterable(frames)


def _frames(path: Path, wanted: str) -> Iterator[Any]:
    """Yield what a child reads; it is gone when this ends, or is let go."""
    child = subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-I", "-m", workbook.__name__, path, wanted],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # of a library that panics
    )
    out: Any = child.stdout
    try:
        while True:
            line = out.readline()
            if line.endswith(b"\n"):
                frame: Any = msgspec.json.decode(line)
            else:
                died = child.wait()
                why = too_large() if died in _MEMORY else broken(f"{died}")
                frame = {"refused": why.parts}
            if frame is None:
                return
            if isinstance(frame, dict) and "refused" in frame:
                message, hint, params = frame["refused"]
                raise UsageError(message, hint=hint, path=path, **params)
            yield frame
    finally:
        child.kill()
        child.communicate()


def _text(cell: str | list[str]) -> str:
    return cell if isinstance(cell, str) else cell[0]


def _flawed(text: str) -> Flawed:
    """Return a cell that lost its meaning, so that it is seen wherever it goes.

    Zeros in place of lost digits would be an account's, once it is a text.
    """
    if text.startswith("#"):
        why = MalformedError("the spreadsheet shows {error} there", error=text)
    elif text == UNDONE:
        why = MalformedError("a formula without its result")
    else:
        why = MalformedError(
            "a number above {n} digits has lost its end: keep it as text",
            n=DIGITS,
        )
        text = f"{float(text):.14E}"  # as spreadsheets show it
    return Flawed(text, why)
