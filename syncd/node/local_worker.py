"""A local worker: a process that answers look-ups beside the daemon.

It reads the same databases, keeps access records of its own, and has the keys
of these and of our own lists, no other. What it cannot know, the daemon tells
it (`serve.link`); all that is no look-up it passes on, whole.
"""

import asyncio
import contextlib
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from syncd.errors import SyncdError
from syncd.flows.ports import Finding
from syncd.flows.tokenise import Tokeniser
from syncd.indicator.identifier import Identifier
from syncd.node.context import Background, Reading, part
from syncd.node.listeners import Listeners, LocalTls, limits, whose
from syncd.node.offload import InPool
from syncd.node.pinned import clock
from syncd.node.serve import link
from syncd.node.serve.budgets import Budgets, SharedCounts
from syncd.node.serve.freshness import Freshness
from syncd.node.serve.lookups import Answered, Claims, Lookups, Unanswered
from syncd.node.upkeep.lapse import Lapse
from syncd.store.database import Database
from syncd.store.home_stores import OWN, open_mirror
from syncd.store.own_books import OwnBooks
from syncd.store.server import writer_of
from syncd.store.sightings import SightedToken
from syncd.web import local_api
from syncd.web.relay import Relay

LOOKUP_CACHE = 100_000  # identifiers, in memory, where that is allowed
THREADS = 2
BEAT_S = 1.0
GRACE_S = 0.5  # for the daemon to say that there is no time left


class Daemon:
    """What parts of the daemon are, for a look-up that is answered here."""

    def __init__(self, start: link.Start) -> None:
        """Nothing has happened yet."""
        self.home, self._number = start.config.home, start.number
        self._beat = link.Beat(start.number)

    async def beat(self, known: int, left: list[Unanswered]) -> link.News:
        """Say what happened, and return what has changed.

        Raises:
            UnavailableError: the daemon does not answer.
        """
        beat, self._beat = self._beat, link.Beat(self._number)
        beat.known, beat.unanswered = known, left
        news: link.News = await link.ask(self.home, beat)
        return news

    async def add(self, met: Sequence[SightedToken]) -> None:
        """Have each counted; durable on return."""
        if met:
            await link.ask(self.home, link.Sighted(tuple(met)))

    async def report(self, *findings: Finding, once: bool = False) -> None:
        """Have it told who reports values that it had not."""
        self._beat.suspected += [(f.origin, f.index or 0) for f in findings]

    def denied(self, kind: str, n: int) -> None:
        """Have items counted that a token's budget did not allow."""
        self._beat.denied.append((kind, n))

    def looked_up(self, came: Counter[str], purpose: str, took: float) -> None:
        """Have one look-up counted."""
        self._beat.looked_up.append((came, purpose, took))


@part
class DaemonsOutputs(Tokeniser):
    """Gets outputs from the daemon, which asks holders for all of us."""

    home: Path

    async def _some(
        self,
        key: tuple[str, str, int],
        part: Sequence[Identifier],
        deadline: float,
    ) -> dict[Identifier, bytes]:
        kind, purpose, number = key
        epoch, left = self.epoch(kind, number), deadline - self.clock()
        want = link.WantOutputs(
            *(tuple(part), epoch.epoch, purpose, max(left, 0.0))
        )
        found: dict[Identifier, bytes]
        found, error = await link.ask(self.home, want, max(left, 0) + GRACE_S)
        if error is not None and not found:
            raise error
        self._remember(epoch, found)
        return found


@part
class CurrentLookups(Lookups):
    """Look-ups that begin with what is in force in the daemon just then."""

    refresh: Callable[[], Awaitable[None]]

    async def answers(self, *questions: Any, **how: Any) -> Answered:
        """Answer questions, as there."""
        await self.refresh()
        return await super().answers(*questions, **how)


class LocalWorker:
    """Answers look-ups until the daemon stops it."""

    def __init__(self, start: link.Start) -> None:
        """Open the databases; nothing is served yet.

        Raises:
            SyncdError: one cannot be opened.
        """
        daemon, config = Daemon(start), start.config
        # What answers rest on, as the daemon told it last:
        self._known: Any = SimpleNamespace()
        self._daemon, self._news = daemon, 0  # the newest that are known
        database = Database(start.server or config.home / OWN, "own")
        keys = start.access_key, start.lists_key
        writer = writer_of(config.home, f"local-{start.number}", start.server)
        self._own = OwnBooks(database, clock, *keys, writer)
        self._own.sightings = daemon
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
        self._lapse = Lapse(ctx=ctx)
        self._background = Background()
        self._relay = Relay(config.home / link.RELAYED)
        self._counts = SharedCounts(start.counts)
        self._refreshing = asyncio.Lock()
        self._lookups = self._answering(ctx)
        self._app = local_api.app(
            *(partial(whose, ctx.own.bearers), [self._lookups]),
            limits(config),
            rest=self._relay.answer,
        )
        secure = LocalTls(*start.tls, ctx.own.bearers) if start.tls else None
        self._apis = [
            ([socket.socket(fileno=fd) for fd in fds], its_tls)
            for fds, its_tls in zip(
                start.listening, (None, secure), strict=False
            )
        ]
        self._listeners = Listeners()

    def _answering(self, ctx: Reading) -> Lookups:
        daemon, known = self._daemon, self._known
        return CurrentLookups(
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
                home=ctx.config.home,
            ),
            never=known,
            freshness=Freshness(ctx=ctx, heard=lambda: known.heard),
            metrics=daemon,
            budgets=Budgets(ctx=ctx, metrics=daemon, counts=self._counts),
            aside=self._background.start,
            refresh=self._refresh,
        )

    async def run(self) -> None:
        """Serve until the daemon says that we end, or has gone.

        Raises:
            SyncdError: it does not say what is in force.
        """
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(sys.stdin, ended.set)  # there is nothing but its end
        await self._beat()
        for sockets, tls in self._apis:
            await self._listeners.serve(self._app, sockets, "own", tls)
        beating = asyncio.create_task(self._beats())
        await ended.wait()
        loop.remove_reader(sys.stdin)
        beating.cancel()
        await self._listeners.close()
        with contextlib.suppress(SyncdError):
            await self._beat()
        await self._relay.close()
        await self._background.stop()
        self._threads.shutdown()
        self._mirror.close()
        self._own.database.close()

    async def _beats(self) -> None:
        while True:
            with contextlib.suppress(SyncdError):  # the next may do
                await self._beat()
            await asyncio.sleep(BEAT_S)

    async def _refresh(self) -> None:
        """Let what is in force in the daemon be in force here."""
        async with self._refreshing:
            if self._counts.news != self._news:
                await self._beat()

    async def _beat(self) -> None:
        unanswered = [*self._lookups.unanswered]
        self._lookups.unanswered.clear()
        news = await self._daemon.beat(self._news, unanswered)
        if news.number > self._news:
            self._news = news.number
            vars(self._known).update(news.parts)
            self._lapse.record = self._known.lapse
            if "cuts" in news.parts:
                self._mirror.forget()


def _unasked(*_: object) -> NoReturn:
    raise AssertionError("the daemon asks holders, no worker")
