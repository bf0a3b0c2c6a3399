"""Tables: CSV, TSV, TXT and NDJSON as rows of cells.

The quoting is RFC 4180's: a quote counts where a cell begins, is doubled
inside, and nothing but a delimiter follows the closing one. A quote that is
opened and not closed within MAX_LINES lines costs its own line only, never
the rest of the file.
"""

import hashlib
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from syncd.errors import MalformedError, UsageError
from syncd.lists import lines
from syncd.lists.lines import Encoding, Line
from syncd.lists.rows import Note, Row, Table, Told

FORMATS = ("csv", "tsv", "txt", "ndjson", "xlsx")
DELIMITERS = ",;\t|"
MAX_LINES = 100  # that one quoted cell may run over
VALUE = "value"  # what the only column of a TXT file is called
_ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "txt",
    ".list": "txt",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!doctype|html|table|meta)", re.IGNORECASE
)


class BytePrefix:
    """Hashes the bytes of a file, up to ever larger offsets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = hashlib.sha256()
        self._at = 0

    def upto(self, offset: int) -> str:
        """Return the hex digest of the first `offset` bytes."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            while self._at < offset:
                chunk = file.read(min(offset - self._at, 1 << 20))
                if not chunk:
                    break  # shorter than it was: the digest will not fit
                self._hash.update(chunk)
                self._at += len(chunk)
        return self._hash.hexdigest()


def open_table(path: Path, told: Told) -> Table:
    """Return a file as a table.

    Raises:
        UsageError: it cannot be read as what it is said to be; says why.
    """
    kind = _format(path, told.format)
    if kind == "xlsx":
        # openpyxl takes a tenth of a second to import: only when needed.
        from syncd.lists.sheet import Sheet

        return Sheet(path, told)
    how = lines.encoding(path, told.encoding)
    if kind == "txt":
        return _Plain(path, how)
    if kind == "ndjson":
        return _Objects(path, how)
    return _Cells(path, how, kind, told)


def named(path: Path) -> bool:
    """Tell whether a file's name says what it is."""
    return path.suffix.lower() in _ENDINGS


def _format(path: Path, told: str) -> str:
    if told and told not in FORMATS:
        raise UsageError(
            "--format {told}: want {names}",
            told=repr(told),
            names=", ".join(FORMATS),
        )
    try:
        if not path.is_file():
            there = path.exists() or str(path) == "-"
            raise UsageError(
                "{path}: is no file" if there else "{path}: no such file",
                path=path,
                hint="an import needs a file, to go on where it stopped",
            )
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as e:
        raise UsageError("{path}: {why}", path=path, why=e.strerror) from e
    if head.startswith(_OLE):
        raise UsageError(
            "{path}: is an old XLS workbook, or protected",
            path=path,
            hint="save it as XLSX without a password, or as CSV",
        )
    kind = told or _ENDINGS.get(path.suffix.lower(), "")
    if not kind:
        raise UsageError(
            "{path}: its name does not say what it is",
            path=path,
            hint="say --format: {names}",
            names=", ".join(FORMATS),
        )
    if not head:
        raise UsageError("{path}: is empty", path=path)
    if _MARKUP.match(head):
        raise UsageError(
            "{path}: is HTML or XML, whatever its name says",
            path=path,
            hint="open it in a spreadsheet and save it as XLSX or CSV",
        )
    zipped = head.startswith(_ZIP)
    known = {"path": path, "kind": kind.upper(), "names": ", ".join(FORMATS)}
    if zipped and kind != "xlsx":
        raise UsageError(
            "{path}: is not {kind}, but XLSX or another ZIP",
            hint="say --format: {names}",
            **known,
        )
    if kind == "xlsx" and not zipped:
        raise UsageError(
            "{path}: is not {kind}", hint="say --format: {names}", **known
        )
    return kind


class _Lined:
    """What the formats that are made of lines have in common."""

    format = ""
    notes: tuple[Note, ...] = ()

    def __init__(self, path: Path, how: Encoding) -> None:
        self.path = path
        self.size = self.span = path.stat().st_size
        self.about = f"{self.format}, {how.name}"
        self._how = how

    def prefix(self) -> BytePrefix:
        """Return what hashes the file as far as it was read."""
        return BytePrefix(self.path)

    def _lines(self, offset: int) -> "_Lines":
        return _Lines(self.path.open("rb"), self._how, offset)


