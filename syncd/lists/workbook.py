"""XLSX from inside: one sheet of a workbook, read in a process of its own.

calamine gives the values and holds a whole sheet, so it runs in a child that
may take MAX_MEMORY and no more. What it does not tell comes from one pass
over the sheet's XML before: how far the sheet goes, so that one far cell
costs nothing; formulas that nobody computed; what is hidden; and the cells
whose format, digits or error say more than their value does.

Standard output gets frames, each a line of JSON. First what is known of the sheet, or why it is refused; then lists of rows, each its number,
the last row that is merged with it, and its cells, where the text of one that
no more says what was meant stands in a list of its own. At the end None.
"""

import resource
import signal
import sys
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import chain, islice, repeat
from pathlib import Path
from re import compile as regex
from typing import Any

import msgspec
from python_calamine import CalamineSheet, CalamineWorkbook

from syncd.errors import Message
from syncd.lists.xlsx_parts import Archive, PartError, broken, too_large

MAX_COLUMNS = 200
MAX_ROWS = 1_048_576
MAX_AREA = 12_000_000  # cells from the first corner to the last
MAX_MERGED = 100_000
MAX_MEMORY = 448 << 20  # bytes of the child; the parent has some 30 MB
DIGITS = 15  # that a spreadsheet keeps of a number
UNDONE = "=?"  # stands for a formula that nobody computed
_MOST = 1 << 14  # columns that a spreadsheet has
_BATCH = 500  # rows of a frame
_NAMED = 5  # hidden rows

# What calamine 0.9.1 knows as an error; for others it refuses the sheet.
_ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")
# Formats that show a whole number with something or zeros before it.
_PADS = regex(
    r'(?:\[[^]]*\])*(?:"([^"]*)"|\\(.))?'
    r'((?:[0#?\- ]|[^!-~ ]|\\\D|[_*].|"[^"0-9A-Za-z+]*")+)(?:;.*)?'
)
_ELEMENTS = frozenset(("c", "v", "row", "is", "f", "mergeCell", "col"))
_ERROR = regex("#[A-Z_]{1,20}[!?]")  # any other text may be a value
_PERCENT = regex(r"[0#.]+%(?:;.*)?")
Cell = str | tuple[str]


class _Scan:
    """What one pass over a sheet's XML tells that calamine does not."""

    def __init__(self, archive: Archive, part: str) -> None:
        self.first = self.last = 0  # rows with something in them
        self.left, self.right = 1 << 20, 0  # columns likewise
        self.hidden_rows = array("L")
        self.hidden_columns: list[int] = []
        # Cells that say more than their value: row and column in one number,
        # and which of `more`.
        self.at, self.what = array("L"), array("I")
        self.more: dict[tuple[str, str, int], int] = {}
        self._styles = {
            str(n): about
            for n, code in enumerate(archive.formats())
            if (about := pads(code))
        }
        self._row = self._column = self._merged = 0
        self._kind, self._style = "n", "0"
        self._text = self._prefix = self._digits = ""
        self._hidden = self._formula = self._filled = self._wanted = False
        archive.parse(
            part,
            StartElementHandler=self._start,
            CharacterDataHandler=self._chars,
            CommentHandler=self._odd,
            StartCdataSectionHandler=self._odd,
        )
        self._close()

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        self._wanted = False
        if self._prefix:
            name = name.removeprefix(self._prefix)
        if name not in _ELEMENTS:  # most are of texts
            if name.endswith(":worksheet"):
                self._prefix = name.removesuffix("worksheet")
        elif name == "c":
            if self._filled or self._formula:
                self._close()
            self._kind = attrs.get("t", "n")
            self._style = attrs.get("s", "0")
            column = self._column + 1
            if "r" in attrs:
                column = number(attrs["r"].removesuffix(self._digits))
            if column > _MOST:
                raise too_large()
            if column <= self._column or not self._row:
                raise broken("cells out of order")
            self._column = column
        elif name == "v":
            self._filled = True
            self._wanted = self._kind != "s"  # which calamine looks up
        elif name == "row":
            self._close()
            row = int(attrs.get("r", self._row + 1))
            if row > MAX_ROWS:
                raise too_large()
            if row <= self._row:
                raise broken("rows out of order")
            self._row, self._digits, self._column = row, str(row), 0
            self._hidden = hides(attrs)
        elif name == "is":
            self._filled = True
        elif name == "f":
            self._formula = True
        elif name == "mergeCell":
            self._merged += 1
            if self._merged > MAX_MERGED:
                raise too_large()
        elif hides(attrs):
            last = min(int(attrs["max"]), _MOST)
            self.hidden_columns += range(int(attrs["min"]), last + 1)

    def _chars(self, text: str) -> None:
        if self._wanted:
            self._text += text

    def _odd(self, *_: object) -> None:
        if self._wanted:  # calamine takes what stands before it
            raise broken("a value in pieces")

    def _close(self) -> None:
        """Take up the cell that ended."""
        if self._filled or self._formula:
            if self._row != self.last:
                self.first, self.last = self.first or self._row, self._row
                if self._hidden:
                    self.hidden_rows.append(self._row)
            if self._column < self.left:
                self.left = self._column
            if self._column > self.right:
                self.right = self._column
        if self._kind not in ("s", "inlineStr"):
            self._look(self._kind, self._text.strip())
        self._filled = self._formula = False
        self._text = ""

    def _look(self, kind: str, text: str) -> None:
        """Keep what a cell says beyond its value."""
        about = None
        if self._formula and not text and kind != "str":
            about = "undone", "", 0
        elif kind == "e" and text not in ("", *_ERRORS):
            raise PartError(
                "{path}: cell {cell} shows {error}",
                cell=f"{letters(self._column)}{self._row}",
                error=text if _ERROR.fullmatch(text) else "?",
                hint="mend or empty it",
            )
        elif kind == "e":
            about = "error", text, 0
        elif kind == "n" and text:
            about = self._styles.get(self._style)
        if about:
            self.at.append(self._row << 15 | self._column)
            self.what.append(self.more.setdefault(about, len(self.more)))


