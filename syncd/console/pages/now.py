"""Now: whether all is well, what to do, how it was, and what happens."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Final

from aiohttp import web

from syncd.console import page as pages
from syncd.console.page import Visit, page
from syncd.console.render import say
from syncd.console.tables import Column, moment
from syncd.messages.catalogue import later, t
from syncd.messages.events import said
from syncd.web.event_stream import READER, Event, Reader
from syncd.web.figure_forms import SeenDay
from syncd.web.forms import EventQuery
from syncd.web.routes import EVERYBODY
from syncd.web.status_forms import Status

DAY_S: Final = 86_400
Part = tuple[int, int, str, str]  # from which day, how many, state, in words
STATES: Final = {
    "heard": later("in touch"),
    "lag": later("behind"),
    "silent": later("silent"),
    "forked": later("forked"),
}
MENDS: Final = {  # by the first word of what is to do
    **dict.fromkeys(("dispute", "disputes"), "/disputes"),
    **dict.fromkeys(("behind", "fork", "holders", "withheld"), "/exchange"),
    **dict.fromkeys(("clock", "daemons", "notify", "silent"), "/system"),
    "publishing": "/reports",
    "review": "/pending",
}
COLUMNS: Final = (
    *(Column("day", later("Day")), Column("member", later("Member"), True)),
    *(Column("state", later("Was"), True), Column("why", later("Why"))),
)


@page("GET", "/", EVERYBODY, later("Now"), menu=10)
async def now(visit: Visit) -> web.StreamResponse:
    """Show how this member is doing."""
    status = await visit.api("GET", "/v1/status")
    past = await visit.api("GET", "/v1/history")
    newest = (await visit.api("GET", "/v1/events/newest")).items
    there = {w.path for w in pages.ALL if visit.caller.role in w.roles}
    mends = (MENDS.get(one.code.split(".")[0]) for one in status.todo)
    bad = (
        {"day": d.day, "member": member, "state": t(STATES[d.state])}
        | {"why": say(d.why) if d.why else ""}
        for member, days in past.members.items()
        for d in days
        if d.state != "heard"
    )
    rows = sorted(bad, key=lambda row: row["day"], reverse=True)
    return visit.show(
        "now.html",
        sentence=_sentence(status, visit.zone),
        todo=[
            (one, mend if mend in there else "")
            for one, mend in zip(status.todo, mends, strict=True)
        ],
        notes=status.notes,
        help="/help" in there,
        cards=[*_cards(status)],
        bars=[
            (m, _counted(d), _bar(past.since, d))
            for m, d in past.members.items()
        ],
        days=visit.table("days", COLUMNS, rows, empty=t("No bad day so far.")),
        events=[
            (moment(e.at, visit.zone), said(e.event, e.data)) for e in newest
        ],
        cursor=newest[0].cursor if newest else "",
    )


@page("GET", "/events", EVERYBODY, later("Events"))
async def events(visit: Visit) -> web.StreamResponse:
    """Send what happens as items of the page's list."""

    def item(event: Event) -> bytes:
        text = ""
        if event.name not in ("hello", "reset"):
            at = moment(event.data["at"], visit.zone)
            one = at, said(event.name, event.data)
            html = visit.room.render(visit, "now.html", "event", one=one)
            text = f"data: {' '.join(html.split())}\n"
        return f"id: {event.cursor}\n{text}\n".encode()

    visit.request[READER] = Reader(visit.session, item)
    wanted = EventQuery(cursor=visit.query.get("cursor", ""))
    found: web.StreamResponse = await visit.api("GET", "/v1/events", wanted)
    return found


def _sentence(status: Status, zone: str) -> str:
    """Return what is wrong, or that all is well."""
    others = [m for m in status.members if m.state not in ("self", "removed")]
    unheard = sum(m.state in ("silent", "unheard") for m in others)
    forked, lag = sum(log.contested for log in status.logs), _lag(status)
    lacks = max((m.lacks or 0 for m in others), default=0)
    if forked:
        text = later("{forked} logs are forked.")
    elif unheard:
        text = later("{unheard} of {n} members are not heard of.")
    elif lag or lacks:
        text = later("On their way: {lag} entries to us, {lacks} from us.")
    else:
        text = later(
            "All {n} members hold all of each other's entries, as of {time}."
        )
    at = min((m.heard_at for m in others), default=status.time)
    counts = {"n": len(others) + 1, "lag": lag, "lacks": lacks}
    counts |= {"forked": forked, "unheard": unheard}
    said_ = t(text, time=moment(at, zone)[11:], **counts)
    todo = len(status.todo)
    return t("To do: {n}.", n=todo) + " " + said_ if todo else said_


def _lag(status: Status) -> int:
    return max((log.lag for log in status.logs), default=0)


def _cards(status: Status) -> Iterator[tuple[str, str, bool]]:
    """Yield title, value, and whether that is well."""
    waits = sum(status.vault.waiting.values())
    yield t("Waiting in the vault"), f"{waits:,}", status.appending.ok
    lag = _lag(status)
    yield t("Largest lag, entries"), f"{lag:,}", not lag
    left = (status.roster.expires - status.time) // DAY_S
    yield t("Days left of the roster"), str(left), left > 14
    for row in status.members:
        if row.state == "self" and row.certificate_days is not None:
            days = row.certificate_days
            yield t("Days left of our certificate"), str(days), days > 30
    up, of = sum(h.up for h in status.holders), len(status.holders)
    yield t("Holders that answer"), f"{up} / {of}", up == of


def _counted(days: Sequence[SeenDay]) -> str:
    count = Counter(seen.state for seen in days)
    return ", ".join(f"{t(STATES[s])} {n}" for s, n in count.items())


def _bar(since: str, days: Sequence[SeenDay]) -> Iterator[Part]:
    """Yield the stretches of a bar; good days that touch are one."""
    first = date.fromisoformat(since).toordinal()

    def at(day: str) -> int:
        return date.fromisoformat(day).toordinal() - first

    def run(numbered: tuple[int, SeenDay]) -> tuple[str, int]:
        n, seen = numbered
        good = seen.state == "heard"
        return seen.state, at(seen.day) - n if good else n

    for (state, _), group in groupby(enumerate(days), run):
        same = [seen for _, seen in group]
        words = f"{same[0].day}: {t(STATES[state])}"
        if why := same[0].why:
            words += f" – {say(why)}"
        yield at(same[0].day), len(same), state, words
