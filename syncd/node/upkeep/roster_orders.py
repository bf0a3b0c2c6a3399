"""What a new roster asks for and takes a while; the daily job does it too."""

import asyncio
import contextlib
from dataclasses import dataclass

import structlog

from syncd.errors import StaleError, SyncdError
from syncd.flows import merge
from syncd.flows.ports import Offload
from syncd.node.context import Context
from syncd.node.publish.publisher import Publisher
from syncd.node.upkeep import erasures, refold
from syncd.node.upkeep.never_list import NeverList
from syncd.node.upkeep.overtaken import Overtaken

log = structlog.get_logger("syncd.node")


@dataclass(kw_only=True, eq=False)
class RosterOrders:
    """Retired epochs, a risen format, the never-list."""

    ctx: Context
    publisher: Publisher
    never: NeverList
    overtaken: Overtaken
    checks: Offload  # folds what is mirrored

    def __post_init__(self) -> None:
        self._retiring = asyncio.Lock()

    async def carry_out(self) -> None:
        """Do all of it; what cannot be done now is done later."""
        try:
            await self.retire()
            await self.refold()
        except SyncdError as e:  # the daily job, or a start, comes again
            log.warning("not done yet", why=str(e))
        await self.know_never()

    async def retire(self) -> None:
        """Erase what is of the roster's retired epochs."""
        home = self.ctx.home
        async with self._retiring:
            await erasures.by_epoch(
                home.path, self.ctx.roster, home.own, home.mirror
            )

    async def refold(self) -> None:
        """Fold all logs again if the roster's format has risen."""
        roster, home = self.ctx.roster, self.ctx.home
        if roster.stops_merging:
            log.critical("not merging", format=roster.format)
            return

        async def fold(origin: str) -> None:
            with contextlib.suppress(StaleError):  # a pull goes on with it
                if origin == self.ctx.origin:
                    await self.publisher.merge_own()
                else:
                    await merge.all_stored(origin, home.mirror, self.checks)

        await refold.refold(home.path, roster.format, home.mirror, fold)

    async def know_never(self) -> None:
        """Learn the never-list's tokens, and what of ours it protects."""
        for learn in (self.never.refresh, self.overtaken.look):
            try:
                await learn()
            except SyncdError as e:  # the other may go well
                log.warning("never-list not refreshed", why=str(e))
