"""Tell each target of `[notify]` what concerns its roles, until it took it.

The events are kept in own.db; of a target only how far it was told. What it
has not taken lies in memory, and after a restart is composed again, of the
same event the same bytes under the same id.

What leaves the house has no value, no token and nothing that a report says:
member ids, positions, counts, days and states, by their names and their look.
Other fields of an event stay here.
"""

import asyncio
import contextlib
import datetime
import signal
import time
from asyncio.subprocess import DEVNULL
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import structlog

from syncd import config
from syncd.config.settings import Role
from syncd.errors import UnavailableError
from syncd.messages import wire
from syncd.messages.events import plain, said
from syncd.node.context import Context, logged, part
from syncd.node.offload import once
from syncd.store.events import StoredEvent
from syncd.web import status_forms, webhook

log = structlog.get_logger("syncd.notify")

FIRST_S, MOST_S = 5.0, 600.0  # until what was not taken is tried again
LOOK_S = 60.0  # events are looked for at least as often
COMMANDS = 4  # that run at once
COMMAND_S = 10.0  # for each
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
MOST = 1000  # notices that wait for one target: the newest
KEPT_S = 3 * 86_400
PAGE = 256  # events read at a time
ROLES = {  # who is told of what; of all else nobody outside is
    name: role
    for role, names in {
        "admin": "roster draft expiry",
        "duty": "todo done finding peer cut_off urgent turned retract",
        "reviewer": "waiting lapsing",
        "compliance": "undo dispute answer lift screening audit",
    }.items()
    for name in names.split()
}
WHY = {"code", "detail_code", "params"}  # a message, by its code
# What may leave: where and when something was, never what a report says.
OUTSIDE = {
    *("by_us", "code", "count", "days", "dispute", "due", "expires", "index"),
    *("member", "n", "origin", "outcome", "overdue", "reports", "state"),
    *("access", "contacts", "id", "target", "version"),
}


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
        roles, alliance = sender.target.roles, self.ctx.config.member.alliance
        while page := await book.page(sender.read_to + 1, PAGE):
            for event in page:
                body = compose(event, roles, alliance, self.ctx.me)
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
        target, body = sender.target, notice.body
        try:
            if target.command:
                async with self._commands:
                    await run(target.command, body)
            else:
                alliance = self.ctx.config.member.alliance
                name = name_of(alliance, self.ctx.me, notice.event)
                now = self.ctx.now()
                signed = webhook.headers(sender.key, name, now, body)
                await webhook.post(target.url, body, signed)
        except UnavailableError as e:
            notice.tries += 1
            sender.failures, sender.why = sender.failures + 1, wire.of(e.text)
            log.warning("not told", target=target.name, why=str(e))
            return time.monotonic() + pause_s(sender.failures)
        del sender.waiting[notice.event.number]
        sender.failures, sender.why = 0, None
        return 0.0


async def run(command: Sequence[str], body: bytes) -> None:
    """Have a command read `body` from its standard input, and end well.

    Nothing of ours goes along.

    Raises:
        UnavailableError: it cannot be started, fails, or takes too long.
    """
    how: Any = {"stdout": DEVNULL, "env": ENVIRONMENT, "cwd": "/"}
    try:
        _, code = await once(command, body, COMMAND_S, **how)
    except OSError as e:
        raise UnavailableError("command: {why}", why=e.strerror) from e
    if code == -signal.SIGXCPU:
        raise UnavailableError("command: not done after {s} s", s=COMMAND_S)
    if code:
        raise UnavailableError("command: exit code {code}", code=code)


def _place(sender: _Sender) -> str:
    return f"notify/{sender.target.name}"


def pause_s(failures: int) -> float:
    """Return how long a target is left alone after failures in a row."""
    return float(min(FIRST_S * 2 ** (failures - 1), MOST_S))


def compose(
    event: StoredEvent, roles: Collection[Role], alliance: str, member: str
) -> bytes | None:
    """Return an event of a member for a target; None if that is not told it."""
    role = ROLES.get(event.name)
    if role is None or role not in roles:
        return None
    data = {
        name: value
        for name in sorted(OUTSIDE & event.data.keys())
        if (value := plain(event.data[name])) is not None
    }
    why = {n: event.data[n] for n in WHY & event.data.keys()}
    at = datetime.datetime.fromtimestamp(event.at, datetime.UTC)
    notice = {
        "id": name_of(alliance, member, event),
        "alliance": alliance,
        "member": member,
        "type": f"syncd.{event.name}",
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "role": role,
        "text": said(event.name, {**data, **why}),
        "data": data,
    }
    return msgspec.json.encode(notice)


def name_of(alliance: str, member: str, event: StoredEvent) -> str:
    """Return what an event is called everywhere, whoever tells it again.

    Its time tells it from one that a restored database has forgotten.
    """
    return f"{alliance}-{member}-{event.number}-{event.at}"
