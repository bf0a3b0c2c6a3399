"""What every handler of the local API does: read a form, write a form."""

import re
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from aiohttp import web

from syncd.errors import MalformedError, SyncdError
from syncd.web import problem
from syncd.web.forms import MOST_ITEMS, MOST_PAGE
from syncd.web.routes import JSON, Parameter

F = TypeVar("F")
NUMBER = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)
LIMIT = Parameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST_PAGE, "default": 100},
    "items in a page",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token a request bears."""

    name: str
    role: str


CALLER = web.RequestKey("caller", Caller)


async def read(request: web.Request, form: type[F]) -> F:
    """Return the body as the form that it must be.

    Raises:
        MalformedError: it is none; what it holds is not repeated.
    """
    raw = await request.read()
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise problem.shape(e) from None


def each(
    raws: tuple[msgspec.Raw, ...], form: type[F], name: str
) -> list[F | SyncdError]:
    """Read items one by one: a wrong one does not hold up the others.

    Raises:
        MalformedError: there is none, or too many.
    """
    if not 1 <= len(raws) <= MOST_ITEMS:
        raise MalformedError(
            f"{name}: {len(raws)} of them, want 1 to {MOST_ITEMS}"
        )
    decoder = msgspec.json.Decoder(form)
    items: list[F | SyncdError] = []
    for i, raw in enumerate(raws):
        try:
            items.append(decoder.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
            items.append(problem.shape(e, f"{name}[{i}]"))
    return items


def answer(value: object, status: int = 200) -> web.Response:
    """Return a form as an answer that nobody keeps."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(value),
        headers={"Cache-Control": "no-store"},
        content_type=JSON,
    )


def number(
    request: web.Request, name: str, default: int, least: int, most: int
) -> int:
    """Return a number of the query.

    Raises:
        MalformedError: it is none, or out of bounds.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise MalformedError(f"{name}: want a number {least} to {most}")
    return int(text)


def flag(request: web.Request, name: str) -> bool:
    """Return a flag of the query.

    Raises:
        MalformedError: it is neither 0 nor 1.
    """
    text = request.query.get(name, "0")
    if text not in ("0", "1"):
        raise MalformedError(f"{name}: want 0 or 1")
    return text == "1"


def known_query(request: web.Request, *names: str) -> None:
    """Pass a query that names nothing else.

    Raises:
        MalformedError: it does; that is not repeated.
    """
    if set(request.query) - set(names):
        raise MalformedError(
            f"query: only {', '.join(names)} here"
            if names
            else "query: nothing to ask for here"
        )


def path_id(request: web.Request) -> int:
    """Return the number in the path.

    Raises:
        MalformedError: there is something else.
    """
    text = request.match_info["id"]
    if not NUMBER.fullmatch(text):
        raise MalformedError("id: not a number")
    return int(text)
