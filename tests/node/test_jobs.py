"""When jobs run: each pause is as long as the setting says, give or take."""

import datetime
import random
import statistics
from typing import Any
from unittest.mock import AsyncMock, Mock

from syncd.config.settings import Exchange
from syncd.node.jobs import Jobs

NOW = datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC)


def rounds(jitter: float) -> Any:
    """Return what says when rounds are, of 60 seconds each."""
    config = Mock(exchange=Exchange(interval_s=60, jitter=jitter))
    jobs = Jobs(
        ctx=Mock(config=config),
        failures=Mock(),
        round=AsyncMock(),
        leadership=Mock(),
        wake=Mock(),
    )
    Jobs.start(jobs)
    found = jobs.scheduler.get_job("round")
    jobs.stop()
    return found


def pauses(jitter: float) -> list[float]:
    trigger = rounds(jitter).trigger
    random.seed(1)
    found, now = list[float](), NOW
    for _ in range(2000):
        then = trigger.get_next_fire_time(now, now)
        found.append((then - now).total_seconds())
        now = then
    return found


async def test_a_pause_is_longer_or_shorter_by_a_fifth() -> None:
    """Four pages say ± 20 %; and the mean is the setting."""
    found = pauses(0.2)
    assert 48 <= min(found) < 49
    assert 71 < max(found) <= 72
    assert abs(statistics.mean(found) - 60) < 0.5
    low, middle, high = statistics.quantiles(found, n=4)
    assert abs(low - 54) < 1
    assert abs(middle - 60) < 1
    assert abs(high - 66) < 1


async def test_without_jitter_it_is_the_interval() -> None:
    assert set(pauses(0.0)) == {60.0}


async def test_what_was_missed_is_not_made_up_for() -> None:
    """It is done once, and not for each time."""
    job = rounds(0.2)
    assert job.coalesce
    assert job.max_instances == 1
