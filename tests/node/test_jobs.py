"""When jobs run: each pause is as long as the setting says, give or take."""

import datetime
import random
import statistics

from syncd.node.jobs import Around

NOW = datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC)


def pauses(jitter: float) -> list[float]:
    trigger = Around(60.0, jitter, random.Random(1))
    found, now = list[float](), NOW
    for _ in range(2000):
        then = trigger.get_next_fire_time(now, now)
        found.append((then - now).total_seconds())
        now = then
    return found


def test_a_pause_is_longer_or_shorter_by_a_fifth() -> None:
    """Four pages say ± 20 %; and the mean is the setting."""
    found = pauses(0.2)
    assert 48 <= min(found) < 49
    assert 71 < max(found) <= 72
    assert abs(statistics.mean(found) - 60) < 0.5
    low, middle, high = statistics.quantiles(found, n=4)
    assert abs(low - 54) < 1
    assert abs(middle - 60) < 1
    assert abs(high - 66) < 1


def test_without_jitter_it_is_the_interval() -> None:
    assert set(pauses(0.0)) == {60.0}


def test_what_was_missed_is_not_made_up_for() -> None:
    late = NOW + datetime.timedelta(hours=5)
    then = Around(60.0, 0.2).get_next_fire_time(NOW, late)
    assert then > late + datetime.timedelta(seconds=47)
