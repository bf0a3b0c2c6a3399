"""Rows for people: columns in line, Chinese at its double width.

Nothing is cut short and nothing is drawn: what is shown can be piped to any
tool that splits at runs of spaces.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rich.cells import cell_len, set_cell_size

from syncd import tsv
from syncd.messages import answers
from syncd.messages.catalogue import language, t

Item = Mapping[str, Any]
Shown = Callable[[Item], Item]


class Head(NamedTuple):
    """A column: what it has of an item, and what it is called."""

    key: str
    title: str

    def __str__(self) -> str:
        return t(self.title)


HEADS = {
    name: [
        Head(key or title.replace(" ", "_"), title)
        for key, _, title in (one.rpartition("=") for one in head.split(" | "))
    ]
    for name, head in tsv.rows("cli/heads.tsv")
}
_MOMENT = re.compile("at|until|since|.*_(at|ends)")
_OF_SOME = {"elsewhere", "value"}
_NAMED = {"purpose": "purpose", "measure": "action"}  # codes, by facet


def table(name: str, rows: Iterable[Iterable[Any]]) -> list[str]:
    """Return rows under the names of a table's columns."""
    return lines(HEADS[name], rows)


def items(name: str, found: Iterable[Item], shown: Shown = dict) -> list[str]:
    """Return items under a table's columns, or what `shown` says instead.

    A column that none has is left out, if it is one of some.
    """
    rows = [{**one, **shown(one)} for one in found]
    heads = [
        head
        for head in HEADS[name]
        if head.key not in _OF_SOME or any(row.get(head.key) for row in rows)
    ]
    return lines(heads, cells(heads, rows))


def cells(heads: Iterable[Head], rows: Iterable[Item]) -> Iterator[list[Any]]:
    """Yield what rows have under columns."""
    keys = [head.key for head in heads]
    return ([_cell(key, row.get(key)) for key in keys] for row in rows)


def _cell(key: str, value: Any) -> Any:
    match value:
        case None:
            return ""
        case int() if _MOMENT.fullmatch(key):
            return moment(value)
        case {"zh": _}:
            return value[language()]
        case [str(), int()]:  # a position
            return "{}:{}".format(*value)
        case list() | tuple():
            return ", ".join(_cell(key, one) for one in value)
    return answers.name(_NAMED[key], value) if key in _NAMED else value


def moment(at: int) -> str:
    """Return a moment as people read it, in this machine's zone; "": none."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""


def pairs(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return names with what is said of each beside it, if anything is."""
    shown = [(name, answers.clean(text)) for name, text in rows]
    most = max(cell_len(name) for name, _ in shown)
    return [f"{set_cell_size(n, most)}  {text}" for n, text in shown if text]


def lines(head: Iterable[Any], rows: Iterable[Iterable[Any]]) -> list[str]:
    """Return a head and rows as lines, columns in line; "" shows as a dash."""
    clean = answers.clean
    said = [[clean(str(cell)) or "-" for cell in row] for row in (head, *rows)]
    wide = [max(map(cell_len, each)) for each in zip(*said, strict=True)]
    return ["  ".join(map(set_cell_size, row, wide)).rstrip() for row in said]
