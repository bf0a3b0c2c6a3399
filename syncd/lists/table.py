"""Tables: a list of any format as rows of cells, and all of it.

Where the file, a control file or the operator says how many rows there are,
they are counted before the first is handed on: if the counts do not agree,
the file is not whole, and nothing of it is in.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from syncd.errors import MalformedError, UsageError
from syncd.lists import lines
from syncd.lists.cells import Cells
from syncd.lists.kinds import FORMATS, kind_of, named
from syncd.lists.rows import Flawed, Note, Prefix, Row, Table, Told
from syncd.lists.text import Text

__all__ = ("FORMATS", "Split", "named", "open_table")

_ELSE = re.compile(r"[\s、，,；;]+")
_IN_URLS = re.compile(r"[\s、，；]+|[,;](?=\s|\w+://)")
PARTS = 1000  # more values than one cell may hold
# The last line of abuse.ch's files (2026-11).
_ENTRIES = re.compile(
    r"#\s*(?:number of entries|end)\W+(\d[\d,]*).*", re.IGNORECASE
)


def open_table(path: Path, told: Told) -> Table:
    """Return a file as a table.

    Raises:
        UsageError: it cannot be read as what it is said to be, or is not
            whole; says why.
    """
    kind = kind_of(path, told)
    table: Table
    if kind == "xlsx":
        # Its library takes a while to import: only when needed.
        from syncd.lists.sheet import Sheet

        table = Sheet(path, told)
    else:
        table = Text(path, told, kind)
    _count(path, table, told)
    if told.split or table.format == "hosts":
        return Split(table, told.split)
    return table


def _count(path: Path, table: Table, told: Told) -> None:
    """Hold the number of rows against every count that is there."""
    wanted: list[tuple[str, int]] = []
    if told.count is not None:
        wanted.append(("--count", told.count))
    if told.control:
        wanted.append((str(told.control), _controlled(told)))
    if isinstance(table, Text):
        begin, last = table.last()
        pattern = _ENTRIES
        if told.trailer and not told.control:
            pattern, table.stop = _pattern(told.trailer), begin
        found = pattern.fullmatch(last)
        if found:
            wanted.append(("its last line", _number(found)))
        elif pattern is not _ENTRIES:
            raise UsageError(
                "{path}: its last line is no trailer as {told}",
                path=path,
                told=repr(told.trailer),
                hint="fetch the file again, or ask who made it",
            )
    elif told.trailer and not told.control:
        raise UsageError("--trailer: a sheet has none", hint="say --count")
    got = sum(1 for _ in table.rows(0, 0)) if wanted else 0
    for where, want in wanted:
        if got != want:
            raise UsageError(
                "{path}: has {got} rows, {where} says {want}: nothing is in",
                path=path,
                got=got,
                where=where,
                want=want,
                hint="fetch the file again, or ask who made it",
            )


def _controlled(told: Told) -> int:
    """Return the count that a control file says."""
    path = told.control or Path()
    pattern = _pattern(told.trailer or "{count}")
    try:
        how = lines.encoding(path)
        with path.open("rb") as file:
            read = [line.text.strip() for line in lines.read(file, how, 0)]
    except OSError as e:
        raise UsageError("{path}: {why}", path=path, why=e.strerror) from e
    found = [m for m in map(pattern.fullmatch, filter(None, read)) if m]
    if len(found) != 1:
        raise UsageError(
            "{path}: has {n} lines that say a count, want one",
            path=path,
            n=len(found),
            hint="say how it stands there, as in --trailer '*|{example}|*'",
            example="{count}",
        )
    return _number(found[0])


def _number(found: re.Match[str]) -> int:
    return int(found[1].replace(",", ""))


def _pattern(told: str) -> re.Pattern[str]:
    """Return what `TRAILER|{count}|*` stands for: * is anything.

    `{count:8}` is eight digits, where others follow.

    Raises:
        UsageError: it names no count.
    """
    parts = re.split(r"\{count(?::(\d))?\}", told)
    if len(parts) != 3:  # before, digits, behind
        raise UsageError(
            "--trailer {told}: want {example} in it once",
            told=repr(told),
            example="{count}",
        )
    before, digits, behind = parts
    ends = [
        re.escape(end.strip()).replace(r"\*", ".*?")
        for end in (before, behind)
    ]
    number = rf"(\d{{{digits}}})" if digits else r"\s*(\d[\d,]*)\s*"
    return re.compile(number.join(ends), re.ASCII)


class Split:
    """A table one of whose columns holds several values: a row for each.

    An offset is the table's times PARTS, and how many values of the next row
    are done.
    """

    def __init__(self, table: Table, column: str) -> None:
        """Find the column, by name or number; "" is the only one.

        Raises:
            UsageError: there is none of that name.
        """
        self._table = table
        self.format, self.about = table.format, table.about
        self.header, self.width = table.header, table.width
        self.size, self.span = table.size * PARTS, table.span * PARTS
        names = table.header or ()
        self._at: int | str = column
        if table.header is not None:
            numbers = map(str, range(1, table.width + 1))
            known = {**dict(zip(numbers, range(table.width), strict=True))}
            known |= {name: n for n, name in enumerate(names)}
            if table.format in {"txt", "hosts"}:
                column = "1"
            if column not in known:
                raise UsageError(
                    "--split {column}: there is no such column",
                    column=repr(column),
                )
            self._at = known[column]

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the table tells."""
        return self._table.notes

    def prefix(self) -> Prefix:
        """Return what hashes the file as far as it was read."""
        return _Scaled(self._table.prefix())

    def rows(self, offset: int, row: int) -> Iterator[Row]:
        """Yield a row for each value; all are of the same lines."""
        begin, done = divmod(offset, PARTS)
        for found in self._table.rows(begin, row):
            each = self._each(found)
            for n, one in enumerate(each, 1):
                if n == len(each):
                    yield replace(one, end=found.end * PARTS)
                elif n > done:
                    yield replace(one, last=row, end=begin * PARTS + n)
            begin, row, done = found.end, found.last, 0

    def _each(self, row: Row) -> list[Row]:
        """Return a row for each value of a row."""
        cells = row.cells
        if row.problem:
            return [row]
        at = self._at
        if isinstance(cells, Mapping):
            cell = cells.get(str(at), "")
            each: list[Cells] = [
                {**cells, str(at): one} for one in several(cell)
            ]
        else:
            cell, spot = cells[int(at)], int(at)
            each = [
                [*cells[:spot], one, *cells[spot + 1 :]]
                for one in several(cell)
            ]
        if not each or isinstance(cell, Flawed):
            return [row]
        if len(each) >= PARTS:
            why = MalformedError("more than {n} values", n=PARTS - 1)
            return [replace(row, cells=(), problem=why)]
        return [replace(row, cells=one) for one in each]


class _Scaled:
    """Hashes what stands before an offset of `Split`."""

    def __init__(self, prefix: Prefix) -> None:
        self._prefix = prefix

    def upto(self, offset: int) -> str:
        """Return the hex digest of the rows that are wholly done."""
        return self._prefix.upto(offset // PARTS)


def several(cell: str) -> list[str]:
    """Return the values of a cell; what a URL may hold parts none in it."""
    parting = _IN_URLS if "://" in cell else _ELSE
    return [one for one in parting.split(cell) if one]
