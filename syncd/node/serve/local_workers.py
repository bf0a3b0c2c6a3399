"""The local API and the console, where the settings say, and local workers.

Workers are started again when they end, told what changes, answered.

What changes for answers is in force in all of them when `tell` returns: each
look-up begins by reading, in memory that they share with the daemon, whether
there are news, and with news it asks for them first.
"""

import asyncio
import contextlib
import itertools
import pickle
import socket
import subprocess
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import Counter

from syncd import config, pinning
from syncd.console.app import Console
from syncd.errors import UnavailableError
from syncd.flows.lookup import PURPOSES
from syncd.flows.tokenise import Came, Tokeniser
from syncd.indicator import vocabulary
from syncd.node.context import Context, part
from syncd.node.listeners import Listeners, LocalTls, limits, listening, whose
from syncd.node.offload import PYTHON
from syncd.node.serve import link
from syncd.node.serve.lookups import Lookups
from syncd.node.serve.metrics import Metrics
from syncd.store.own_books import LISTS
from syncd.store.sealing import VaultCipher
from syncd.web import local_api

log = structlog.get_logger("syncd.local_workers")

PROGRAM = (*PYTHON, "syncd.cli.local_worker")
LOOK_S = 1.0  # how often they, and what has changed, are looked at
READY = 60  # looks: to begin to serve
SILENT = 5  # looks: to say something
STOP_S = 10.0  # to answer what has come
LONGEST = 30  # looks: until one that ended is started again


@part
class LocalWorkers:
    """What our own systems and people reach, and the workers that serve it."""

    ctx: Context
    tokeniser: Tokeniser
    lookups: Lookups
    metrics: Metrics
    listeners: Listeners
    services: Sequence[object]  # that have the routes

    def __post_init__(self) -> None:
        self.workers = list[LocalWorker]()
        self._link: asyncio.Server | None = None
        self._looking: asyncio.Task[None] | None = None
        # of `News`, as they are in force, and by which news each was
        self._parts = dict[str, tuple[Any, int]]()

    async def open(self) -> None:
        """Open the local API, and the console, where the settings say.

        Raises:
            UsageError: an address is taken, or cannot be had.
            UnavailableError: a worker does not begin to serve.
        """
        ours = self.ctx.config
        app = local_api.app(
            partial(whose, self.ctx.own.bearers),
            self.services,
            limits(ours),
            relayed=ours.own.workers > 0,
        )
        if ours.console.enabled:
            await self._open_console(app)
        await self._serve(app)

    async def _open_console(self, app: web.Application) -> None:
        """Show pages at the local API's address, and alone over TLS."""
        ctx, ours = self.ctx, self.ctx.config
        ctx.own.sessions.idle_s = ours.console.idle_s
        console = Console(
            member=ours.member.id,
            region=ours.member.region,
            own=ours.console,
            bearers=ctx.own.bearers,
            sessions=ctx.own.sessions,
            services=self.services,
            zone=lambda: ctx.roster.zone,
            clock=ctx.now,
        )
        console.mount(app)
        at = ours.console.tls_listen
        if files := config.tls_files(ours.own, at):
            [sockets] = listening(at, "console")
            tls = pinning.OpenTls(*files)
            alone = console.alone(limits(ours))
            await self.listeners.serve(alone, sockets, "console", tls)

    async def _serve(self, app: web.Application) -> None:
        """Serve the local API: by workers, before `app`, if there are to be any."""
        home, own = self.ctx.home, self.ctx.config.own
        tls = config.tls_files(own, own.tls_listen)
        checked = LocalTls(*tls, self.ctx.own.bearers) if tls else None
        processes = max(own.workers, 1)
        apis = [listening(own.listen, "own", processes)]
        if tls:
            apis.append(listening(own.tls_listen, "own", processes))
        if not own.workers:
            for [sockets], its_tls in zip(apis, (None, checked), strict=False):
                await self.listeners.serve(app, sockets, "own", its_tls)
            return
        relayed = home.path / link.RELAYED
        lists = VaultCipher(home.ring.need("vault"))
        relayed.parent.mkdir(mode=0o700, exist_ok=True)
        [behind] = listening(config.Address(path=relayed), "own")
        await self.listeners.serve(app, behind, "workers")
        self._link = await link.answering(home.path, self.answer)
        self.workers = [
            LocalWorker(
                link.Start(
                    number=number,
                    config=home.config,
                    server=config.server(home.config),
                    access_key=home.ring.need("access"),
                    lists_key=lists.derived(LISTS),
                    listening=[[s.fileno() for s in each] for each in sockets],
                    tls=tls,
                    counts=self.lookups.budgets.counts.fd,
                ),
                sockets,
                self.metrics.failures,
            )
            for number, sockets in enumerate(zip(*apis, strict=True), 1)
        ]
        self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(READY * LOOK_S):
                for worker in self.workers:
                    await worker.ready.wait()
        except TimeoutError:
            raise UnavailableError(
                "own API: a local worker does not begin to serve"
            ) from None

    async def stop(self) -> None:
        """Let them answer what has come, and end."""
        if self._looking is not None:
            self._looking.cancel()
        await asyncio.gather(*(worker.stop() for worker in self.workers))
        if self._link is not None:
            self._link.close()

    async def _look(self) -> None:
        while True:
            try:
                self.tell()
                for worker in self.workers:
                    worker.look()
            except Exception:  # without this they would never hear again
                log.exception("local workers were not looked at")
            await asyncio.sleep(LOOK_S)

    def tell(self) -> None:
        """Let what has changed be in force in all of them."""
        news = self.lookups.budgets.counts.news + 1
        now = {
            "current": self.ctx.roster,
            "tokens": self.lookups.never.tokens,
            "lapse": self.lookups.claims.lapse.record,
            "cuts": self.ctx.mirror.cuts,
            "heard": self.lookups.freshness.heard(),
        }
        for name, value in now.items():
            old, _ = self._parts.get(name, (None, 0))
            if old is not value and old != value:
                self._parts[name] = value, news
                self.lookups.budgets.counts.news = news

    # ------------------------------------------------- what workers ask

    async def answer(self, said: link.Said) -> Any:
        """Return what comes of it."""
        match said:
            case link.Beat():
                return self._beat(said)
            case link.WantOutputs():
                return await self._outputs(said)
            case link.Sighted(met):
                return await self.ctx.own.sightings.add(met)

    def _beat(self, beat: link.Beat) -> link.News:
        """Keep what has happened, and return what has changed."""
        self.workers[beat.number - 1].heard(serves=beat.known > 0)
        for verdicts, purpose, seconds in beat.looked_up:
            self.metrics.looked_up(Tally(verdicts), purpose, seconds)
        for kind, n in beat.denied:
            self.metrics.denied(kind, n)
        self.lookups.suspect(beat.suspected)
        self.lookups.unanswered.extend(beat.unanswered)
        return link.News(
            self.lookups.budgets.counts.news,
            {
                name: value
                for name, (value, news) in self._parts.items()
                if news > beat.known
            },
        )

    async def _outputs(self, want: link.WantOutputs) -> Came:
        vocabulary.check("purpose", "purpose", want.purpose, PURPOSES)
        return await self.tokeniser.came(
            want.wanted,
            purpose=want.purpose,
            timeout_s=want.timeout_s,
            epochs={want.wanted[0].kind: want.epoch},
        )


