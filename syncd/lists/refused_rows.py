"""Write refused rows as a list of their own, to be mended and read again.

It has the list's own columns, with line and reason in front.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO, NamedTuple

from syncd.lists.rows import Table
from syncd.lists.safe import Writer

# Names of what stands in front; such a list is a part of another.
FRONT = {
    "en": ("refused line", "refused because"),
    "zh": ("退回行号", "退回原因"),
}
OURS = frozenset(name for names in FRONT.values() for name in names)


class Refused(NamedTuple):
    """A row that was refused, why, and its cells."""

    row: int
    why: str
    cells: Mapping[str, str]  # by column


def is_part(table: Table) -> bool:
    """Tell whether these are refused rows of a list that were mended."""
    return not OURS.isdisjoint(table.header or ())


def write(
    file: BinaryIO, rows: Callable[[], Iterable[Refused]], language: str
) -> None:
    """Write rows to an empty file, under the names of all their columns."""
    names = dict.fromkeys(name for one in rows() for name in one.cells)
    writer = Writer(file, (*FRONT[language], *names), back=True)
    for one in rows():
        cells = (one.cells.get(name, "") for name in names)
        writer.row((str(one.row), one.why, *cells))
