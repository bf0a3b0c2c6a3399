"""Text: CSV, TSV, TXT, NDJSON, hosts files and fixed width as rows.

What stands between the rows is passed over and counted in notes: comments,
titles above a header, the line that says the delimiter, and those lines of
a hosts file that are the system's own.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple, NoReturn

from syncd.errors import MalformedError, UsageError
from syncd.lists import cells, lines
from syncd.lists.header import FIRST, header_row, knows, skipped
from syncd.lists.rows import Note, Row, Told

VALUE = "value"  # what the only column of a TXT file is called
_SAID = {"\t": "TAB", ",": "comma", ";": "semicolon", "|": "bar", "\x01": "^A"}
_TOLD = {"\\t": "\t", **{said.lower(): sign for sign, said in _SAID.items()}}
_SEVERAL = ("|@|", "^|", "||")  # delimiters with a bar in them
_LOOSE = re.compile(r"[,;\t|\x01]")
_SEP = re.compile(r' *"?sep=(.+?)"? *', re.IGNORECASE)  # Excel's first line
# Not `#,` or `#1001`, a column's name or a number. A list that has no comment
# above its header has none like `#word` below it either.
_COMMENT = re.compile(r"\s*(?:#+(?![\d,;|\t])|//(?=\s|$)|;+(?=\s|$))\s*")
_SURE = re.compile(r"\s*#(?=[ #]|$)")
_HOSTS = re.compile(
    r"\s*(?:0\.0\.0\.0|127(?:\.\d+){3}|255(?:\.255){3}|::1?|f[ef]\w\w::\S*)"
    r"\s+[\w.-]+"
)
_BLANK = " \t\v\f\x1a\xa0\u3000"


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


class _First(NamedTuple):
    """One of a file's first lines, or several that quotes hold together."""

    number: int
    begin: int
    end: int
    text: str  # of a comment, without its mark


