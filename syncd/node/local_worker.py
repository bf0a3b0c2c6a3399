"""A local worker: a process that answers look-ups beside the daemon.

It reads the same databases, keeps access records of its own, and has the keys
of these and of our own lists, no other. What it cannot know, the daemon tells
it (`serve.link`); all that is no look-up it passes on, whole.
"""

import asyncio
import itertools
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn

from syncd.errors import SyncdError, UnavailableError
from syncd.flows.ports import Finding
from syncd.flows.tokenise import Tokeniser
from syncd.indicator.identifier import Identifier
from syncd.node.background import Background
from syncd.node.context import Reading
from syncd.node.listeners import Listeners, limits
from syncd.node.offload import InPool
from syncd.node.pinned import clock
from syncd.node.serve import link
from syncd.node.serve.budgets import KINDS, Budgets
from syncd.node.serve.callers import Callers
from syncd.node.serve.freshness import Freshness, Heard
from syncd.node.serve.link import SOCKET, Done, Link, Start, State, Stop
from syncd.node.serve.local_tls import LocalTls
from syncd.node.serve.lookups import Claims, Lookups, Unanswered
from syncd.node.serve.shared_counts import SharedCounts
from syncd.node.upkeep.lapse import Lapse, LapseRecord
from syncd.roster.roster import Roster
from syncd.store.database import Database
from syncd.store.home_stores import OWN, open_mirror
from syncd.store.own_books import OwnBooks, OwnBundles
from syncd.store.server import writer_of
from syncd.store.sightings import SightedToken
from syncd.web import local_api
from syncd.web.relay import Relay

LOOKUP_CACHE = 100_000  # identifiers, in memory, where that is allowed
THREADS = 2
ASK_S = 10.0  # for what the daemon has to do
GRACE_S = 0.5  # for it to say that there is no time left


class Daemon:
    """The daemon, for a worker: what it is asked, and told."""

    def __init__(self, ends: Link) -> None:
        self.link = ends
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._counts: list[link.LookedUp | link.Denied] = []

    async def ask(
        self, form: Any, *values: Any, timeout_s: float = ASK_S
    ) -> Any:
        """Return what comes of what is wanted, or raise what it raises.

        Raises:
            UnavailableError: nothing comes of it, for so long.
        """
        id_ = next(self._ids)
        future = self._waiting[id_] = (
            asyncio.get_running_loop().create_future()
        )
        try:
            self.link.say(form(id_, *values))
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            raise UnavailableError("the daemon does not answer") from None
        finally:
            del self._waiting[id_]

    def heed(self, number: int) -> None:
        """Say that a state is in force, and first what was counted till now.

        Together: the daemon wakes up once, not for each look-up.
        """
        for one in self._counts:
            self.link.say(one)
        self._counts.clear()
        self.link.say(link.InForce(number))

    def answered(self, done: Done) -> None:
        """Hand on what came of something."""
        future = self._waiting.get(done.id)
        if future is None or future.done():
            return  # nobody waits any more
        if done.error is not None:
            future.set_exception(done.error)
        else:
            future.set_result(done.value)

    def gone(self) -> None:
        """Let nobody wait for it."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(
                    UnavailableError("the daemon does not answer")
                )

    # What parts of the daemon are, where a look-up asks them:

    async def add(self, met: Sequence[SightedToken]) -> None:
        """Have each counted; durable on return."""
        if met:
            await self.ask(link.Sighted, tuple(met))

    async def report(self, *findings: Finding, once: bool = False) -> None:
        """Have it told who reports values that it had not."""
        positions = tuple((f.origin, f.index or 0) for f in findings)
        self.link.say(link.Suspected(positions))

    def denied(self, kind: str, n: int) -> None:
        """Have items counted that a token's budget did not allow."""
        self._counts.append(link.Denied(kind, n))

    def looked_up(
        self, verdicts: Counter[str], purpose: str, seconds: float
    ) -> None:
        """Have one look-up counted."""
        self._counts.append(link.LookedUp(verdicts, purpose, seconds))


