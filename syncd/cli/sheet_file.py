"""A table in a new file for spreadsheets, CSV or XLSX by its name.

No text of it runs as a formula, or is read as a number.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from syncd.cli import terminal
from syncd.errors import UsageError
from syncd.lists import safe
from syncd.messages import answers


def write(
    out: Path, head: Iterable[str], rows: Iterable[Sequence[str | int]]
) -> None:
    """Write rows under the names of their columns; a private file when whole.

    Raises:
        UsageError: the file is there, or of another kind.
    """
    kind = out.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise UsageError("--out: want .csv or .xlsx")
    counted = enumerate(rows, 1)
    count = 0
    with terminal.new_file(out, private=True) as file:
        if kind == ".csv":
            writer = safe.Writer(file, head)
            for count, row in counted:  # noqa: B007
                writer.row(map(str, row))
        else:
            # Only here: it takes a fifth of a second to import.
            from openpyxl import Workbook

            made = Workbook(write_only=True)
            append = _filling(made.create_sheet())
            append([*head])
            for count, row in counted:  # noqa: B007
                append(row)
            made.save(file)
    terminal.tell("{n} rows are in {path}", n=f"{count:,}", path=out)


def book(sheets: Mapping[str, Iterable[Sequence[str | int]]]) -> bytes:
    """Return a workbook that says neither when it was made nor by which zlib."""
    from openpyxl import Workbook

    made, raw, found = Workbook(write_only=True), io.BytesIO(), io.BytesIO()
    for name, rows in sheets.items():
        append = _filling(made.create_sheet(name))
        for row in rows:
            append(row)
    made.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(found, "w") as new:
        for name in old.namelist():
            part = _MADE.sub(b"1980-01-01T00:00:00Z", old.read(name))
            new.writestr(zipfile.ZipInfo(name), part)
    return found.getvalue()


_MADE = re.compile(rb'(?<=W3CDTF">)[^<]*')  # when it was


def _filling(sheet: Any) -> Callable[[Sequence[str | int]], None]:
    """Return what appends rows to a sheet."""
    from openpyxl.cell import WriteOnlyCell

    def cell(value: str | int) -> Any:
        if isinstance(value, int):
            return value
        made = WriteOnlyCell(sheet, value=answers.clean(value))
        made.data_type, made.number_format = "s", "@"  # no formula
        return made

    return lambda row: sheet.append([*map(cell, row)])
