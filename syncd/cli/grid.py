"""Rows for people: columns in line, Chinese at its double width.

Nothing is cut short and nothing is drawn: what is shown can be piped to any
tool that splits at runs of spaces.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from syncd.messages.catalogue import t


def table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return rows under the names of their columns, as `t` says those."""
    return lines([*map(t, names)], [[*row] for row in rows])


def pairs(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return names with what is said of each beside it, if anything is."""
    shown = [(name, clean(text)) for name, text in rows]
    most = max(width(name) for name, _ in shown)
    return [
        f"{name}{' ' * (most - width(name))}  {text}"
        for name, text in shown
        if text
    ]


def lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a head and rows as lines, columns in line; "" shows as a dash."""
    cells = [[clean(cell) or "-" for cell in row] for row in (head, *rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell + " " * (most - width(cell))
            for cell, most in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(0 if unicodedata.combining(c) else 1 + (_wide(c)) for c in text)


def _wide(character: str) -> int:
    return unicodedata.east_asian_width(character) in ("W", "F")


def clean(text: str) -> str:
    """Return a text without what would move the cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)
