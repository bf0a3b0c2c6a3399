"""Pages: what the console shows, each written down once, at its function.

    @page("GET /disputes", OPERATORS, later("Disputes"), menu=40)
    async def disputes(visit: Visit) -> Answer:
        found = await visit.api("GET /v1/disputes", DisputeQuery())
        return visit.show("disputes.html", sentence=…, table=…)

A page asks the routes of the local API, within the process, as whoever is
logged in. An htmx request gets one block of the template, anybody else all.
Its tables are sorted, filtered and cut as its address says; or CSV.
"""

import io
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlencode

from aiohttp import web
from aiohttp.web import Request, Response, StreamResponse
from msgspec import Struct
from msgspec.structs import asdict
from multidict import MultiDict

from syncd.audit.report import moment
from syncd.errors import MalformedError, RefusedError
from syncd.lists import safe
from syncd.messages.catalogue import phrase, word
from syncd.web.routes import Caller
from syncd.web.runner import body_of

if TYPE_CHECKING:
    from syncd.console.app import Console

NOBODY = Caller("", "")
MOST_FORM = 65_536  # bytes

Answer = StreamResponse
Given = Mapping[str, str]  # by a form or a query


# ------------------------------------------------------------------ tables
ROWS = 100  # on a page
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


# ------------------------------------------------------------------- pages
class Way(NamedTuple):
    """One thing that the console does."""

    method: str
    path: str
    handler: Callable[["Visit"], Awaitable[Answer]]
    roles: frozenset[str]
    title: str
    menu: int  # place in the navigation, 0: none


ALL: list[Way] = []
H = TypeVar("H", bound=Callable[..., Awaitable[Answer]])


def page(
    what: str, roles: frozenset[str], title: str, menu: int = 0
) -> Callable[[H], H]:
    """Return what has a function show a page, `METHOD /path`.

    Where it takes a form too, the methods are `GET|POST`.
    """
    methods, path = what.split()

    def add(handler: H) -> H:
        rest = path, handler, roles, title, menu
        ALL.extend(Way(method, *rest) for method in methods.split("|"))
        return handler

    return add


class Visit(Struct, kw_only=True, eq=False):
    """One request of somebody who is logged in."""

    room: "Console"
    request: Request
    way: Way
    nonce: str  # of the answer's scripts
    caller: Caller = NOBODY
    session: str = ""  # its id
    zone: str = "UTC"
    now: int = 0  # unix seconds
    tables: list[Table] = []

    @property
    def query(self) -> Given:
        """What stands behind the question mark."""
        return self.request.query

    @property
    def id(self) -> int:
        """The number in the path."""
        return int(self.request.match_info["id"][:15])

    @property
    def htmx(self) -> bool:
        """Tell whether a script wants a part of the page."""
        return self.request.headers.get("HX-Request") == "true"

    def may(self, what: str) -> bool:
        """Tell whether the local API would do that for them."""
        found = self.room.ways.get(what)
        return found is not None and self.caller.role in found[1].roles

    async def api(self, what: str, form: Any = None, **named: Any) -> Any:
        """Return what a route of the local API gives; `named` is in its path.

        Raises:
            SyncdError: whatever the route does; RefusedError, too, where it
                is not for their role.
        """
        service, way = self.room.ways[what]
        if way.roles and self.caller.role not in way.roles:
            raise RefusedError(
                "the role {role} may not: {what}",
                role=self.caller.role,
                what=way.summary,
            )
        of_all = {Caller: self.caller, Request: self.request}
        given = {
            name: of_all[kind]
            if kind in of_all
            else named.get(name.rstrip("_"), form or kind())
            for name, kind in way.needs.items()
        }
        return await way.handler(service, **given)

    async def form(self) -> MultiDict[str]:
        """Return the fields of a form.

        Raises:
            MalformedError: it is none, or longer than 64 KiB.
        """
        try:
            raw = (await body_of(self.request, MOST_FORM)).decode()
            fields = parse_qsl(raw, keep_blank_values=True, errors="strict")
        except (ValueError, web.HTTPClientError) as e:
            raise MalformedError(
                "form: not a form in UTF-8 of at most 64 KiB"
            ) from e
        return MultiDict(fields)

    def table(
        self,
        name: str,
        keys: str | Sequence[Column],
        rows: Iterable[Row | Struct | Sequence[Cell]],
        *,
        more: str = "",
    ) -> Table:
        """Return a table as the address wants it; `more` leads to older rows.

        Columns are said by their keys (`tables.columns`). Of a row without
        names, the last cells may be missing.
        """
        made = columns(name, keys) if isinstance(keys, str) else keys
        named = [
            row
            if isinstance(row, Mapping)
            else cells(row)
            if isinstance(row, Struct)
            else {c.key: cell for c, cell in zip(made, row)}  # noqa: B905
            for row in rows
        ]
        table = Table(name, made, named, self.query, more)
        self.tables.append(table)
        return table

    def show(
        self, name: str, block: str = "", *, status: int = 200, **more: Any
    ) -> Response:
        """Return a page, its block for a script, or a table of it as CSV."""
        wanted = self.query.get("csv")
        for table in self.tables:
            if table.name == wanted:
                return Response(
                    body=table.csv(self.zone),
                    headers={
                        "Content-Type": "text/csv; charset=utf-8",
                        "Content-Disposition": "attachment; filename="
                        f'"{self.room.member}-{table.name}.csv"',
                    },
                )
        part = block if self.htmx else ""
        return Response(
            text=self.room.render(self, name, part, **more),
            content_type="text/html",
            charset="utf-8",
            status=status,
        )

    def go(self, path: str) -> Response:
        """Send the browser to a page, as the end of what it has done."""
        name = "HX-Redirect" if self.htmx else "Location"
        return Response(status=200 if self.htmx else 303, headers={name: path})
