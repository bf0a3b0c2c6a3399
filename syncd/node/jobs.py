"""The jobs that run by the clock: rounds, and what is done once a day.

And how each went since the start.
"""

import asyncio
import contextlib
import datetime
import time
from collections.abc import Awaitable, Callable
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from msgspec.structs import replace
from prometheus_client import Counter

from syncd.node.context import Context, log, logged, part
from syncd.web.status_forms import JobState

DAILY_S = 600  # how often the daily jobs look at the clock
CLOCK_S = 5.0  # how often it is looked whether the clock was set, and by what

Job = Callable[[], Awaitable[None]]


@part
class Jobs:
    """The scheduler, and what it runs."""

    ctx: Context
    failures: Counter  # by job
    round: Job
    leadership: Any  # who does what is due daily
    wake: Callable[[], None]  # called when somebody set the clock

    def __post_init__(self) -> None:
        self.scheduler = AsyncIOScheduler(timezone=datetime.UTC)
        self._ran = dict[str, JobState]()

    def start(self) -> None:
        """Run each job every so often, never two of a kind at once.

        APScheduler's jitter only lengthens a pause: it begins with the
        shortest, so that the mean is what the settings say.
        """
        exchange = self.ctx.config.exchange
        every_s, jitter = exchange.interval_s, exchange.jitter
        now = datetime.datetime.now(datetime.UTC)
        for name, job, mean_s, give, wait_s in (
            ("round", self.round, every_s, jitter, min(every_s * jitter, 1)),
            ("daily", self.leadership.daily_jobs, DAILY_S, 0.1, 5),
        ):
            self.scheduler.add_job(
                self.run,
                "interval",
                seconds=mean_s * (1 - give),
                jitter=2 * mean_s * give,
                args=(name, job),
                id=name,
                misfire_grace_time=None,
                next_run_time=now + datetime.timedelta(seconds=wait_s),
            )
        self.scheduler.start()

    def states(self) -> tuple[JobState, ...]:
        """Return how each job ran last, and when it runs next."""
        return tuple(
            replace(
                self._of(one.id), next_at=int(one.next_run_time.timestamp())
            )
            for one in self.scheduler.get_jobs()
        )

    def _of(self, name: str) -> JobState:
        return self._ran.get(name, JobState(name=name))

    def stop(self) -> None:
        """Begin nothing more."""
        if self.scheduler.running:  # else an API could not be opened
            self.scheduler.shutdown(wait=False)

    async def run(self, name: str, job: Job) -> None:
        """Run a job; what goes wrong with it is counted and logged."""
        began, before, failed = time.monotonic(), self._of(name), 1
        try:
            with (
                contextlib.suppress(asyncio.CancelledError),  # by our stop
                logged("job failed", Exception, job=name),
                self.failures.labels(name).count_exceptions(),
            ):
                await job()
                failed = 0
        finally:
            self._ran[name] = JobState(
                name=name,
                last_at=self.ctx.now(),
                took_s=round(time.monotonic() - began, 3),
                failed=before.failed + failed,
            )

    async def watch_clock(self) -> None:
        """Have the jobs go on when somebody sets the machine's clock.

        The scheduler reckons by the time of day: when that is set back by an
        hour, it would do nothing for an hour.
        """
        before = self.ctx.clock() - time.monotonic()
        while True:
            await asyncio.sleep(CLOCK_S)
            after = self.ctx.clock() - time.monotonic()
            by_s, before = round(after - before), after
            if abs(by_s) < CLOCK_S or not self.scheduler.running:
                continue
            log.warning("the machine's clock was set", by_s=by_s)
            self.wake()  # it may be right now
            now = datetime.datetime.now(datetime.UTC)
            for job in self.scheduler.get_jobs():
                job.modify(next_run_time=now)
