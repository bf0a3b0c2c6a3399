"""The daemon: builds a member's parts, runs them, and takes them down.

One process, one event loop. What computes runs in threads (libsodium and
SQLite let go of the interpreter's lock), what waits runs in the loop. The
scheduler starts rounds and the daily jobs; publishing has a task of its own
that wakes when something was accepted.
"""

import asyncio
import contextlib
import datetime
import secrets
import socket
import time
import zoneinfo
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from syncd import pinning
from syncd.config import Address, Config
from syncd.errors import (
    MalformedError,
    RefusedError,
    StaleError,
    SyncdError,
    UnavailableError,
    UntrustedError,
    UsageError,
)
from syncd.flows import awaken, evaluation, evidence, merge, tokenise
from syncd.flows.evidence import Evidence
from syncd.flows.ports import Finding, Source
from syncd.flows.publish import Writer
from syncd.flows.tokenise import Tokeniser
from syncd.node.follow.exchange import Exchange
from syncd.node.follow.peers import Peers
from syncd.node.follow.roster_keeper import RosterKeeper
from syncd.node.home import Home, pending_tls, settle_tls
from syncd.node.offload import InPool, InWorker
from syncd.node.publish.append_guard import AppendGuard
from syncd.node.publish.elsewhere import Elsewhere
from syncd.node.publish.override import Override
from syncd.node.publish.publisher import Publisher
from syncd.node.serve.disputed import Disputed
from syncd.node.serve.event_feed import Events
from syncd.node.serve.local_service import LocalService
from syncd.node.serve.lookups import Claims, Lookups
from syncd.node.serve.metrics import CountedDebit, Metrics
from syncd.node.serve.notifier import Notifier
from syncd.node.serve.peer_service import Keys, PeerService
from syncd.node.serve.status import Board
from syncd.node.upkeep import earlier, erasures, refold
from syncd.node.upkeep.daily import Daily
from syncd.node.upkeep.lapse import Lapse
from syncd.node.upkeep.never_list import NeverList
from syncd.node.upkeep.overtaken import Overtaken
from syncd.peer.directory import DirectorySource
from syncd.store.events import of_finding
from syncd.web import own_door, peer_door
from syncd.web.runner import Runner

log = structlog.get_logger("syncd.node")

LOOKUP_CACHE = 100_000  # identifiers, in memory, where that is allowed
DAILY_S = 600  # how often the daily jobs look at the clock
WATCHDOG_S = 5
CLOCK_S = 5.0  # how often it is looked whether the clock was set, and by what


