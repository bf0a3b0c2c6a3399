"""Routes: what a door does, written down once.

The router and the document are both made from the same table, so that
neither knows a route that the other does not.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

JSON = "application/json"
TEXT = "text/plain"
BINARY = "application/octet-stream"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
SSE = "text/event-stream"

OPEN: frozenset[str] = frozenset()  # no token needed
OPERATORS = frozenset({"operator"})
READERS = frozenset({"operator", "reader"})
EVERYBODY = frozenset({"operator", "reader", "auditor"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value in a path or query."""

    name: str
    schema: Mapping[str, Any]
    said: str
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that the door does."""

    method: str
    path: str
    handler: Handler
    roles: frozenset[str]  # OPEN: without a token
    said: str
    gives: Any = None  # a form, or None for what is no JSON
    takes: Any = None
    media: str = JSON  # of the answer
    takes_media: tuple[str, ...] = (JSON,)
    status: int = 200
    also: tuple[int, ...] = ()  # further statuses with the same answer
    parameters: tuple[Parameter, ...] = ()
