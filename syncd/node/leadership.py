"""Lead our daemons, or follow the one that does.

With files there is one daemon, which leads. On a server each looks every
second whether it does, and what another has written: readers get our log's
new tip only when this machine's mark is written too.
"""

import asyncio
from collections.abc import Mapping

from syncd.grouped import cancelled
from syncd.node.context import Aside, Context, log, logged, part
from syncd.node.notify.notifier import Notifier
from syncd.node.publish.append_guard import AppendGuard
from syncd.node.publish.publisher import Publisher
from syncd.node.serve.peer_service import PeerService
from syncd.node.upkeep import old_shares
from syncd.node.upkeep.arrivals import Arrivals
from syncd.node.upkeep.daily import Daily
from syncd.store.leading import Election

LOOK_S = 1.0


@part
class Leadership:
    """Whether this daemon leads, and what it sees of one that does."""

    ctx: Context
    publisher: Publisher
    guard: AppendGuard
    arrivals: Arrivals
    notifier: Notifier
    daily: Daily
    aside: Aside
    peer_service: PeerService

    def __post_init__(self) -> None:
        self.number = 0  # the fencing number under which we lead, or 0
        self._election = self.ctx.home.election
        self._logs: Mapping[str, tuple[int, ...]] = {}  # as we saw them last
        self._event = 0
        self._taking_up = asyncio.Lock()
        self._tasks = list[asyncio.Task[None]]()
        self.begun = asyncio.Event()  # we lead, and have caught up

    async def begin(self) -> None:
        """Lead or follow."""
        if self._election is None:
            self.number = 1
            await self._lead()
        else:
            await self._follow()
            await self._look(self._election)

    async def daily_jobs(self) -> None:
        """Do what is due once a day, if we lead; keep what we refused."""
        with logged("old shares stay"):
            await old_shares.drop(self.ctx, self.publisher.tokeniser)
        if self.number:
            await self.daily.run()
        else:
            await self.ctx.own.quotas.prune(self.ctx.now())

    async def run(self) -> None:
        """Look again each second, on a server."""
        while self._election is not None:
            await asyncio.sleep(LOOK_S)
            with logged("cannot look", Exception):
                await self._look(self._election)

    async def _look(self, election: Election) -> None:
        """Lead if nobody does, else follow; take up what another wrote."""
        number = await election.look()
        if number != self.number:
            await self._follow()
            self.number = number
            if number:  # beside: who does not look for long leads no more
                self.guard.lead()
                leading = self._try_to_lead(election)
                self._tasks = [asyncio.create_task(leading)]
        # A write may wait, and who is silent leads no more.
        if not self._taking_up.locked():
            self.aside(self._take_up(election))

    async def _try_to_lead(self, election: Election) -> None:
        try:
            moved = await self.ctx.own.log.release()
            await self._lead(handed_over=election.handed_over and not moved)
        except Exception:
            log.exception("cannot lead")
            # Others may be able to. A look may wait for the server just now.
            await asyncio.to_thread(election.resign)

    async def _lead(self, *, handed_over: bool = False) -> None:
        """Append, merge and do what is due, from now on."""
        self.daily.pulls.paused = False
        await self.daily.orders.refold()
        await self.publisher.merge_own()
        await self.guard.obey()
        await self.peer_service.event_writer.all()
        self.aside(self.arrivals.grown())
        self.guard.check_startup(handed_over=handed_over)
        self._tasks += [
            asyncio.create_task(self.publisher.run()),
            asyncio.create_task(self.notifier.run()),
        ]
        self.begun.set()

    async def _follow(self) -> None:
        """Only answer, from now on: another daemon of ours leads."""
        self.daily.pulls.paused = True
        self.begun.clear()
        await self.stop()
        await self.daily.pulls.stop()
        await self.guard.follow()

    async def stop(self) -> None:
        """Publish and notify no more."""
        await cancelled(self._tasks)
        self._tasks = []

    async def _take_up(self, election: Election) -> None:
        """Take up what another wrote."""
        async with self._taking_up:
            news = await election.news(self.ctx.roster.version)
            for note in news.rosters:
                await self.peer_service.rosters.publish(note)
            for version in range(news.known + 1, self.ctx.roster.version + 1):
                if raw := self.ctx.home.rosters.get(version):
                    await election.keep(version, raw)
            if not self.number:  # readers get what the leader wrote
                if await self.ctx.own.log.release():
                    self.peer_service.changed(self.ctx.origin)
                sizes = await self.ctx.mirror.sizes()
                now = {o: (*sizes[o], news.receipts.get(o, 0)) for o in sizes}
                moved = {o for o in now if now[o] != self._logs.get(o)}
                for origin in moved:
                    self.peer_service.changed(origin)
                if moved:
                    self.ctx.mirror.forget()
                self._logs = now
            if news.event != self._event:
                self._event = news.event
                self.notifier.feed.wake()
            if self.number and news.waits:
                self.publisher.wake()  # another took in what waits
