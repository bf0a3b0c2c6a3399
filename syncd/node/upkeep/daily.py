"""The daily jobs, and the statements about ourselves: types 4, 16, 17, 19.

Each statement is written once: its name stands in the log's own database
from the transaction of its append on, so that a job may die on any line and
simply run again.
"""

import asyncio
import secrets
from itertools import product
from typing import Any

from syncd.errors import Message, SyncdError
from syncd.flows import anchor, sighting, trial
from syncd.flows.excess import excessive
from syncd.flows.ports import Finding
from syncd.indicator import statement, token
from syncd.indicator.active import World
from syncd.node.context import Context, logged, part
from syncd.node.follow.followed import FollowedLogs
from syncd.node.follow.pulls import Pulls
from syncd.node.pinned import SIGN_S
from syncd.node.publish.publisher import Publisher
from syncd.node.upkeep.disputes import Disputes
from syncd.node.upkeep.roster_orders import RosterOrders
from syncd.roster import drafts
from syncd.roster.terms import PUBLISH
from syncd.store import durable, quota
from syncd.store.access import ANCHORED
from syncd.store.quota import ALL

TURN_S = 600  # for which one member may accuse: all may know of a fork
GRACE_DAYS = 2  # until what was evaluated on a day is merged everywhere
LATE_DAYS = 7  # after so long who holds its log back is judged by it
ROWS = 500  # usage rows in one part: well below 60 KiB