class _Lines:
    """Lines in order; some may be put back."""

    def __init__(self, file: BinaryIO, how: Encoding, offset: int) -> None:
        self._file = file
        self._fresh = lines.read(file, how, offset)
        self._back: deque[Line] = deque()

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def next(self) -> Line | None:
        """Return the next line, or None at the end."""
        if self._back:
            return self._back.popleft()
        return next(self._fresh, None)

    def put_back(self, some: Sequence[Line]) -> None:
        """Have these lines come again, in this order."""
        self._back.extendleft(reversed(some))


class _Plain(_Lined):
    """TXT: one value a line."""

    format = "txt"
    header: tuple[str, ...] | None = (VALUE,)
    width = 1

    def rows(self, offset: int, row: int) -> Iterator[Row]:
        """Yield a row for each line that is not blank."""
        with self._lines(offset) as feed:
            while (line := feed.next()) is not None:
                row += 1
                if line.problem or line.text.strip():
                    yield Row(
                        *(row, row, line.end),
                        (line.text,),
                        line.text,
                        line.problem,
                    )


class _Objects(_Lined):
    """NDJSON: one flat JSON object a line."""

    format = "ndjson"
    header: tuple[str, ...] | None = None
    width = 0

    def rows(self, offset: int, row: int) -> Iterator[Row]:
        """Yield a row for each line that is not blank."""
        with self._lines(offset) as feed:
            while (line := feed.next()) is not None:
                row += 1
                if not line.problem and not line.text.strip():
                    continue
                cells: Mapping[str, str] = {}
                problem = line.problem
                if not problem:
                    try:
                        cells = flat(line.text)
                    except MalformedError as e:
                        problem = e
                yield Row(row, row, line.end, cells, line.text, problem)


