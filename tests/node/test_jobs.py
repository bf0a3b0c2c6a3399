"""When jobs run: each pause is as long as the setting says, give or take."""

import asyncio
import random
import statistics
from types import SimpleNamespace

import pytest

from syncd.errors import UnavailableError
from syncd.node.jobs import Jobs, pause_s
from syncd.node.serve.metrics import Metrics
from tests.node.stand_in import Home


def test_a_pause_is_longer_or_shorter_by_a_fifth() -> None:
    """Four pages say ± 20 %; and the mean is the setting."""
    rng = random.Random(1)
    found = [pause_s(60.0, 0.2, rng) for _ in range(2000)]
    assert 48 <= min(found) < 49
    assert 71 < max(found) <= 72
    assert abs(statistics.mean(found) - 60) < 0.5
    low, middle, high = statistics.quantiles(found, n=4)
    assert abs(low - 54) < 1
    assert abs(middle - 60) < 1
    assert abs(high - 66) < 1


def test_without_jitter_it_is_the_interval() -> None:
    assert pause_s(60.0, 0.0, random.Random(1)) == 60.0


@pytest.mark.asyncio
async def test_a_job_that_fails_runs_again() -> None:
    """And each time is counted."""
    home, metrics, done = Home(), Metrics(), asyncio.Event()
    home.config.exchange = SimpleNamespace(interval_s=0.0, jitter=0.0)
    errors = [KeyError(), UnavailableError("own.db: the disk is full")]

    async def job() -> None:
        if errors:
            raise errors.pop()
        done.set()

    jobs = Jobs(ctx=home.context, metrics=metrics, round=job, daily=job)
    running = asyncio.create_task(jobs.run())
    await done.wait()
    running.cancel()
    failed = metrics.registry.get_sample_value
    assert failed("syncd_failures_total", {"what": "round"}) == 2
