"""XLSX: one sheet of a workbook as rows of cells, in bounded memory.

A workbook is a ZIP of XML, so it is looked over before it is opened: what
its parts inflate to, and that no cell, row or declaration in them is of a
size that no spreadsheet writes. Rows are then read one by one. What offset
counts is rows.

Spreadsheets keep 15 digits of a number: a longer one has lost its end, and
its row is refused if the cell means anything here.
"""

import datetime
import hashlib
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.errors import MalformedError, UsageError
from syncd.lists.rows import Flawed, Note, Row, Told

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

MAX_PARTS = 1000
MAX_INFLATED = 1 << 30  # bytes, of all parts
MAX_STRINGS = 64 << 20  # bytes of the table of texts, which is held whole
MAX_TEXT = 256 << 10  # bytes of one cell: Excel writes 32,767 characters
MAX_ROW = 4 << 20  # bytes of one row
MAX_COLUMNS = 200
MAX_ROWS = 1_048_576
_DIGITS = 15
_PIECE = 64 << 10
_FAR = re.compile(rb"""[ \n]r=["']\d{8}""")  # no row has such a number
# A formula whose result nobody computed: its cell would look empty. One that
# gives no text says so (t="str").
_HOLLOW = re.compile(
    rb"""<(?:\w+:)?c(?=[\s>])(?![^>]*\st=["']str)[^>]*>\s*"""
    rb"""<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*(?:/>|></(?:\w+:)?v>)\s*)?</(?:\w+:)?c>"""
)
_TAIL = 16 << 10  # bytes of the last piece that are looked at again

# Whatever a broken or hostile workbook makes the libraries raise.
_BROKEN = (Exception,)


