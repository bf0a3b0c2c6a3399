"""Tell each target of `[notify]` what concerns its roles, until it took it.

The events are kept in own.db; of a target only how far it was told. What it
has not taken lies in memory, and after a restart is composed again, of the
same event the same bytes under the same id.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from syncd import config
from syncd.errors import UnavailableError
from syncd.messages import wire
from syncd.node.background import logged
from syncd.node.context import Context, part
from syncd.node.notify import command, events
from syncd.store.events import StoredEvent
from syncd.web import status_forms, webhook

log = structlog.get_logger("syncd.notify")

FIRST_S, MOST_S = 5.0, 600.0  # until what was not taken is tried again
LOOK_S = 60.0  # events are looked for at least as often
COMMANDS = 4  # that run at once
MOST = 1000  # notices that wait for one target: the newest
KEPT_S = 3 * 86_400
PAGE = 256  # events read at a time


@dataclass(slots=True)
class _Notice:
    event: StoredEvent
    body: bytes
    tries: int = 0


@dataclass(eq=False)
class _Sender:
    """One target, and how telling it goes."""

    target: config.Target
    key: bytes  # of a webhook
    read_to: int = 0  # number of an event
    waiting: dict[int, _Notice] = field(default_factory=dict)  # in order
    dropped: int = 0  # since our start
    failures: int = 0  # in a row
    why: wire.WireMessage | None = None


@part
class Notifier:
    """Everybody who is told, each by a task of its own."""

    ctx: Context
    feed: Any  # `Events`: say when something may have happened

    def __post_init__(self) -> None:
        """Read the keys of the webhooks.

        Raises:
            UsageError: one is missing, open to others, or none.
        """
        self._commands = asyncio.Semaphore(COMMANDS)
        targets = self.ctx.config.notify.targets
        self._senders = [
            _Sender(t, config.webhook_key(Path(t.secret)) if t.url else b"")
            for t in targets
        ]

    async def run(self) -> None:
        """Tell everybody, for as long as we run; a new one from now on."""
        _, newest = await self.ctx.own.events.bounds()
        for sender in self._senders:
            known = await self.ctx.own.events.reported(_place(sender))
            sender.read_to = int(known or newest)
        await asyncio.gather(*map(self._serve, self._senders))

    def states(self) -> tuple[status_forms.NotifyState, ...]:
        """Return how telling each target goes."""
        return tuple(
            status_forms.NotifyState(
                target=s.target.name,
                roles=s.target.roles,
                waiting=len(s.waiting),
                dropped=s.dropped,
                failures=s.failures,
                why=s.why,
            )
            for s in self._senders
        )

    async def _send(self, sender: _Sender, notice: _Notice) -> None:
        """Tell a target, in its way."""
        target = sender.target
        if target.command:
            async with self._commands:
                await command.run(target.command, notice.body)
            return
        alliance = self.ctx.config.member.alliance
        name = events.name_of(alliance, self.ctx.me, notice.event)
        signed = webhook.headers(sender.key, name, self.ctx.now(), notice.body)
        await webhook.post(target.url, notice.body, signed)

    async def _serve(self, sender: _Sender) -> None:
        """Tell one target, in order; what it refuses goes behind the rest."""
        news, again_at = self.feed.listen(), 0.0
        while True:
            news.clear()
            fresh = False
            with logged("not told", target=sender.target.name):
                fresh = await self._read(sender)
            left_s = again_at - time.monotonic()
            # What is fresh does not wait for the rest.
            if sender.waiting and (fresh or left_s <= 0):
                again_at = await self._tell(sender)
                continue
            pause = left_s if 0 < left_s < LOOK_S else LOOK_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await news.wait()

    async def _read(self, sender: _Sender) -> bool:
        """Compose what happened since, and keep how far all was told.

        Tells whether there is something fresh. What is too old or one too
        many is dropped.
        """
        book, fresh, waiting = self.ctx.own.events, False, sender.waiting
        alliance = self.ctx.config.member.alliance
        while page := await book.page(sender.read_to + 1, PAGE):
            for event in page:
                body = events.compose(
                    event, sender.target.roles, alliance, self.ctx.me
                )
                if body is not None:
                    waiting[event.number] = _Notice(event, body)
                    fresh = True
            sender.read_to = page[-1].number
        old = self.ctx.now() - KEPT_S
        gone = {n for n, one in waiting.items() if one.event.at < old}
        for number in gone.union([*waiting][:-MOST]):
            del waiting[number]
            sender.dropped += 1
        told = next(iter(waiting), sender.read_to + 1) - 1
        await book.now(_place(sender), str(told), "")
        return fresh

    async def _tell(self, sender: _Sender) -> float:
        """Tell one thing once; return when to go on (monotonic)."""
        notice = min(sender.waiting.values(), key=lambda one: one.tries)
        try:
            await self._send(sender, notice)
        except UnavailableError as e:
            notice.tries += 1
            sender.failures, sender.why = sender.failures + 1, wire.of(e.text)
            log.warning("not told", target=sender.target.name, why=str(e))
            return time.monotonic() + pause_s(sender.failures)
        del sender.waiting[notice.event.number]
        sender.failures, sender.why = 0, None
        return 0.0


def _place(sender: _Sender) -> str:
    return f"notify/{sender.target.name}"


def pause_s(failures: int) -> float:
    """Return how long a target is left alone after failures in a row."""
    return float(min(FIRST_S * 2 ** (failures - 1), MOST_S))
