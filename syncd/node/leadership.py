"""Lead our daemons, or follow the one that does.

With files there is one daemon, which leads. On a server each looks every
second whether it does, and what another has written: readers get our log's
new tip only when this machine's mark is written too.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from syncd.errors import SyncdError
from syncd.node.background import Aside
from syncd.node.context import Context
from syncd.node.follow.pulls import Pulls
from syncd.node.follow.roster_keeper import RosterKeeper
from syncd.node.notify.notifier import Notifier
from syncd.node.publish.append_guard import AppendGuard
from syncd.node.publish.publisher import Publisher
from syncd.node.serve.event_writer import EventWriter
from syncd.node.upkeep import earlier_logs
from syncd.node.upkeep.arrivals import Arrivals
from syncd.node.upkeep.daily import Daily
from syncd.node.upkeep.roster_orders import RosterOrders
from syncd.store.leading import Election
from syncd.tlog import checkpoint

LOOK_S = 1.0

log = structlog.get_logger("syncd.node")


@dataclass(kw_only=True, eq=False)
class Leadership:
    """Whether this daemon leads, and what it sees of one that does."""

    ctx: Context
    rosters: RosterKeeper
    orders: RosterOrders
    publisher: Publisher
    guard: AppendGuard
    pulls: Pulls
    event_writer: EventWriter
    arrivals: Arrivals
    notifier: Notifier
    daily: Daily
    aside: Aside
    changed: Callable[[str], None]  # a log has moved, by another's hand
    news: Callable[[], None]  # another wrote events
    wake: Callable[[], None]  # another took in what waits to be published

    def __post_init__(self) -> None:
        self.leads = False
        self._election = self.ctx.home.election
        self._sizes: dict[str, tuple[int, int]] = {}
        self._event = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Lead or follow."""
        if self._election is None:
            self.leads = True
            await self._lead(handed_over=False)
        else:
            await self._follow()
            await self.look()

    async def daily_jobs(self) -> None:
        """Do what is due once a day, if we lead."""
        if self.leads:
            await self.daily.run()

    async def run(self) -> None:
        """Look again each second, on a server."""
        while self._election is not None:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except SyncdError as e:
                log.warning("cannot look", why=str(e))
            except Exception:
                log.exception("cannot look")

    async def look(self) -> None:
        """Lead if nobody does, else follow; take up what another wrote."""
        election = self._election
        assert election is not None  # noqa: S101
        held = await election.look()
        if self.leads and not held:
            self.leads = False
            await self._follow()
        try:
            moved = await self._take_up(election)
            if held and not self.leads:
                self.leads = True
                await self._lead(
                    handed_over=election.handed_over and not moved
                )
        except BaseException:
            if not self.leads:
                election.resign()  # others may be able to
            raise

    async def _lead(self, *, handed_over: bool) -> None:
        """Append, merge and do what is due, from now on."""
        home, self.pulls.paused = self.ctx.home, False
        await earlier_logs.adopt(home.path, home.own.log, home.mirror)
        await self.orders.refold()
        await self.publisher.merge_own()
        await self.guard.obey()
        await self.event_writer.all()
        self.aside(self.arrivals.grown())
        self.guard.check_startup(handed_over=handed_over)
        self._tasks = [
            asyncio.create_task(self.publisher.run()),
            asyncio.create_task(self.notifier.run()),
        ]

    async def _follow(self) -> None:
        """Only answer, from now on: another daemon of ours leads."""
        self.pulls.paused = True
        await self.stop()
        await self.pulls.stop()
        await self.guard.follow()

    async def stop(self) -> None:
        """Publish and notify no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _take_up(self, election: Election) -> bool:
        """Take up what another wrote; tell if our log had moved by it."""
        own, mirror = self.ctx.own.log, self.ctx.mirror
        if moved := not self.leads and await own.release():
            self.changed(self.ctx.origin)
            log.info("followed", size=checkpoint.size_of(own.released()))
        sizes = await mirror.sizes()
        for origin in sizes:
            if not self.leads and sizes[origin] != self._sizes.get(origin):
                self.changed(origin)
                mirror.forget()
        self._sizes = sizes
        news = await election.news(self.ctx.roster.version)
        for note in news.rosters:
            await self.rosters.publish(note)
        for version in range(news.known + 1, self.ctx.roster.version + 1):
            if raw := self.ctx.home.rosters.get(version):
                await election.keep(version, raw)
        if news.event != self._event:
            self._event = news.event
            self.news()
        if self.leads and news.waits:
            self.wake()
        return moved
