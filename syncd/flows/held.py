"""Read logs that we hold, our own and mirrored ones alike."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

from syncd.errors import DamagedError, ForkError
from syncd.flows.ports import (
    Bundle,
    Mirror,
    MirrorHead,
    Offload,
    OwnHead,
    OwnLog,
)
from syncd.indicator import codec
from syncd.indicator.leaf import Record
from syncd.tlog import growth
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE, Frontier

TOGETHER = 256  # bundles of records read for one transaction


class Held(NamedTuple):
    """A log up to one tip, as one of our databases has it."""

    origin: str
    where: str  # as messages name it
    frontier: Frontier
    bundle: Callable[[int], Awaitable[Bundle | None]]
    roots: Callable[[int, int], Awaitable[list[bytes]]]

    async def stored(self, n: int) -> Bundle:
        """Return bundle `n`.

        Raises:
            DamagedError: it is missing.
        """
        if bundle := await self.bundle(n):
            return bundle
        raise DamagedError("{where}: bundle {n} is missing", self, n=n)

    async def leaf_hashes(self, n: int) -> list[bytes]:
        """Return the leaf hashes of bundle `n`, none beyond the tip."""
        if n * BUNDLE >= self.frontier.size:
            return []
        bundle = await self.stored(n)
        return codec.leaf_hashes(codec.records(self.origin, bundle))

    async def root_at(self, size: int) -> bytes:
        """Return the root of the first `size` entries."""
        if size == self.frontier.size:
            return self.frontier.root()
        whole = size // BUNDLE
        roots = await self.roots(0, whole)
        tail = await self.leaf_hashes(whole) if size % BUNDLE else []
        return growth.prefix_root(size, roots, tail)

    async def check(self, head: Checkpoint) -> None:
        """Pass a signed checkpoint that is of this tree.

        Raises:
            ForkError: it has another root.
        """
        if await self.root_at(head.size) != head.root:
            raise ForkError(
                "log: {origin} signed another root at size {size}", head
            )

    async def bundles(self, start: int) -> list[Bundle]:
        """Return the bundles from that of entry `start` on, so many."""
        first, end = start // BUNDLE, -(-self.frontier.size // BUNDLE)
        numbers = range(first, min(first + TOGETHER, end))
        return [await self.stored(n) for n in numbers]

    async def records(self, start: int, offload: Offload) -> list[Record]:
        """Return the records from entry `start` on, of so many bundles."""
        found: list[Record] = await offload(
            opened, self.origin, await self.bundles(start), start
        )
        return found[: self.frontier.size - start]


def opened(origin: str, bundles: Iterable[Bundle], start: int) -> list[Record]:
    """Return the records of bundles, from entry `start` of the first on."""
    found = [r for bundle in bundles for r in codec.records(origin, bundle)]
    return found[start % BUNDLE :]


def own(log: OwnLog, tip: OwnHead) -> Held:
    """Return our own log as of `tip`."""
    return Held(tip.origin, "own.db", tip.frontier, log.bundle, log.roots)


def copy(mirror: Mirror, head: MirrorHead) -> Held:
    """Return our copy of another's log as of `head`."""
    return Held(
        head.origin,
        f"mirror.db: {head.origin}",
        head.frontier,
        partial(mirror.bundle, head.origin),
        partial(mirror.roots, head.origin),
    )