def flat(text: str) -> dict[str, str]:
    """Read one JSON object of plain values as cells by their names.

    Raises:
        MalformedError: it is none.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_int=str)
    except (ValueError, RecursionError):
        raise MalformedError("no JSON object") from None
    if not isinstance(found, dict):
        raise MalformedError("no JSON object")
    return {name: _scalar(name, value) for name, value in found.items()}


def _scalar(name: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case [*several] if all(
            isinstance(one, str) and ";" not in one for one in several
        ):
            return ";".join(several)
    raise MalformedError("{name} is no text", name=repr(name)[:80])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError("the object has a name twice")
    return found


class _Cells(_Lined):
    """CSV and TSV."""

    def __init__(
        self, path: Path, how: Encoding, kind: str, told: Told
    ) -> None:
        self.format = kind
        super().__init__(path, how)
        self._first: Row | None = None  # the header's
        first = self._peek()
        if first.problem:
            raise UsageError(
                "{path}: line {n}: {why}",
                path=path,
                n=first.number,
                why=first.problem,
            )
        if "\r" in first.raw:
            raise UsageError(
                "{path}: lines end with a carriage return alone",
                path=path,
                hint="save it with usual line ends",
            )
        self._delimiter = _delimiter(path, kind, told.delimiter, first.raw)
        self.about += f", {_SAID[self._delimiter]}"
        first = next(self._records(0, 0), first)
        if first.problem:
            raise UsageError(
                "{path}: line {n}: {why}",
                path=path,
                n=first.number,
                why=first.problem,
            )
        cells = tuple(str(cell).strip() for cell in first.cells)
        self.width = len(cells)
        self.header: tuple[str, ...] | None = ()
        if told.header:
            self.header = cells
            self._first = first

    def rows(self, offset: int, row: int) -> Iterator[Row]:
        """Yield the rows; one of another width is refused."""
        if self._first is not None and offset < self._first.end:
            offset, row = self._first.end, self._first.last
        width = self.width
        for found in self._records(offset, row):
            here = len(found.cells)
            if found.problem or here == width:
                yield found
                continue
            cells = [*found.cells]
            if here > width and not any(cells[width:]):
                yield _with(found, cells[:width])
                continue
            why = MalformedError(
                "{here} cells, want {want}", here=here, want=width
            )
            yield _with(found, (), why)

    def _peek(self) -> Row:
        """Return the first line that is not blank, uncut."""
        number = 0
        with self._lines(0) as feed:
            while (line := feed.next()) is not None:
                number += 1
                if line.problem or line.text.strip():
                    return Row(
                        *(number, number, line.end),
                        (),
                        line.text,
                        line.problem,
                    )
        raise UsageError("{path}: is empty", path=self.path)

    def _records(self, offset: int, row: int) -> Iterator[Row]:
        """Yield what the quotes hold together, cut into cells."""
        delimiter = self._delimiter
        with self._lines(offset) as feed:
            while (line := feed.next()) is not None:
                row += 1
                text = line.text
                if line.problem:
                    yield Row(row, row, line.end, (), text, line.problem)
                elif '"' not in text:
                    if text and not text.isspace():
                        yield Row(
                            *(row, row, line.end), text.split(delimiter), text
                        )
                else:
                    found = _quoted(line, row, feed, delimiter)
                    row = found.last
                    yield found


def _quoted(first: Line, row: int, feed: _Lines, delimiter: str) -> Row:
    """Return a row that may run over several lines."""
    text, end = first.text, first.end
    more: list[Line] = []
    while True:
        try:
            cells = split(text, delimiter)
        except MalformedError as e:
            # One after an opened quote is the opened quote's fault.
            feed.put_back(more)
            return Row(
                row,
                row,
                first.end,
                (),
                first.text,
                e,
            )
        if cells is not None:
            return Row(row, row + len(more), end, cells, text)
        line = feed.next() if len(more) < MAX_LINES else None
        if line is not None:
            more.append(line)
        if line is None or line.problem or len(text) > lines.MAX_LINE:
            feed.put_back(more)
            why = MalformedError("a quote is opened and not closed")
            return Row(row, row, first.end, (), first.text, why)
        text, end = f"{text}\n{line.text}", line.end


def split(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of a record; None if a quote is still open.

    Raises:
        MalformedError: something stands behind a closing quote.
    """
    cells: list[str] = []
    at, end = 0, len(text)
    while True:
        if not text.startswith('"', at):
            cut = text.find(delimiter, at)
            if cut < 0:
                cells.append(text[at:])
                return cells
            cells.append(text[at:cut])
            at = cut + 1
            continue
        begin = at + 1
        close = text.find('"', begin)
        while close >= 0 and text.startswith('"', close + 1):
            close = text.find('"', close + 2)
        if close < 0:
            return None
        cells.append(text[begin:close].replace('""', '"'))
        at = close + 1
        if at == end:
            return cells
        if not text.startswith(delimiter, at):
            raise MalformedError(
                "cell {n}: text behind a closing quote", n=len(cells)
            )
        at += 1


def _with(
    row: Row, cells: Sequence[str], problem: MalformedError | None = None
) -> Row:
    return Row(row.number, row.last, row.end, cells, row.raw, problem)


_SAID = {"\t": "TAB", ",": "comma", ";": "semicolon", "|": "bar"}
_TOLD = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|"}


def _delimiter(path: Path, kind: str, told: str, line: str) -> str:
    """Return what parts cells, told or seen in the first line."""
    if told:
        told = _TOLD.get(told.lower(), told)
        if told not in DELIMITERS:
            raise UsageError(
                "--delimiter {told}: want , ; | tab", told=repr(told)
            )
        return told
    if kind == "tsv":
        return "\t"
    there = [d for d in DELIMITERS if _outside(line, d)]
    if len(there) > 1:
        raise UsageError(
            "{path}: cells may be parted by {these}",
            path=path,
            these=" ".join(_SAID[d] for d in there),
            hint="say --delimiter",
        )
    return there[0] if there else ","


def _outside(line: str, delimiter: str) -> bool:
    """Tell whether a delimiter stands outside quotes."""
    return any(delimiter in part for part in line.split('"')[::2])