@dataclass
class LocalWorker:
    """One of them: its sockets, and its process while there is one."""

    start: link.Start
    sockets: Sequence[Sequence[socket.socket]]
    failures: Counter
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    # one has begun to serve
    process: subprocess.Popen[bytes] | None = None
    _looks = 0  # until it is started, or else is too silent
    _pause = 1  # looks until it is started again

    def heard(self, *, serves: bool) -> None:
        """Know that it says something."""
        self._looks = SILENT
        if serves:
            self._pause = 1
            self.ready.set()

    def look(self) -> None:
        """See to it that there is a process, which says something."""
        self._looks -= 1
        if self.process is not None:
            if self._looks < 0:
                self.process.kill()
            if (code := self.process.poll()) is not None:
                self._ended(code)
        elif self._looks < 0:
            try:
                self.process = started(self.start)
                self._looks = READY
            except OSError as e:
                self._ended(type(e).__name__)

    def _ended(self, why: object) -> None:
        log.error("local worker ended", number=self.start.number, why=why)
        self.failures.labels("local_worker").inc()
        self._close()
        self.process = None
        self._looks, self._pause = self._pause, min(2 * self._pause, LONGEST)

    def _close(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()

    async def stop(self) -> None:
        """Let it answer what has come, and end; listen no more."""
        if self.process is not None:
            self._close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self.process.wait, STOP_S)
            self.process.kill()  # nothing, if it has ended
        for sock in itertools.chain(*self.sockets):
            sock.close()


def started(start: link.Start) -> subprocess.Popen[bytes]:
    """Start a process that gets all this.

    Raises:
        OSError: there is none to be had, or it ends at once.
    """
    process = subprocess.Popen(  # noqa: S603 (our own program, no shell)
        PROGRAM,
        stdin=subprocess.PIPE,
        pass_fds=(start.counts, *itertools.chain(*start.listening)),
        env=config.for_child(None),
    )
    if process.stdin is not None:
        pickle.dump(start, process.stdin)
        process.stdin.flush()
    return process
