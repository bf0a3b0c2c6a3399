"""Findings on members that had us evaluate more than they published."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from syncd.errors import Message
from syncd.flows.excess import GRACE_DAYS, excessive
from syncd.flows.ports import Finding
from syncd.indicator import statement
from syncd.indicator.statement import Retract, Sighting
from syncd.node.context import Context
from syncd.node.follow.followed import FollowedLogs
from syncd.node.upkeep.arrivals import Arrival
from syncd.roster.terms import PUBLISH

MOST_DAYS = 7  # for so long a log that lags holds up the judging of a day
JUDGED = "excess"  # until which day


@dataclass(frozen=True, slots=True)
class Excess:
    """Holds our usage book against the others' logs, day by day."""

    ctx: Context
    logs: FollowedLogs

    async def arrived(self, page: Sequence[Arrival]) -> None:
        """Count what was published of late."""
        if not self.ctx.home.shares:
            return
        least = self._day(-MOST_DAYS)
        counts = Counter(
            (found.on, arrival.position[0], f"{found.kind}/{found.epoch}")
            for arrival in page
            for found in (arrival.statement,)
            if not isinstance(found, Retract | Sighting)
            and found.kind != "url"
            and found.on >= least
        )
        if counts:
            await self.ctx.own.published.add(counts)

    async def run(self) -> None:
        """Judge each day once, as soon as what it brought is merged."""
        done = await self.ctx.own.events.reported(JUDGED)
        if not done:
            done = self._day(-GRACE_DAYS - 1)
            await self.ctx.own.events.now(JUDGED, done, "")
        for ago in range(MOST_DAYS, GRACE_DAYS - 1, -1):
            day = self._day(-ago)
            if day <= done:
                continue
            if ago < MOST_DAYS and await self._lags():
                return
            await self._judge(day)
            await self.ctx.own.events.now(JUDGED, day, "")
        await self.ctx.own.published.prune(self._day(-MOST_DAYS - 1))

    async def _lags(self) -> bool:
        sizes = await self.ctx.mirror.sizes()
        return any(
            self.logs.state(origin).known > merged
            for origin, (_, merged) in sizes.items()
        )

    async def _judge(self, day: str) -> None:
        roster, own = self.ctx.roster, self.ctx.own
        counts = await own.published.of(day)
        for epoch in roster.epochs:
            for row in await own.quotas.usage(day, epoch.label):
                member = roster.member(row.member)
                if member is None or row.purpose != PUBLISH:
                    continue
                had = sum(
                    counts.get((log.origin, epoch.label), 0)
                    for log in member.generations
                )
                if excessive(row.count, had):
                    await self.ctx.report(
                        Finding(
                            "excess",
                            member.origin,
                            None,
                            Message(
                                "on {day} we evaluated {n} of {kind}/{epoch}"
                                " for it to publish, and its log has {count}"
                                " of that day",
                                day=day,
                                n=row.count,
                                kind=epoch.kind,
                                epoch=epoch.epoch,
                                count=had,
                            ),
                        )
                    )

    def _day(self, more: int) -> str:
        return statement.day_text(statement.day(self.ctx.today()) + more)
