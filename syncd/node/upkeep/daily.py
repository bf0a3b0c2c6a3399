"""The daily jobs, and the statements about ourselves: types 4, 17 and 19.

Each statement is written once: its name stands in the log's own database
from the transaction of its append on, so that a job may die on any line and
simply run again.
"""

import secrets
from dataclasses import dataclass

import structlog

from syncd.errors import RefusedError
from syncd.flows.ports import Published
from syncd.indicator import statement, token
from syncd.indicator.statement import (
    COUNTS,
    Report,
    Sighting,
    Statement,
    Usage,
)
from syncd.node.context import Context
from syncd.node.publish.append_guard import AppendGuard
from syncd.node.publish.publisher import Publisher
from syncd.node.upkeep import erasures
from syncd.node.upkeep.roster_orders import RosterOrders
from syncd.store import quota
from syncd.store.sightings import SightedToken

log = structlog.get_logger("syncd.daily")

ROWS = 500  # usage rows in one part: well below 60 KiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """What is done once a day, looked for more often."""

    ctx: Context
    guard: AppendGuard
    publisher: Publisher
    orders: RosterOrders

    async def run(self) -> None:
        """Do what is due: usage and sightings of days past, and pruning."""
        await self.orders.know_never()
        now = self.ctx.now()
        own = self.ctx.own
        await own.access.prune(self.ctx.config.access.days)
        await own.quotas.prune(now)
        await own.events.prune()
        await own.entries.prune(statement.day(self.ctx.today()))
        await own.imports.prune()
        mirror = self.ctx.mirror
        await erasures.by_roster(self.ctx.roster, own, mirror, self.ctx.report)
        await self.orders.retire()
        await erasures.purge(self.ctx.home.path, own, mirror)
        try:
            self.guard.may_append()
        except RefusedError:
            return
        await self.publisher.say_roster()
        for day, key in await own.quotas.unreported(self.ctx.today()):
            await self._usage(day, key)
        if self.ctx.config.sighting.enabled:
            await self._sightings()

    async def _usage(self, day: str, key: str) -> None:
        """Write one day's evaluations of one key (type 17)."""
        kind, epoch = key.split("/")
        rows = [
            (row.member, row.purpose, row.count, row.denied)
            for row in await self.ctx.own.quotas.usage(day, key)
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
        await self.publisher.append(
            entries, done=[quota.reported_mark(day, key)]
        )

    async def _sightings(self) -> None:
        """Release yesterday's sightings, rounded down and shuffled (type 4)."""
        today = self.ctx.today()
        name = f"sightings/{today}"
        own = self.ctx.own
        if await own.log.was_done(name):
            return
        pending = await own.sightings.due(statement.day(today))
        entries: list[tuple[Statement, Published | None]] = []
        for row in pending:
            met = row.met
            if not await self._reported_by_another(met):
                continue
            day = statement.day_text(met.day)
            sighting = Sighting(
                on=today,
                kind=met.kind,  # type: ignore[arg-type]
                epoch=met.epoch,
                token=token.encode(met.token),
                first=day,
                last=day,
                count=max(c for c in COUNTS if c <= row.count),
                outcome=met.outcome,
            )
            entries.append((sighting, None))
        secrets.SystemRandom().shuffle(entries)
        sighted = [row.id for row in pending]
        await self.publisher.append(entries, done=[name], sighted=sighted)

    async def _reported_by_another(self, met: SightedToken) -> bool:
        """Tell whether another member's active report stands on a token."""
        code = token.KIND_CODES[met.kind]
        found = await self.ctx.mirror.claims([met.token], code, met.epoch)
        return any(
            isinstance(c.statement, Report)
            and c.origin != self.ctx.origin
            and self.ctx.today() < c.statement.expires
            for c in found.get(met.token, ())
        )