def hides(attrs: dict[str, str]) -> bool:
    """Tell whether a row or a column is hidden, or of no size."""
    sizes = attrs.get("ht"), attrs.get("width")
    return attrs.get("hidden") in ("1", "true") or "0" in sizes


@cache
def number(name: str) -> int:
    """Return a column's number from 1; 0 if its name is none."""
    found = 0
    for letter in name:
        found = found * 26 + ord(letter) - 64
    return found if name.isalpha() and name.isupper() and len(name) < 4 else 0


def letters(column: int) -> str:
    """Return how a spreadsheet names a column that is counted from 1."""
    from openpyxl.utils import get_column_letter  # slow, and for few

    return get_column_letter(column)


def pads(code: str) -> tuple[str, str, int] | None:
    """Return what a format puts before a number, and its least digits."""
    match = _PADS.fullmatch(code)
    if not match:
        return ("percent", "", 0) if _PERCENT.fullmatch(code) else None
    before, zeros = match[1] or match[2] or "", match[3].count("0")
    if not any(c == "+" or (c.isascii() and c.isalnum()) for c in before):
        before = ""
    return ("pads", before, zeros) if before or zeros > 1 else None


def cell_of(value: object) -> Cell:
    """Return what a cell says."""
    match value:
        case str():
            # A carriage return ends lines here: it is cut, never glued.
            text = value.replace("\r\n", "\n").strip("\r")
            return text.replace("\r", "\n")
        case bool():
            return "true" if value else "false"
        case float() if not value.is_integer():
            return str(value)
        case float() if abs(value) >= 10**DIGITS:
            return (f"{Decimal(repr(value)):f}",)
        case float():
            return str(int(value))
        case datetime():
            value += timedelta(milliseconds=500)
            text = str(value.replace(microsecond=0))
            return text.removesuffix(" 00:00:00")
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return str(value).partition(".")[0]  # a day, or a time in whole seconds


