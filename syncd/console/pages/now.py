"""Now: whether all is well, what to do, how it was, and what happens."""

import re
from typing import Any

from syncd.audit.report import moment
from syncd.console.page import Answer, Visit, cells, page
from syncd.console.pages import exchange
from syncd.console.render import say
from syncd.messages.catalogue import later, phrase
from syncd.messages.events import said
from syncd.web.event_stream import READER, Event, Reader
from syncd.web.forms import EventQuery
from syncd.web.routes import EVERYBODY

RUNS = re.compile(r"h+|\.+|.")  # of a member's line of days


@page("GET /", EVERYBODY, later("Now"), menu=10)
async def now(visit: Visit) -> Answer:
    """Show how this member is doing."""
    status = await visit.api("GET /v1/status")
    known = exchange.current(status)
    past = await visit.api("GET /v1/history")
    bad = [
        cells(
            one,
            member=member,
            why=say(one.why),
            state=phrase("contact", one.state),
        )
        for member, days in past.members.items()
        for one in days.bad
    ]
    bad.sort(key=lambda row: row["day"], reverse=True)
    return visit.show(
        "now.html",
        held=exchange.gaps(status, known),
        known=known,
        state=status,
        members=past.members,
        runs=RUNS.finditer,
        days=visit.table("days", "day member* state* why", bad),
        events=[_item(visit, e.event, e.at, e.data) for e in past.events],
        cursor=past.events[0].cursor if past.events else "",
    )


@page("GET /events", EVERYBODY, later("Events"))
async def events(visit: Visit) -> Answer:
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
    found: Answer = await visit.api("GET /v1/events", wanted)
    return found


def _item(visit: Visit, name: str, at: int, data: Any) -> tuple[str, str]:
    return moment(at, visit.zone), said(name, data)
