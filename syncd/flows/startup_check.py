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
from dataclasses import dataclass
from typing import Protocol

from syncd.errors import (
    AbsentError,
    MalformedError,
    RefusedError,
    SyncdError,
    UntrustedError,
)
from syncd.flows.ports import HeadSource, OwnHead
from syncd.tlog import checkpoint
from syncd.tlog.note import VerifierKey

REST_S = 60.0  # what the rest gets once a majority has answered
PAUSE_S = 1.0  # between two attempts at one member


class Override(Protocol):
    """What the operator may lay into the home while we wait."""

    async def brought(self) -> Mapping[str, bytes]:
        """Return checkpoints of ours that members have seen, by id.

        Each with a `seen` line that its member made since we started.
        """

    async def overridden(self, head: OwnHead) -> bool:
        """Tell whether the operator takes it upon himself, once."""


@dataclass(frozen=True, slots=True)
class StartupAnswers:
    """What the others said."""

    asked: int
    answered: int
    largest: int  # entries of ours, the largest anybody holds
    live: int  # of those who answered, how many over the network
    overridden: bool = False  # by the operator: a majority was not asked


async def check_startup(
    *,
    head: OwnHead,
    log_key: VerifierKey,
    others: Sequence[HeadSource],
    root_at: Callable[[int], Awaitable[bytes]],
    override: Override | None = None,
    rest_s: float = REST_S,
    pause_s: float = PAUSE_S,
) -> StartupAnswers:
    """Return once enough members were asked and none holds more than we do.

    Waits for ever for a majority: appending without it is the operator's
    decision, in words.

    Args:
        head: our tip as the database has it.
        log_key: our own log key.
        others: the other active members.
        root_at: the root of our own log at a size up to its tip.
        override: what else counts: lines that were carried here, and words.
        rest_s: for those who did not answer when a majority had.
        pause_s: between attempts.

    Raises:
        RefusedError: somebody holds what we cannot extend.
    """
    asking = _Check(head, others, override, pause_s)
    if others:
        await asking.run(rest_s)
    largest = 0
    for name, raw in (*asking.answers.items(), *asking.carried.items()):
        if raw:
            size = await _compare(name, raw, head, log_key, root_at)
            largest = max(largest, size)
    return StartupAnswers(
        len(others),
        len(asking.heard),
        largest,
        len(asking.answers),
        overridden=asking.overridden,
    )


class _Check:
    """Asks all at once, each until it has answered."""

    def __init__(
        self,
        head: OwnHead,
        others: Sequence[HeadSource],
        override: Override | None,
        pause_s: float,
    ) -> None:
        self._head = head
        self._others = others
        self._override = override
        self._pause_s = pause_s
        self._enough = asyncio.Event()
        self.answers: dict[str, bytes] = {}
        self.carried: dict[str, bytes] = {}
        self.overridden = False

    @property
    def heard(self) -> set[str]:
        """Of whom we know what they hold."""
        names = {other.name for other in self._others}
        return names & {*self.answers, *self.carried}

    async def run(self, rest_s: float) -> None:
        """Wait for a majority, and `rest_s` for the rest."""
        async with asyncio.TaskGroup() as group:
            asks = [group.create_task(self._ask(o)) for o in self._others]
            looks = []
            if self._override is not None:
                looks.append(group.create_task(self._look(self._override)))
            await self._enough.wait()
            # The operator has waited for them already.
            left_s = 0 if self.overridden else rest_s
            await asyncio.wait(asks, timeout=left_s)
            for task in (*asks, *looks):
                task.cancel()

    def _count(self) -> None:
        if len(self.heard) > len(self._others) // 2:
            self._enough.set()

    async def _ask(self, other: HeadSource) -> None:
        while other.name not in self.answers:
            try:
                self.answers[other.name] = await _held(
                    other, self._head.origin
                )
            except SyncdError:
                await asyncio.sleep(self._pause_s)
        self._count()

    async def _look(self, override: Override) -> None:
        while True:
            self.carried.update(await override.brought())
            self._count()
            if not self._enough.is_set() and await override.overridden(
                self._head
            ):
                self.overridden = True
                self._enough.set()
            await asyncio.sleep(self._pause_s)


async def _held(source: HeadSource, origin: str) -> bytes:
    """Return the checkpoint of ours that a member holds, b"" for none."""
    try:
        return await source.checkpoint(origin)
    except AbsentError:
        return b""


async def _compare(
    name: str,
    raw: bytes,
    head: OwnHead,
    log_key: VerifierKey,
    root_at: Callable[[int], Awaitable[bytes]],
) -> int:
    try:
        theirs, _ = checkpoint.open_(raw, log_key)
    except (MalformedError, UntrustedError):
        return 0  # we never signed that: a bad answer, and no evidence
    size = head.frontier.size
    if theirs.size > size:
        raise RefusedError(
            "log: {member} holds {theirs} entries of {origin}, we have {ours}:"
            " this home was rolled back",
            hint="do not append: restore a newer backup of own.db, or start"
            " the next generation: stop syncd, then syncd join update OUT"
            " --next-log",
            member=name,
            theirs=theirs.size,
            origin=head.origin,
            ours=size,
        )
    if theirs.root != await root_at(theirs.size):
        raise RefusedError(
            "log: {member} holds another log {origin} at size {size} than this"
            " home: it cannot go on",
            hint="start the next generation: stop syncd, then syncd join"
            " update OUT --next-log",
            member=name,
            origin=head.origin,
            size=theirs.size,
        )
    return theirs.size
