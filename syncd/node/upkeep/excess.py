"""Findings on members that had us evaluate more than they published."""

from syncd.errors import Message
from syncd.flows.excess import excessive
from syncd.flows.ports import Finding
from syncd.indicator import statement
from syncd.node.context import Context
from syncd.node.follow.followed import FollowedLogs
from syncd.roster.terms import PUBLISH
from syncd.store.quota import ALL

GRACE_DAYS = 2  # until what was evaluated on a day is merged everywhere
LATE_DAYS = 7  # after so long who holds its log back is judged by it


async def run(ctx: Context, logs: FollowedLogs) -> None:
    """Hold our usage book against what the others' logs say, of two days.

    Whose log lags here is judged by the earlier alone.
    """
    for ago in (GRACE_DAYS, LATE_DAYS):
        await _judge(ctx, logs, statement.day_text(ctx.day - ago), ago)
    await ctx.own.published.prune(statement.day_text(ctx.day - LATE_DAYS - 1))


async def _judge(ctx: Context, logs: FollowedLogs, day: str, ago: int) -> None:
    sizes = await ctx.mirror.sizes()
    for epoch in ctx.roster.epochs:
        usage = await ctx.own.quotas.usage(day, epoch.label)
        for name, purpose, n, _ in usage:
            member = ctx.roster.member(name)
            if not member or name == ctx.me or purpose != PUBLISH:
                continue
            origins = [log.origin for log in member.generations]
            lags = any(
                logs.state(origin).known > sizes[origin][1]
                for origin in origins
                if origin in sizes
            )
            had = await ctx.own.published.sums(origins, day, ctx.today(), ALL)
            if excessive(n, had[ALL]) and not (lags and ago < LATE_DAYS):
                text = Message(
                    "on {day} we evaluated {n} of {kind}/{epoch} for it"
                    " to publish, far more than its log says since",
                    epoch,
                    day=day,
                    n=n,
                )
                found = Finding("excess", member.origin, None, text)
                await ctx.report(found, once=True)
