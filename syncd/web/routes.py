"""Routes: what the local API does, each written down once, at its method.

    @route("POST /v1/own/loads", OPERATORS, "begin a load of a local list")
    async def begin_load(self, caller: Caller, wanted: LoadBegin) -> OwnLoad:

A service's method gets what it takes by name and type: the caller, what the
path names, the query of a GET, the body of a POST, read and checked before.
`Reports[Draft | SyncdError]` is read item by item, so that a wrong one does
not hold up the others. Any SyncdError that a method raises becomes its
problem. The router and the document are both made from these, so that neither
knows what the other does not.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial
from types import new_class
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web
from aiohttp.web import Request, Response
from aiohttp.web import StreamResponse as Answer
from msgspec import Raw, json, structs

from syncd.errors import MalformedError, PendingError, SyncdError
from syncd.flows.review import Person
from syncd.web import forms, problem
from syncd.web.runner import body_of

JSON = "application/json"
TEXT = "text/plain"
UTF8 = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
SSE = "text/event-stream"

OPEN: frozenset[str] = frozenset()  # no token needed
OPERATORS = frozenset({"operator"})
HANDED_IN = frozenset({"operator"})  # it may wait for a second person: 202
READERS = frozenset({"operator", "reviewer", "reader", "compliance"})
COMPLIANCE = frozenset({"compliance"})
AUDITORS = frozenset({"operator", "compliance", "auditor"})
ADMINS = frozenset({"admin"})
SIGNED = OPERATORS | ADMINS  # signatures say what it is worth
REVIEWERS = frozenset({"reviewer"})
WATCHERS = OPERATORS | REVIEWERS | COMPLIANCE
EVERYBODY = READERS | {"auditor"}
PEOPLE = EVERYBODY | ADMINS  # who may log in

MOST_COMMAS = 64 * forms.MOST_ITEMS  # a report has some twenty fields
NUMBER = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)


class Caller(Person, frozen=True):
    """Whose token a request bears."""

    shown: int | None = None
    # to so many values a second person has agreed, for this caller

    @classmethod
    def of(cls, token: Any) -> "Caller":
        """Return who calls with a token."""
        its = token.name, token.role, token.id, token.staff, token.person
        return cls(*its)


CALLER = web.RequestKey("caller", Caller)
BEARER = web.RequestKey("bearer", str)  # its token, or what stands for it
HOPS = web.RequestKey("hops", list[str])  # addresses; we know the last only


class Route(msgspec.Struct, frozen=True, eq=False):
    """One thing that the local API does."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]  # not bound
    needs: Mapping[str, Any]  # types of its parameters, by their names
    roles: frozenset[str]  # OPEN: without a token
    summary: str
    gives: Any = None  # a form, or None for what is no JSON
    asks: Any = None  # form of the query, or None
    takes: Any = None  # form of the body, bytes, or None
    each: Callable[[bytes], Any] | None = None  # reads items one by one
    most: int = 0  # bytes of the body, if below what the API takes
    media: str = JSON  # of the answer
    takes_media: tuple[str, ...] = (JSON,)
    status: int = 200

    async def answer(self, service: object, request: Request) -> Answer:
        """Read what a service's method takes, and write what it gives."""
        given = {
            name: await self._given(name.rstrip("_"), kind, request)
            for name, kind in self.needs.items()
        }
        try:
            found = await self.handler(service, **given)
        except PendingError as e:
            found = forms.Pending(pending=e.id)
        if isinstance(found, Answer):
            return found
        raw = isinstance(found, bytes)
        waits = self.method == "POST" and getattr(found, "pending", None)
        return Response(
            status=202 if waits else self.status,
            body=found if raw else json.encode(found),
            headers={"Cache-Control": "no-store", "Content-Type": self.media},
        )

    async def _given(self, name: str, kind: Any, request: Request) -> Any:
        if kind is Caller:
            return request[CALLER]
        if kind is Request:
            return request
        if name in request.match_info:
            text = request.match_info[name]
            if kind is int and not NUMBER.fullmatch(text):
                raise MalformedError("{name}: not a number", name=name)
            return kind(text)
        if self.takes is None:
            try:
                asked = dict(request.query)
                return msgspec.convert(asked, self.asks, strict=False)
            except msgspec.ValidationError as e:
                raise problem.shape(e, "query") from None
        return self.body(await body_of(request, self.most))

    def body(self, raw: bytes) -> Any:
        """Return what a body is, read and checked."""
        if self.takes is bytes:
            return raw
        # To decode `0,` takes 40 times its bytes of memory.
        if raw.count(b",") > MOST_COMMAS:
            raise MalformedError(
                "the body has over {most} commas", most=MOST_COMMAS
            )
        if self.each:
            return self.each(raw)
        return _read(raw, json.Decoder(self.takes))


def _itemwise(generic: Any, item: Any, raw: bytes) -> Any:
    """Read a generic form, each item for itself: a wrong one is its error.

    Raises:
        MalformedError: it is none, or has too many items.
    """
    form, name = _raw(generic)
    body = _read(raw, json.Decoder(form))
    decoder = json.Decoder(item)
    items = list[Any]()
    for n, one in enumerate(getattr(body, name)):
        try:
            items.append(_read(one, decoder, f"{name}[{n}]"))
        except SyncdError as e:
            items.append(e)
    return structs.replace(body, **{name: tuple(items)})


@cache
def _raw(generic: Any) -> tuple[Any, str]:
    """Return a generic form whose items are not read yet, and their field."""
    form = generic[Raw]
    fields = structs.fields(form)
    of_items = tuple[Raw, ...]
    return form, next(f.name for f in fields if of_items in get_args(f.type))


ALL: list[Route] = []  # that any service has
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])


def route(
    call: str, roles: frozenset[str], summary: str, **more: Any
) -> Callable[[H], H]:
    """Return what has a service's method answer a call: `METHOD /path`."""
    method, path = call.split()

    def add(handler: H) -> H:
        needs = get_type_hints(handler)
        gives = needs.pop("return")
        form, each = None, None
        for name, kind in needs.items():
            named = f"{{{name.rstrip('_')}}}" in path
            if not named and kind not in (Caller, Request):
                form = kind
        if get_args(form):
            (item, _) = get_args(*get_args(form))  # or its error
            generic: Any = get_origin(form)
            each = partial(_itemwise, generic, item)
            form = new_class(  # under the form's own name
                generic.__name__,
                (generic[item],),
                exec_body=lambda made: made.update(__doc__=generic.__doc__),
            )
        made: dict[str, Any] = {
            "gives": gives if forms.is_form(gives) else None,
            "each": each,
            "asks" if method == "GET" else "takes": form,
            **more,
        }
        one = Route(method, path, handler, needs, roles, summary, **made)
        vars(handler)["route"] = one
        ALL.append(one)
        return handler

    return add


def of(service: type) -> list[Route]:
    """Return the routes that a service's methods answer."""
    methods = (m for part in service.__mro__ for m in vars(part).values())
    return [vars(m)["route"] for m in methods if hasattr(m, "route")]


def _read(raw: bytes | Raw, decoder: json.Decoder[Any], at: str = "") -> Any:
    """Return what a body, or the item of one that stands `at`, decodes to."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise problem.shape(e, at) from None
