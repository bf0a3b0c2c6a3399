"""For review: what waits for a second person, and what it would change."""

from typing import Final

from aiohttp import web

from syncd.console.page import Visit, page
from syncd.console.places import type_name, words
from syncd.console.tables import Column, Row, cells
from syncd.flows.review import Change, Held, Person
from syncd.messages.answers import HELD, phrase
from syncd.messages.catalogue import later, t
from syncd.web.review_forms import Decision, PendingQuery
from syncd.web.routes import REVIEWERS, WATCHERS

_WHAT: Final = {
    "exempt": later("exempt entry"),
    "note": later("note"),
    "local": later("entry of a local list"),
    "replaced": later("of the list as it is now, unless it has them"),
}
_PAST: Final = (
    *(Column("id", later("no.")), Column("state", later("state"), True)),
    *(Column("by", later("handed in by"), True), Column("n", later("values"))),
    Column("who", later("looked at by"), choices=True),
    *(Column("decided_at", later("when")), Column("why", later("why"))),
)


@page("GET", "/pending", WATCHERS, later("For review"), menu=50)
async def pending(visit: Visit) -> web.StreamResponse:
    """Show what waits, what went at once, and what was decided."""
    items: dict[str, list[Held]] = {}
    for state in ("waiting", "after", "decided"):
        wanted = PendingQuery(state=state)
        items[state] = (await visit.api("GET", "/v1/pending", wanted)).items
    late = sum(one.until <= visit.now for one in items["after"])
    past: list[Row] = [
        {
            **cells(one),
            "state": t(HELD[one.state]),
            "n": one.n,
            "by": _who(one.by),
            "who": _who(one.decided) if one.decided else "",
        }
        for one in items.pop("decided")
    ]
    return visit.show(
        "pending.html",
        sentence=t(
            "Waiting for a second person: {n}. Went at once and to be looked"
            " at: {after}, of them overdue: {late}.",
            n=len(items["waiting"]),
            after=len(items["after"]),
            late=late,
        ),
        groups=[
            (t(HELD[state]), [(one, map(_line, one.changes)) for one in some])
            for state, some in items.items()
        ],
        past=visit.table("past", _PAST, past),
        decides=visit.may("POST", "/v1/pending/{id}/{decision}"),
        who=_who,
    )


def _line(one: Change) -> str:
    """Return in words how much of one sort would begin, or end."""
    what = t(_WHAT[one.what]) if one.what in _WHAT else type_name(one.what)
    kind = one.kind and phrase("kind", one.kind)
    label = words("label", one.label)
    sort = " · ".join(filter(None, (what, kind, label)))
    if one.n < 0:
        return t("{n} end: {sort}", n=f"{-one.n:,}", sort=sort)
    return t("{n} new: {sort}", n=f"{one.n:,}", sort=sort)


def _who(by: Person) -> str:
    return " ".join(filter(None, (by.name, by.staff, by.person)))


@page("POST", "/pending", REVIEWERS, later("For review"))
async def decide(visit: Visit) -> web.StreamResponse:
    """Confirm or refuse one, as a second person."""
    given = await visit.form()
    what = "confirm" if given.get("what") == "confirm" else "refuse"
    number = given.get("id", "")
    id_ = int(number) if number.isdecimal() and len(number) < 16 else 0
    why = Decision(why=given.get("why", ""))
    call = "/v1/pending/{id}/{decision}"
    await visit.api("POST", call, why, id=id_, decision=what)
    return visit.go("/pending")
