"""Findings on members that had us evaluate more than they published."""

from syncd.errors import Message
from syncd.flows.excess import excessive
from syncd.flows.ports import Finding
from syncd.indicator import statement
from syncd.node.context import Context, part
from syncd.node.follow.followed import FollowedLogs
from syncd.roster.terms import PUBLISH
from syncd.store.published import ALL

GRACE_DAYS = 2  # until what was evaluated on a day is merged everywhere
LATE_DAYS = 7  # after so long who holds its log back is judged by it


@part
class Excess:
    """Holds our usage book against what the others' logs say."""

    ctx: Context
    logs: FollowedLogs

    async def run(self) -> None:
        """Judge two past days; whose log lags here, by the earlier alone."""
        for ago in (GRACE_DAYS, LATE_DAYS):
            await self._judge(ago)
        await self.ctx.own.published.prune(self._day(LATE_DAYS + 1))

    async def _judge(self, ago: int) -> None:
        roster, own = self.ctx.roster, self.ctx.own
        day = self._day(ago)
        sizes = await self.ctx.mirror.sizes()
        for epoch in roster.epochs:
            for name, purpose, n, _ in await own.quotas.usage(
                day, epoch.label
            ):
                member = roster.member(name)
                if not member or name == self.ctx.me or purpose != PUBLISH:
                    continue
                origins = [log.origin for log in member.generations]
                lags = any(
                    self.logs.state(origin).known > sizes[origin][1]
                    for origin in origins
                    if origin in sizes
                )
                had = await own.published.sums(
                    origins, day, self.ctx.today(), ALL
                )
                if excessive(n, had[ALL]) and not (lags and ago < LATE_DAYS):
                    text = Message(
                        "on {day} we evaluated {n} of {kind}/{epoch} for it"
                        " to publish, far more than its log says since",
                        epoch,
                        day=day,
                        n=n,
                    )
                    found = Finding("excess", member.origin, None, text)
                    await self.ctx.report(found, once=True)

    def _day(self, ago: int) -> str:
        return statement.day_text(statement.day(self.ctx.today()) - ago)
