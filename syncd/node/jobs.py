"""The jobs that come again: rounds, and what is done once a day."""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from syncd.errors import SyncdError
from syncd.node.context import Context
from syncd.node.runs import Runs
from syncd.node.serve.metrics import Metrics

log = structlog.get_logger("syncd.node")

DAILY_S = 600  # how often the daily jobs look at the clock

Job = Callable[[], Awaitable[None]]


@dataclass(kw_only=True, eq=False)
class Jobs:
    """Has each job run every so often, never two of a kind at once.

    By no clock that anybody sets: it may be set back by an hour.
    """

    ctx: Context
    metrics: Metrics
    runs: Runs
    round: Job
    daily: Job
    rng: random.Random = field(default_factory=secrets.SystemRandom)

    def __post_init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        at = self.ctx.config.exchange
        first_s = min(at.interval_s * at.jitter, 1.0)
        self._tasks = [
            asyncio.create_task(self.repeat(*each))
            for each in (
                ("round", self.round, at.interval_s, at.jitter, first_s),
                ("daily", self.daily, DAILY_S, 0.1, 5.0),
            )
        ]

    async def stop(self) -> None:
        """Begin nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def pause_s(self, every_s: float, jitter: float) -> float:
        """Return a pause, longer or shorter by up to a part of it."""
        return every_s * self.rng.uniform(1 - jitter, 1 + jitter)

    async def repeat(
        self, name: str, job: Job, every_s: float, jitter: float, wait_s: float
    ) -> None:
        """Run a job; what goes wrong with it is counted and logged."""
        while True:
            self.runs.next_at[name] = self.ctx.now() + round(wait_s)
            await asyncio.sleep(wait_s)
            began = time.monotonic()
            try:
                with self.runs.noted(name):
                    await job()
            except Exception as e:
                self.metrics.failures.labels(name).inc()
                if isinstance(e, SyncdError):
                    log.warning("job failed", job=name, why=str(e))
                else:
                    log.exception("job failed", job=name)
            took_s = time.monotonic() - began
            wait_s = max(self.pause_s(every_s, jitter) - took_s, 0.0)
