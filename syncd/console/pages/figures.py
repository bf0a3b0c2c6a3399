"""Figures: what all logs say by month, and what came of our own calls."""

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.audit.report import moment
from syncd.console.page import Answer, Visit, cells, page, title
from syncd.console.pages.reports import form_of
from syncd.messages.catalogue import later, phrase, word
from syncd.web.record_forms import AccessFilter
from syncd.web.routes import EVERYBODY
from syncd.web.status_forms import FiguresQuery

CALLS = "month label* outcome* notice* calls amount"
SAID = ("reports", "retracted", "sightings", "disputes")
CAME = ("dissuaded", "stopped", "sent", "no_fraud")
HEADS = f"month member* label* {' '.join(SAID)} hours_least hours_most"


@page("GET /figures", EVERYBODY, later("Figures"), menu=80)
async def figures(visit: Visit) -> Answer:
    """Show what is counted of some months, by default of a year."""
    now = moment(visit.now, visit.zone)[:7]
    given = {"from": f"{int(now[:4]) - 1}{now[4:]}", "to": now}
    given |= {n: m for n in given if (m := visit.query.get(n, "").strip())}
    wanted = form_of(FiguresQuery, given)
    found = await visit.api("GET /v1/figures", wanted)
    of_days = AccessFilter(since=f"{wanted.from_}-01")
    calls = await visit.api("GET /v1/calls", of_days)
    said = [cells(one) for one in found.items]
    for row in said:
        for name in ("hours_least", "hours_most"):
            n = row["retracted"]
            row[name] = row[name] / n if n else None
    came = [
        cells(
            one, notice=word("action", one.notice), **{one.outcome: one.calls}
        )
        for one in calls.items
        if one.month <= wanted.to
    ]
    total = {n: sum(r.get(n, 0) for r in said + came) for n in (*SAID, *CAME)}
    kinds = {name: title("figures", name) for name in SAID}
    outcomes = {name: phrase("outcome", name) for name in CAME}
    return visit.show(
        "figures.html",
        total=total,
        yuan=f"{sum(r['amount'] for r in came if 'stopped' in r):,}",
        n=len({row["member"] for row in said}),
        wanted=wanted,
        as_of=found.as_of,
        charts=[_chart(said, kinds, wanted), _chart(came, outcomes, wanted)],
        tables=[
            visit.table("figures", HEADS, said[::-1]),
            visit.table("calls", CALLS, came[::-1]),
        ],
    )


def _chart(
    rows: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    of: FiguresQuery,
) -> dict[str, Any]:
    """Return what is drawn: the months, and what is counted then, by name."""
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (of.from_, of.to))
    months = [f"{n // 12}-{n % 12 + 1:02}" for n in range(first, last + 1)]
    sums = [
        [sum(r.get(n, 0) for r in rows if r["month"] == m) for m in months]
        for n in names
    ]
    titles = [title("figures", "month"), *names.values()]
    return {"data": [months, *sums], "names": titles}