class Sheet:
    """One sheet of a workbook."""

    format = "xlsx"
    notes: tuple[Note, ...] = ()
    size = MAX_ROWS + 1  # offset behind whatever a sheet can hold

    def __init__(self, path: Path, told: Told) -> None:
        """Look the file over and find the sheet and its header.

        Raises:
            UsageError: it is no workbook that we read; says why.
        """
        self.path = path
        self.span = 1  # rows of the longest sheet
        self._hollow: dict[str, str] = {}  # part, its first such cell
        self._look_over()
        self.name = self._find(told.sheet)
        self.about = f"xlsx, {self.name}"
        first = next(self._raw(0), None)
        if first is None:
            raise UsageError("{path}: is empty", path=path)
        names = tuple(str(cell).strip() for cell in first.cells)
        self.width = len(names)
        self.header: tuple[str, ...] | None = names if told.header else ()
        self._begin = first.number if told.header else 0

    def rows(self, offset: int, row: int) -> Iterator[Row]:
        """Yield the rows behind row number `offset`."""
        del row  # the same
        width = self.width
        for found in self._raw(max(offset, self._begin)):
            cells = [*found.cells]
            here = len(cells)
            if here > width and not any(cells[width:]):
                here = width
            problem = found.problem
            if not problem and here > width:
                problem = MalformedError(
                    "{here} cells, want {want}", here=here, want=width
                )
            # A sheet leaves cells out at the end of a row that are empty.
            cells = cells[:width] + [""] * (width - here)
            yield Row(
                *(found.number, found.number, found.number),
                cells,
                found.raw,
                problem,
            )

    def prefix(self) -> "_Whole":
        """Return the hash of the whole file, whatever the offset."""
        return _Whole(self.path)

    # --------------------------------------------------------- innards

    def _look_over(self) -> None:
        try:
            with zipfile.ZipFile(self.path) as archive:
                parts = archive.infolist()
                inflated = sum(part.file_size for part in parts)
                if len(parts) > MAX_PARTS or inflated > MAX_INFLATED:
                    raise self._too_large()
                for part in parts:
                    strings = part.filename.lower().endswith(
                        "sharedstrings.xml"
                    )
                    if strings and part.file_size > MAX_STRINGS:
                        raise self._too_large()
                    if part.filename.lower().endswith((".xml", ".rels")):
                        self._look_at(archive, part)
        except UsageError:
            raise
        except _BROKEN as e:
            raise self._broken(e) from None

    def _look_at(
        self, archive: zipfile.ZipFile, part: zipfile.ZipInfo
    ) -> None:
        """Refuse XML with a declaration, a huge text or a huge row.

        Reading it also holds the bytes against the part's checksum.
        """
        sheet = "worksheets/" in part.filename.lower()
        since_tag = since_row = count = 0
        tail = b""
        with archive.open(part) as file:
            while piece := file.read(_PIECE):
                here = tail + piece
                if b"<!" in here and re.search(rb"<!(DOCTYPE|ENTITY)", here):
                    raise self._broken(None)
                if sheet and _FAR.search(here):
                    raise self._too_large()
                if sheet and (b"<f" in here or b":f" in here):
                    self._see_formulas(part.filename, here)
                tail = here[-_TAIL:]
                since_tag = 0 if b"<" in piece else since_tag + len(piece)
                rows = b"<row" in here or b":row" in here
                since_row = 0 if rows else since_row + len(piece)
                count += piece.count(b"<row")
                if since_tag > MAX_TEXT or (sheet and since_row > MAX_ROW):
                    raise self._too_large()
        if sheet:
            self.span = max(self.span, min(count, MAX_ROWS))

    def _see_formulas(self, name: str, piece: bytes) -> None:
        found = _HOLLOW.search(piece)
        if found and name not in self._hollow:
            cell = re.search(rb"""\sr=["']([A-Z]+\d+)""", found[0])
            self._hollow[name] = cell[1].decode() if cell else "?"

    def _find(self, wanted: str) -> str:
        """Return the name of the sheet that is meant."""
        with self._open() as book:
            names = list(book.sheetnames)
            visible = [
                s.title for s in book.worksheets if s.sheet_state == "visible"
            ]
            if wanted:
                if wanted not in names:
                    raise UsageError(
                        "{path}: no sheet {name}",
                        path=self.path,
                        name=wanted,
                        hint="sheets: {names}",
                        names=", ".join(names),
                    )
                name = wanted
            elif len(visible) == 1:
                name = visible[0]
            else:
                raise UsageError(
                    "{path}: has {n} sheets",
                    path=self.path,
                    n=len(visible),
                    hint="say --sheet: {names}",
                    names=", ".join(visible),
                )
            self._no_hollow(getattr(book[name], "_worksheet_path", ""))
        return name

    def _no_hollow(self, part: str) -> None:
        cell = self._hollow.get(part.lstrip("/"))
        if cell is not None:
            raise UsageError(
                "{path}: cell {cell} is a formula without its result",
                path=self.path,
                cell=cell,
                hint="open it in a spreadsheet and save it again",
            )

    def _raw(self, after: int) -> Iterator[Row]:
        """Yield the rows behind row number `after` that are not blank."""
        for number, values in self._values(self.name, after):
            cells = [_text(value) for value in values[:MAX_COLUMNS]]
            problem: MalformedError | None = None
            if len(values) > MAX_COLUMNS:
                problem = MalformedError("more than {n} cells", n=MAX_COLUMNS)
            if problem or any(cell.strip() for cell in cells):
                yield Row(
                    *(number, number, number),
                    tuple(cells),
                    "\t".join(cells),
                    problem,
                )

    def _values(
        self, name: str, after: int
    ) -> Iterator[tuple[int, Sequence[Any]]]:
        with self._open() as book:
            try:
                sheet = book[name]
                sheet.reset_dimensions()
                rows = sheet.iter_rows(min_row=after + 1, values_only=True)
            except _BROKEN as e:
                raise self._broken(e) from None
            number = after
            while True:
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        values = next(rows, None)
                except _BROKEN as e:
                    raise self._broken(e) from None
                if values is None:
                    return
                number += 1
                if number > MAX_ROWS:
                    raise self._too_large()
                yield number, values

    def _open(self) -> "_Opened":
        return _Opened(self)

    def _too_large(self) -> UsageError:
        return UsageError(
            "{path}: is larger inside than a list is",
            path=self.path,
            hint="save the sheet as CSV",
        )

    def _broken(self, error: Exception | None) -> UsageError:
        return UsageError(
            "{path}: is no sound XLSX workbook ({what})",
            path=self.path,
            what=type(error).__name__ if error else "DOCTYPE",
            hint="save it again, or as CSV",
        )


class _Opened:
    """A workbook that is open for as long as it is read."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._book: Workbook | None = None

    def __enter__(self) -> "Workbook":
        import openpyxl

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what a list does not need
                self._book = openpyxl.load_workbook(
                    self._sheet.path, read_only=True, data_only=True
                )
        except _BROKEN as e:
            raise self._sheet._broken(e) from None
        return self._book

    def __exit__(self, *_: object) -> None:
        if self._book is not None:
            self._book.close()


class _Whole:
    """The hash of a whole file."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._digest = hashlib.file_digest(file, "sha256").hexdigest()

    def upto(self, offset: int) -> str:
        """Return the digest, which is of all rows or none."""
        return self._digest if offset else hashlib.sha256().hexdigest()


def _text(value: Any) -> str:
    """Return what a cell says."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            whole = int(value) if value == value // 1 else None
            if whole is None:
                return str(value)
            if len(str(abs(whole))) > _DIGITS:
                why = MalformedError(
                    "a number above {n} digits has lost its end: keep it as"
                    " text",
                    n=_DIGITS,
                )
                return Flawed(str(whole), why)
            return str(whole)
        case datetime.datetime():
            return value.date().isoformat()
        case datetime.date():
            return value.isoformat()
    return str(value)
