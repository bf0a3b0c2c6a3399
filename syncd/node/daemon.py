"""The daemon: builds a member's parts, runs them, and takes them down.

One process, one event loop. What computes runs in threads (libsodium and
SQLite let go of the interpreter's lock), what waits runs in the loop. The
scheduler starts rounds and daily jobs; publishing wakes for what is accepted.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from syncd import pinning
from syncd.errors import RefusedError
from syncd.flows.ports import Holder
from syncd.flows.publish import Writer
from syncd.flows.tokenise import Tokeniser
from syncd.grouped import cancelled
from syncd.node.context import Background, Context, log, logged
from syncd.node.findings_book import FindingsBook
from syncd.node.follow.clocks import OurClock
from syncd.node.follow.followed import FollowedLogs
from syncd.node.follow.peer_choice import PeerChoice
from syncd.node.follow.peer_notifier import PeerNotifier
from syncd.node.follow.peers import Peers
from syncd.node.follow.pulls import Pulls
from syncd.node.follow.receipts import Receipts
from syncd.node.follow.roster_keeper import RosterKeeper
from syncd.node.follow.rounds import Contact, Rounds
from syncd.node.home import Home
from syncd.node.jobs import Jobs
from syncd.node.leadership import Leadership
from syncd.node.listeners import Listeners, listening
from syncd.node.local_worker import LOOKUP_CACHE
from syncd.node.notify.notifier import Notifier
from syncd.node.offload import MadeFiles, Pools
from syncd.node.publish.append_guard import AppendGuard
from syncd.node.publish.publisher import Publisher
from syncd.node.serve import asked_again, gap, pushing
from syncd.node.serve.access_service import AccessService
from syncd.node.serve.audit_service import AuditService
from syncd.node.serve.budgets import Budgets
from syncd.node.serve.claim_intake import ClaimIntake
from syncd.node.serve.event_feed import Events
from syncd.node.serve.event_writer import EventWriter
from syncd.node.serve.figures import FigureService
from syncd.node.serve.freshness import Freshness
from syncd.node.serve.intake import Intake
from syncd.node.serve.joining import Joining
from syncd.node.serve.lifts import Lifts
from syncd.node.serve.local_service import LocalService
from syncd.node.serve.local_workers import LocalWorkers
from syncd.node.serve.log_service import LogService
from syncd.node.serve.lookups import Claims, Lookups
from syncd.node.serve.metrics import Metrics
from syncd.node.serve.own_list_service import OwnListService
from syncd.node.serve.peer_service import LocalHolder, PeerService
from syncd.node.serve.review_service import Review
from syncd.node.serve.screening import Screening
from syncd.node.serve.status import StatusReader
from syncd.node.serve.system_service import SystemService
from syncd.node.serve.uploads import Uploads
from syncd.node.serve.value_papers import ValuePapers
from syncd.node.upkeep.arrivals import Arrivals
from syncd.node.upkeep.daily import Daily
from syncd.node.upkeep.disputes import Disputes
from syncd.node.upkeep.lapse import Lapse
from syncd.node.upkeep.never_list import NeverList
from syncd.node.upkeep.roster_orders import RosterOrders
from syncd.node.upkeep.undo import Undo
from syncd.web import peer_api, routes

T = TypeVar("T")


class Daemon:
    """One member's running parts: each is made of those that its fields name."""

    peers: Peers
    our_clock: OurClock
    pulls: Pulls
    peer_notifier: PeerNotifier
    contact: Contact
    rounds: Rounds
    never: NeverList
    disputes: Disputes
    orders: RosterOrders
    event_writer: EventWriter
    claims: Claims
    budgets: Budgets
    lookups: Lookups
    figures: FigureService
    screening: Screening
    lifts: Lifts
    local_service: LocalService
    intake: Intake
    uploads: Uploads
    access: AccessService
    log_service: LogService
    papers: ValuePapers
    audits: AuditService
    undo: Undo
    leadership: Leadership
    joining: Joining
    lapse: Lapse
    notifier: Notifier
    status_reader: StatusReader
    claim_intake: ClaimIntake
    own_lists: OwnListService
    daily: Daily
    system_service: SystemService
    findings: FindingsBook
    rosters: RosterKeeper
    logs: FollowedLogs
    guard: AppendGuard
    publisher: Publisher
    jobs: Jobs
    peer_service: PeerService

    def __init__(
        self, home: Home, clock: Callable[[], float] = time.time
    ) -> None:
        """Build the parts of an opened home; nothing runs yet."""
        self.home = home
        self.pools = Pools()
        self.background = Background()
        self.aside = self.background.start
        self.checks = self.pools.checks
        self._tasks = list[asyncio.Task[None]]()
        self.laid = pushing.Laid()
        self.listeners = Listeners()
        self.metrics = Metrics()
        self.failures = self.metrics.failures
        self.feed = Events(home.own.events)
        self.offload = self.pools.fast
        self.ctx = Context(
            home=home,
            config=home.config,
            trusted=home.trusted,
            own=home.own,
            mirror=home.mirror,
            clock=clock,
            report=self.findings.report,
            offload=self.offload,
            bulk=self.pools.bulk,
        )
        exchange = home.config.exchange
        self.peer_choice = PeerChoice(
            fanout=exchange.fanout,
            interval_s=exchange.interval_s,
            backoff_max_s=exchange.backoff_max_s,
            rng=secrets.SystemRandom(),
        )
        self.receipts = self._make(
            Receipts,
            keep=lambda *of: self.guard.keep_receipt(*of),  # noqa: PLW0108 (built later)
        )
        shown, key = self.peers.shown(), self.home.keys.tls_pem
        self.tls = pinning.ServerTls(shown, key)
        self._build()
        self._admit()

    # ------------------------------------------------------------- parts

    def _make(self, part: type[T], **more: Any) -> T:
        """Return a part, given the parts that it names in its fields."""
        names = {f.name for f in fields(part) if f.init}  # type: ignore[arg-type]
        there = {n for n in names - more.keys() if hasattr(self, n)}
        return part(**{n: getattr(self, n) for n in there} | more)

    if not TYPE_CHECKING:  # which sees all of them above

        def __getattr__(self, name: str) -> Any:
            """Make a part that is asked for, once."""
            if name not in PARTS:
                raise AttributeError(name)
            made = vars(self)[name] = self._make(PARTS[name])
            return made

    def _build(self) -> None:
        """Build all else: what writes our log, what answers, what runs it."""
        ctx = self.ctx
        self.tokeniser = Tokeniser(
            roster=lambda: ctx.roster,
            holder=lambda member: (
                gap.Holder(ctx, self._holder, member)
                if gap.behind(ctx)
                else self._holder(member)
            ),
            offload=ctx.offload,
            bulk=ctx.bulk,
            clock=time.monotonic,
            rng=secrets.token_bytes,
            accuse=self.findings.accuse,
            me=ctx.me,
            cache_size=LOOKUP_CACHE if ctx.config.lookup.cache else 0,
            holder_s=ctx.config.holder.deadline_ms / 1000,
            is_away=lambda m: self.peer_choice.away(m, ctx.now()),
            by_files=partial(gap.behind, ctx),
        )
        self.writer = Writer(
            own=self.home.own.log,
            key=self.home.keys.log,
            offload=ctx.bulk,
            rng=secrets.token_bytes,
            may_append=self.guard.may_append,
        )
        self.wake = self.publisher.wake
        self.make = MadeFiles(self.pools.files)
        self.freshness = self._make(Freshness, heard=self.rounds.heard_of)
        self.review = self._make(Review, parts=vars(self).values)
        self.rules = self.local_service.rules
        self.arrivals = self._make(
            Arrivals,
            consumers=(
                self.event_writer.arrived,
                self.local_service.came,
                self.disputes,
                self.screening.came,
                self.lifts.came,
                self.undo.arrived,
                self.never.arrived,
            ),
        )
        for name in PARTS:
            getattr(self, name)
        answer = [p for p in vars(self).values() if routes.of(type(p))]
        self.local_workers = self._make(LocalWorkers, services=answer)

    def _holder(self, member: str) -> Holder:
        if member == self.ctx.me:
            return LocalHolder(member, self.peer_service)
        return self.peers.get(member)

    def _admit(self) -> None:
        """Let in at our peer API whom the roster lists, and nobody else."""
        for pin in self.tls.update(self.peers.anchors()):
            # An odd certificate shuts out its owner alone: say whose it is.
            log.error("certificate is of no use to OpenSSL", pin=pin)

    # ------------------------------------------------------------ events

    async def grown(self, origin: str) -> None:
        """Act on a mirror that has moved, or a merge."""
        self.peer_service.changed(origin)
        self.metrics.pulls.labels(origin).inc()
        await self.event_writer.log(origin)
        self.aside(self.arrivals.grown())

    def ours_grown(self) -> None:
        """Act on entries of our own that were merged."""
        self.peer_service.changed(self.ctx.origin)
        self.aside(self.arrivals.grown())

    async def accepted(self) -> None:
        """Act on a new roster: who is out is out at the next request."""
        self.home.settle()
        self.tls.present(self.peers.shown(), self.home.keys.tls_pem)
        self._admit()
        self.local_workers.tell()
        await self.peers.refresh()
        self.pulls.roster_moved()
        await self.guard.obey()
        self.home.mirror.retired = self.ctx.roster.retired
        self.home.take_shares()
        await self.event_writer.roster()
        if self.leadership.number:
            self.aside(self.orders.carry_out())
            self.wake()

    async def ready(self) -> None:
        """Write, now that we may."""
        with contextlib.suppress(RefusedError):
            await self.publisher.say_roster()
        self.wake()
        await self.orders.know_never()

    async def round(self) -> None:
        """Do what is done every so often."""
        self.metrics.rounds.inc()
        self.home.take_shares()
        self.joining.reopen()
        await self.lapse.check()
        self.local_workers.tell()
        if not self.leadership.number:
            await self.rounds.ask()
            await self.never.refresh()
            return
        await self.rounds.round()
        await self.event_writer.urgent()
        await self.screening.daily()
        await self.undo.by_roster()
        await asked_again.ask(self.ctx, self.lookups)
        await self.event_writer.look()
        await self.figures.keep()
        self.uploads.prune()
        self.audits.prune()
        serving = self.peer_service
        with logged("logs not laid out"):
            await pushing.lay_out(self.ctx, serving.mirror_log, self.laid)
        with logged("requests not answered"):
            await gap.answer(self.ctx, self._holder)
        with logged("log not pushed"):
            await pushing.push(self.ctx, self.peers, serving.own_log)

    # ------------------------------------------------------------ running

    async def start(self) -> None:
        """Open both APIs, then begin to work.

        Raises:
            UsageError: an address is taken, or cannot be had.
        """
        self.home.mirror.retired = self.ctx.roster.retired
        await self.rounds.recall()
        await self.open_peer_api()
        await self.local_workers.open()
        await self.leadership.begin()
        led = asyncio.create_task(self.leadership.run())
        self._tasks = [led, asyncio.create_task(self.jobs.watch_clock())]
        self.jobs.start()

    async def stop(self) -> None:
        """Close the APIs, finish what is being written, and close."""
        self.feed.close()
        self.jobs.stop()
        await cancelled(self._tasks)
        await self.leadership.stop()
        await self.local_workers.stop()
        await self.background.stop()
        await self.guard.stop()
        await self.listeners.close()
        await self.pulls.stop()
        await self.peers.close()
        self.pools.close()
        self.home.close()

    async def open_peer_api(self) -> None:
        """Listen to the other members."""
        app = peer_api.app(self.peer_service, read_pin)
        [sockets] = listening(self.ctx.config.peer.listen, "peer")
        await self.listeners.serve(app, sockets, "peer", self.tls)


PARTS: dict[str, Any] = Daemon.__annotations__


def read_pin(request: web.Request) -> str | None:
    """Return the pin of the certificate that a caller shows."""
    transport = request.transport
    tls = transport.get_extra_info("ssl_object") if transport else None
    return pinning.peer_pin(tls) if tls else None
