"""Log: the entries of one member's log, and what is signed of it."""

from syncd.console import places
from syncd.console.page import Answer, Visit, cells, page
from syncd.console.pages.reports import form_of
from syncd.indicator.statement import NAMES
from syncd.messages.catalogue import later, phrase
from syncd.web.record_forms import LogPage, LogQuery
from syncd.web.routes import AUDITORS


@page("GET /log/{origin:[^?]+}", AUDITORS, later("Log"))
async def log(visit: Visit) -> Answer:
    """Show entries of a log, newest first, from an index or day back."""
    asked = form_of(LogQuery, visit.query)
    path, origin = "GET /v1/logs/{origin}", visit.request.match_info["origin"]
    found: LogPage = await visit.api(path, asked, origin=origin)
    entries = [
        cells(
            one,
            at=places.place((origin, one.index), found.member),
            state=places.state(one),
        )
        for one in found.items
    ]
    more = {"type": asked.type, "label": asked.label}
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