class Text:
    """A list in a text file."""

    def __init__(self, path: Path, told: Told, kind: str) -> None:
        """Find the header and what parts the cells.

        Raises:
            UsageError: it cannot be read as what it is; says why.
        """
        self.path, self.format, self._told = path, kind, told
        self._known = knows(told)
        self._how = lines.encoding(path, told.encoding)
        self.size = self.span = self.stop = path.stat().st_size
        self._widths = cells.of_widths(told.widths) if told.widths else []
        self._delimiter = delimiter(told.delimiter) if told.delimiter else ""
        self._above = self._comments = self._own = 0
        self._begin = (0, 0)  # bytes and lines before the first row
        self._notes: list[Note] = []
        self._quoted = kind in {"csv", "tsv"}
        self._comment = _COMMENT
        self.header: tuple[str, ...] | None = (VALUE,)
        if kind == "ndjson":
            self.header = None
        elif self._quoted:
            self._columns()
        else:
            self._values()
        self.width = self._need = len(self.header or ())
        if self._quoted:
            # Columns without a name at the end are those of a delimiter there.
            named = [n for n, name in enumerate(self.header or (), 1) if name]
            self._need = max(named, default=0)
            self.header = self.header if told.header else ()
        parted = told.widths or _SAID.get(self._delimiter, self._delimiter)
        said = (self.format, self._how.name, parted)
        self.about = ", ".join(filter(None, said))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was passed over, as far as rows were read."""
        comments = self._above + self._comments
        counted = (
            Note("comment lines skipped: {n}", {"n": comments}),
            Note("lines of the system's own hosts: {n}", {"n": self._own}),
        )
        return (*self._notes, *(note for note in counted if note.params["n"]))

    def prefix(self) -> BytePrefix:
        """Return what hashes the file as far as it was read."""
        return BytePrefix(self.path)

    def rows(self, offset: int, row: int) -> Iterator[Row]:
        """Yield the rows; one of another width is refused."""
        if offset < self._begin[0]:
            offset, row = self._begin
        self._comments = self._own = 0
        width = self.width
        for found in self._records(offset, row):
            here = len(found.cells)
            if here == width or found.problem or self.format == "ndjson":
                yield found
                continue
            got = [*found.cells, *[""] * (width - here)]
            if here < self._need or any(map(str.strip, got[width:])):
                why = MalformedError(
                    "{here} cells, want {want}", here=here, want=width
                )
                yield replace(found, cells=(), problem=why)
            else:
                yield replace(found, cells=got[:width])

    def last(self) -> tuple[int, str]:
        """Return where the last line that is not blank begins, and it."""
        at = max(self._how.mark, self.size - 2 * lines.MAX_LINE) & ~1
        found = (self.size, "")
        with self.path.open("rb") as file:
            for line in lines.read(file, self._how, at):
                if line.text.strip():
                    found = (at, line.text.strip())
                at = line.end
        return found

    def _records(self, offset: int, row: int) -> Iterator[Row]:
        """Yield what each line holds, or those that quotes hold together."""
        with self.path.open("rb") as file:
            read = lines.read(file, self._how, offset)
            if self.stop < self.size:
                read = takewhile(lambda line: line.end <= self.stop, read)
            feed = cells.Feed(read, self._passes)
            parsed = self._parsed(feed)
            while True:
                feed.taken = []
                found: cells.Cells | None = ()
                why = None
                try:
                    found = next(parsed, None)
                except MalformedError as e:
                    why = e
                except csv.Error:
                    why = feed.fault()
                if found is None:
                    return
                number = row + 1
                row += len(feed.taken)
                first, end = feed.taken[0], feed.taken[-1].end
                why = first.problem or why
                if feed.passed:
                    continue
                if found == () and not why:
                    self._own += 1
                    continue
                text = first.text
                if row > number:
                    text = "\n".join(line.text for line in feed.taken)
                if not text.isascii() and not isinstance(found, Mapping):
                    found = cells.marked(text, found)
                yield Row(number, row, end, found, text, why)

    def _passes(self, text: str) -> bool:
        """Tell whether a line is blank or a comment, which is counted."""
        if not text.strip(_BLANK + self._delimiter):
            return True
        comment = self._comment.match(text) is not None
        self._comments += comment
        return comment

    def _parsed(self, feed: cells.Feed) -> Iterator[cells.Cells]:
        if self._widths:
            cut = partial(cells.cut, feed, self._how.name, self._widths)
            return map(cut, feed)
        if self._quoted:
            return cells.separated(feed, self._delimiter)
        if self.format == "ndjson":
            return map(cells.flat, feed)
        return map(
            cells.hosts if self.format == "hosts" else cells.plain, feed
        )

    # ---------------------------------------------------- the beginning

    def _top(self) -> tuple[list[_First], _First | None]:
        """Return the first lines, and the last comment before them."""
        top: list[_First] = []
        comment, at = None, 0
        with self.path.open("rb") as file:
            for number, line in enumerate(lines.read(file, self._how, 0), 1):
                begin, at, text = at, line.end, line.text
                last = top[-1] if top else None
                open_ = last and self._quoted and last.text.count('"') % 2
                if line.problem and self._quoted and not top:
                    self._refuse(number, line.problem)
                if line.problem or len(top) == FIRST:
                    break
                if last and open_:
                    if number - last.number > cells.MAX_LINES:
                        break
                    more = f"{last.text}\n{text}"
                    top[-1] = last._replace(end=at, text=more)
                elif not top and self._quoted and _SEP.fullmatch(text):
                    self._says(text, number)
                elif mark := self._comment.match(text):
                    if not top:
                        text = text[mark.end() :]
                        comment = _First(number, begin, at, text)
                        self._above += 1
                elif text.strip(_BLANK + ",;|"):
                    top.append(_First(number, begin, at, text))
        if top and "\r" in _outside(top[0].text):
            raise UsageError(
                "{path}: lines end with a carriage return alone",
                path=self.path,
                hint="save it with usual line ends",
            )
        return top, comment

    def _refuse(self, number: int, why: MalformedError) -> NoReturn:
        raise UsageError(
            "{path}: line {n}: {why}", path=self.path, n=number, why=why
        )

    def _says(self, text: str, number: int) -> None:
        """Take what the line `sep=` says, unless it was told otherwise."""
        sign = _SEP.sub(r"\1", text)
        if len({*sign}) == 1:  # sep=;;; where the file was saved again
            sign = sign[0]
        self._delimiter = self._delimiter or delimiter(sign)
        said = {"line": number, "delimiter": _SAID.get(sign, sign)}
        self._notes.append(
            Note("line {line} says that {delimiter} parts the cells", said)
        )

    def _values(self) -> None:
        """See whether TXT is a hosts file, or a table, or has a heading."""
        top, _ = self._top()
        self._above = 0  # these lines are read again as rows
        if top and not self._told.format:
            if all(_HOSTS.match(line.text) for line in top):
                self.format = "hosts"
            split = [_LOOSE.split(line.text) for line in top]
            names = split[header_row(split, self._known)]
            if sum(map(self._known, names)) > 1:
                raise UsageError(
                    "{path}: is a table, not one value a line",
                    path=self.path,
                    hint="say --format csv, and --delimiter if it is unusual",
                )
        if top and self._told.header and self._known(top[0].text):
            self._begin = top[0].end, top[0].number
            self._notes.append(skipped(0, top[0].number))

    def _columns(self) -> None:
        """Find the header, or the first row, and what parts its cells."""
        top, comment = self._top()
        if not top:
            raise UsageError("{path}: is empty", path=self.path)
        first, above = top[0], 0
        if self._told.header:
            if comment and any(map(self._known, self._loose(comment.text))):
                top.insert(0, comment)
            split = [self._loose(line.text) for line in top]
            above = header_row(split, self._known)
            first = top[above]
        if not self._delimiter and not self._widths:
            self._delimiter = self._parted(first.text)
        if not comment or self._delimiter == ";":
            self._comment = _SURE
        if first is comment:
            try:
                [names] = cells.separated(iter([first.text]), self._delimiter)
            except csv.Error:
                why = MalformedError("text behind a closing quote")
                self._refuse(first.number, why)
            self._begin = first.end, first.number
            self._notes.append(skipped(0, first.number))
        else:
            self._begin = first.begin, first.number - 1
            row = next(self._records(*self._begin), None)
            if not row:
                raise UsageError("{path}: is empty", path=self.path)
            if row.problem:
                self._refuse(row.number, row.problem)
            names = [*row.cells]
            if self._told.header:
                self._begin = row.end, row.last
            above -= comment in top
            if above > 0:
                self._notes.append(skipped(above, first.number))
        self.header = tuple(str(name).strip() for name in names)

    def _loose(self, text: str) -> list[str]:
        """Return what may be cells, whatever parts them."""
        text = text.replace('"', "")
        if self._delimiter:
            return text.split(self._delimiter)
        return _LOOSE.split(text)

    def _parted(self, line: str) -> str:
        """Return what parts the cells of a line, as it is seen there."""
        if self.format == "tsv":
            return "\t"
        there, outside = [], _outside(line)
        for several in _SEVERAL:
            without = outside.replace(several, "")
            if several in outside and "|" not in without:
                there, outside = [several], without
        there += [sign for sign in _SAID if sign in outside]
        if len(there) > 1:
            raise UsageError(
                "{path}: cells may be parted by {these}",
                path=self.path,
                these=" ".join(_SAID.get(sign, sign) for sign in there),
                hint="say --delimiter",
            )
        return there[0] if there else ","


def _outside(text: str) -> str:
    """Return what of a text stands outside quotes."""
    return "".join(text.split('"')[::2])


def delimiter(told: str) -> str:
    """Return the delimiter that is told; UsageError if it cannot be one."""
    made = _TOLD.get(told.lower()) or re.sub(
        r"\\x([0-9a-fA-F]{2})", lambda code: chr(int(code[1], 16)), told
    )
    if not re.fullmatch(r'[^\w \r\n"]{1,8}', made):
        raise UsageError(
            "--delimiter {told}: want , ; | tab, or signs such as |@| or \\x01",
            told=repr(told),
        )
    return made
