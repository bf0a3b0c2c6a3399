"""The daily jobs, and what is said of ourselves: types 4, 17 and 19.

Each statement is written once: its name stands in the log's own database
from the transaction of its append on, so that a job may die on any line and
simply run again.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

import structlog

from syncd.errors import RefusedError, StaleError
from syncd.flows.ports import Published
from syncd.indicator import statement, token
from syncd.indicator.statement import (
    COUNTS,
    RosterAccepted,
    Sighting,
    Statement,
    Usage,
)
from syncd.node import erasures
from syncd.store import quota
from syncd.store.sightings import Met

if TYPE_CHECKING:
    from syncd.node.daemon import Daemon

log = structlog.get_logger("syncd.daily")

ROWS = 500  # usage rows in one part: well below 60 KiB


async def run(daemon: Daemon) -> None:
    """Do what is due: usage and sightings of days past, and pruning."""
    now = int(daemon.clock())
    own = daemon.home.own
    await own.access.prune(daemon.config.access.days)
    await own.quotas.prune(now)
    await own.events.prune()
    await erasures.by_roster(
        daemon.rosters.current, daemon.home.mirror, daemon.report
    )
    await daemon.retire()
    await erasures.purge(daemon.home.path, daemon.home.mirror)
    try:
        daemon.may_append()
    except RefusedError:
        return
    await say_roster(daemon)
    for day, key in await own.quotas.untold(daemon.today()):
        await _usage(daemon, day, key)
    if daemon.config.sighting.enabled:
        await _sightings(daemon)


async def say_roster(daemon: Daemon) -> None:
    """Write which roster we accepted (type 19), once for each version."""
    roster = daemon.rosters.current
    name = f"roster/{roster.version}"
    log_ = daemon.home.own.log
    if await log_.was_done(name):
        return
    said = RosterAccepted(version=roster.version, hash_=roster.hash)
    # Else somebody else of us said it meanwhile: once is enough.
    with contextlib.suppress(StaleError):
        await daemon.append([(said, None)], done=[name])


async def _usage(daemon: Daemon, day: str, key: str) -> None:
    """Write one day's evaluations of one key (type 17)."""
    kind, epoch = key.split("/")
    rows = [
        (row.member, row.purpose, row.count, row.denied)
        for row in await daemon.home.own.quotas.usage(day, key)
    ]
    parts = [rows[i : i + ROWS] for i in range(0, len(rows), ROWS)]
    many = len(parts) > 1
    entries: list[tuple[Statement, Published | None]] = [
        (
            Usage(
                on=day,
                key=(kind, int(epoch)),  # type: ignore[arg-type]
                rows=tuple(sorted(part)),
                part=number if many else 0,
                of=len(parts) if many else 0,
            ),
            None,
        )
        for number, part in enumerate(parts, 1)
    ]
    await daemon.append(entries, done=[quota.told(day, key)])


async def _sightings(daemon: Daemon) -> None:
    """Release yesterday's sightings, rounded down and shuffled (type 4)."""
    today = daemon.today()
    name = f"sightings/{today}"
    own = daemon.home.own
    if await own.log.was_done(name):
        return
    pending = await own.sightings.due(statement.day(today))
    entries: list[tuple[Statement, Published | None]] = []
    for row in pending:
        met = row.met
        if not await _reported_by_another(daemon, met):
            continue
        day = statement.day_text(met.day)
        said = Sighting(
            on=today,
            kind=met.kind,  # type: ignore[arg-type]
            epoch=met.epoch,
            token=token.encode(met.token),
            first=day,
            last=day,
            count=max(c for c in COUNTS if c <= row.count),
            outcome=met.outcome,
        )
        entries.append((said, None))
    secrets.SystemRandom().shuffle(entries)
    sighted = [row.id for row in pending]
    await daemon.append(entries, done=[name], sighted=sighted)


async def _reported_by_another(daemon: Daemon, met: Met) -> bool:
    """Tell whether another member's active report stands on a token."""
    code = token.KIND_CODES[met.kind]
    found = await daemon.home.mirror.claims([met.token], code, met.epoch)
    day = statement.day(daemon.today())
    return any(
        c.type == 1 and c.origin != daemon.config.origin and day < c.expires
        for c in found.get(met.token, ())
    )
