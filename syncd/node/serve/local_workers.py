"""Local workers: started again when they end, told what changes, answered.

What changes for answers is in force in all of them when `tell` returns: one
that does not say so in time is ended, and begins anew with what is in force.
"""

import asyncio
import contextlib
import itertools
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from aiohttp import web

from syncd import config
from syncd.config import Address
from syncd.errors import SyncdError, UnavailableError
from syncd.flows.lookup import PURPOSES
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import vocabulary
from syncd.indicator.identifier import Identifier
from syncd.node.background import Aside
from syncd.node.context import Context
from syncd.node.listeners import Listeners, for_each
from syncd.node.serve import link
from syncd.node.serve.budgets import Budgets
from syncd.node.serve.freshness import Freshness
from syncd.node.serve.link import SOCKET, Done, Link, Start, State, Stop
from syncd.node.serve.local_tls import LocalTls
from syncd.node.serve.lookups import Lookups
from syncd.node.serve.metrics import Metrics
from syncd.node.upkeep.lapse import Lapse
from syncd.node.upkeep.never_list import NeverList
from syncd.store.own_books import LISTS
from syncd.store.sealing import VaultCipher

log = structlog.get_logger("syncd.local_workers")

PROGRAM = "syncd.cli.local_worker"
READY_S = 60.0  # to begin to serve
HEED_S = 5.0  # to let a change be in force
STOP_S = 10.0  # to answer what has come
AGAIN_S = 1.0  # until one that ended is started again, at first
LONGEST_S = 30.0
LOOK_S = 1.0  # how often it is looked for changes that nobody waits for


