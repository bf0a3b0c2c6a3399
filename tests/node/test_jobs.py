"""When jobs run: each pause is as long as the setting says, give or take."""

import asyncio
import random
import statistics
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

import pytest

from syncd.node.jobs import Jobs
from syncd.node.runs import Runs


def jobs(**more: Any) -> Jobs:
    parts = dict.fromkeys(("ctx", "metrics", "round", "daily"), Mock())
    parts["ctx"].now.return_value = 8
    given = {"runs": Runs(lambda: 7.0), "rng": random.Random(1)}
    return Jobs(**{**parts, **given, **more})


def test_a_pause_is_longer_or_shorter_by_a_fifth() -> None:
    """Four pages say ± 20 %; and the mean is the setting."""
    there = jobs()
    assert there.pause_s(60.0, 0.0) == 60.0
    found = [there.pause_s(60.0, 0.2) for _ in range(2000)]
    assert 48 <= min(found) < 49
    assert 71 < max(found) <= 72
    assert abs(statistics.mean(found) - 60) < 0.5


@pytest.mark.asyncio
async def test_a_job_that_fails_comes_again() -> None:
    """Its steps up to the one that failed are noted, and how often it did."""
    there, step = jobs(), AsyncMock(side_effect=[1, OSError, 1, 1])

    async def job() -> None:
        steps = ((name, step()) for name in "ab")
        await there.runs.each("daily", steps)

    waits = AsyncMock(side_effect=[None, None, asyncio.CancelledError])
    with (
        patch("asyncio.sleep", waits),
        pytest.raises(asyncio.CancelledError),
    ):
        await there.repeat("daily", job, 600, 0, 5)
    assert [call.args[0] for call in waits.call_args_list] == [
        5,
        *[pytest.approx(600, abs=1)] * 2,
    ]
    found = {
        one.name: (one.failed, one.next_at) for one in there.runs.states()
    }
    assert found == {
        "daily": (1, 608),
        "daily.a": (0, None),
        "daily.b": (1, None),
    }
