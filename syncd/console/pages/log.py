"""Log: the entries of one member's log, and what is signed of it."""

from typing import Any, Final

from aiohttp import web

from syncd.console import places
from syncd.console.page import Visit, page
from syncd.console.tables import At, Column, Row
from syncd.indicator import vocabulary
from syncd.messages.catalogue import later, t
from syncd.web.log_forms import LogPage, LogQuery
from syncd.web.routes import AUDITORS

_ENTRIES: Final = (
    Column("at", later("entry")),
    Column("type", later("type")),
    Column("on", later("day")),
    Column("kind", later("kind")),
    Column("label", later("label")),
    Column("state", later("state")),
)
_LINES: Final = (
    Column("at", later("when")),
    Column("member", later("member")),
    Column("key", later("key")),
    Column("size", later("entries")),
)


@page("GET", "/log/{origin:[^?]+}", AUDITORS, later("Log"))
async def log(visit: Visit) -> web.StreamResponse:
    """Show entries of a log, newest first, from an index or day back."""
    names = "day", "type", "label"
    asked: dict[str, Any] = {n: visit.query.get(n, "") for n in names}
    before = visit.query.get("before", "")
    found: LogPage = await visit.api(
        "GET",
        "/v1/logs/{origin}",
        LogQuery(
            before=int(before) if before[:15].isdecimal() else 0, **asked
        ),
        origin=visit.request.match_info["origin"],
    )
    rows: list[Row] = [
        {
            "at": places.place((found.origin, one.index), found.member),
            "type": places.type_name(one.type),
            "on": one.on,
            "kind": one.kind,
            "label": getattr(one.label, visit.lang) if one.label else "",
            "state": t(places.CLOSED[one.closed]) if one.closed else one.void,
        }
        for one in found.items
    ]
    lines: list[Row] = [
        {
            "at": At(one.at),
            "member": one.member,
            "key": one.key,
            "size": one.size,
        }
        for one in found.cosigned
    ]
    more = {k: v for k, v in asked.items() if v and k != "day"}
    more |= {"before": str(found.next)}
    return visit.show(
        "log.html",
        sentence=t(
            "The log of {member} has {size} entries here, signed by its key.",
            member=found.member,
            size=found.size,
        ),
        found=found,
        asked=asked,
        types=[(code, t(name)) for code, name in places.TYPES.items()],
        labels=[
            (code, vocabulary.label("label", code, visit.lang))
            for code in sorted(vocabulary.codes("label"))
        ],
        entries=visit.table(
            "entries",
            _ENTRIES,
            rows,
            empty=t("No such entry among those that were looked at."),
            more=places.log(found.origin, **more) if found.next else "",
        ),
        lines=visit.table(
            "lines", _LINES, lines, empty=t("Nobody has cosigned it yet.")
        ),
    )
