"""Exchange: who holds how much of whose log, and what is wrong with it."""

from collections.abc import Iterator, Sequence

from syncd.console import places
from syncd.console.page import (
    Answer,
    At,
    Cell,
    Column,
    Link,
    Visit,
    columns,
    page,
)
from syncd.console.render import say
from syncd.messages.answers import ago
from syncd.messages.catalogue import later, t
from syncd.web.routes import AUDITORS
from syncd.web.status_forms import LogState, Status

Held = dict[tuple[str, str], tuple[int, int]]
"""(author, holder) → entries that it lacks, as of when"""


@page("GET /exchange", AUDITORS, later("Exchange"), menu=60)
async def exchange(visit: Visit) -> Answer:
    """Show the matrix of authors and holders, lags and findings."""
    status: Status = await visit.api("GET /v1/status")
    known = current(status)
    held = gaps(status, known)
    heads = [*columns("matrix", "author"), *(Column(m, m) for m in known)]
    matrix: list[tuple[Cell, ...]] = [
        (
            Link(places.log(log.origin), author),
            *(_cell(held.get((author, h)), visit.now) for h in known),
        )
        for author, log in known.items()
    ]
    lags = [
        (
            *(Link(places.log(one.origin), one.member), one.lag, one.per_s),
            one.lag / one.per_s / 60 if one.per_s else None,
            say(one.why) if one.why else "",
        )
        for one in status.logs
        if one.lag or one.why
    ]
    return visit.show(
        "exchange.html",
        held=held,
        known=known,
        matrix=visit.table("matrix", heads, matrix),
        lags=visit.table("lags", "log n per_s left why", lags),
        findings=visit.table(
            "findings", "code where what at last n", _findings(status)
        ),
    )


def _findings(status: Status) -> Iterator[Sequence[Cell]]:
    members = {one.origin: one.member for one in status.logs}
    for one in status.findings:
        where: Cell = one.origin
        if one.index is not None and one.origin in members:
            position = one.origin, one.index
            where = places.place(position, members[one.origin])
        code = Link(f"/help#{one.code}", one.code)
        times = At(one.first_at), At(one.last_at)
        yield code, where, say(one), *times, one.count


def current(status: Status) -> dict[str, LogState]:
    """Return the log that each active member writes now."""
    active = {m.member for m in status.members if m.state != "removed"}
    logs = reversed(status.logs)  # those that are written now come first
    known = {one.member: one for one in logs if one.member in active}
    return dict(sorted(known.items()))


def gaps(status: Status, known: dict[str, LogState]) -> Held:
    """Return what each holder lacks of each log, as of when."""
    me, held = status.member, Held()
    for row in status.members:
        for author, log in known.items() if row.member in known else ():
            size, at = row.holds.get(log.origin), row.told_at
            there = status.log.size if author == me else log.known
            if row.member == me:
                size, at = there - (author != me) * log.lag, status.time
            if size is not None:
                held[author, row.member] = max(there - size, 0), at
    return held


def _cell(one: tuple[int, int] | None, now: int) -> str:
    if one is None:
        return t("? not heard yet")
    lacks, at = one
    sign = t("✗ lacks {n}", n=f"{lacks:,}") + " ·" if lacks else "✓"
    return f"{sign} {ago(now - at)}"