class Daemon:
    """One member's running parts."""

    def __init__(self, home: Home, config: Config) -> None:
        """Build the parts of an opened home; nothing runs yet."""
        self.home = home
        self.config = config
        self.started = time.monotonic()
        self._fast = ThreadPoolExecutor(2, "fast")
        self._slow = ThreadPoolExecutor(1, "bulk")
        self.offload = InPool(self._fast)
        self.bulk = InPool(self._slow)
        self._checks = InWorker(self.offload)
        self._retiring = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._aside: set[asyncio.Task[None]] = set()
        self._runners: list[web.AppRunner] = []
        self._scheduler: AsyncIOScheduler | None = None
        self._build()

    # ------------------------------------------------------------- parts

    def _build(self) -> None:
        home, config = self.home, self.config
        keys = self.keys = home.keys
        self.metrics = Metrics()
        self.events = Events(home.own.events)
        self.teller = Notifier(
            book=home.own.events,
            mirror=home.mirror,
            roster=lambda: self.rosters.current,
            metrics=self.metrics,
            wake=self.events.wake,
        )
        self.peers = Peers(
            me=config.member.id,
            roster=lambda: self.rosters.current,
            keys=lambda: self.keys,
            pending=lambda: pending_tls(home.ring),
            exchange=config.exchange,
        )
        self.rosters = RosterKeeper(
            me=config.member.id,
            trusted=home.trusted,
            files=home.rosters,
            peers=self.peers.get,
            accepted=self._roster_accepted,
            report=self.report,
        )
        self.tokeniser = Tokeniser(
            roster=lambda: self.rosters.current,
            holder=self._holder_door,
            offload=self.offload,
            bulk=self.bulk,
            clock=time.monotonic,
            rng=secrets.token_bytes,
            accuse=self.accuse,
            cache_size=LOOKUP_CACHE if config.lookup.cache else 0,
            holder_s=config.holder.deadline_ms / 1000,
        )
        self.exchange = Exchange(
            me=config.member.id,
            origin=config.origin,
            roster=lambda: self.rosters.current,
            peers=self.peers.get,
            extra=self._extra_sources,
            mirror=home.mirror,
            book=home.own.cosigned,
            keys={"seen": keys.seen, "merged": keys.merged},
            keep_receipt=self._keep_receipt,
            released=home.own.log.released,
            follow=self.rosters.follow,
            report=self.report,
            grown=self._grown,
            clock=self.clock,
            healthy=self._healthy,
            offload=self._checks,
            fanout=config.exchange.fanout,
            interval_s=config.exchange.interval_s,
            backoff_max_s=config.exchange.backoff_max_s,
            poke=config.exchange.poke,
        )
        self.standing = AppendGuard(
            home=home,
            config=config,
            roster=lambda: self.rosters.current,
            exchange=self.exchange,
            others=self._others,
            hand=self._by_hand,
            report=self.report,
            ready=self._ready,
            failed=self.metrics.failures.labels("awaken").inc,
        )
        self.writer = Writer(
            own=home.own.log,
            key=keys.log,
            offload=self.bulk,
            rng=secrets.token_bytes,
            may_append=self.standing.may_append,
        )
        self.desk = PeerService(
            roster=lambda: self.rosters.current,
            roster_note=home.rosters.get,
            own=home.own.log,
            released=home.own.log.released,
            receipts=self._receipts,
            mirror=home.mirror,
            book=home.own.cosigned,
            keys=Keys(keys.log.verifier, keys.member, keys.seen),
            shares=home.shares,
            quota=CountedDebit(
                home.quota(lambda: self.rosters.current, self.clock),
                self.metrics,
            ),
            exchange=self.exchange,
            following=lambda: self.rosters.settled,
            healthy=self.standing.healthy,
            clock=self.clock,
            offload=self.offload,
            bulk=self.bulk,
            rng=secrets.token_bytes,
        )
        self.never = NeverList(
            home=home.path,
            roster=lambda: self.rosters.current,
            tokeniser=self.tokeniser,
            mirror=home.mirror,
            report=self.report,
            offload=self.bulk,
        )
        self.lapse = Lapse(
            home.path, lambda: self.rosters.current, home.mirror, self.clock
        )
        self.elsewhere = Elsewhere(
            home.own.vault,
            home.mirror,
            lambda: self.rosters.current,
            self.own_origins,
        )
        self.publisher = Publisher(
            config=config,
            own=home.own,
            mirror=home.mirror,
            roster=lambda: self.rosters.current,
            writer=self.writer,
            tokeniser=self.tokeniser,
            standing=self.standing,
            exchange=self.exchange,
            elsewhere=self.elsewhere,
            failed=self.metrics.failures.labels("publish").inc,
            grown=self._ours_grown,
            aside=self.aside,
            offload=self.offload,
            today=self.today,
            clock=self.clock,
        )
        self._daily_jobs = Daily(
            home=home,
            config=config,
            roster=lambda: self.rosters.current,
            standing=self.standing,
            publisher=self.publisher,
            retire=self.retire,
            report=self.report,
            today=self.today,
            clock=self.clock,
        )
        self._build_own_desk()
        self.tls = pinning.ServerTls(self.peers.shown(), keys.tls_pem)
        self._admit()

    def _build_own_desk(self) -> None:
        """Build what answers at our own door."""
        home, config = self.home, self.config
        self.overtaken = Overtaken(
            home.own.vault,
            roster=lambda: self.rosters.current,
            today=self.today,
            offload=self.bulk,
        )
        self.board = Board(
            config=config,
            own=home.own,
            mirror=home.mirror,
            roster=lambda: self.rosters.current,
            exchange=self.exchange,
            holders=self.tokeniser.holders,
            appending=self.publisher.why_not,
            never=lambda: (*self.overtaken.todo, *self.never.todo),
            offload=self.offload,
            clock=self.clock,
        )
        claims = Claims(
            config.origin,
            home.own.log,
            home.mirror,
            self.lapse,
            self.offload,
        )
        self.lookups = Lookups(
            config=config,
            own=home.own,
            mirror=home.mirror,
            claims=claims,
            roster=lambda: self.rosters.current,
            own_origins=self.own_origins,
            tokeniser=self.tokeniser,
            never=self.never,
            board=self.board,
            metrics=self.metrics,
            report=self.report,
            aside=self.aside,
            offload=self.offload,
            today=self.today,
        )
        self.own_desk = LocalService(
            home=home,
            config=config,
            rosters=self.rosters,
            lookups=self.lookups,
            claims=claims,
            board=self.board,
            metrics=self.metrics,
            events=self.events,
            overtaken=self.overtaken,
            disputed=Disputed(
                origin=config.origin,
                region=config.member.region,
                deadline_s=config.lookup.deadline_ms / 1000,
                vault=home.own.vault,
                access=home.own.access,
                claims=claims,
                tokeniser=self.tokeniser,
                roster=lambda: self.rosters.current,
                today=self.today,
            ),
            wake=self.publisher.wake,
            elsewhere=self.elsewhere,
            own_origins=self.own_origins,
            offload=self.offload,
            today=self.today,
        )

    def _admit(self) -> None:
        """Let in at our door whom the roster lists, and nobody else."""
        for pin in self.tls.update(self.peers.anchors()):
            # An odd certificate shuts out its owner alone: say whose it is.
            log.error("certificate is of no use to OpenSSL", pin=pin)

    def _holder_door(self, member: str) -> tokenise.Holder:
        if member == self.config.member.id:
            return _LocalHolder(member, self.desk)
        return self.peers.get(member)

    def _others(self) -> Sequence[awaken.Other]:
        me = self.config.member.id
        active = self.rosters.current.active()
        return [_Other(m.id, self.peers) for m in active if m.id != me]

    def _by_hand(self) -> Override:
        """Return what else may let us append: see `byhand`."""
        origin = self.config.origin
        return Override(
            self.home.path,
            self._inbox(origin),
            self.home.keys.log.verifier,
            lambda: self.rosters.current,
            # Theirs may be ahead of us by so much.
            int(self.clock()) + self.config.skew.max_s,
        )

    def _extra_sources(self, origin: str) -> Sequence[Source]:
        """Return directories of files that hold a copy of an origin's log."""
        path = self._inbox(origin)
        return [DirectorySource(path)] if path.is_dir() else []

    def _inbox(self, origin: str) -> Path:
        """Return the directory into which files of a log are laid by hand."""
        return self.home.path / "inbox" / peer_door.origin_hash(origin)

    # ------------------------------------------------------------ states

    def clock(self) -> float:
        """Return the time in unix seconds."""
        return time.time()

    def today(self) -> str:
        """Return the day it is in the roster's zone."""
        zone = zoneinfo.ZoneInfo(self.rosters.current.zone)
        now = datetime.datetime.fromtimestamp(self.clock(), zone)
        return now.date().isoformat()

    def _healthy(self) -> None:
        self.standing.healthy()

    def own_origins(self) -> frozenset[str]:
        """Return the names of our logs, of all generations."""
        me = self.rosters.current.member(self.config.member.id)
        logs = {g.origin for g in me.generations} if me else set()
        return frozenset({self.config.origin, *logs})

    # ------------------------------------------------------------ events

    async def report(self, *findings: Finding, once: bool = False) -> None:
        """Keep findings, and say so; `once`: but those that are known."""
        news = await self.home.own.record(findings, once=once)
        for finding in news if once else findings:
            log.warning("finding", **of_finding(finding))
            self.metrics.findings.labels(finding.code).inc()
        self.events.wake()

    async def accuse(
        self, member: str, why: str, *exchanges: evaluation.Exchange
    ) -> None:
        """Report a bad holder, and keep what proves it to others."""
        held = Evidence(member, exchanges)
        try:
            await self.offload(evidence.judge, held, [self.rosters.current])
            kept = await self.offload(self.home.keep_evidence, held)
        except (MalformedError, RefusedError, UntrustedError) as e:
            log.info("no evidence", member=member, why=str(e))
        except UnavailableError as e:
            log.warning("evidence is not kept", why=str(e))
        else:
            why += f"; evidence/{kept}" if kept else "; more evidence of it"
        await self.report(Finding("bad_holder", member, None, why))

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done that nobody waits for."""
        task = asyncio.create_task(self._done_aside(work))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _done_aside(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except SyncdError as e:
            log.warning("left undone", why=str(e))
        except Exception:
            log.exception("left undone")

    async def _grown(self, origin: str) -> None:
        self.desk.changed(origin)
        self.metrics.pulls.labels(origin).inc()
        await self.teller.log(origin)
        await self.never.grown()

    def _ours_grown(self) -> None:
        self.desk.changed(self.config.origin)
        self.events.wake()

    async def _receipts(self) -> list[bytes]:
        found = await self.home.own.cosigned.receipts(self.config.origin)
        return [receipt.note for receipt in found.values()]

    async def _keep_receipt(self, signer: str, size: int, note: bytes) -> None:
        origin = self.config.origin
        if not note.startswith(origin.encode() + b"\n"):
            return  # of an earlier log of ours: nobody asks for it any more
        kept = await self.home.own.cosigned.keep_receipt(
            origin, signer, size, note
        )
        if kept:
            await self.standing.hold_against(signer, note)
            log.info("receipt", signer=signer, size=size)
            self.events.wake()

    async def _roster_accepted(self) -> None:
        """Act on a new roster: who is out is out at the next request."""
        self.keys = settle_tls(self.home.ring, self.keys, self.rosters.current)
        self.tls.present(self.peers.shown(), self.keys.tls_pem)
        self._admit()
        await self.peers.refresh()
        self.exchange.roster_moved()
        await self.standing.obey()
        self.home.mirror.retired = self.rosters.current.retired
        await self.teller.roster()
        self.aside(self._act())
        self.publisher.wake()

    async def retire(self) -> None:
        """Erase what is of the roster's retired epochs."""
        home = self.home
        async with self._retiring:
            await erasures.by_epoch(
                home.path, self.rosters.current, home.own, home.mirror
            )

    async def _refold(self) -> None:
        """Fold all logs again if the roster's format has risen."""
        roster = self.rosters.current
        if roster.stops_merging:
            log.critical("not merging", format=roster.format)
            return

        async def fold(origin: str) -> None:
            with contextlib.suppress(StaleError):  # a pull goes on with it
                if origin == self.config.origin:
                    await self.publisher.merge_own()
                else:
                    await merge.all_stored(
                        origin, self.home.mirror, self._checks
                    )

        await refold.refold(
            self.home.path, roster.format, self.home.mirror, fold
        )

    async def _act(self) -> None:
        """Do what a new roster asks for and takes a while."""
        try:
            await self.retire()
            await self._refold()
        except SyncdError as e:  # the daily job, or a start, comes again
            log.warning("not done yet", why=str(e))
        await self._know_never()

    async def _know_never(self) -> None:
        """Learn the never-list's tokens, and what of ours it protects."""
        for learn in (self.never.refresh, self.overtaken.look):
            try:
                await learn()
            except SyncdError as e:  # the other may go well
                log.warning("never-list not refreshed", why=str(e))

    # ------------------------------------------------------------ running

    async def start(self, sockets: dict[str, socket.socket]) -> None:
        """Open the doors, then begin to work.

        Raises:
            UsageError: an address is taken, or cannot be had.
        """
        home = self.home
        home.mirror.retired = self.rosters.current.retired
        await earlier.adopt(home.path, home.own.log, home.mirror)
        await self._open_peer_door(sockets.get("peer"))
        await self._open_own_door(sockets.get("own"))
        await self._refold()
        await self.publisher.merge_own()
        await self.standing.obey()
        await self.teller.all(but=self.config.origin)
        self.standing.awaken()
        self._tasks.append(asyncio.create_task(self.publisher.run()))
        self._tasks.append(asyncio.create_task(self._watch_clock()))
        self._schedule()

    async def stop(self) -> None:
        """Close the doors, finish what is being written, and close."""
        self.events.close()
        if self._scheduler is not None:  # else a door could not be opened
            self._scheduler.shutdown(wait=False)
        tasks = [*self._tasks, *self._aside]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.standing.stop()
        for runner in self._runners:
            await runner.cleanup()
        await self.exchange.stop()
        await self.peers.close()
        self._fast.shutdown()
        self._slow.shutdown()
        self._checks.close()
        self.home.close()

    async def serve(
        self,
        app: web.Application,
        at: Address,
        given: socket.socket | None,
        name: str,
        *,
        tls: bool = False,
    ) -> str:
        """Serve an application; return where it listens.

        Raises:
            UsageError: the address is taken, or cannot be had.
        """
        runner = Runner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=5,
            max_line_size=8190,
        )
        await runner.setup()
        self._runners.append(runner)
        context = self.tls.context if tls else None
        site: web.BaseSite
        if given is not None:
            site = web.SockSite(runner, given, ssl_context=context)
        elif at.path:
            # asyncio takes away a socket that was left there, and no file.
            site = web.UnixSite(runner, str(at.path))
        else:
            site = web.TCPSite(runner, at.host, at.port, ssl_context=context)
        try:
            await site.start()
        except OSError as e:
            raise UsageError(
                f"{name} door: cannot listen on {at}: {e.strerror}",
                hint=f"is another syncd running? else change [{name}] listen"
                " in config.toml",
            ) from e
        if at.path and given is None:
            at.path.chmod(0o600)
        where = runner.addresses[0] if runner.addresses else at
        log.info("door open", door=name, at=str(where))
        return str(where)

    async def _open_peer_door(self, given: socket.socket | None) -> None:
        most = self.config.peer.max_request_bytes
        app = peer_door.app(self.desk, _read_pin, most)
        await self.serve(app, self.config.peer.listen, given, "peer", tls=True)

    async def _open_own_door(self, given: socket.socket | None) -> None:
        own = self.config.own
        hosts = {name.lower() for name in own.hosts}
        if own.listen.host not in ("", "0.0.0.0", "::"):  # noqa: S104
            hosts.add(own.listen.host.lower())
        app = own_door.app(
            self.own_desk,
            own_door.Limits(frozenset(hosts), own.max_request_bytes),
        )
        self.own_address = await self.serve(app, own.listen, given, "own")

    # --------------------------------------------------------------- jobs

    def _schedule(self) -> None:
        exchange = self.config.exchange
        self._scheduler = scheduler = AsyncIOScheduler(timezone=datetime.UTC)
        jitter = max(exchange.interval_s * exchange.jitter, 0.001)
        self._add(
            scheduler,
            self._round,
            exchange.interval_s,
            jitter,
            first=min(jitter, 1.0),
        )
        self._add(scheduler, self._daily, DAILY_S, DAILY_S / 10, first=5.0)
        scheduler.start()

    def _add(
        self,
        scheduler: AsyncIOScheduler,
        job: Callable[[], Awaitable[None]],
        every_s: float,
        jitter_s: float,
        *,
        first: float,
    ) -> None:
        now = datetime.datetime.now(datetime.UTC)
        scheduler.add_job(
            job,
            "interval",
            seconds=every_s,
            jitter=jitter_s,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=now + datetime.timedelta(seconds=first),
        )

    async def _round(self) -> None:
        self.metrics.rounds.inc()
        try:
            await self.lapse.check()
            await self.exchange.round()
            await self.never.catch_up()
        except SyncdError as e:
            self.metrics.failures.labels("round").inc()
            log.warning("round failed", why=str(e))
        except Exception:
            self.metrics.failures.labels("round").inc()
            log.exception("round failed")
        except asyncio.CancelledError:
            log.debug("round left")  # we are being stopped

    async def _daily(self) -> None:
        try:
            await self._know_never()
            await self._daily_jobs.run()
        except SyncdError as e:
            self.metrics.failures.labels("daily").inc()
            log.warning("daily work failed", why=str(e))
        except Exception:
            self.metrics.failures.labels("daily").inc()
            log.exception("daily work failed")
        except asyncio.CancelledError:
            log.debug("daily work left")

    async def _watch_clock(self, every_s: float = CLOCK_S) -> None:
        """Have the jobs go on when somebody sets the machine's clock.

        The scheduler reckons by the time of day: when that is set back by an
        hour, it would do nothing for an hour.
        """
        before = self.clock() - time.monotonic()
        while True:
            await asyncio.sleep(every_s)
            after = self.clock() - time.monotonic()
            by_s, before = round(after - before), after
            if abs(by_s) < CLOCK_S or self._scheduler is None:
                continue
            log.warning("the machine's clock was set", by_s=by_s)
            self.publisher.wake()  # it may be right now
            now = datetime.datetime.now(datetime.UTC)
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=now)

    async def _ready(self) -> None:
        """Write, now that we may."""
        with contextlib.suppress(RefusedError):
            await self.publisher.say_roster()
        self.publisher.wake()
        await self._know_never()


class _Other:
    """Another member, by whatever client we have of it when it is asked.

    A roster may change its address while we wait for its answer.
    """

    def __init__(self, name: str, peers: Peers) -> None:
        self.name = name
        self._peers = peers

    async def checkpoint(self, origin: str) -> bytes:
        """Fetch the newest signed checkpoint that it has of `origin`."""
        return await self._peers.get(self.name).checkpoint(origin)


class _LocalHolder:
    """Our own share, asked like anybody else's: quota, log and all."""

    def __init__(self, me: str, desk: PeerService) -> None:
        self._me = me
        self._desk = desk

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """Answer within the time given, or raise UnavailableError."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._desk.evaluate(self._me, body)
        except TimeoutError as e:
            raise UnavailableError("oprf: our own share: no time left") from e


def _read_pin(request: web.Request) -> str | None:
    transport = request.transport
    tls = transport.get_extra_info("ssl_object") if transport else None
    return pinning.peer_pin(tls) if tls else None