class _Rows:
    """The rows of a sheet, with all that the pass noted."""

    def __init__(self, sheet: CalamineSheet, scan: _Scan) -> None:
        self._sheet, self._scan = sheet, scan
        self._about = list(scan.more)
        self._merged = sorted(sheet.merged_cell_ranges or (), reverse=True)
        self._open: list[tuple[int, int, int, Cell]] = []  # last row, columns

    def __iter__(self) -> Iterator[tuple[int, int, list[Cell]]]:
        """Yield the rows that have something of their own in them."""
        _, empty = self._sheet.start or (0, 0)
        left = [""] * empty  # columns that calamine leaves out
        more: Iterator[Sequence[Any]] = repeat(())
        marks = zip(self._scan.at, self._scan.what, strict=True)
        mark = next(marks, (0, 0))
        # calamine leaves out rows of nothing but formulas without a result.
        rows = chain(
            self._sheet.iter_rows() if self._sheet.start else (), more
        )
        for row, values in enumerate(islice(rows, self._scan.last), 1):
            cells: list[Cell] = [
                v if type(v) is str and "\r" not in v else cell_of(v)
                for v in values
            ]
            cells[:0] = left
            while mark[0] >> 15 == row:
                column = (mark[0] & 32767) - 1
                cells += [""] * (column + 1 - len(cells))
                cells[column] = self._seen(cells[column], mark[1])
                mark = next(marks, (0, 0))
            while cells and cells[-1] == "":
                cells.pop()
            own = any("".join(cell).strip() for cell in cells)
            last = self._spread(row, cells)
            if own:
                yield row, last, cells[: MAX_COLUMNS + 1]

    def _seen(self, cell: Cell, what: int) -> Cell:
        about, detail, zeros = self._about[what]
        match about:
            case "error":
                return (detail,)
            case "undone":
                return (UNDONE,)
            case _ if not isinstance(cell, str):
                return cell  # a number that lost its end
            case "percent":
                return f"{float(cell) * 100:.10g}%"
            case "pads" if cell.isdecimal():
                return detail + cell.zfill(zeros)
        return cell

    def _spread(self, row: int, cells: list[Cell]) -> int:
        """Give a row what is merged into it; return how far its own goes."""
        last = row
        if self._open:
            self._open = [merged for merged in self._open if merged[0] >= row]
        while self._merged and self._merged[-1][0][0] < row:
            (_, left), (bottom, right) = self._merged.pop()
            if left < len(cells) and cells[left]:
                self._open.append((bottom + 1, left, right, cells[left]))
                last = max(last, bottom + 1)
        if len(self._open) > MAX_COLUMNS:
            raise broken("merged ranges that overlap")
        for _, left, right, cell in self._open:
            end = min(right + 1, self._scan.right)
            cells += [""] * (end - len(cells))
            cells[left:end] = [c or cell for c in cells[left:end]]
        return last


def frames(path: Path, wanted: str) -> Iterator[Any]:
    """Yield what is noted of a sheet, as the module's head says."""
    try:
        with zipfile.ZipFile(path) as file:
            archive = Archive(file)
            name, part = archive.sheet(wanted)
            scan = _Scan(archive, part)
        area = (scan.last - scan.first + 1) * (scan.right - scan.left + 1)
        if area > MAX_AREA:
            raise too_large()
        yield {"sheet": name, "span": scan.last, "notes": _notes(scan)}
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_name(name)
        rows = iter(_Rows(sheet, scan))
        while batch := [*islice(rows, _BATCH)]:
            yield batch
        yield None
    except PartError as e:
        yield {"refused": e.parts}
    except MemoryError:
        yield {"refused": too_large().parts}
    except Exception as e:  # noqa: BLE001 - whatever a broken one makes them raise
        yield {"refused": broken(type(e).__name__).parts}


def _notes(scan: _Scan) -> list[tuple[str, dict[str, object]]]:
    """Return what a person is to know of a sheet: templates, parameters."""
    rows = [*map(str, scan.hidden_rows[:_NAMED])]
    more = ["…"] * (len(scan.hidden_rows) > _NAMED)
    columns = [
        letters(column)
        for column in scan.hidden_columns
        if scan.left <= column <= scan.right
    ]
    notes = (
        Message(
            "{n} hidden rows are read like the others: {those}",
            n=len(scan.hidden_rows),
            those=", ".join(rows + more),
        ),
        Message(
            "hidden columns are read like the others: {those}",
            those=", ".join(columns),
        ),
    )
    return [(n.template, n.params) for n in notes if n.params["those"]]


def main() -> None:
    """Write the frames of a sheet; die rather than take more memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = MAX_MEMORY if hard < 0 else min(hard, MAX_MEMORY)  # -1: no limit
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # or is gone
    for frame in frames(Path(sys.argv[1]), sys.argv[2]):
        sys.stdout.buffer.write(msgspec.json.encode(frame) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
