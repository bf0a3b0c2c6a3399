"""Carry out what a new roster orders; the daily job does it again."""

import asyncio
import contextlib

import structlog

from syncd.errors import StaleError
from syncd.flows import merge
from syncd.flows.ports import Offload
from syncd.flows.publish import Writer
from syncd.node.background import logged
from syncd.node.context import Context, part
from syncd.node.upkeep import erasures
from syncd.node.upkeep.never_list import NeverList

FOLDED = "upkeep/folded"  # kept: the format by which claims were folded

log = structlog.get_logger("syncd.node")


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
        """Erase what is of the roster's retired epochs."""
        async with self._retiring:
            await erasures.by_epoch(self.ctx, self.writer.lock)

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
