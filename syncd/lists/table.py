"""Open a list of any format as a table of rows.

Where the file or a control file says how many rows there are,
they are counted before the first is handed on: if the counts do not agree,
the file is not whole, and nothing of it is in.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from syncd.errors import MalformedError, UsageError
from syncd.lists import column_names, lines
from syncd.lists.file_kinds import kind_of
from syncd.lists.rows import FileOptions, Flawed, Row, Table
from syncd.lists.text import Text

PARTS = 100  # values that one cell may hold
_ELSE = re.compile(r"[\s、，,；;]+")
_IN_NUMBERS = re.compile(r"[\s、，,；;/／|]+")
_IN_URLS = re.compile(r"[\s、，；]+|[,;](?=\s|\w+://)")
# The last line of abuse.ch's files (2026-11).
_ENTRIES = re.compile(
    r"#\s*(?:number of entries|end)\W+(\d[\d,]*).*", re.IGNORECASE
)


def open_table(path: Path, options: FileOptions) -> Table:
    """Return a file as a table.

    Raises:
        UsageError: it cannot be read as what it is said to be, or is not
            whole; says why.
    """
    kind = kind_of(path, options)
    table: Table
    if kind == "xlsx":
        # Its library takes a while to import: only when needed.
        from syncd.lists.sheet import Sheet

        table = Sheet(path, options)
    else:
        table = Text(path, options, kind)
    wanted = [*_counts(path, table, options)]
    got = sum(1 for _ in table.whole(0, 0)) if wanted else 0
    for where, given in wanted:
        if got != (want := int(given.replace(",", ""))):
            raise UsageError(
                "{path}: has {got} rows, {where} says {want}: nothing is in"
                if where
                else "{path}: has {got} rows, its last line says {want}:"
                " nothing is in",
                path=path,
                got=f"{got:,}",
                where=where,
                want=f"{want:,}",
                hint="fetch the file again, or ask who made it",
            )
    if options.split or table.format == "hosts":
        column = "1" if table.format in {"txt", "hosts"} else options.split
        at: Any = column  # as each row names its own
        if table.header is not None:
            at = column_names.place(
                column, table.header, table.width, "--split"
            )
        table.parted = partial(_parted, at)
    return table


def _counts(
    path: Path, table: Table, options: FileOptions
) -> Iterator[tuple[str, str]]:
    """Yield where a number of rows is said, "" at the end, and the number."""
    pattern = _pattern(options.trailer or "{count}")
    if options.control:
        name = lines.encoding(options.control)
        with options.control.open("rb") as file:
            read = [one.text.strip() for one in lines.read(file, name, 0)]
        found = [match for match in map(pattern.fullmatch, read) if match]
        if len(found) != 1:
            raise UsageError(
                "{path}: has {n} lines that say a count, want one",
                path=options.control,
                n=len(found),
            )
        yield str(options.control), found[0][1]
    trailer = options.trailer and not options.control
    line = table.last() if isinstance(table, Text) else None
    stated = (pattern if trailer else _ENTRIES).fullmatch(
        line.text.strip() if line else ""
    )
    if stated:
        yield "", stated[1]
    elif trailer:
        raise UsageError(
            "{path}: its last line is no trailer as {told}",
            path=path,
            told=repr(options.trailer),
        )
    if trailer and line and isinstance(table, Text):
        table.stop = line.begin


def _pattern(text: str) -> re.Pattern[str]:
    """Return what `TRAILER|{count}|*` stands for: * is anything."""
    if text.count("{count}") != 1:
        raise UsageError(
            "--trailer {told}: want {{count}} in it once", told=repr(text)
        )
    ends = (re.escape(part.strip()) for part in text.split("{count}"))
    made = r"\s*(\d[\d,]*)\s*".join(ends).replace(r"\*", ".*?")
    return re.compile(made, re.ASCII)


def _parted(at: Any, found: Row) -> Iterator[Row]:
    """Yield a row for each value of a cell; all are of the same lines."""
    cells: Any = found.cells
    if found.problem:
        each = list[Any]()
    elif isinstance(cells, Mapping):
        each = [{**cells, at: one} for one in several(cells.get(at, ""))]
    else:
        before, cell, behind = cells[:at], cells[at], cells[at + 1 :]
        each = [[*before, one, *behind] for one in several(cell)]
    if len(each) > PARTS:
        why = MalformedError("more than {n} values", n=PARTS)
        yield replace(found, cells=(), problem=why)
    elif len(each) < 2:
        yield found
    else:
        yield from (replace(found, cells=one) for one in each)


def several(cell: str) -> list[str]:
    """Return the values of a cell; what a URL may hold parts none in it."""
    if isinstance(cell, Flawed):
        return [cell]
    parting = _IN_URLS if "://" in cell else _ELSE
    if "." not in cell and not any(map(str.isalpha, cell)):
        parting = _IN_NUMBERS
    return [one for one in parting.split(cell) if one]
