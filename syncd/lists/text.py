"""Text: CSV, TSV, TXT, NDJSON, hosts files and fixed width as rows.

What stands between the rows is passed over and counted in notes: comments,
titles above a header, the line that says the delimiter, and those lines of
a hosts file that are the system's own.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from syncd.errors import MalformedError, Message, UsageError
from syncd.lists import cells, lines
from syncd.lists.column_names import FIRST, header_row, knows, skipped
from syncd.lists.lines import Line
from syncd.lists.rows import FileOptions, Row, Table

VALUE = "value"  # what the only column of a TXT file is called
MAX_LINES = 100  # that one quoted cell may run over
_WORDS = {
    "\t": "TAB",
    ",": "comma",
    ";": "semicolon",
    "|": "bar",
    "\x01": "^A",
}
_DELIMITERS = {
    "\\t": "\t",
    **{word.lower(): sign for sign, word in _WORDS.items()},
}
_PARTING = re.compile(r"\|@\||\^\||\|\||[,;\t|\x01]")  # seen without an option
_SEP = re.compile(r' *"?sep=(?:(.)\1*|(.+?))"? *', re.IGNORECASE)  # of Excel
# Not `#,` or `#1001`, a column's name or a number. A list that has no comment
# above its header has none like `#word` below it either.
_COMMENT = r"\s*(?:#+(?![\d,;|\t])|//(?=\s|$)|;+(?=\s|$))\s*"
_SURE = r"\s*#(?=[ #]|$)"


class Text(Table):
    """A list in a text file."""

    def __init__(self, path: Path, options: FileOptions, kind: str) -> None:
        """Find the header and what parts the cells.

        Raises:
            UsageError: it cannot be read as what it is; says why.
        """
        self.path, self.format, self._options = path, kind, options
        self._known = knows(options)
        self._encoding = lines.encoding(path, options.encoding)
        self.size = self.span = self.stop = path.stat().st_size
        self._widths = cells.of_widths(options.widths)
        self._delimiter = "\t" if kind == "tsv" else ""
        if options.delimiter:
            self._delimiter = _delimits(options.delimiter)
            if not self._delimiter:
                raise UsageError(
                    "--delimiter {told}: want , ; | tab, or signs such as |@|"
                    " or \\x01",
                    told=repr(options.delimiter),
                )
        self._quoted = kind in {"csv", "tsv"}
        self._skip = self._skipping(_COMMENT, ",;|" if self._quoted else "")
        self._skipped = Counter[str | None]()
        self._above = 0  # comment lines above the first row
        self._begin = (0, 0)  # bytes and lines before the first row
        self._notes = list[Message]()
        self.header: tuple[str, ...] | None = None
        self.width = self._need = 0
        if self._quoted:
            self._columns()
        elif kind != "ndjson":
            self._values()
        parted = options.widths or _WORDS.get(self._delimiter, self._delimiter)
        form = (self.format, self._encoding, parted)
        self.about = ", ".join(filter(None, form))

    @property
    def notes(self) -> tuple[Message, ...]:
        """What was passed over, as far as rows were read."""
        seen = self._skipped
        counted = (
            Message(
                "comment lines skipped: {n}", n=self._above + seen["comment"]
            ),
            Message("lines of the system's own hosts: {n}", n=seen["own"]),
        )
        return (*self._notes, *(note for note in counted if note.params["n"]))

    def prefix(self) -> Callable[[int], str]:
        """Return what hashes the bytes before ever larger offsets."""
        found, at = hashlib.sha256(), 0

        def upto(offset: int) -> str:
            nonlocal at
            with self.path.open("rb") as file:
                file.seek(at)
                while chunk := file.read(min(offset - at, 1 << 20)):
                    found.update(chunk)
                    at += len(chunk)
            return found.hexdigest()

        return upto

    def last(self) -> Line | None:
        """Return the last line that is not blank."""
        at = max(0, self.size - 2 * lines.MAX_LINE)
        with self.path.open("rb") as file:
            read = lines.read(file, self._encoding, at)
            filled = [line for line in read if line.text.strip()]
        return filled[-1] if filled else None

    def whole(self, offset: int, row: int) -> Iterator[Row]:
        """Yield the rows; one of another width is refused."""
        self._skipped.clear()
        return self._records(*max(self._begin, (offset, row)))

    def _records(self, offset: int, row: int) -> Iterator[Row]:
        """Yield what each line holds, or those that quotes hold together."""
        taken = list[Line]()
        with self.path.open("rb") as file:
            parsed = self._parsed(file, offset, row, taken)
            while True:
                taken.clear()
                found: cells.Cells = ()
                why = None
                try:
                    found = next(parsed)
                    if len(found) != self.width and self.width:
                        found = self._fitted(found)
                except StopIteration:
                    return
                except MalformedError as e:
                    found, why = (), e
                except csv.Error:
                    why = _fault(taken)
                    del taken[1:]  # read again: the quote costs one line
                    one = taken[0]
                    parsed = self._parsed(file, one.end, one.number, taken)
                first, last = taken[0], taken[-1]
                raw = first.text
                if last is not first:
                    raw = "\n".join(line.text for line in taken)
                why = first.problem or why
                yield Row(first.number, last.number, last.end, found, raw, why)

    def _parsed(
        self, file: BinaryIO, offset: int, row: int, taken: list[Line]
    ) -> Iterator[cells.Cells]:
        """Return the cells of rows, whose lines are put into `taken`."""
        feed = self._feed(file, offset, row, taken)
        if self._widths:
            cut = partial(cells.cut, taken, self._encoding, self._widths)
            return map(cut, feed)
        if self._quoted:
            return cells.separated(feed, self._delimiter)
        readers = {"hosts": cells.hosts, "ndjson": cells.flat}
        return map(readers.get(self.format, cells.plain), feed)

    def _feed(
        self, file: BinaryIO, offset: int, row: int, taken: list[Line]
    ) -> Iterator[str]:
        """Yield lines as a parser takes them, up to where no row goes on."""
        skip = self._skip.match
        for line in lines.read(file, self._encoding, offset, row):
            if line.end > self.stop:
                return
            if not taken and not line.problem and (why := skip(line.text)):
                self._skipped[why.lastgroup] += 1
                continue
            taken.append(line)
            if len(taken) > 1 and (
                line.problem
                or len(taken) > MAX_LINES
                or line.end - taken[0].end > lines.MAX_LINE
            ):
                return
            yield "" if line.problem else line.text + "\n"

    def _fitted(self, found: cells.Cells) -> cells.Cells:
        """Return as many cells as there are columns, unless some are lost."""
        here, width = len(found), self.width
        got = [*found, *[""] * (width - here)]
        if here < self._need or any(map(str.strip, got[width:])):
            raise MalformedError(
                "{here} cells, want {want}", here=here, want=width
            )
        return got[:width]

    def _skipping(self, comment: str, parting: str) -> re.Pattern[str]:
        """Return what matches a line that is no row, and names why."""
        blank = f"[ \t\v\f\x1a\xa0\u3000{re.escape(parting)}]*$"
        own = cells.OWN_LINE if self.format == "hosts" else "(?!)"
        return re.compile(f"(?P<comment>{comment})|(?P<own>{own})|{blank}")

    def _top(self) -> tuple[list[Line], Line | None]:
        """Return the first lines, and the last comment above them.

        Behind an open quote, or what cannot be read, none begins for sure.
        """
        top = list[Line]()
        comment = None
        with self.path.open("rb") as file:
            for line in lines.read(file, self._encoding, 0):
                if line.problem:
                    return top or [line], comment
                mark = self._skip.match(line.text)
                if self._quoted and not top and _SEP.fullmatch(line.text):
                    self._says(line)
                elif mark and mark["comment"] and not top:
                    begin = line.begin + len(mark[0].encode(self._encoding))
                    text = line.text[mark.end() :]
                    comment = line._replace(begin=begin, text=text)
                    self._above += 1
                elif not mark:
                    top.append(line)
                    open_ = self._quoted and line.text.count('"') % 2
                    if open_ or len(top) == FIRST:
                        break
        return top, comment

    def _says(self, line: Line) -> None:
        """Take what the line `sep=` says, unless an option says otherwise."""
        made = _delimits(_SEP.sub(r"\1\2", line.text))  # ;;; is saved again
        self._delimiter = self._delimiter or made
        if not self._delimiter:
            raise UsageError(
                "{path}: line {n}: sep= names no delimiter",
                self,
                n=line.number,
            )
        if made:
            self._notes.append(
                Message(
                    "line {line} says that {delimiter} parts the cells",
                    line=line.number,
                    delimiter=_WORDS.get(made, made),
                )
            )

    def _values(self) -> None:
        """See whether TXT is a hosts file, or a table, or has a heading."""
        self.header, self.width = (VALUE,), 1
        top, _ = self._top()
        if top and not self._options.format:
            if all(cells.HOSTS.match(one.text.lstrip(" #")) for one in top):
                self.format = "hosts"
            split = [self._loose(line) for line in top]
            names = split[header_row(split, self._known)]
            if sum(map(self._known, names)) > 1:
                raise UsageError(
                    "{path}: is a table, not one value a line", self
                )
        # In a hosts file what is taken out again begins with `#0.0.0.0`.
        comments = r"\s*#" if self.format == "hosts" else _COMMENT
        self._skip = self._skipping(comments, "")
        if top and self._options.header and self._known(top[0].text):
            self._begin = top[0].end, top[0].number
            self._notes.append(skipped(0, top[0].number))
        else:
            self._above = 0  # these lines are read again

    def _columns(self) -> None:
        """Find the header, or the first row, and what parts its cells."""
        top, comment = self._top()
        if not top:
            raise UsageError("{path}: is empty", self)
        rows, at = [*top], 0
        if self._options.header:
            if comment and any(map(self._known, self._loose(comment))):
                rows.insert(0, comment)
            at = header_row(map(self._loose, rows), self._known)
        first = rows[at]
        if first is comment or at:
            above = at - (comment in rows[:at])
            self._notes.append(skipped(above, first.number))
        if not self._delimiter and not self._widths:
            outside = "".join(first.text.split('"')[::2])  # of quotes
            seen: list[str] = [*dict.fromkeys(_PARTING.findall(outside))]
            if len(seen) > 1:
                raise UsageError(
                    "{path}: cells may be parted by {these}",
                    self,
                    these=" ".join(_WORDS.get(sign, sign) for sign in seen),
                )
            self._delimiter = seen[0] if seen else ","
        sure = not comment or self._delimiter == ";"
        comments = _SURE if sure else _COMMENT
        self._skip = self._skipping(comments, self._delimiter)
        self._begin = first.begin, first.number - 1
        row = next(self._records(*self._begin), None)
        if not row:
            raise UsageError("{path}: is empty", self)
        if row.problem:
            raise UsageError(
                "{path}: line {n}: {why}", self, n=row.number, why=row.problem
            )
        names = [str(name).strip() for name in row.cells]
        self.width, self.header = len(names), ()
        # Columns without a name at the end are those of a delimiter there.
        named = [n for n, name in enumerate(names, 1) if name]
        self._need = max(named, default=0)
        if self._options.header:
            self.header, self._begin = tuple(names), (row.end, row.last)

    def _loose(self, line: Line) -> list[str]:
        """Return what may be cells, whatever parts them."""
        text = line.text.replace('"', "")
        if self._delimiter:
            return text.split(self._delimiter)
        return _PARTING.split(text)


def _fault(taken: list[Line]) -> MalformedError:
    """Return why lines are no CSV."""
    first = taken[0].text
    if len(taken) > 1 or first.count('"') % 2:
        return MalformedError("a quote is opened and not closed")
    if "\r" in first:
        return MalformedError("holds a carriage return")
    return MalformedError("text behind a closing quote")


def _delimits(given: str) -> str:
    """Return the delimiter that is given, or "" if it cannot be one."""
    made = _DELIMITERS.get(given.lower()) or re.sub(
        r"\\x([0-9a-fA-F]{2})", lambda code: chr(int(code[1], 16)), given
    )
    return made if re.fullmatch(r'[^\w \r\n"]{1,8}', made) else ""
