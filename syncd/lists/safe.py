"""Write cells so that a spreadsheet neither runs nor changes them.

    =1+1   +86…   -5   @x   ＝1      a formula would run
    006    6222021234567890128       digits would be lost, if it is edited
        └─ '=1+1   '006 …            text, and `plain` takes the mark off

A file that we write is CSV in UTF-8 with a byte order mark, by which Excel,
Calc and WPS read Chinese, and every cell in quotes: no other delimiter in a
cell begins a new one. There is no `sep=` line: with one, Excel no longer
looks at the mark.

Source: OWASP, CSV Injection.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import BinaryIO

_QUOTES = "'‘’＇"  # before what a spreadsheet is to keep as text
# Behind what is not seen, too: a program may drop it first.
_RUN = re.compile(
    rf"[\0-\x20\x7f\u200b-\u200f\u2060\ufeff]*[-=+@＝＋－＠﹢﹣﹦﹫−{_QUOTES}]"
)
# What a spreadsheet would make a number or a day of, and save as such.
_NUMBER = re.compile(
    r"0[0-9].*|[0-9][0-9., ]{11,}|[0-9.]+[eE][+-]?[0-9]+"
    r"|[0-9]{1,3}(?:[-/.:][0-9]{1,4}){1,2}"
)


def plain(cell: str) -> str:
    """Return a cell without the marks by which spreadsheets keep it text.

    Exports have them still: '138…, ="138…".
    """
    text = cell.strip()
    if text and text[0] in _QUOTES:
        return text[1:].lstrip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return text[2:-1].replace('""', '"').strip()
    return text


def escape(value: str, *, back: bool = False) -> str:
    """Return a value as a cell that no spreadsheet runs as a formula.

    With `back`, for a list that is mended and handed in again, digits that a
    spreadsheet would shorten are marked as text as well; else they stay as
    they are, for whoever joins by them. `plain` gives the value again.
    """
    text = value.strip()
    if _RUN.match(text) or (back and _NUMBER.fullmatch(text)):
        return f"'{text}"
    return text


class Writer:
    """Writes a CSV file for spreadsheets, its header first."""

    def __init__(
        self, file: BinaryIO, header: Iterable[str], *, back: bool = False
    ) -> None:
        """Write byte order mark and header to an empty file."""
        self._file = file
        self._back = back
        file.write(b"\xef\xbb\xbf")
        self.row(header)

    def row(self, values: Iterable[str]) -> None:
        """Write values; a cell of somebody's list goes through `plain`."""
        text = io.StringIO(newline="")
        csv.writer(text, quoting=csv.QUOTE_ALL).writerow(
            [escape(value, back=self._back) for value in values]
        )
        self._file.write(text.getvalue().encode("utf-8", "backslashreplace"))
