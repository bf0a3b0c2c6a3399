"""Figures: what all logs say by month, and what came of our own calls."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from syncd.console.page import Visit, page
from syncd.console.tables import Column, Row, moment
from syncd.indicator import vocabulary
from syncd.messages.catalogue import later, t
from syncd.web.access_forms import AccessFilter
from syncd.web.figure_forms import FiguresQuery
from syncd.web.routes import EVERYBODY

COUNTED: Final = {
    "reports": later("Reports"),
    "retracted": later("Retracted"),
    "sightings": later("Sightings, at least"),
    "disputes": later("Disputes"),
}
OUTCOMES: Final = {
    "dissuaded": later("dissuaded"),
    "stopped": later("payment stopped"),
    "sent": later("money was sent"),
    "no_fraud": later("no fraud"),
}
_MONTH, _LABEL = Column("month", later("Month")), later("Label")
COLUMNS: Final = (
    _MONTH,
    Column("member", later("Member"), choices=True),
    Column("label", _LABEL, choices=True),
    *(Column(name, title) for name, title in COUNTED.items()),
    Column("days", later("Days to retract, on average")),
)
CALLS: Final = (
    _MONTH,
    Column("label", _LABEL, choices=True),
    Column("outcome", later("Outcome"), choices=True),
    Column("calls", later("Calls")),
    Column("amount", later("Yuan")),
)
Months = defaultdict[str, Counter[str]]


@page("GET", "/figures", EVERYBODY, later("Figures"), menu=80)
async def figures(visit: Visit) -> web.StreamResponse:
    """Show what is counted of some months."""
    month = moment(visit.now, visit.zone)[:7]
    since = visit.query.get("from") or f"{int(month[:4]) - 1}{month[4:]}"
    to = visit.query.get("to") or month
    wanted = FiguresQuery(from_=since, to=to)
    found = await visit.api("GET", "/v1/figures", wanted)
    of_days = AccessFilter(since=f"{since}-01")
    calls = await visit.api("GET", "/v1/calls", of_days)
    said, ours = Months(Counter), Months(Counter)
    rows, outcomes = list[Row](), list[Row]()
    for one in found.items:
        count = {name: getattr(one, name) for name in COUNTED}
        said[one.month].update(count)
        days = one.retract_days / one.retracted if one.retracted else None
        about = {"month": one.month, "member": one.member, "days": days}
        rows.append({**about, **count, "label": _label(visit, one.label)})
    for one in calls.items:
        if one.month <= to:
            word = t(OUTCOMES[one.outcome])
            ours[one.month].update({one.outcome: one.calls})
            about = {"month": one.month, "label": _label(visit, one.label)}
            counts = {"calls": one.calls, "amount": one.amount}
            outcomes.append({**about, **counts, "outcome": word})
    total = sum((*said.values(), *ours.values()), Counter[str]())
    return visit.show(
        "figures.html",
        sentence=t(
            "{reports} reports by {n} members, {retracted} retracted; of our"
            " own calls {dissuaded} dissuaded, {stopped} payments stopped.",
            n=len({row["member"] for row in rows}),
            **{name: total[name] for name in (*COUNTED, *OUTCOMES)},
        ),
        since=since,
        to=to,
        as_of=moment(found.as_of, visit.zone),
        charts=[_chart(said, COUNTED), _chart(ours, OUTCOMES)],
        tables=[
            visit.table("figures", COLUMNS, rows[::-1]),
            visit.table("calls", CALLS, outcomes[::-1]),
        ],
    )


def _label(visit: Visit, code: str) -> str:
    return vocabulary.label("label", code, visit.lang) if code else "–"


def _chart(months: Months, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what is drawn: times, and what is counted then, by name."""
    at = sorted(months)
    return {
        "data": [
            [datetime.fromisoformat(f"{m}-01T00:00Z").timestamp() for m in at],
            *([months[m][name] for m in at] for name in names),
        ],
        "names": [t(_MONTH.title), *map(t, names.values())],
    }
