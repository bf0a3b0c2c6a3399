"""Carry out what a new roster orders; the daily job does it again.

A log's own erase statements act in the transaction that mirrors them. The
roster erases for an origin that cannot speak any more, in the tree that it
names by size and root. Either way SQLite keeps freed bytes until its file is
rewritten: that is done once after new erasures, by the daily job.
"""

import asyncio
import contextlib

from syncd.errors import Message, StaleError
from syncd.flows import held, merge
from syncd.flows.ports import Offload
from syncd.flows.publish import Writer
from syncd.node.context import Context, log, logged, part
from syncd.node.upkeep.never_list import NeverList
from syncd.tlog.merkle import BUNDLE

FOLDED = "upkeep/folded"  # kept: the format by which claims were folded
PURGED = "upkeep/purged"  # kept: how many erasures the last rewrite covered
RETIRED = "upkeep/retired"  # kept: the epochs of which nothing is kept
STEP = 64  # bundles closed in one transaction


@part
class RosterOrders:
    """Retired epochs, a risen format, the never-list."""

    ctx: Context
    never: NeverList
    checks: Offload  # folds what is mirrored
    writer: Writer  # appends: not while our log is closed in own.db

    def __post_init__(self) -> None:
        self._retiring = asyncio.Lock()

    async def carry_out(self) -> None:
        """Do all of it; what cannot be done now is done later."""
        with logged("not done yet"):  # the daily job, or a start, comes again
            await self.retire()
            await self.refold()
        await self.know_never()

    async def retire(self) -> None:
        """Erase what is of the roster's retired epochs wherever we keep it.

        From the first line on nothing of them is merged any more. It may die
        on any line and simply run again.
        """
        own, mirror = self.ctx.own, self.ctx.mirror
        async with self._retiring:
            mirror.retired = retired = self.ctx.roster.retired
            done = " ".join(
                sorted(f"{kind}/{epoch}" for kind, epoch in retired)
            )
            if await own.events.reported(RETIRED) == done:
                return
            log.info("retiring", epochs=done)
            await mirror.drop_retired()
            for head in await mirror.heads():
                for first in range(0, -(-head.mirrored // BUNDLE), STEP):
                    await mirror.retire(head.origin, first, first + STEP)
            await self.close_ours()
            await own.vault.retire(retired)
            await own.database.purge()
            await own.events.now(RETIRED, done, "")

    async def refold(self) -> None:
        """Fold all logs again if the roster's format has risen.

        What was void may say something now. Nothing is fetched: each log is
        folded from its mirror, one after the other, so that look-ups miss the
        claims of one of them at a time. A build that does not implement the
        format stops merging instead; the build that replaces it does this
        when it starts.
        """
        roster, mirror = self.ctx.roster, self.ctx.mirror
        events = self.ctx.own.events
        if roster.stops_merging:
            log.critical("not merging", format=roster.format)
            return
        was = int(await events.reported(FOLDED) or 1)
        if roster.format == was:
            return
        log.warning("folding all logs again", before=was, format=roster.format)
        for head in await mirror.heads():
            if not head.contested:  # else it could not move on from a start
                await mirror.fold_again(head.origin)
                with contextlib.suppress(StaleError):  # another goes on
                    await merge.all_stored(head.origin, mirror, self.checks)
        await events.now(FOLDED, str(roster.format), "")

    async def know_never(self) -> None:
        """Learn the never-list's tokens, and what of ours it protects."""
        for learn in (self.never.refresh, self.never.protected):
            with logged("never-list not refreshed"):  # the other may go well
                await learn()

    # -------------------------------------------------------------- erasing
    async def by_roster(self) -> None:
        """Act on the roster's erasures as far as we mirror their trees."""
        mirror = self.ctx.mirror
        for order in self.ctx.roster.erased:
            head = await mirror.head(order.origin)
            if head.mirrored < order.size:
                continue  # when we get there
            if await held.copy(mirror, head).root_at(order.size) != order.root:
                why = Message(
                    "the roster erases in another tree of size {size}", order
                )
                await self.ctx.found("erase_root", order.origin, why)
                continue
            wanted = {(a, b, order.size) for a, b in order.ranges}
            fresh = wanted - set(await mirror.erased(order.origin))
            if fresh:
                await mirror.erase(order.origin, sorted(fresh))
                log.info("erased", origin=order.origin, ranges=len(fresh))

    async def close_ours(self) -> None:
        """Close in own.db what mirror.db knows to be erased of our logs.

        Under the lock of who appends: it writes the tail again as it read it.
        """
        own, span = self.ctx.own.log, STEP * BUNDLE
        for origin, size in (await own.sizes()).items():
            known = await self.ctx.mirror.erased(origin)
            for at in range(0, size, span):
                near = [
                    (max(first, at), min(stop, at + span), by)
                    for first, stop, by in known
                    if first < at + span and at < min(stop, by)
                ]
                if near:
                    async with self.writer.lock:
                        await own.erase(origin, near)

    async def purge(self) -> None:
        """Leave no byte of what was erased since the last time.

        An own.db that was set back is behind in what it has closed, too.
        """
        own, mirror, count = self.ctx.own, self.ctx.mirror, 0
        for head in await mirror.heads():
            count += len(await mirror.erased(head.origin))
        if count == int(await own.events.reported(PURGED) or 0):
            return
        await self.close_ours()
        await own.database.purge()
        await mirror.purge()
        await own.events.now(PURGED, str(count), "")
        log.info("purged", erasures=count)
