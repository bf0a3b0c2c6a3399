"""Tables of a page: sorted, filtered and cut as its address says; or CSV."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from msgspec.structs import asdict

from syncd.audit.report import moment as moment
from syncd.lists import safe
from syncd.messages.catalogue import phrase, word

ROWS: Final = 100  # on a page
CODES = ("kind", "type", "label", "evidence", "purpose", "outcome", "role")


class Link(NamedTuple):
    """A text that leads somewhere."""

    href: str
    text: str

    def __str__(self) -> str:
        return self.text


class At(int):
    """A moment: unix seconds."""


def number(text: str) -> int:
    """Return a number that an address says, 0 if it says none."""
    return int(text) if text.isdecimal() and len(text) < 16 else 0


Cell = str | int | float | Link | None
Row = Mapping[str, Cell]


class Column(NamedTuple):
    """A column: where its cells stand in a row, and what it is called."""

    key: str
    title: str
    choices: bool = False  # rows may be chosen by what it says


def title(table: str, key: str) -> str:
    """Return what a column is called: in this table, or in all."""
    own = f"{table}.{key}"
    found = phrase("column", own)
    return phrase("column", key) if found == own else found


def columns(table: str, keys: str) -> list[Column]:
    """Return columns by their keys; by those with a `*` rows may be chosen."""
    named = ((key.rstrip("*"), key.endswith("*")) for key in keys.split())
    return [Column(key, title(table, key), by) for key, by in named]


def cells(form: Any, **more: Cell) -> dict[str, Any]:
    """Return what a form has as cells: `at` and `…_at` are moments, a code its name."""
    found = asdict(form)
    for name, value in found.items():
        if value and f"_{name}".endswith("_at"):
            found[name] = At(value)
        elif value and name in CODES:
            found[name] = word(name, value)
    return found | more


def _key(cell: Cell) -> tuple[int, float, str]:
    if isinstance(cell, int | float):
        return 0, cell, ""
    return 1 + (cell is None), 0, str(cell)


class Table:
    """Rows under columns, as a page's address wants to have them."""

    def __init__(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Sequence[Row],
        query: Mapping[str, str],
        more: str = "",
    ) -> None:
        self.name, self.columns = name, columns
        self.more = more
        self.query = dict(query)
        self.chosen = {
            c.key: wanted
            for c in columns
            if c.choices and (wanted := query.get(f"{name}.{c.key}"))
        }
        self.all = rows
        self.rows = [
            row
            for row in rows
            if all(str(row.get(k, "")) == v for k, v in self.chosen.items())
        ]
        self.sort = query.get(f"{name}.sort", "")
        key = self.sort.removeprefix("-")
        if key in {c.key for c in columns}:
            self.rows.sort(
                key=lambda row: _key(row.get(key)),
                reverse=self.sort.startswith("-"),
            )
        asked = number(query.get(f"{name}.page", ""))
        self.pages = max(1, -(-len(self.rows) // ROWS))
        self.page = min(max(asked, 1), self.pages)

    @property
    def shown(self) -> Sequence[Row]:
        """The rows of this page."""
        return self.rows[(self.page - 1) * ROWS : self.page * ROWS]

    def href(self, **changed: object) -> str:
        """Return this page's address with something of this table changed."""
        query = {k: v for k, v in self.query.items() if k != "csv"}
        for key, value in changed.items():
            query[f"{self.name}.{key}"] = str(value)
        return f"?{urlencode({k: v for k, v in query.items() if v})}"

    def options(self, key: str) -> Sequence[str]:
        """Return what a column says, each once."""
        return sorted({str(row.get(key, "")) for row in self.all} - {""})

    def csv(self, zone: str) -> bytes:
        """Return all chosen rows for a spreadsheet, which runs none of it."""
        file = io.BytesIO()
        writer = safe.Writer(file, [c.title for c in self.columns])
        for row in self.rows:
            said = (row.get(c.key) for c in self.columns)
            known = ("" if one is None else one for one in said)
            writer.row(
                moment(one, zone) if isinstance(one, At) else str(one)
                for one in known
            )
        return file.getvalue()
