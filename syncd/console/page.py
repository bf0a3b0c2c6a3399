"""Pages: what the console shows, each written down once, at its function.

    @page("GET /disputes", OPERATORS, later("Disputes"), menu=40)
    async def disputes(visit: Visit) -> Answer:
        found = await visit.api("GET /v1/disputes", DisputeQuery())
        return visit.show("disputes.html", sentence=…, table=…)

A page asks the routes of the local API, within the process, as whoever is
logged in. An htmx request gets one block of the template, anybody else all.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.web import Request, Response, StreamResponse
from msgspec import Struct
from multidict import MultiDict

from syncd.console.tables import Cell, Column, Row, Table, cells, columns
from syncd.errors import MalformedError, RefusedError
from syncd.web.routes import Caller
from syncd.web.runner import body_of

if TYPE_CHECKING:
    from syncd.console.app import Console

NOBODY: Final = Caller("", "")
MOST_FORM: Final = 65_536  # bytes

Answer = StreamResponse
Given = Mapping[str, str]  # by a form or a query


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