class AskedAgain(deque[Unanswered]):
    """What the daemon is to ask again."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self._daemon = daemon

    def append(self, one: Unanswered) -> None:
        """Hand it over."""
        self._daemon.link.say(link.AskAgain(one))


@dataclass(kw_only=True, eq=False)
class DaemonsOutputs(Tokeniser):
    """Gets outputs from the daemon, which asks holders for all of us."""

    daemon: Daemon

    async def _some(
        self,
        kind: str,
        part: Sequence[Identifier],
        purpose: str,
        deadline: float,
    ) -> dict[Identifier, bytes]:
        epoch, left = self.epoch(kind), max(deadline - self.clock(), 0.0)
        came: Sequence[bytes]
        error: SyncdError | None
        came, error = await self.daemon.ask(
            link.WantOutputs,
            *(tuple(part), (epoch.epoch, epoch.generation), purpose),
            left,
            timeout_s=left + GRACE_S,
        )
        found = {
            one: output
            for one, output in zip(part, came, strict=True)
            if output
        }
        if error is not None and not found:
            raise error
        self._remember(epoch, found)
        return found


class Known:
    """What the daemon told last of what answers rest on."""

    current: Roster
    tokens: frozenset[tuple[str, bytes]]
    lapse: LapseRecord
    heard: Heard


class LocalWorker:
    """Answers look-ups until the daemon stops it."""

    def __init__(self, daemon: Daemon, start: Start) -> None:
        """Open the databases; nothing is served yet.

        Raises:
            SyncdError: one cannot be opened.
        """
        self._daemon, config, self._known = daemon, start.config, Known()
        database = Database(start.server or config.home / OWN, "own")
        keys = start.access_key, start.lists_key
        name = f"local-{start.number}"
        writer = writer_of(config.home, name, start.server)
        self._own = OwnBooks(database, clock, *keys, writer)
        self._own.log, self._own.sightings = OwnBundles(database), daemon
        self._mirror = open_mirror(
            config.home, clock=clock, server=start.server, read_only=True
        )
        self._threads = ThreadPoolExecutor(THREADS, "fast")
        offload = InPool(self._threads)
        ctx = Reading(
            config=config,
            trusted=self._known,
            own=self._own,
            mirror=self._mirror,
            clock=time.time,
            report=daemon.report,
            offload=offload,
            bulk=offload,
        )
        self._lapse = Lapse(ctx)
        self._background = Background()
        self._relay = Relay(config.home / SOCKET)
        lookups = self._lookups(ctx, SharedCounts(KINDS, start.counts))
        self._app = local_api.app(
            *(Callers(ctx=ctx), [lookups], limits(config.own)),
            rest=self._relay.answer,
        )
        own, tls = config.own, start.tls
        secure = LocalTls(*tls, ctx.own.bearers) if tls else None
        self._apis = [
            (at, [socket.socket(fileno=fd) for fd in fds], its_tls)
            for fds, at, its_tls in zip(
                start.listening,
                (own.listen, own.tls_listen),
                (None, secure),
                strict=False,  # without TLS there is one
            )
        ]
        self._listeners = Listeners()

    def _lookups(self, ctx: Reading, counts: SharedCounts) -> Lookups:
        daemon, known = self._daemon, self._known
        lookups = Lookups(
            ctx=ctx,
            claims=Claims(ctx, self._lapse),
            tokeniser=DaemonsOutputs(
                roster=lambda: known.current,
                holder=_unasked,
                offload=ctx.offload,
                bulk=ctx.bulk,
                clock=time.monotonic,
                rng=_unasked,
                accuse=_unasked,
                cache_size=LOOKUP_CACHE if ctx.config.lookup.cache else 0,
                daemon=daemon,
            ),
            never=known,
            freshness=Freshness(ctx=ctx, heard=lambda: known.heard),
            metrics=daemon,
            budgets=Budgets(ctx=ctx, metrics=daemon, counts=counts),
            aside=self._background.start,
        )
        lookups.unanswered = AskedAgain(daemon)
        return lookups

    async def run(self) -> None:
        """Serve until the daemon says stop, or has gone."""
        told: State | Done | Stop
        self._daemon.link.say(link.Opened())
        try:
            while True:
                match told := await self._daemon.link.told():
                    case State():
                        await self._take(told)
                    case Done():
                        self._daemon.answered(told)
                    case Stop():
                        self._background.start(self._finish())
        except EOFError:
            self._daemon.gone()
        await self._listeners.close()
        await self._relay.close()
        await self._background.stop()
        self._threads.shutdown()
        self._mirror.close()
        self._own.database.close()

    async def _take(self, state: State) -> None:
        """Let a state be in force; with the first one, begin to serve."""
        vars(self._known).update(state.news)
        self._lapse.record = self._known.lapse
        if "cuts" in state.news:
            self._mirror.forget()
        if not self._listeners.runners:
            for at, (first, *more), tls in self._apis:
                await self._listeners.serve(
                    *(self._app, at, first, "own", tls), more=more
                )
        self._daemon.heed(state.number)

    async def _finish(self) -> None:
        """Answer what has come; then the daemon hears that we end."""
        await self._listeners.close()
        self._daemon.link.close()


def _unasked(*_: object) -> NoReturn:
    raise AssertionError("the daemon asks holders, no worker")
