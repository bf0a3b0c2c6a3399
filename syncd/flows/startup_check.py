"""Ask the other members how much of our log they hold, before we append.

A snapshot of a virtual machine rolls back database and high-water mark
together; the others' mirrors do not follow it. So nothing is appended until
a majority of the other active members said how much of our log they hold,
and the rest had a minute. A `seen` line that one of them made since counts as
its answer, however it came. If one of them holds what we do not, appending
would fork the log: we refuse, and say what to do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct, field

from syncd.errors import (
    AbsentError,
    MalformedError,
    RefusedError,
    SyncdError,
    UntrustedError,
)
from syncd.flows.ports import OwnHead
from syncd.tlog import checkpoint
from syncd.tlog.note import VerifierKey

REST_S = 60.0  # what the rest gets once a majority has answered
PAUSE_S = 1.0  # between two attempts at one member


class StartupCheck(Struct, kw_only=True, eq=False):
    """Asks all others at once, each until it has answered.

    Waits for ever for a majority: appending without it is the operator's
    decision, in words.
    """

    head: OwnHead  # our tip as the database has it
    log_key: VerifierKey  # our own
    others: Sequence[str]  # active members
    ask: Callable[[str], Awaitable[bytes]]
    """fetches the newest checkpoint of our log that one of them has"""
    root_at: Callable[[int], Awaitable[bytes]]
    """the root of our own log at a size up to its tip"""
    brought: Callable[[], Awaitable[Mapping[str, bytes]]]
    """returns by id checkpoints of ours under a `seen` line of that member,
    made since we started, that somebody carried here"""
    allowed: Callable[[OwnHead], Awaitable[bool]]
    """tells whether the operator takes it upon himself, once"""
    rest_s: float = REST_S
    pause_s: float = PAUSE_S
    answers: dict[str, bytes] = {}  # by network
    carried: Mapping[str, bytes] = {}
    largest: int = 0  # entries of ours, the largest anybody holds
    overridden: bool = False  # by the operator: a majority was not asked
    _enough: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def heard(self) -> set[str]:
        """Of whom we know what they hold."""
        return {*self.others} & {*self.answers, *self.carried}

    async def run(self) -> None:
        """Return once enough were asked and none holds more than we do.

        Raises:
            RefusedError: somebody holds what we cannot extend.
        """
        if self.others:
            await self._wait()
        for name, raw in (*self.answers.items(), *self.carried.items()):
            if raw:
                size = await self._compare(name, raw)
                self.largest = max(self.largest, size)

    async def _wait(self) -> None:
        """Wait for a majority, and `rest_s` for the rest."""
        async with asyncio.TaskGroup() as group:
            asks = [group.create_task(self._ask(name)) for name in self.others]
            look = group.create_task(self._look())
            await self._enough.wait()
            # The operator has waited for them already.
            left_s = 0 if self.overridden else self.rest_s
            await asyncio.wait(asks, timeout=left_s)
            for task in (*asks, look):
                task.cancel()

    def _count(self) -> None:
        if len(self.heard) > len(self.others) // 2:
            self._enough.set()

    async def _ask(self, name: str) -> None:
        while name not in self.answers:
            try:
                self.answers[name] = await self.ask(name)
            except AbsentError:
                self.answers[name] = b""
            except SyncdError:
                await asyncio.sleep(self.pause_s)
        self._count()

    async def _look(self) -> None:
        while True:
            self.carried = {**self.carried, **await self.brought()}
            self._count()
            if not self._enough.is_set() and await self.allowed(self.head):
                self.overridden = True
                self._enough.set()
            await asyncio.sleep(self.pause_s)

    async def _compare(self, name: str, raw: bytes) -> int:
        """Return how much of ours a member holds, if we can extend it."""
        try:
            theirs, _ = checkpoint.open_(raw, self.log_key)
        except (MalformedError, UntrustedError):
            return 0  # we never signed that: a bad answer, and no evidence
        size = self.head.frontier.size
        if theirs.size > size:
            raise RefusedError(
                "log: {member} holds {theirs} entries of {origin}, we have {ours}:"
                " this home was rolled back",
                self.head,
                member=name,
                theirs=theirs.size,
                ours=size,
            )
        if theirs.root != await self.root_at(theirs.size):
            raise RefusedError(
                "log: {member} holds another log {origin} at size {size} than this"
                " home: it cannot go on",
                self.head,
                member=name,
                size=theirs.size,
            )
        return theirs.size
