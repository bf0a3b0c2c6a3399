"""Now: whether all is well, what to do, how it was, and what happens."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aiohttp import web

from syncd.console import page as pages
from syncd.console.page import Visit, page
from syncd.console.pages import exchange
from syncd.console.render import say
from syncd.console.tables import moment
from syncd.messages.catalogue import later, phrase, t
from syncd.messages.events import said
from syncd.web.event_stream import READER, Event, Reader
from syncd.web.figure_forms import MemberDays
from syncd.web.forms import EventQuery
from syncd.web.routes import EVERYBODY
from syncd.web.status_forms import Status

STATES: Final = ("heard", "lag", "silent", "forked")
MENDS: Final = {  # by the first word of what is to do
    word: path
    for path, words in {
        "/disputes": "dispute disputes",
        "/exchange": "behind fork holders withheld",
        "/pending": "review",
        "/reports": "publishing",
        "/system": "clock daemons notify silent",
    }.items()
    for word in words.split()
}
RUNS: Final = re.compile(r"h+|\.+|.")  # of a member's line of days


@page("GET", "/", EVERYBODY, later("Now"), menu=10)
async def now(visit: Visit) -> web.StreamResponse:
    """Show how this member is doing."""
    status = await visit.api("GET", "/v1/status")
    past = await visit.api("GET", "/v1/history")
    bad = [
        {"day": one.day, "member": member, "why": say(one.why)}
        | {"state": phrase("contact", one.state)}
        for member, days in past.members.items()
        for one in days.bad
    ]
    bad.sort(key=lambda row: row["day"], reverse=True)
    return visit.show(
        "now.html",
        sentence=_sentence(status, visit.zone),
        todo=[(m, MENDS.get(m.code.split(".")[0])) for m in status.todo],
        there={w.path for w in pages.ALL if visit.caller.role in w.roles},
        notes=status.notes,
        cards=_cards(status),
        bars=[(m, _counted(d), _bar(d)) for m, d in past.members.items()],
        days=visit.table(
            "days",
            "day member* state* why",
            bad,
            empty=t("No bad day so far."),
        ),
        events=[_item(visit, e.event, e.at, e.data) for e in past.events],
        cursor=past.events[0].cursor if past.events else "",
    )


@page("GET", "/events", EVERYBODY, later("Events"))
async def events(visit: Visit) -> web.StreamResponse:
    """Send what happens as items of the page's list."""

    def write(event: Event) -> bytes:
        text, of = "", event.data
        if event.name not in ("hello", "reset"):
            one = _item(visit, event.name, of["at"], of)
            html = visit.room.render(visit, "now.html", "event", one=one)
            text = f"data: {' '.join(html.split())}\n"
        return f"id: {event.cursor}\n{text}\n".encode()

    visit.request[READER] = Reader(visit.session, write)
    wanted = EventQuery(cursor=visit.query.get("cursor", ""))
    found: web.StreamResponse = await visit.api("GET", "/v1/events", wanted)
    return found


def _item(
    visit: Visit, name: str, at: int, data: Mapping[str, Any]
) -> tuple[str, str]:
    return moment(at, visit.zone), said(name, data)


def _sentence(status: Status, zone: str) -> str:
    """Return what is wrong, or that all is well."""
    others = [m for m in status.members if m.state not in ("self", "removed")]
    unheard = sum(m.state in ("silent", "unheard") for m in others)
    forked, n = sum(log.contested for log in status.logs), len(others) + 1
    if forked:
        text = t("{forked} logs are forked.", forked=forked)
    elif unheard:
        text = t(
            "{unheard} of {n} members are not heard of.", unheard=unheard, n=n
        )
    else:
        text = exchange.sentence(status, zone)
    todo = len(status.todo)
    return t("To do: {n}.", n=todo) + " " + text if todo else text


def _cards(status: Status) -> Iterator[tuple[str, str, bool]]:
    """Yield title, value, and whether that is well."""
    waits = sum(status.vault.waiting.values())
    yield t("Waiting in the vault"), f"{waits:,}", status.appending.ok
    lag = max((log.lag for log in status.logs), default=0)
    yield t("Largest lag, entries"), f"{lag:,}", not lag
    left = (status.roster.expires - status.time) // 86_400
    yield t("Days left of the roster"), str(left), left > 14
    for row in status.members:
        if row.state == "self" and row.certificate_days is not None:
            days = row.certificate_days
            yield t("Days left of our certificate"), str(days), days > 30
    up, of = sum(h.up for h in status.holders), len(status.holders)
    yield t("Holders that answer"), f"{up} / {of}", up == of


def _counted(days: MemberDays) -> str:
    count = Counter(days.line)
    words = ((phrase("contact", x), count[x[0]]) for x in STATES)
    return ", ".join(f"{word} {n}" for word, n in words if n)


def _bar(days: MemberDays) -> Iterator[tuple[int, int, str, str]]:
    """Yield the stretches of a bar: from which day, how many, state, why."""
    bad = iter(days.bad)
    for run in RUNS.finditer(days.line):
        why = ""
        if run[0][0] not in "h.":
            one = next(bad)
            why = f"{one.day}: {phrase('contact', one.state)} – {say(one.why)}"
        yield run.start(), len(run[0]), run[0][0], why
