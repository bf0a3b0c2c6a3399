"""Tell each target of `[notify]` what concerns its roles, until it took it."""

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from syncd import config
from syncd.config import Target
from syncd.errors import NOTHING, Message, SyncdError, UnavailableError
from syncd.messages import wire
from syncd.node.context import Context
from syncd.node.notify import command, events
from syncd.store.notices import Notice, Queued
from syncd.web import status_forms, webhook

log = structlog.get_logger("syncd.notify")

FIRST_S, MOST_S = 5.0, 600.0  # until what was not taken is tried again
LOOK_S = 60.0  # events are looked for at least as often
COMMANDS = 4  # that run at once

Send = Callable[[Notice], Awaitable[None]]


@dataclass(eq=False)
class _Sender:
    """One target, and how telling it goes."""

    target: Target
    send: Send
    failures: int = 0  # in a row
    failing_since: int = 0  # unix seconds
    last_ok: int = 0
    why: Message = NOTHING


@dataclass(kw_only=True, eq=False)
class Notifier:
    """Everybody who is told, each by a task of its own."""

    ctx: Context
    listen: Callable[[], asyncio.Event]  # set when something may have happened

    def __post_init__(self) -> None:
        """Read the keys of the webhooks.

        Raises:
            UsageError: one is missing, open to others, or none.
        """
        self._commands = asyncio.Semaphore(COMMANDS)
        targets = self.ctx.config.notify.targets
        self._senders = [_Sender(t, self._way(t)) for t in targets]

    async def run(self) -> None:
        """Tell everybody, for as long as we run."""
        names = [sender.target.name for sender in self._senders]
        await self.ctx.own.notices.keep(names)
        await asyncio.gather(*map(self._serve, self._senders))

    async def states(self) -> tuple[status_forms.NotifyState, ...]:
        """Return how telling each target goes."""
        queued = await self.ctx.own.notices.queued()
        return tuple(
            status_forms.NotifyState(
                target=s.target.name,
                roles=s.target.roles,
                waiting=queued.get(s.target.name, Queued()).waiting,
                dropped=queued.get(s.target.name, Queued()).dropped,
                failures=s.failures,
                failing_since=s.failing_since or None,
                last_ok=s.last_ok or None,
                why=wire.of(s.why) if s.failures else None,
            )
            for s in self._senders
        )

    def _way(self, target: Target) -> Send:
        """Return how a target is told."""
        if target.command:
            return functools.partial(self._run, target.command)
        key = config.webhook_key(Path(target.secret))
        return functools.partial(self._post, target.url, key)

    async def _run(self, argv: Sequence[str], notice: Notice) -> None:
        async with self._commands:
            await command.run(argv, notice.body)

    async def _post(self, url: str, key: bytes, notice: Notice) -> None:
        alliance = self.ctx.config.member.alliance
        name = events.name_of(alliance, self.ctx.me, notice)
        signed = webhook.headers(key, name, self.ctx.now(), notice.body)
        await webhook.post(url, notice.body, signed)

    async def _serve(self, sender: _Sender) -> None:
        """Tell one target, in order; what it refuses goes behind the rest."""
        news, again_at = self.listen(), 0.0
        while True:
            news.clear()
            try:
                notice = await self._next(sender, again_at)
                if notice is not None:
                    again_at = await self._tell(sender, notice)
                    continue
            except SyncdError as e:  # our database
                log.warning("not told", target=sender.target.name, why=str(e))
            left_s = again_at - time.monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    left_s if 0 < left_s < LOOK_S else LOOK_S
                ):
                    await news.wait()

    async def _next(self, sender: _Sender, again_at: float) -> Notice | None:
        """Return what to tell now: what is fresh does not wait for the rest."""
        compose = functools.partial(
            events.compose,
            roles=sender.target.roles,
            alliance=self.ctx.config.member.alliance,
            member=self.ctx.me,
        )
        notices, name = self.ctx.own.notices, sender.target.name
        fresh = await notices.queue(name, compose)
        if not fresh and time.monotonic() < again_at:
            return None
        return await notices.next(name)

    async def _tell(self, sender: _Sender, notice: Notice) -> float:
        """Tell one thing once; return when to go on (monotonic)."""
        try:
            await sender.send(notice)
        except UnavailableError as e:
            now = self.ctx.now()
            sender.failing_since = sender.failing_since or now
            sender.failures, sender.why = sender.failures + 1, e.text
            log.warning("not told", target=notice.target, why=str(e))
        else:
            sender.last_ok = self.ctx.now()
            sender.failures = sender.failing_since = 0
        await self.ctx.own.notices.done(notice, taken=not sender.failures)
        if not sender.failures:
            return 0.0
        return time.monotonic() + pause_s(sender.failures)


def pause_s(failures: int) -> float:
    """Return how long a target is left alone after failures in a row."""
    return float(min(FIRST_S * 2 ** (failures - 1), MOST_S))