@part
class Daily:
    """What is done once a day, looked for more often."""

    ctx: Context
    pulls: Pulls
    publisher: Publisher
    orders: RosterOrders
    disputes: Disputes
    review: Any  # `Review`, of what one person handed in

    async def run(self) -> None:
        """Do what is due: usage and sightings of the past, and pruning."""
        ctx = self.ctx
        own, days = ctx.own, ctx.config.access.days
        await asyncio.to_thread(self._renew)
        await self.orders.know_never()
        await self.disputes.tell()
        await self.review.daily()
        for book in (own.access, own.appeals, own.calls, own.cosigned):
            await book.prune(days)
        await own.quotas.prune(ctx.now())
        await look_for_excess(ctx, self.pulls.logs)
        for its in (own.events, own.marks, own.imports):
            await its.prune()
        await own.entries.prune(ctx.day)
        await self.orders.by_roster()
        await self._append()
        # Last: without room for it, all the rest of the day is done.
        await self.orders.retire()
        await self.orders.purge()

    def _renew(self) -> None:
        """Write the roster's next version to be signed, 30 days ahead.

        Or when a token key that was replaced is to be retired. It is the same
        at every member: what is signed of it goes together.
        """
        roster, path = self.ctx.roster, self.ctx.renewal
        old = roster.replaced
        due = min([roster.expires - SIGN_S, *(e.until for e in old)])
        begin = max(roster.issued, due)
        if begin <= self.ctx.now() and not path.exists():
            new = drafts.begin(roster, now=begin)
            for epoch in old:
                if epoch.until <= begin:
                    where = "epochs", epoch.label, "retired"
                    new = drafts.put(new, where, True)
            durable.write(path, drafts.write(new, roster))

    async def _append(self) -> None:
        """Publish what is due of usage and sightings, if we may."""
        try:
            self.publisher.guard.may_append()
        except SyncdError:
            return
        await self.publisher.say_roster()
        for day, key in await self.ctx.own.quotas.unreported(self.ctx.today()):
            await self._usage(day, key)
        if self.ctx.sights:
            await self._sightings()
        await self._anchor()
        await self._accuse()
        with logged("not all said again yet"):
            await self.publisher.say_again()

    async def _accuse(self) -> None:
        """Say in our turn which logs forked (type 20), unless somebody has."""
        ctx = self.ctx
        members = sorted({ctx.me, *ctx.others})
        ours = members[ctx.now() // TURN_S % len(members)] == ctx.me
        for origin in await ctx.mirror.contested() if ours else ():
            name = f"evidence/{origin}"
            said = await ctx.own.events.reported(name)
            if said or await ctx.own.log.was_done(name):
                continue
            left = {*await ctx.mirror.rejected(origin)}
            notes = {*await ctx.mirror.evidence(origin)} - left
            sources = self.pulls.sources(origin)
            if made := await trial.prove(origin, notes, sources):
                await self.publisher.append([made], done=[name], poke=True)
                await self.pulls.told(ctx.origin, [made])

    async def _anchor(self) -> None:
        """Say which checkpoints of others we have merged (type 16).

        From the day on that follows our first statement.
        """
        ctx, own, today = self.ctx, self.ctx.own, self.ctx.today()
        name, sized = f"anchor/{today}", "anchored/"
        began = await own.cosigned.first_effect() or ctx.now()
        if ctx.day_of(began) >= today or await own.log.was_done(name):
            return
        anchored = dict[str, int]()
        for text in await own.log.names_done(sized):
            origin, _, size = text.removeprefix(sized).rpartition("/")
            anchored[origin] = max(int(size), anchored.get(origin, 0))
        contested = await ctx.mirror.contested()
        merged = {
            origin: found
            for origin in ctx.roster.origins()
            if origin not in contested | ctx.own_origins
            and (found := await own.cosigned.cosigned("merged", origin))
        }
        given = merged, anchored, ctx.mirror, ctx.offload
        logs = await anchor.due(ctx.origin, today, *given)
        if logs:
            marks = await own.log.names_done(ANCHORED)
            access, newest = await own.access.heads(
                max((int(m.removeprefix(ANCHORED)) for m in marks), default=0)
            )
            done = [name, *(f"{sized}{one.origin}/{one.size}" for one in logs)]
            if access:
                done += [f"{ANCHORED}{newest}"]
            made = statement.Anchor(logs=logs, access=access)
            await self.publisher.append([made], done=done)

    async def _usage(self, day: str, key: str) -> None:
        """Write one day's evaluations of one key (type 17)."""
        kind, epoch = key.split("/")
        rows = await self.ctx.own.quotas.usage(day, key)
        parts = [rows[i : i + ROWS] for i in range(0, len(rows), ROWS)]
        of = len(parts) if len(parts) > 1 else 0
        usage = [
            statement.Usage(
                on=day,
                key=(kind, int(epoch)),  # type: ignore[arg-type]
                rows=tuple(part),
                part=of and number,
                of=of,
            )
            for number, part in enumerate(parts, 1)
        ]
        done = [quota.reported_mark(day, key)]
        await self.publisher.append(usage, done=done)

    async def _sightings(self) -> None:
        """Tell of the weeks before this one (type 4), together and shuffled.

        Once a week, if there are enough of them to hide each other; else they
        wait. What may not be told any more is dropped.
        """
        today = self.ctx.today()
        monday = sighting.monday(self.ctx.day)
        name = f"sightings/{statement.day_text(monday)}"
        own = self.ctx.own
        if await own.log.was_done(name):
            return
        pending = await own.sightings.due(monday)
        world = await self.ctx.world()
        seen = World(world.roster, world.day, world.contested)
        telling = []
        for row in pending:
            code = token.KIND_CODES[row.kind]
            found = await self.ctx.mirror.claims([row.token], code, row.epoch)
            if sighting.may_tell(found.get(row.token, ()), seen, world.own):
                telling.append(row)
        gone = {row.id for row in pending}
        if len({row.token for row in telling}) < sighting.BATCH:
            gone -= {row.id for row in telling}
            telling = []
        told = [  # each a whole week, and so many at least
            statement.Sighting(
                on=today,
                kind=met.kind,  # type: ignore[arg-type]
                epoch=met.epoch,
                token=token.encode(met.token),
                first=statement.day_text(met.week),
                last=statement.day_text(met.week + sighting.WEEK - 1),
                count=max(c for c in statement.COUNTS if c <= met.count),
                outcome=met.outcome,
            )
            for met in telling
        ]
        secrets.SystemRandom().shuffle(told)
        await self.publisher.append(told, done=[name], sighted=[*gone])


# ------------------------------------------------- evaluated and published


async def look_for_excess(ctx: Context, logs: FollowedLogs) -> None:
    """Hold our usage book against what the others' logs say, of two days.

    Whose log lags here is judged by the earlier alone.
    """
    own, sizes = ctx.own, await ctx.mirror.sizes()
    for ago, epoch in product((GRACE_DAYS, LATE_DAYS), ctx.roster.epochs):
        day = statement.day_text(ctx.day - ago)
        for name, purpose, n, _ in await own.quotas.usage(day, epoch.label):
            member = ctx.roster.member(name)
            if not member or name == ctx.me or purpose != PUBLISH:
                continue
            origins = [log.origin for log in member.generations]
            lags = any(
                logs.state(origin).known > sizes[origin][1]
                for origin in origins
                if origin in sizes
            )
            had = await own.published.sums(origins, day, ctx.today(), ALL)
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
    await own.published.prune(statement.day_text(ctx.day - LATE_DAYS - 1))