@dataclass(kw_only=True, eq=False)
class LocalWorkers:
    """The local workers of this daemon, and what they get of it."""

    ctx: Context
    never: NeverList
    lapse: Lapse
    freshness: Freshness
    tokeniser: Tokeniser
    lookups: Lookups
    metrics: Metrics
    budgets: Budgets
    aside: Aside
    listeners: Listeners
    workers: list["LocalWorker"] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    async def serve(
        self, app: web.Application, given: socket.socket | None
    ) -> None:
        """Serve the local API: by workers, before `app`, if there are to be any.

        Raises:
            UsageError: the address is taken, or cannot be had.
            UnavailableError: a worker does not begin to serve.
        """
        home, own = self.ctx.home.path, self.ctx.config.own
        tls = config.tls_files(own)
        checked = LocalTls(*tls, self.ctx.own.bearers) if tls else None
        if not own.workers:
            await self.listeners.serve(app, own.listen, given, "own")
            if checked:
                await self.listeners.serve(
                    app, own.tls_listen, None, "own", checked
                )
            return
        (home / SOCKET).parent.mkdir(mode=0o700, exist_ok=True)
        behind = Address(path=home / SOCKET)
        await self.listeners.serve(app, behind, None, "workers")
        listening = [for_each(own.workers, own.listen, "own", given)]
        if tls:
            at = own.tls_listen
            listening += [for_each(own.workers, at, "own", None)]
        self.workers = [
            LocalWorker(self, number, sockets, tls)
            for number, sockets in enumerate(zip(*listening, strict=True), 1)
        ]
        self._tasks = [
            asyncio.create_task(work)
            for work in (*(w.live() for w in self.workers), self._look())
        ]
        try:
            async with asyncio.timeout(READY_S):
                for worker in self.workers:
                    await worker.ready.wait()
        except TimeoutError:
            raise UnavailableError(
                "own API: a local worker does not begin to serve",
                hint="the log says why",
            ) from None

    async def tell(self) -> None:
        """Let what has changed be in force in all of them."""
        await asyncio.gather(*(worker.tell() for worker in self.workers))

    async def stop(self) -> None:
        """Let them answer what has come, and end."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self.workers:
            worker.close()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.tell()
            except Exception:  # without this they would never hear again
                log.exception("local workers were not told")

    def state(self) -> dict[str, Any]:
        """Return the parts of `State` as they are just now."""
        return {
            "current": self.ctx.roster,
            "tokens": self.never.tokens,
            "lapse": self.lapse.record,
            "cuts": self.ctx.mirror.cuts,
            "heard": self.freshness.heard(),
        }

    # ------------------------------------------------- what workers say

    async def answer(self, said: Any) -> Done:
        """Return what comes of what a worker wants."""
        try:
            if isinstance(said, link.WantOutputs):
                return Done(said.id, await self._outputs(said))
            await self.ctx.own.sightings.add(said.met)
            return Done(said.id, None)
        except SyncdError as e:
            return Done(said.id, None, e)

    async def _outputs(
        self, want: link.WantOutputs
    ) -> tuple[list[bytes], SyncdError | None]:
        """Return outputs, b"" for those that did not come, and why."""
        if want.purpose not in PURPOSES:
            raise vocabulary.refused(
                *("purpose", "purpose", want.purpose, PURPOSES)
            )
        found: dict[Identifier, bytes] = {}
        why: SyncdError | None = None
        self._check_epoch(want)
        try:
            await self.tokeniser.collect(
                *(want.wanted, found),
                purpose=want.purpose,
                timeout_s=want.timeout_s,
            )
        except SyncdError as e:
            why = e
        self._check_epoch(want)
        return [found.get(one, b"") for one in want.wanted], why

    def _check_epoch(self, want: link.WantOutputs) -> None:
        kind = want.wanted[0].kind
        epoch = self.tokeniser.epoch(kind)
        if (epoch.epoch, epoch.generation) != want.epoch:
            raise UnavailableError(
                "oprf: {kind}: the token key has changed meanwhile",
                kind=kind,
            )

    def note(self, said: link.Said) -> None:
        """Keep what a worker says, and wants no answer to."""
        match said:
            case link.Suspected(positions):
                self.lookups.suspect(positions)
            case link.AskAgain(one):
                self.lookups.unanswered.append(one)
            case link.LookedUp(verdicts, purpose, seconds):
                self.metrics.looked_up(Counter(verdicts), purpose, seconds)
            case link.Denied(kind, n):
                self.metrics.denied(kind, n)


class LocalWorker:
    """One of them: its sockets, and its process while there is one."""

    def __init__(
        self,
        daemon: LocalWorkers,
        number: int,
        listening: Sequence[Sequence[socket.socket]],
        tls: tuple[bytes, bytes] | None,
    ) -> None:
        """Start nothing yet."""
        self.ready = asyncio.Event()  # one has begun to serve
        self.process: subprocess.Popen[bytes] | None = None
        self._daemon, self._number = daemon, number
        self._listening, self._tls = listening, tls
        self._link: Link | None = None
        self._states = itertools.count(1)
        self._told: dict[str, Any] = {}
        self._heeded: dict[int, asyncio.Event] = {}
        self._stopping = False

    async def live(self) -> None:
        """Run the process, and start it again whenever it ends."""
        again_s = AGAIN_S
        while True:
            began = time.monotonic()
            try:
                why: object = await self._run()
            except Exception as e:  # such as no process to be had
                log.exception("local worker failed", number=self._number)
                why = type(e).__name__
            if self._stopping:
                return
            log.error("local worker ended", number=self._number, why=why)
            self._daemon.metrics.failures.labels("local_worker").inc()
            if time.monotonic() - began > LONGEST_S:
                again_s = AGAIN_S
            await asyncio.sleep(again_s)
            again_s = min(2 * again_s, LONGEST_S)

    async def tell(self) -> None:
        """Let what has changed be in force, if there is a process."""
        if self._link is None:
            return
        state = self._daemon.state()
        news = {
            name: value
            for name, value in state.items()
            if self._told.get(name) is not value
            and self._told.get(name) != value
        }
        self._told = state
        number = next(self._states)
        heeded = self._heeded[number] = asyncio.Event()
        self._link.tell(State(number, news))
        try:
            async with asyncio.timeout(HEED_S):
                await heeded.wait()
        except TimeoutError:
            self._kill()  # what it did not heed is in force in the next one
        finally:
            self._heeded.pop(number, None)

    async def stop(self) -> None:
        """Let it answer what has come, and end."""
        self._stopping = True
        if self._link is not None and self.process is not None:
            self._link.tell(Stop())
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self.process.wait, STOP_S)
        self._kill()

    def close(self) -> None:
        """Listen no more: whoever connects from now on is refused."""
        for sock in itertools.chain(*self._listening):
            sock.close()

    async def _run(self) -> int:
        """Run one process to its end; return its exit code."""
        ours, theirs = socket.socketpair()
        counts = self._daemon.budgets.counts.fd
        fds = [[s.fileno() for s in sockets] for sockets in self._listening]
        with theirs, contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            self.process = started(
                theirs.fileno(), counts, *itertools.chain(*fds)
            )
            undo.pop_all()
        opened = await Link.of(ours)
        home = self._daemon.ctx.home
        vault = VaultCipher(home.ring.need("vault"))
        start = Start(
            number=self._number,
            config=home.config,
            server=config.server(home.config),
            access_key=home.ring.need("access"),
            lists_key=vault.derived(LISTS),
            listening=fds,
            tls=self._tls,
            counts=counts,
        )
        opened.tell(start)
        try:
            async with asyncio.timeout(READY_S):
                await opened.said()
            self._link, self._told = opened, {}
            self._daemon.aside(self.tell())
            while True:
                self._hear(opened, await opened.said())
        except (EOFError, TimeoutError, msgspec.DecodeError):
            pass
        finally:
            self._link = None
            opened.close()
            for heeded in self._heeded.values():
                heeded.set()  # the next one begins with what is in force
            if not self._stopping:
                self._kill()
        return await asyncio.to_thread(self.process.wait)

    def _hear(self, opened: Link, said: link.Said) -> None:
        daemon = self._daemon
        if isinstance(said, link.InForce):
            self.ready.set()
            if heeded := self._heeded.get(said.number):
                heeded.set()
        elif isinstance(said, link.WantOutputs | link.Sighted):
            daemon.aside(self._answer(opened, said))
        else:
            daemon.note(said)

    async def _answer(self, opened: Link, said: link.Said) -> None:
        # To the process that asked: the next one counts from 0 again.
        opened.tell(await self._daemon.answer(said))

    def _kill(self) -> None:
        if self.process is not None:
            self.process.kill()  # nothing, if it has ended


def started(link_: int, *more: int) -> subprocess.Popen[bytes]:
    """Start a process that has some descriptors.

    By hand: asyncio's own watcher loses the exit code of one that we kill.
    """
    return subprocess.Popen(  # noqa: S603 (our own program, no shell)
        [sys.executable, "-P", "-m", PROGRAM, str(link_)],
        stdin=subprocess.DEVNULL,
        pass_fds=(link_, *more),
        env=config.for_child(None),
    )
