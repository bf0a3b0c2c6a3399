"""What each bearer token had in the last hour, counted over all processes.

Memory that the daemon and its local workers share: a row for each token, in
it a ring of minutes for each kind. Whoever looks and adds holds a lock, which
the system takes from a process that dies. Behind the rows stands how often
the daemon has had news for workers.
"""

import contextlib
import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from syncd.errors import UnavailableError
from syncd.flows.lookup import OPEN
from syncd.roster.quotas import HOUR_S, STEPS

ROWS = 4096  # tokens; of more that were ever made, two have one budget
STEP_S = HOUR_S // STEPS
RING = 64  # steps: those of an hour, the one that ends in it, and some
WAIT_S = 0.5  # for the lock; it is held for some microseconds
PAUSE_S = 20e-6
_KIND = (
    2 * RING + 1
)  # numbers of a kind: steps, counts, and the sum since the start
KINDS = ("phone", "account", OPEN)
MISS, HIT = "miss", "hit"  # what came of all of them
_ROW = (*KINDS, MISS, HIT)
_WIDTH = 4 * _KIND * len(_ROW)  # bytes of a row


@dataclass(slots=True)
class SharedWindow:
    """What one token had; what it had in a minute comes free together."""

    row: memoryview  # of 32-bit numbers

    def _of(self, kind: str) -> memoryview:
        begin = _ROW.index(kind) * _KIND
        return self.row[begin : begin + _KIND]

    def add(self, now: int, kind: str, n: int) -> None:
        """Count what is had now."""
        ring, step = self._of(kind), now // STEP_S
        at = step % RING
        if ring[at] != step:
            ring[at], ring[RING + at] = step, 0
        ring[RING + at] += n

    def sum_up(self, kind: str, n: int) -> None:
        """Count what was denied since the start, or of MISS and HIT, what was."""
        row = self._of(kind)
        row[2 * RING] = min(row[2 * RING] + n, 2**32 - 1)

    def since_start(self, kind: str) -> int:
        """Return what `sum_up` counted."""
        return int(self._of(kind)[2 * RING])

    def used(self, now: int, kind: str) -> int:
        """Return what counts just now."""
        return sum(n for _, n in self._steps(now, kind))

    def wait_s(self, now: int, kind: str, over: int = 1) -> int:
        """Return in how many seconds so many will have come free."""
        for step, n in sorted(self._steps(now, kind)):
            over -= n
            if over <= 0:
                return max((step + 1) * STEP_S + HOUR_S - now, 1)
        return HOUR_S  # more than the limit itself: never

    def _steps(self, now: int, kind: str) -> Iterator[tuple[int, int]]:
        ring, since = self._of(kind).tolist(), (now - HOUR_S) // STEP_S
        for step, n in zip(ring[:RING], ring[RING:], strict=False):
            if n and step >= since:
                yield step, n


class SharedCounts:
    """The windows of all tokens, by their ids."""

    def __init__(self, fd: int | None = None) -> None:
        """Take the memory behind a descriptor, else make some, all zero."""
        self.fd = os.memfd_create("syncd-counts") if fd is None else fd
        size = ROWS * _WIDTH
        os.ftruncate(self.fd, size + 4)
        shared = memoryview(mmap.mmap(self.fd, size + 4))
        self._rows, self._news = shared[:size], shared[size:].cast("I")

    @property
    def news(self) -> int:
        """How often the daemon has had news for workers."""
        return int(self._news[0])

    @news.setter
    def news(self, n: int) -> None:
        self._news[0] = n

    @contextlib.contextmanager
    def of(self, token: int) -> Iterator[SharedWindow]:
        """Yield a token's window; nobody else looks or adds meanwhile.

        Raises:
            UnavailableError: a process that was stopped holds the lock; it is
                ended if it is a local worker.
        """
        begin = token % ROWS * _WIDTH
        row = self._rows[begin : begin + _WIDTH]
        self._lock()
        try:
            yield SharedWindow(row.cast("I"))
        finally:
            fcntl.lockf(self.fd, fcntl.LOCK_UN)

    def _lock(self) -> None:
        """Take the lock, on the event loop: it is not waited for in vain."""
        until = time.monotonic() + WAIT_S
        while True:
            try:
                fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise UnavailableError(
                        "budgets: another process hangs"
                    ) from None
                time.sleep(PAUSE_S)
            else:
                return
