"""Exchange: who holds how much of whose log, and what is wrong with it."""

from collections.abc import Iterator, Sequence
from typing import Final

from aiohttp import web

from syncd.console import places
from syncd.console.page import Visit, page
from syncd.console.render import ago, say
from syncd.console.tables import At, Cell, Column, Link, moment
from syncd.messages.catalogue import later, t
from syncd.messages.wire import WireMessage
from syncd.web.log_forms import Exchange, Holding
from syncd.web.routes import AUDITORS
from syncd.web.status_forms import Status

_LAGS: Final = (
    *(Column("log", later("log")), Column("n", later("entries that we lack"))),
    Column("per_s", later("entries a second")),
    *(Column("left", later("minutes left")), Column("why", later("why"))),
)
_FINDINGS: Final = (
    *(Column("code", later("finding")), Column("where", later("where"))),
    *(Column("what", later("what happened")), Column("at", later("first"))),
    *(Column("last", later("last")), Column("n", later("times"))),
)


@page("GET", "/exchange", AUDITORS, later("Exchange"), menu=60)
async def exchange(visit: Visit) -> web.StreamResponse:
    """Show the matrix of authors and holders, lags and findings."""
    found: Exchange = await visit.api("GET", "/v1/exchange")
    status: Status = await visit.api("GET", "/v1/status")
    cells = {(one.author, one.holder): one for one in found.items}
    of = {one.author: one.origin for one in found.items}
    columns = Column("author", later("author ＼ holder")), *map(_member, of)
    matrix: list[tuple[Cell, ...]] = [
        (
            Link(places.log(of[author]), author),
            *(_cell(cells.get((author, holder)), visit.now) for holder in of),
        )
        for author in of
    ]
    lags = [
        (
            *(Link(places.log(one.origin), one.member), one.lag, one.per_s),
            None if one.left_s is None else one.left_s / 60,
            say(one.why) if one.why else "",
        )
        for one in status.logs
        if one.lag or one.why
    ]
    return visit.show(
        "exchange.html",
        "live",
        sentence=_sentence(found, len(of), visit.zone),
        matrix=visit.table("matrix", columns, places.rows(columns, matrix)),
        lags=visit.table(
            *("lags", _LAGS, places.rows(_LAGS, lags)),
            empty=t("We hold all that we know of."),
        ),
        findings=visit.table(
            *("findings", _FINDINGS),
            places.rows(_FINDINGS, _findings(status)),
            empty=t("Nothing was found."),
        ),
    )


def _member(id_: str) -> Column:
    return Column(id_, id_)


def _findings(status: Status) -> Iterator[Sequence[Cell]]:
    members = {one.origin: one.member for one in status.logs}
    for one in status.findings:
        where: Cell = one.origin
        if one.index is not None and one.origin in members:
            position = one.origin, one.index
            where = places.place(position, members[one.origin])
        what = WireMessage(
            detail=one.detail, code=one.detail_code, params=one.params
        )
        code = Link(f"/help#{one.code}", one.code)
        times = At(one.first_at), At(one.last_at)
        yield code, where, say(what), *times, one.count


def _sentence(found: Exchange, members: int, zone: str) -> str:
    lacking = [one for one in found.items if one.lacks]
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
    if len(found.items) < members * members:
        return t("No gap is known; not every member was heard of yet.")
    return t(
        "All {n} members hold all of each other's entries, as of {time}.",
        n=members,
        time=moment(min(one.at for one in found.items), zone)[11:],
    )


def _cell(one: Holding | None, now: int) -> str:
    """Return what a member holds of a log, a sign first."""
    if one is None:
        return t("? not heard yet")
    lacks = t("✗ lacks {n}", n=f"{one.lacks:,}") + " ·" if one.lacks else "✓"
    return f"{lacks} {ago(now - one.at)}"
