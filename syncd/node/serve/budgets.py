"""What each bearer token may look up in an hour.

The member's quota is one for all of its systems: a token has a share of it,
so that none uses up the others' part. What needs no holder has a limit too,
for it is recorded and kept. Counted in memory, since the start, over the
daemon and its local workers.

They share it: a row for each token, in it a ring of minutes for each kind.
Whoever looks and adds holds a lock, which the system takes from a process
that dies. Behind the rows stands how often the daemon has had news for
workers.
"""

import contextlib
import fcntl
import mmap
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from syncd.errors import QuotaError, UnavailableError
from syncd.flows.lookup import OPEN
from syncd.node.context import Reading, part
from syncd.roster.quotas import HOUR_S, STEPS
from syncd.roster.terms import LOOKUP
from syncd.web.routes import Caller
from syncd.web.status_forms import BudgetLeft

MISSES = 1000  # for which nobody needs a hit before
TIMES = 4  # as many misses for a hit as before are nothing yet
ROWS = 4096  # tokens; of more that were ever made, two have one budget
STEP_S = HOUR_S // STEPS
RING = 64  # steps: those of an hour, the one that ends in it, and some
WAIT_S = 0.5  # for the lock; it is held for some microseconds
PAUSE_S = 20e-6
# Numbers of a kind: steps, counts, and the sum since the start.
_KIND = 2 * RING + 1
KINDS = ("phone", "account", OPEN)
MISS, HIT = "miss", "hit"  # what came of all of them
_ROW = (*KINDS, MISS, HIT)
_WIDTH = 4 * _KIND * len(_ROW)  # bytes of a row


@dataclass(slots=True)
class SharedWindow:
    """What one token had; what it had in a minute comes free together."""

    row: memoryview  # of 32-bit numbers
    now: int  # unix seconds

    def _of(self, kind: str) -> memoryview:
        begin = _ROW.index(kind) * _KIND
        return self.row[begin : begin + _KIND]

    def add(self, kind: str, n: int) -> None:
        """Count what is had now."""
        ring, step = self._of(kind), self.now // STEP_S
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

    def used(self, kind: str) -> int:
        """Return what counts just now."""
        return sum(n for _, n in self._steps(kind))

    def wait_s(self, kind: str, over: int = 1) -> int:
        """Return in how many seconds so many will have come free."""
        for step, n in sorted(self._steps(kind)):
            over -= n
            if over <= 0:
                return max((step + 1) * STEP_S + HOUR_S - self.now, 1)
        return HOUR_S  # more than the limit itself: never

    def _steps(self, kind: str) -> Iterator[tuple[int, int]]:
        ring, since = self._of(kind).tolist(), (self.now - HOUR_S) // STEP_S
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
    def of(self, token: int, now: int) -> Iterator[SharedWindow]:
        """Yield a token's window; nobody else looks or adds meanwhile.

        Raises:
            UnavailableError: a process that was stopped holds the lock; it is
                ended if it is a local worker.
        """
        begin = token % ROWS * _WIDTH
        row = self._rows[begin : begin + _WIDTH]
        self._lock()
        try:
            yield SharedWindow(row.cast("I"), now)
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


@part
class Budgets:
    """Counts what each token looks up."""

    ctx: Reading
    metrics: Any  # `Metrics`, or what has them count elsewhere
    counts: SharedCounts = field(default_factory=SharedCounts)

    def most(self, kind: str) -> int:
        """Return how much of a kind one token may look up in an hour."""
        config = self.ctx.config.lookup
        if kind == OPEN:
            return config.token_urls
        quota = self.ctx.roster.quota(self.ctx.me, LOOKUP)
        return quota.hour * config.token_share // 100

    def spend(
        self, caller: Caller, items: Counter[str], more: Counter[str]
    ) -> None:
        """Count what a token asks for, by kind: all of it or nothing.

        What is `more` counts whatever is left: values are tried as several
        forms, of which the caller need not know.

        Raises:
            QuotaError: its items would be more than its share of the hour.
        """
        with self.counts.of(caller.id, self.ctx.now()) as had:
            for kind, n in items.items():
                most = self.most(kind)
                left = max(most - had.used(kind), 0)
                if n <= left:
                    continue
                had.sum_up(kind, n)
                self.metrics.denied(kind, n)
                raise QuotaError(
                    "lookup: {n} more ({kind}) would pass the {most} of this"
                    " token in an hour; {left} are left",
                    hint="[lookup] token_share and token_urls in config.toml"
                    " say how much a token may",
                    retry_after_s=had.wait_s(kind, n - left),
                    left=left,
                    n=n,
                    kind=kind,
                    most=most,
                )
            for kind, n in (items + more).items():
                had.add(kind, n)

    def tally(self, caller: Caller, came: Counter[str]) -> None:
        """Count what was found for a token, which stops nobody."""
        misses, now = came["none"], self.ctx.now()
        hits = came.total() - misses - came["unknown"] - came["problem"]
        with (
            contextlib.suppress(UnavailableError),
            self.counts.of(caller.id, now) as had,
        ):
            for kind, n in ((MISS, misses), (HIT, hits)):
                had.add(kind, n)
                had.sum_up(kind, n)

    def fishing(self, token: int) -> tuple[int, int] | None:
        """Return misses and hits of a token's hour if it seems to try values.

        It has far more misses for a hit than it had since the start, or than
        MISSES where it had few.
        """
        with self.counts.of(token, self.ctx.now()) as had:
            misses, hits = (had.used(kind) for kind in (MISS, HIT))
            before = had.since_start(MISS) - misses + MISSES
            found = had.since_start(HIT) - hits + 1
        most = TIMES * (hits + 1) * before
        return (misses, hits) if misses * found > most else None

    def left(self, caller: Caller) -> tuple[BudgetLeft, ...]:
        """Return what is left to a token."""
        with self.counts.of(caller.id, self.ctx.now()) as had:
            return tuple(
                BudgetLeft(
                    kind=kind,
                    hour=most,
                    hour_left=max(most - used, 0),
                    refill_s=had.wait_s(kind) if used else 0,
                    denied=had.since_start(kind),
                )
                for kind in KINDS
                for most, used in ((self.most(kind), had.used(kind)),)
            )
