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
from syncd.flows import awaken, evidence, publish, pull, tokenise
from syncd.flows.evidence import Evidence
from syncd.flows.ports import Finding, Published, Source
from syncd.flows.publish import Writer
from syncd.flows.tokenise import Tokeniser
from syncd.indicator.statement import Statement
from syncd.node import daily, erasures, refold
from syncd.node.byhand import ByHand
from syncd.node.events import Events
from syncd.node.exchange import BUG, Exchange
from syncd.node.home import Home, pending_tls, settle_tls
from syncd.node.lapse import Lapse
from syncd.node.metrics import CountedDebit, Metrics
from syncd.node.never import NeverList
from syncd.node.offload import InPool, InWorker
from syncd.node.own_desk import OwnDesk
from syncd.node.peer_desk import Keys, PeerDesk
from syncd.node.peers import Peers
from syncd.node.rosters import RosterKeeper
from syncd.node.teller import Teller
from syncd.peer.directory import DirectorySource
from syncd.store.events import of_finding
from syncd.tlog import checkpoint
from syncd.web import own_door, peer_door
from syncd.web.runner import Runner

log = structlog.get_logger("syncd.node")

PUBLISH_BATCH = 2048  # vault rows in one append
LOOKUP_CACHE = 100_000  # identifiers, in memory, where that is allowed
BULK_TIMEOUT_S = 120.0  # for the holders to answer a batch of ours
DAILY_S = 600  # how often the daily jobs look at the clock
WATCHDOG_S = 5
CLOCK_S = 5.0  # how often it is looked whether the clock was set, and by what
UNASKED = "the other members were not asked yet"


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
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._retiring = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._aside: set[asyncio.Task[None]] = set()
        self._runners: list[web.AppRunner] = []
        self._scheduler: AsyncIOScheduler | None = None
        self._why_not = UNASKED
        self._asked = False  # enough of the others, since the start
        self._awakening: asyncio.Task[None] | None = None
        self._ruled_out = ""  # why the roster lets our log not go on
        self._sure = 0  # the size up to which the roster says it is ours
        self._against = 0  # the size of a receipt that contradicts our log
        self._publish_why = ""
        self._build()

    # ------------------------------------------------------------- parts

    def _build(self) -> None:
        home, config = self.home, self.config
        keys = self.keys = home.keys
        self.metrics = Metrics()
        self.events = Events(home.own.events)
        self.teller = Teller(
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
        self.writer = Writer(
            own=home.own.log,
            key=keys.log,
            offload=self.bulk,
            rng=secrets.token_bytes,
            may_append=self.may_append,
        )
        self.tokeniser = Tokeniser(
            roster=lambda: self.rosters.current,
            door=self._holder_door,
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
            healthy=self.healthy,
            offload=self._checks,
            fanout=config.exchange.fanout,
            interval_s=config.exchange.interval_s,
            backoff_max_s=config.exchange.backoff_max_s,
            poke=config.exchange.poke,
        )
        self.desk = PeerDesk(
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
            healthy=self.healthy,
            clock=self.clock,
            offload=self.offload,
            bulk=self.bulk,
            rng=secrets.token_bytes,
        )
        self.never = NeverList(
            roster=lambda: self.rosters.current,
            tokeniser=self.tokeniser,
            mirror=home.mirror,
            report=self.report,
        )
        self.lapse = Lapse(
            home.path, lambda: self.rosters.current, home.mirror, self.clock
        )
        self.own_desk = OwnDesk(self)
        self.tls = pinning.ServerTls(self.peers.shown(), keys.tls_pem)
        self._admit()

    def _admit(self) -> None:
        """Let in at our door whom the roster lists, and nobody else."""
        for pin in self.tls.update(self.peers.anchors()):
            # An odd certificate shuts out its owner alone: say whose it is.
            log.error("certificate is of no use to OpenSSL", pin=pin)

    def _holder_door(self, member: str) -> tokenise.HolderDoor:
        if member == self.config.member.id:
            return _LocalHolder(member, self.desk)
        return self.peers.get(member)

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

    def own_origins(self) -> frozenset[str]:
        """Return the names of our logs, of all generations."""
        me = self.rosters.current.member(self.config.member.id)
        logs = {g.origin for g in me.generations} if me else set()
        return frozenset({self.config.origin, *logs})

    def healthy(self) -> None:
        """Pass, unless our clock is astray.

        Raises:
            RefusedError: it differs from the others' by too much, or none of
                theirs was heard yet.
        """
        skew = self.exchange.skew_s()
        if skew is None:
            raise RefusedError(
                "clock: no other member has told us the time yet",
                hint="until one does we neither publish nor cosign",
            )
        if abs(skew) > self.config.skew.max_s:
            raise RefusedError(
                f"clock: the others' clocks are {skew} s off ours",
                hint="set this machine's clock (NTP); until then we neither"
                " publish nor cosign",
            )

    def may_append(self) -> None:
        """Pass, unless appending could fork our log or mislead.

        Raises:
            RefusedError: says why not.
        """
        if self.home.ending:
            raise RefusedError(f"log: not appending: {self._next_log()}")
        if self._ruled_out:
            raise RefusedError(
                f"log: not appending: the roster {self._ruled_out}: start the"
                f" next generation: {awaken.NEXT}"
            )
        if self._why_not:
            raise RefusedError(f"log: not appending: {self._why_not}")
        self.healthy()
        me = self.rosters.current.member(self.config.member.id)
        if me is None or not me.active:
            raise RefusedError(
                "log: not appending: the roster does not list us as active"
            )

    def _next_log(self) -> str:
        """Say how the next log, which we asked for, comes about."""
        me = self.rosters.current.member(self.config.member.id)
        if me is None or me.origin == self.config.origin:
            return (
                f"{self.config.origin} has ended: the next log waits for the"
                " roster that the admins were asked for"
            )
        return f"restart syncd: it goes on in {me.origin}"

    @property
    def appending(self) -> str:
        """Why we are not appending just now, "" if we are."""
        try:
            self.may_append()
        except RefusedError as e:
            return str(e)
        return self._publish_why

    # ------------------------------------------------------------ events

    async def report(self, *findings: Finding, once: bool = False) -> None:
        """Keep findings, and say so; `once`: but those that are known."""
        news = await self.home.own.record(findings, once=once)
        for finding in news if once else findings:
            log.warning("finding", **of_finding(finding))
            self.metrics.findings.labels(finding.code).inc()
        self.events.wake()

    async def accuse(
        self, member: str, why: str, *exchanges: tokenise.Exchange
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
        await self.never.check()

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
            await self._hold(signer, note)
            log.info("receipt", signer=signer, size=size)
            self.events.wake()

    async def _hold(self, signer: str, note: bytes) -> None:
        """Stop appending if a receipt shows more than our log, or another.

        Our own key signed it: so we were set back, and who could have told
        us was not to be reached when we started.
        """
        if self._why_not not in ("", UNASKED):
            return  # found out before
        head, _ = checkpoint.open_(note, self.home.keys.log.verifier)
        if head.size <= self._sure:
            return  # of a branch that the roster did not choose
        tip = await self.home.own.log.head()
        if head.size <= tip.frontier.size and (
            head.root == await self._own_root_at(head.size)
        ):
            return
        why = (
            f"log: {signer} has merged size {head.size}, which this home of"
            f" size {tip.frontier.size} cannot extend"
        )
        self._against = head.size
        self._why_not = (
            f"{why}; restore a newer backup of own.db, or start the next"
            f" generation: {awaken.NEXT}"
        )
        log.critical("not appending", why=why)
        await self.report(
            Finding("rolled_back", self.config.origin, None, why)
        )

    async def _roster_accepted(self) -> None:
        """Act on a new roster: who is out is out at the next request."""
        self.keys = settle_tls(self.home.ring, self.keys, self.rosters.current)
        self.tls.present(self.peers.shown(), self.keys.tls_pem)
        self._admit()
        await self.peers.refresh()
        self.exchange.roster_moved()
        await self._obey()
        self.home.mirror.retired = self.rosters.current.retired
        await self.teller.roster()
        self.aside(self._act())
        self.wake()
        if self._awakening is not None and not self._asked:
            # Whom we wait for may have left, and somebody else be here.
            self._awakening.cancel()
            self._awakening = asyncio.create_task(self._awaken())

    async def _obey(self) -> None:
        """Learn whether the roster lets our log go on from where it is."""
        self._ruled_out = ""
        found = self.rosters.current.by_origin(self.config.origin)
        pins = found[0].pins(found[1]) if found else ()
        if found is None or not pins:
            return
        pin = pins[-1]
        tip = await self.home.own.log.head()
        if found[0].end(found[1]) is not None:
            self._ruled_out = f"ended this log at {pin.size}"
        elif pin.size > tip.frontier.size:
            self._ruled_out = (
                f"cuts this log at {pin.size}, we have {tip.frontier.size}"
            )
        elif await self._own_root_at(pin.size) != pin.root:
            self._ruled_out = f"chose another branch of it, at {pin.size}"
        else:
            self._sure = pin.size
            if 0 < self._against <= pin.size:
                self._against = 0
                self._why_not = "" if self._asked else UNASKED

    async def retire(self) -> None:
        """Erase what is of the roster's retired epochs."""
        home = self.home
        async with self._retiring:
            await erasures.by_epoch(
                home.path, self.rosters.current, home.own, home.mirror
            )

    async def _merge_own(self) -> None:
        """Fold what is new of our own log."""
        await pull.merge_own(
            self.home.own.log,
            self.home.mirror,
            self.offload,
            excuse=bool(self.rosters.current.retired),
        )

    async def _refold(self) -> None:
        """Fold all logs again if the roster's format has risen."""
        roster = self.rosters.current
        if roster.stops_merging:
            log.critical("not merging", format=roster.format)
            return

        async def merge(origin: str) -> None:
            with contextlib.suppress(StaleError):  # a pull goes on with it
                if origin == self.config.origin:
                    await self._merge_own()
                else:
                    await pull.merge_stored(
                        origin, self.home.mirror, self._checks
                    )

        await refold.refold(
            self.home.path, roster.format, self.home.mirror, merge
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
        """Learn the never-list's tokens, as far as holders answer."""
        try:
            await self.never.refresh()
        except SyncdError as e:
            log.warning("never-list not refreshed", why=str(e))

    def wake(self) -> None:
        """Publish what waits, now."""
        self._wake.set()

    # ------------------------------------------------------------ running

    async def start(self, sockets: dict[str, socket.socket]) -> None:
        """Open the doors, then begin to work.

        Raises:
            UsageError: an address is taken, or cannot be had.
        """
        await self._open_peer_door(sockets.get("peer"))
        await self._open_own_door(sockets.get("own"))
        self.home.mirror.retired = self.rosters.current.retired
        await self._refold()
        await self._merge_own()
        await self._obey()
        await self.teller.all(but=self.config.origin)
        self._awakening = asyncio.create_task(self._awaken())
        self._tasks.append(asyncio.create_task(self._publisher()))
        self._tasks.append(asyncio.create_task(self._watch_clock()))
        self._schedule()

    async def stop(self) -> None:
        """Close the doors, finish what is being written, and close."""
        self._stopping.set()
        self.events.close()
        if self._scheduler is not None:  # else a door could not be opened
            self._scheduler.shutdown(wait=False)
        tasks = [*self._tasks, *self._aside]
        if self._awakening is not None:
            tasks.append(self._awakening)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
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
            at.path.unlink(missing_ok=True)
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
            await daily.run(self)
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
            now = datetime.datetime.now(datetime.UTC)
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=now)

    async def _awaken(self) -> None:
        """Be allowed to append, or say why we never will be."""
        try:
            await self._ask_around()
        except Exception as e:
            # Ours to mend, or our own files'; nothing is appended until then.
            if not self._asked:
                self._why_not = str(e) if isinstance(e, SyncdError) else BUG
            self.metrics.failures.labels("awaken").inc()
            log.exception("not appending")

    async def _ask_around(self) -> None:
        """Ask the others how much of our log they hold; then append."""
        own = self.home.own.log
        me = self.config.member.id
        roster = self.rosters.current
        others = [
            _Other(m.id, self.peers) for m in roster.active() if m.id != me
        ]
        try:
            awake = await awaken.awaken(
                head=await own.head(),
                log_key=self.home.keys.log.verifier,
                others=others,
                root_at=self._own_root_at,
                hand=self._by_hand(),
            )
        except RefusedError as e:
            self._why_not = f"{e}; {e.hint}"  # status says the way out
            await self.report(
                Finding("rolled_back", self.config.origin, None, str(e))
            )
            log.critical("not appending", why=str(e), hint=e.hint)
            return
        if awake.overridden:
            await self.report(
                Finding(
                    "override",
                    self.config.origin,
                    None,
                    f"appending by the operator's word: {awake.answered} of"
                    f" {awake.asked} members answered",
                )
            )
        await self.exchange.ask()
        await self.exchange.heard.wait()  # the rounds go on asking
        self._asked = True
        if self._why_not == UNASKED:  # else a receipt told us more
            self._why_not = ""
        log.info(
            "may append",
            asked=awake.asked,
            answered=awake.answered,
            largest=awake.largest,
        )
        await self._say_roster()
        self.wake()
        await self._know_never()

    def _by_hand(self) -> ByHand:
        """Return what else may let us append: see `byhand`."""
        origin = self.config.origin
        return ByHand(
            self.home.path,
            self._inbox(origin),
            self.home.keys.log.verifier,
            lambda: self.rosters.current,
            # Theirs may be ahead of us by so much.
            int(self.clock()) + self.config.skew.max_s,
        )

    async def _own_root_at(self, size: int) -> bytes:
        own = self.home.own.log
        return await pull.own_root_at(own, size)

    async def _say_roster(self) -> None:
        """Write down which roster we accepted (type 19), once a version."""
        with contextlib.suppress(RefusedError):
            await daily.say_roster(self)

    async def _publisher(self) -> None:
        """Publish what waits; try again a little later if it cannot be."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.config.exchange.interval_s):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._publish_all()
                self._publish_why = ""
            except (UnavailableError, RefusedError) as e:
                self._publish_why = str(e)
                self.metrics.failures.labels("publish").inc()
                log.warning("publishing waits", why=str(e))
                await asyncio.sleep(1)
            except SyncdError as e:
                self._publish_why = str(e)
                self.metrics.failures.labels("publish").inc()
                log.exception("publishing failed")
                await asyncio.sleep(5)
            except Exception:
                # Ours to mend; but what waits is not to wait for a restart.
                self._publish_why = BUG
                self.metrics.failures.labels("publish").inc()
                log.exception("publishing failed")
                await asyncio.sleep(5)

    async def _publish_all(self) -> None:
        """Write what waits, a batch of each in turn.

        So a retraction or an urgent URL waits for one batch of others, not
        for a million, and what needs no holder not for the holders.
        """
        self.may_append()
        await self._say_roster()
        expired = self.rosters.current.expired(int(self.clock()))
        types = [publish.DISPUTE, *([] if expired else [publish.REPORT])]
        kinds = [("url",), ("phone", "account")]
        waits: SyncdError | None = None
        moved = True
        while moved:
            moved = await self._retract()
            for some in [*kinds]:
                try:
                    moved = await self._publish(some, types) or moved
                except (UnavailableError, MalformedError) as e:
                    kinds.remove(some)
                    waits = e
        if waits is not None:
            raise waits
        if expired:
            raise RefusedError(
                "roster: expired: no new reports until a newer one",
                hint="ask the admins to publish the next version",
            )

    async def _retract(self) -> bool:
        """Retract a batch; tell if there was any."""
        count = await publish.retract(
            vault=self.home.own.vault,
            writer=self.writer,
            today=self.today(),
            limit=PUBLISH_BATCH,
        )
        if count:
            await self.after_append(urgent=True)
        return bool(count)

    async def _publish(
        self, kinds: Sequence[str], types: Sequence[int]
    ) -> bool:
        """Publish a batch; tell if there was any."""
        rows = await publish.publish(
            vault=self.home.own.vault,
            tokeniser=self.tokeniser,
            writer=self.writer,
            origin=self.config.origin,
            today=self.today(),
            kinds=kinds,
            limit=PUBLISH_BATCH,
            timeout_s=BULK_TIMEOUT_S,
            types=types,
        )
        if rows:
            await self.after_append(urgent=any(row.urgent for row in rows))
        return bool(rows)

    async def append(
        self,
        entries: Sequence[tuple[Statement, Published | None]],
        *,
        done: Sequence[str] = (),
        sighted: Sequence[int] = (),
    ) -> None:
        """Append statements of our own and let the others know."""
        await self.writer.append(entries, done=done, sighted=sighted)
        await self._after_append()

    async def after_append(self, *, urgent: bool = False) -> None:
        """Merge what we appended, and let the others know.

        Nobody waits until all have heard: some of them may be down.
        """
        await self._after_append()
        if urgent and self.config.exchange.poke:
            self.aside(self._poke_all())

    async def _poke_all(self) -> None:
        note = self.home.own.log.released()
        log.info("poked", members=await self.exchange.poke_all(note))

    async def _after_append(self) -> None:
        await self._merge_own()
        self.desk.changed(self.config.origin)
        self.events.wake()


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

    def __init__(self, me: str, desk: PeerDesk) -> None:
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
