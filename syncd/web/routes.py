"""Routes: what the local API does, each written down once, at its handler.

    @routes("POST", "/v1/own/loads", OPERATORS, "begin a load of a local list")
    async def _begin_load(call: Call, body: OwnLoadBegin) -> OwnLoad:

What a handler takes is read and checked before it is called: the query of a
GET, the body of a POST. `Reports[Draft | SyncdError]` is read item by item,
so that a wrong one does not hold up the others. The router and the document
are both made from these, so that neither knows what the other does not.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import UnionType, new_class
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from syncd.errors import MalformedError, SyncdError
from syncd.web import problem
from syncd.web.runner import body_of
from syncd.web.service_ports import Caller, LocalService

JSON = "application/json"
TEXT = "text/plain"
BINARY = "application/octet-stream"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
SSE = "text/event-stream"

OPEN: frozenset[str] = frozenset()  # no token needed
OPERATORS = frozenset({"operator"})
READERS = frozenset({"operator", "reader", "compliance"})
COMPLIANCE = frozenset({"compliance"})
EVERYBODY = frozenset({"operator", "reader", "auditor", "compliance"})

MOST_ITEMS = 10_000  # in one call
MOST_COMMAS = 64 * MOST_ITEMS  # a report has some twenty fields
NUMBER = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)

SERVICE = web.AppKey("service", LocalService)
CALLER = web.RequestKey("caller", Caller)
NOBODY = Caller("", "")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in."""

    request: web.Request

    @property
    def service(self) -> LocalService:
        """What the API stands before."""
        return self.request.app[SERVICE]

    @property
    def caller(self) -> Caller:
        """Whose token the request bears."""
        caller: Caller = self.request.get(CALLER, NOBODY)
        return caller

    def number(self, name: str) -> int:
        """Return a number in the path.

        Raises:
            MalformedError: there is something else.
        """
        text = self.request.match_info[name]
        if not NUMBER.fullmatch(text):
            raise MalformedError("{name}: not a number", name=name)
        return int(text)


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that the local API does."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    roles: frozenset[str]  # OPEN: without a token
    summary: str
    gives: Any = None  # a form, or None for what is no JSON
    asks: Any = None  # form of the query, or None
    takes: Any = None  # form of the body, bytes, or None
    each: "ItemwiseForm | None" = None  # where items are read one by one
    most: int = 0  # bytes of the body, if below what the API takes
    media: str = JSON  # of the answer
    takes_media: tuple[str, ...] = (JSON,)
    status: int = 200
    also: tuple[int, ...] = ()  # further statuses with the same answer

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Read what the handler takes, and write what it gives."""
        call = Call(request)
        if self.asks is not None:
            found = await self.handler(call, _query(request, self.asks))
        elif self.takes is not None:
            raw = await body_of(request, self.most)
            found = await self.handler(call, self._body(raw))
        else:
            found = await self.handler(call)
        if isinstance(found, web.StreamResponse):
            return found
        return answer(found, self.status)

    def _body(self, raw: bytes) -> Any:
        if self.takes is bytes:
            return raw
        # To decode `0,` takes 40 times its bytes of memory.
        if raw.count(b",") > MOST_COMMAS:
            raise MalformedError(
                "the body has over {most} commas", most=MOST_COMMAS
            )
        if self.each is None:
            return _decoded(raw, self.takes, "")
        return self.each.read(raw)


@dataclass(frozen=True, slots=True)
class ItemwiseForm:
    """A generic form whose items are each read for itself."""

    form: Any
    item: Any

    @property
    def named(self) -> Any:
        """The form with its items, under the form's own name."""
        return new_class(
            self.form.__name__,
            (self.form[self.item],),
            {"frozen": True, "kw_only": True},
            lambda made: made.update(__doc__=self.form.__doc__),
        )

    def read(self, raw: bytes) -> Any:
        """Read a body; a wrong item becomes its error.

        Raises:
            MalformedError: it is none, or has too many items.
        """
        form, name = _raw(self.form)
        body = _decoded(raw, form, "")
        raws = getattr(body, name)
        counted(name, raws, least=0)
        decoder = msgspec.json.Decoder(self.item)
        items = tuple(
            _tried(item, decoder, f"{name}[{n}]")
            for n, item in enumerate(raws)
        )
        return msgspec.structs.replace(body, **{name: items})


@cache
def _raw(generic: Any) -> tuple[Any, str]:
    """Return a generic form whose items are not read yet, and their field."""
    form = generic[msgspec.Raw]
    fields = msgspec.structs.fields(form)
    of_items = tuple[msgspec.Raw, ...]
    return form, next(f.name for f in fields if f.type == of_items)


class Routes(list[Route]):
    """A table of routes; called, it decorates the handler of one more."""

    def __call__(
        self,
        method: str,
        path: str,
        roles: frozenset[str],
        summary: str,
        **more: Any,
    ) -> Callable[[Any], Any]:
        """Add a route; what it takes and gives stands at its handler."""

        def add(handler: Callable[..., Awaitable[Any]]) -> Any:
            hints = get_type_hints(handler)
            takes = hints.get("body")
            each = None
            if get_args(takes):
                each = ItemwiseForm(get_origin(takes), _form(*get_args(takes)))
                takes = each.named
            made = {
                "gives": _form(hints["return"]),
                "asks": hints.get("query"),
                "takes": takes,
                "each": each,
            }
            route = Route(method, path, handler, roles, summary, **made | more)
            self.append(route)
            return handler

        return add


def counted(name: str, items: Sequence[object], least: int = 1) -> None:
    """Pass so many items as a call may have.

    Raises:
        MalformedError: there is none, or too many.
    """
    if not least <= len(items) <= MOST_ITEMS:
        raise MalformedError(
            "{name}: {n} of them, want 1 to {most}",
            name=name,
            n=len(items),
            most=MOST_ITEMS,
        )


def _form(hint: Any) -> Any:
    """Return the struct among what a hint allows, None if there is none."""
    among = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    structs = (h for h in among if issubclass(h, msgspec.Struct))
    return next(structs, None)


def _query(request: web.Request, form: Any) -> Any:
    try:
        return msgspec.convert(dict(request.query), form, strict=False)
    except msgspec.ValidationError as e:
        raise problem.shape(e, "query") from None


def _decoded(raw: bytes, form: Any, at: str) -> Any:
    return _read(raw, msgspec.json.Decoder(form), at)


def _read(
    raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[Any], at: str
) -> Any:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise problem.shape(e, at) from None


def _tried(
    raw: msgspec.Raw, decoder: msgspec.json.Decoder[Any], at: str
) -> Any:
    try:
        return _read(raw, decoder, at)
    except SyncdError as e:
        return e


def answer(value: object, status: int = 200) -> web.Response:
    """Return a form as an answer that nobody keeps."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(value),
        headers={"Cache-Control": "no-store"},
        content_type=JSON,
    )
