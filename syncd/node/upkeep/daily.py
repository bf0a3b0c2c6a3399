"""The daily jobs, and what is said of ourselves: types 4, 17 and 19.

Each statement is written once: its name stands in the log's own database
from the transaction of its append on, so that a job may die on any line and
simply run again.
"""

import secrets
from collections.abc import Awaitable, Callable

import structlog

from syncd.config import Config
from syncd.errors import RefusedError
from syncd.flows.ports import Finding, Published
from syncd.indicator import statement, token
from syncd.indicator.statement import (
    COUNTS,
    Sighting,
    Statement,
    Usage,
)
from syncd.node.home import Home
from syncd.node.publish.append_guard import AppendGuard
from syncd.node.publish.publisher import Publisher
from syncd.node.upkeep import erasures
from syncd.roster.roster import Roster
from syncd.store import quota
from syncd.store.sightings import Met

log = structlog.get_logger("syncd.daily")

ROWS = 500  # usage rows in one part: well below 60 KiB


class Daily:
    """What is done once a day, looked for more often."""

    def __init__(
        self,
        *,
        home: Home,
        config: Config,
        roster: Callable[[], Roster],
        standing: AppendGuard,
        publisher: Publisher,
        retire: Callable[[], Awaitable[None]],
        report: Callable[[Finding], Awaitable[None]],
        today: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        """Take the parts.

        Args:
            home: our books, and others' logs.
            config: our settings.
            roster: the one in force.
            standing: says whether our log may grow.
            publisher: appends to it.
            retire: erases what is of retired epochs.
            report: keep a finding.
            today: the day it is in the roster's zone.
            clock: unix seconds.
        """
        self._home = home
        self._config = config
        self._roster = roster
        self._standing = standing
        self._publisher = publisher
        self._retire = retire
        self._report = report
        self._today = today
        self._clock = clock

    async def run(self) -> None:
        """Do what is due: usage and sightings of days past, and pruning."""
        now = int(self._clock())
        own = self._home.own
        await own.access.prune(self._config.access.days)
        await own.quotas.prune(now)
        await own.events.prune()
        await own.entries.prune(statement.day(self._today()))
        await own.imports.prune()
        mirror = self._home.mirror
        await erasures.by_roster(self._roster(), own, mirror, self._report)
        await self._retire()
        await erasures.purge(self._home.path, own, mirror)
        try:
            self._standing.may_append()
        except RefusedError:
            return
        await self._publisher.say_roster()
        for day, key in await own.quotas.untold(self._today()):
            await self._usage(day, key)
        if self._config.sighting.enabled:
            await self._sightings()

    async def _usage(self, day: str, key: str) -> None:
        """Write one day's evaluations of one key (type 17)."""
        kind, epoch = key.split("/")
        rows = [
            (row.member, row.purpose, row.count, row.denied)
            for row in await self._home.own.quotas.usage(day, key)
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
        await self._publisher.append(entries, done=[quota.told(day, key)])

    async def _sightings(self) -> None:
        """Release yesterday's sightings, rounded down and shuffled (type 4)."""
        today = self._today()
        name = f"sightings/{today}"
        own = self._home.own
        if await own.log.was_done(name):
            return
        pending = await own.sightings.due(statement.day(today))
        entries: list[tuple[Statement, Published | None]] = []
        for row in pending:
            met = row.met
            if not await self._reported_by_another(met):
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
        await self._publisher.append(entries, done=[name], sighted=sighted)

    async def _reported_by_another(self, met: Met) -> bool:
        """Tell whether another member's active report stands on a token."""
        code = token.KIND_CODES[met.kind]
        found = await self._home.mirror.claims([met.token], code, met.epoch)
        day = statement.day(self._today())
        return any(
            c.type == 1 and c.origin != self._config.origin and day < c.expires
            for c in found.get(met.token, ())
        )
