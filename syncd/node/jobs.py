"""The jobs that run again and again: rounds, and what is done once a day."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from syncd.errors import SyncdError
from syncd.node.context import Context
from syncd.node.serve.metrics import Metrics

log = structlog.get_logger("syncd.node")

DAILY_S = 600  # how often the daily jobs look at the clock

Job = Callable[[], Awaitable[None]]


def pause_s(every_s: float, jitter: float, rng: random.Random) -> float:
    """Return a pause that is longer or shorter by up to a part of it."""
    return every_s * rng.uniform(1 - jitter, 1 + jitter)


@dataclass(kw_only=True, eq=False)
class Jobs:
    """What runs by a steady clock, whatever is done to the machine's."""

    ctx: Context
    metrics: Metrics
    round: Job
    daily: Job

    async def run(self) -> None:
        """Run each job every so often, never two of a kind at once."""
        exchange = self.ctx.config.exchange
        every_s, jitter = exchange.interval_s, exchange.jitter
        first_s = min(every_s * jitter, 1.0)
        await asyncio.gather(
            self._repeat("round", self.round, first_s, every_s, jitter),
            self._repeat("daily", self.daily, 5.0, DAILY_S, 0.1),
        )

    async def _repeat(
        self,
        name: str,
        job: Job,
        first_s: float,
        every_s: float,
        jitter: float,
    ) -> None:
        """Run a job for as long as we do: from one beginning to the next."""
        loop, rng = asyncio.get_running_loop(), secrets.SystemRandom()
        due = loop.time() + first_s
        while True:
            await asyncio.sleep(due - loop.time())
            due = loop.time() + pause_s(every_s, jitter, rng)
            await self._run(name, job)

    async def _run(self, name: str, job: Job) -> None:
        """Run a job; what goes wrong with it is counted and logged."""
        try:
            await job()
        except SyncdError as e:
            self.metrics.failures.labels(name).inc()
            log.warning("job failed", job=name, why=str(e))
        except Exception:
            self.metrics.failures.labels(name).inc()
            log.exception("job failed", job=name)
