"""`/v1/own`: the member's own lists, which no other member ever sees.

Exempt entries and notes come one by one or in bulk; a local list comes as a
load: begun, filled by any number of calls, finished. What a finished load did
not have is then no longer on the list, so that tonight's whole file takes
the place of yesterday's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec
from aiohttp import web

from syncd.errors import MalformedError, SyncdError
from syncd.flows.own_lists import MAX_LIST, TYPES, Filter, OwnDraft
from syncd.web import bodies, forms
from syncd.web.bodies import CALLER, Caller
from syncd.web.forms import MOST_ITEMS, MOST_PAGE, Draft, Natural
from syncd.web.problem import Problem
from syncd.web.routes import OPERATORS, Parameter, Route


class OwnEntries(forms._In, frozen=True, kw_only=True):
    """Exempt entries or notes to keep, each for itself."""

    type: Literal["exempt", "note"]
    entries: tuple[OwnDraft, ...]


class RawOwnEntries(forms._In, frozen=True, kw_only=True):
    """The same, before the entries are read one by one."""

    type: Literal["exempt", "note"]
    entries: tuple[msgspec.Raw, ...]


class OwnSeen(forms._In, frozen=True, kw_only=True):
    """What can be read of a row that is refused: its value is there."""

    value: str
    kind: str = ""  # any if absent
    scheme: str = ""
    region: str = ""


class OwnRows(forms._In, frozen=True, kw_only=True):
    """Rows of a list that we use and do not pass on."""

    list: str
    reports: tuple[Draft, ...]
    load: Natural = 0  # of which they are a part; absent: they are added
    refused: tuple[OwnSeen, ...] = ()  # rows that are no reports


class RawOwnRows(forms._In, frozen=True, kw_only=True):
    """The same, before the rows are read one by one."""

    list: str
    reports: tuple[msgspec.Raw, ...]
    load: Natural = 0
    refused: tuple[OwnSeen, ...] = ()


class OwnOutcome(forms._Out, frozen=True, kw_only=True):
    """What became of one entry."""

    state: str  # added, known, replaced, refused
    id: int = 0  # absent if refused
    official: bool = False  # made in view of an official report
    problem: Problem | None = None  # if refused


class OwnTaken(forms._Whole, frozen=True, kw_only=True):
    """What became of the entries, in their order; durable."""

    items: tuple[OwnOutcome, ...]
    added: int
    known: int
    replaced: int
    refused: int


class OwnLoadBegin(forms._In, frozen=True, kw_only=True):
    """A list that is to be read anew, whole."""

    list: str


class OwnLoad(forms._Whole, frozen=True, kw_only=True):
    """A load that has begun."""

    load: int
    entries: int  # that stand on the list now


class OwnLoadEnd(forms._In, frozen=True, kw_only=True):
    """All of a list has been handed in."""

    list: str
    load: Natural
    gone_at_most: Natural | None = None  # entries that it may lack


class OwnLoaded(forms._Whole, frozen=True, kw_only=True):
    """The list is what the load had."""

    removed: int  # entries that it did not have
    entries: int  # that stand


class OwnRemoval(forms._In, frozen=True, kw_only=True):
    """What is to end: by ids, by value, or a local list whole."""

    why: str = ""
    type: Literal["", "exempt", "note", "local"] = ""  # any if absent
    ids: tuple[Natural, ...] = ()
    kind: str = ""
    value: str = ""
    scheme: str = ""
    region: str = ""
    list: str = ""


class OwnRemoved(forms._Whole, frozen=True, kw_only=True):
    """So many entries stood and have ended; they stay as history."""

    removed: int


class OwnItem(forms._Out, frozen=True, kw_only=True):
    """One entry, with its value."""

    id: int
    type: str
    kind: str
    value: str
    state: Literal["stands", "expired", "ended"]
    by: str
    at: int  # unix seconds
    expires: str = ""
    why: str = ""
    code: str = ""
    text: str = ""
    official: bool = False
    list: str = ""
    label: str = ""
    role: str = ""
    evidence: str = ""
    seen: str = ""
    removed_at: int | None = None
    removed_by: str = ""
    removed_why: str = ""


class OwnPage(forms._Out, frozen=True, kw_only=True):
    """Entries, oldest first."""

    items: tuple[OwnItem, ...]
    next: int = 0  # `after` of the next page; absent on the last


@dataclass(frozen=True, slots=True)
class OwnAdd:
    """Exempt entries or notes as the desk gets them."""

    type: str
    entries: list[OwnDraft | SyncdError]


@dataclass(frozen=True, slots=True)
class OwnLocal:
    """Rows of a local list as the desk gets them."""

    name: str
    load: int  # 0: of none
    reports: list[Draft | SyncdError]
    refused: Sequence[OwnSeen] = ()


class OwnListsDesk(Protocol):
    """What these routes ask of the daemon."""

    async def add(self, caller: Caller, wanted: OwnAdd) -> OwnTaken:
        """Keep exempt entries or notes; durable on return."""
        ...

    async def add_local(self, caller: Caller, wanted: OwnLocal) -> OwnTaken:
        """Keep rows of a local list; durable on return."""
        ...

    async def begin_load(self, wanted: OwnLoadBegin) -> OwnLoad:
        """Begin to read a list anew."""
        ...

    async def finish_load(
        self, caller: Caller, wanted: OwnLoadEnd
    ) -> OwnLoaded:
        """Drop what a list does not have any more."""
        ...

    async def remove(self, caller: Caller, wanted: OwnRemoval) -> OwnRemoved:
        """End entries."""
        ...

    async def page(self, wanted: Filter) -> OwnPage:
        """Return entries."""
        ...


DESK = web.AppKey("own_lists", OwnListsDesk)


async def _add(request: web.Request) -> web.Response:
    body = await bodies.read(request, RawOwnEntries)
    drafts = bodies.each(body.entries, OwnDraft, "entries")
    wanted = OwnAdd(body.type, drafts)
    desk = request.app[DESK]
    return bodies.answer(await desk.add(request[CALLER], wanted))


async def _local(request: web.Request) -> web.Response:
    body = await bodies.read(request, RawOwnRows)
    rows = bodies.each(body.reports, Draft, "reports")
    if len(body.refused) > MOST_ITEMS:
        raise MalformedError(
            "refused: want at most {most} at once", most=MOST_ITEMS
        )
    wanted = OwnLocal(body.list, body.load, rows, body.refused)
    desk = request.app[DESK]
    return bodies.answer(await desk.add_local(request[CALLER], wanted))


async def _begin(request: web.Request) -> web.Response:
    body = await bodies.read(request, OwnLoadBegin)
    return bodies.answer(await request.app[DESK].begin_load(body))


async def _finish(request: web.Request) -> web.Response:
    body = await bodies.read(request, OwnLoadEnd)
    desk = request.app[DESK]
    return bodies.answer(await desk.finish_load(request[CALLER], body))


async def _remove(request: web.Request) -> web.Response:
    body = await bodies.read(request, OwnRemoval)
    if sum(map(bool, (body.ids, body.value, body.list))) != 1:
        raise MalformedError("removal: want one of ids, value, list")
    if len(body.ids) > MOST_ITEMS:
        raise MalformedError(
            "removal: want at most {most} ids at once", most=MOST_ITEMS
        )
    desk = request.app[DESK]
    return bodies.answer(await desk.remove(request[CALLER], body))


async def _page(request: web.Request) -> web.Response:
    names = ("type", "list", "kind", "by")
    bodies.known_query(request, "after", "limit", "ended", *names)
    said = {name: request.query.get(name, "") for name in names}
    if said["type"] not in ("", *TYPES):
        raise MalformedError(
            "type: want one of {types}", types=", ".join(TYPES)
        )
    for name in names:
        if len(said[name]) > MAX_LIST:
            raise MalformedError(
                "{name}: want up to {most} characters",
                name=name,
                most=MAX_LIST,
            )
    wanted = Filter(
        after=bodies.number(request, "after", 0, 0, 10**15),
        limit=bodies.number(request, "limit", 100, 1, MOST_PAGE),
        ended=bodies.flag(request, "ended"),
        **said,
    )
    return bodies.answer(await request.app[DESK].page(wanted))


ROUTES = (
    Route(
        "POST",
        "/v1/own/entries",
        _add,
        OPERATORS,
        "add exempt entries and notes",
        OwnTaken,
        OwnEntries,
    ),
    Route(
        "GET",
        "/v1/own/entries",
        _page,
        OPERATORS,
        "list our own entries with their values",
        OwnPage,
        parameters=(
            Parameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": 10**15},
                "entries with a larger id only",
            ),
            bodies.LIMIT,
            Parameter(
                "type",
                {"type": "string", "enum": [*TYPES]},
                "entries of that type only",
            ),
            Parameter(
                "list",
                {"type": "string", "maxLength": MAX_LIST},
                "entries of that local list only",
            ),
            Parameter(
                "kind",
                {"type": "string", "maxLength": MAX_LIST},
                "entries of that kind of value only",
            ),
            Parameter(
                "by",
                {"type": "string", "maxLength": MAX_LIST},
                "entries that the token of that name kept only",
            ),
            Parameter(
                "ended",
                {"type": "integer", "enum": [0, 1]},
                "1: also those that were removed or replaced",
            ),
        ),
    ),
    Route(
        "POST",
        "/v1/own/local",
        _local,
        OPERATORS,
        "add rows to a local list",
        OwnTaken,
        OwnRows,
    ),
    Route(
        "POST",
        "/v1/own/loads",
        _begin,
        OPERATORS,
        "begin a load of a local list",
        OwnLoad,
        OwnLoadBegin,
    ),
    Route(
        "POST",
        "/v1/own/loads/finish",
        _finish,
        OPERATORS,
        "finish a load of a local list",
        OwnLoaded,
        OwnLoadEnd,
    ),
    Route(
        "POST",
        "/v1/own/removals",
        _remove,
        OPERATORS,
        "remove our own entries",
        OwnRemoved,
        OwnRemoval,
    ),
)
