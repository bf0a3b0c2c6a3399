"""Core statements that are hot: compiled once, run by the driver itself.

SQLAlchemy's result objects cost 80 µs a statement, a look-up by key 5. What
a statement is stays said over the tables; only its way to the driver is
shorter. docs/store.md names the places, with the measurement.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

MANY: Final[sa.BindParameter[Any]] = bindparam("many", expanding=True)
"""The values of `column.in_(MANY)`, given to `within`."""
_MANY_MARKS = re.compile(r"\(__\[POSTCOMPILE_many[^\]]*\]\)")
_WIDTHS = (1, 8, 64, 512)  # of an IN (…): few texts, for the driver's cache
_MARKS: Final = {"sqlite": "?", "postgresql": "%s"}


class Prepared:
    """A statement whose values are given by position.

    `names` are those of its `bindparam`s, in the order in which values will
    come, of an insert those of columns too. Without them values come in the
    order in which the text first wants each.
    """

    def __init__(self, statement: sa.ClauseElement, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._columns: list[str] | None = None  # of an insert
        if isinstance(statement, sa.Insert):
            self._columns = [n for n in names if n in statement.table.c]
        self._made: dict[tuple[str, int], tuple[str, list[Any]]] = {}

    def all(self, c: Connection, *values: object) -> list[Any]:
        """Return all rows."""
        return [*self._run(c, values)]

    def one(self, c: Connection, *values: object) -> Any:
        """Return the first row, or None."""
        return self._run(c, values).fetchone()

    def run(self, c: Connection, *values: object) -> int:
        """Return how many rows it changed."""
        return int(self._run(c, values).rowcount)

    def many(self, c: Connection, rows: Iterable[Sequence[object]]) -> int:
        """Run it once for each row of values, taking them one by one.

        Return how many rows of the table that changed in all.
        """
        text, order = self._text(c)
        if order != [*range(len(order))]:
            rows = ([_value(o, row) for o in order] for row in rows)
        cursor = _cursor(c)
        cursor.executemany(text, rows)
        return max(int(cursor.rowcount), 0)

    def within(
        self, c: Connection, many: Iterable[object], *values: object
    ) -> Iterator[Any]:
        """Yield the rows for all values that `MANY` stands for."""
        rest = iter(many)
        while part := [*islice(rest, _WIDTHS[-1])]:
            width = next(w for w in _WIDTHS if w >= len(part))
            part += part[-1:] * (width - len(part))
            text, order = self._text(c, width)
            given = list[object]()
            for o in order:
                given += part if o == "many" else [_value(o, values)]
            yield from _cursor(c).execute(text, given).fetchall()

    def _run(self, c: Connection, values: Sequence[object]) -> Any:
        text, order = self._text(c)
        return _cursor(c).execute(text, [_value(o, values) for o in order])

    def _text(self, c: Connection, width: int = 1) -> tuple[str, list[Any]]:
        """Return the text, and of each mark which value it wants.

        An int is the place of one that is given, a list holds one that
        stands in the statement.
        """
        key = c.dialect.name, width
        if key not in self._made:
            made: Any = self._statement.compile(
                dialect=c.dialect, column_keys=self._columns
            )
            constants, positions = made.params, made.positiontup
            wanted = self._names or dict.fromkeys(
                n for n in positions if made.binds[n].required and n != "many"
            )
            places = {n: i for i, n in enumerate(wanted)}
            marks = ",".join([_MARKS[key[0]]] * width)
            self._made[key] = (
                _MANY_MARKS.sub(f"({marks})", str(made)),
                [
                    n if n == "many" else places.get(n, [constants[n]])
                    for n in positions
                ],
            )
        return self._made[key]


def given(*columns: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that columns have values of their names to come."""
    return sa.and_(*(c == bindparam(c.name) for c in columns))


def _value(wanted: Any, values: Sequence[object]) -> object:
    return wanted[0] if isinstance(wanted, list) else values[wanted]


def _cursor(c: Connection) -> Any:
    """Return the driver's own cursor."""
    raw: Any = c.connection.driver_connection
    return raw.cursor()
