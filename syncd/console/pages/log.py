"""Log: the entries of one member's log, and what is signed of it."""

from typing import Any

from aiohttp import web

from syncd.console import places
from syncd.console.page import Visit, page
from syncd.console.tables import cells
from syncd.indicator.statement import NAMES
from syncd.messages.catalogue import later, phrase
from syncd.web.log_forms import LogPage, LogQuery
from syncd.web.routes import AUDITORS


@page("GET", "/log/{origin:[^?]+}", AUDITORS, later("Log"))
async def log(visit: Visit) -> web.StreamResponse:
    """Show entries of a log, newest first, from an index or day back."""
    names = "day", "type", "label"
    asked: dict[str, Any] = {n: visit.query.get(n, "") for n in names}
    before = visit.query.get("before", "")[:15]
    number = int(before) if before.isdecimal() else 0
    path, origin = "/v1/logs/{origin}", visit.request.match_info["origin"]
    query = LogQuery(before=number, **asked)
    found: LogPage = await visit.api("GET", path, query, origin=origin)
    entries = [
        cells(
            one,
            at=places.place((origin, one.index), found.member),
            state=places.state(one),
        )
        for one in found.items
    ]
    more = {k: v for k, v in asked.items() if v and k != "day"}
    return visit.show(
        "log.html",
        found=found,
        asked=asked,
        types=[(x, phrase("type", x)) for _, x in sorted(NAMES.items())],
        entries=visit.table(
            "entries",
            "at type on kind label state",
            entries,
            more=places.log(origin, **more, before=found.next)
            if found.next
            else "",
        ),
        lines=visit.table("lines", "at member key size", found.cosigned),
    )
