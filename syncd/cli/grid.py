"""Rows for people: columns in line, Chinese at its double width.

Nothing is cut short and nothing is drawn: what is shown can be piped to any
tool that splits at runs of spaces.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len, set_cell_size

from syncd import tsv
from syncd.messages.catalogue import t

Item = Mapping[str, Any]
HEADS: Final = {
    name: head.split(" | ") for name, head in tsv.rows("cli/heads.tsv")
}


def table(
    name: str, rows: Iterable[Iterable[str]], columns: Sequence[str] = ()
) -> list[str]:
    """Return rows under the names of a table's columns, or of some of them."""
    return lines(map(t, columns or HEADS[name]), rows)


def items(
    name: str,
    found: Iterable[Item],
    shown: Callable[[Item], Item] = dict,
    columns: Sequence[str] = (),
) -> list[str]:
    """Return items under a table's columns, or under some of them."""
    rows = (map(str, row) for row in cells(name, found, shown, columns))
    return table(name, rows, columns)


def cells(
    name: str,
    found: Iterable[Item],
    shown: Callable[[Item], Item] = dict,
    columns: Sequence[str] = (),
) -> Iterator[list[str | int]]:
    """Yield what items have under a table's columns, or `shown` says instead."""
    keys = [one.replace(" ", "_") for one in columns or HEADS[name]]
    for one in found:
        row = {**one, **shown(one)}
        each = [row.get(key, "") for key in keys]
        yield [", ".join(x) if isinstance(x, list) else x for x in each]


def pairs(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return names with what is said of each beside it, if anything is."""
    shown = [(name, clean(text)) for name, text in rows]
    most = max(cell_len(name) for name, _ in shown)
    return [
        f"{set_cell_size(name, most)}  {text}" for name, text in shown if text
    ]


def lines(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return a head and rows as lines, columns in line; "" shows as a dash."""
    cells = [[clean(cell) or "-" for cell in row] for row in (head, *rows)]
    widths = [max(map(cell_len, each)) for each in zip(*cells, strict=True)]
    return [
        "  ".join(map(set_cell_size, row, widths)).rstrip() for row in cells
    ]


def clean(text: str) -> str:
    """Return a text without what would move the cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)
