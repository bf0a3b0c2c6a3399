"""Exchange: who holds how much of whose log, and what is wrong with it."""

from typing import Final

from aiohttp import web

from syncd.console import places
from syncd.console.page import Visit, page
from syncd.console.render import ago, say
from syncd.console.tables import At, Cell, Column, Link, Row
from syncd.messages.catalogue import later, t
from syncd.messages.wire import WireMessage
from syncd.web.log_forms import Exchange, Holding
from syncd.web.routes import AUDITORS
from syncd.web.status_forms import Status

_LAGS: Final = (
    Column("log", later("log")),
    Column("lag", later("entries that we lack")),
    Column("per_s", later("entries a second")),
    Column("left", later("minutes left")),
    Column("why", later("why")),
)
_FINDINGS: Final = (
    Column("code", later("finding"), choices=True),
    Column("where", later("where")),
    Column("what", later("what happened")),
    Column("first", later("first")),
    Column("last", later("last")),
    Column("count", later("times")),
)


@page("GET", "/exchange", AUDITORS, later("Exchange"), menu=60)
async def exchange(visit: Visit) -> web.StreamResponse:
    """Show the matrix of authors and holders, lags and findings."""
    found: Exchange = await visit.api("GET", "/v1/exchange")
    status: Status = await visit.api("GET", "/v1/status")
    cells = {(one.author, one.holder): one for one in found.items}
    active = [m.member for m in status.members if m.state != "removed"]
    origins = {one.origin: one.member for one in status.logs}
    of = {one.author: one.origin for one in found.items}
    matrix: list[Row] = [
        {
            "author": Link(places.log(of[author]), author),
            **{h: _cell(cells.get((author, h)), visit.now) for h in active},
        }
        for author in active
        if author in of
    ]
    lacking = [one for one in found.items if one.lacks]
    findings: list[Row] = [
        {
            "code": Link(f"/help#{one.code}", one.code),
            "where": one.origin
            if one.index is None or one.origin not in origins
            else places.place((one.origin, one.index), origins[one.origin]),
            "what": say(
                WireMessage(
                    detail=one.detail, code=one.detail_code, params=one.params
                )
            ),
            "first": At(one.first_at),
            "last": At(one.last_at),
            "count": one.count,
        }
        for one in status.findings
    ]
    lags: list[Row] = [
        {
            "log": Link(places.log(one.origin), one.member),
            "lag": one.lag,
            "per_s": one.per_s,
            "left": None if one.left_s is None else one.left_s / 60,
            "why": say(one.why) if one.why else "",
        }
        for one in status.logs
        if one.lag or one.why
    ]
    columns = [Column("author", later("author ＼ holder"))]
    return visit.show(
        "exchange.html",
        "live",
        sentence=_sentence(lacking, len(active), len(found.items)),
        matrix=visit.table(
            "matrix", [*columns, *(Column(m, m) for m in active)], matrix
        ),
        lags=visit.table(
            "lags", _LAGS, lags, empty=t("We hold all that we know of.")
        ),
        findings=visit.table(
            "findings", _FINDINGS, findings, empty=t("Nothing was found.")
        ),
    )


def _sentence(lacking: list[Holding], members: int, known: int) -> str:
    if lacking:
        most = max(lacking, key=lambda one: one.lacks)
        return t(
            "{holder} lacks {n} entries of {author}, and {others} other gaps"
            " are known.",
            holder=most.holder,
            n=most.lacks,
            author=most.author,
            others=len(lacking) - 1,
        )
    if known < members * members:
        return t("No gap is known; not every member was heard of yet.")
    return t("All {n} members hold all of each other's entries.", n=members)


def _cell(one: Holding | None, now: int) -> Cell:
    """Return what a member holds of a log, a sign first."""
    if one is None:
        return t("? not heard yet")
    if not one.lacks:
        return f"✓ {ago(now - one.at)}"
    lacks = t("✗ lacks {n}", n=f"{one.lacks:,}")
    return f"{lacks} · {ago(now - one.at)}"
