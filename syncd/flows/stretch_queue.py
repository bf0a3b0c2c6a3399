"""A queue of checked stretches that wait for a transaction."""

import asyncio
from collections import deque

from syncd.flows.stretch import MAX_OCTETS, Stretch

MOST = 768  # bundles in one transaction, at most: 196,608 entries
LEAST = 128  # are worth one: while it is written, more come


class StretchQueue:
    """What is checked and waits to be merged: at most one transaction.

    A transaction with random tokens touches every page of the claims, so a
    large store wants many rows in one: it is slow, and they gather meanwhile.
    """

    def __init__(self) -> None:
        self._waiting = deque[Stretch]()
        self._closed = False
        self._moved = asyncio.Event()

    async def put(self, stretch: Stretch) -> None:
        """Wait until there is room for a stretch, then add it."""
        while self._enough(MOST):
            await self._move()
        if stretch.bundles:
            self._waiting.append(stretch)
            self._moved.set()

    async def take(self) -> list[Stretch]:
        """Wait until there is enough for a transaction; [] at the end."""
        while not (self._closed or self._enough(min(LEAST, MOST))):
            await self._move()
        taken = list[Stretch]()
        while self._waiting and not (taken and self._waiting[0].batch.erases):
            taken.append(self._waiting.popleft())
        self._moved.set()
        return taken

    def close(self) -> None:
        """Say that no more will come."""
        self._closed = True
        self._moved.set()

    async def _move(self) -> None:
        # Never both sides at once: one waits for room, the other for more.
        self._moved.clear()
        await self._moved.wait()

    def _enough(self, bundles: int) -> bool:
        """Tell whether a transaction of at least so many bundles is here.

        Erasures come first in theirs: they act on what is merged already.
        """
        if any(stretch.batch.erases for stretch in list(self._waiting)[1:]):
            return True
        octets = sum(stretch.batch.octets for stretch in self._waiting)
        here = sum(len(stretch.bundles) for stretch in self._waiting)
        return here >= bundles or octets >= MAX_OCTETS
