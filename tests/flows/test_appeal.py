"""The steps of an appeal, and which of them follows which."""

import pytest

from syncd.errors import RefusedError
from syncd.flows.appeal import Appeal, Step, after
from tests.cases import each

NOW = 1_760_000_000
ENDED = Appeal(cause="ended", by="core", received_at=NOW)
CONTESTED = Appeal(cause="person", by="core", received_at=NOW)


def moved(old: Appeal, *steps: Step) -> Appeal:
    """Return an appeal after steps, an hour and a person apart."""
    for hours, step in enumerate(steps, 1):
        at, by = NOW + 3600 * hours, f"person {hours}"
        old = after(old, step, at, by, f"why {hours}")
    return old


def test_received_decided_lifted_told() -> None:
    """Each step keeps the time at which it was first taken."""
    done = moved(CONTESTED, "granted", "lifted", "told", "lifted", "told")
    assert (done.decision, done.decided_by) == ("granted", "person 1")
    times = done.decided_at, done.lifted_at, done.told_at
    assert times == (NOW + 3600, NOW + 7200, NOW + 10_800)
    assert (done.hours, done.why) == (2, "why 1")
    assert not done.open
    assert moved(CONTESTED, "granted", "lifted").open


@each("flows", "what_cannot_follow", "steps, why")
def test_what_cannot_follow(steps: tuple[Step, ...], why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        moved(CONTESTED, *steps)


def test_who_contests_is_told_that_it_was_refused() -> None:
    assert not moved(ENDED, "refused").open
    assert moved(CONTESTED, "refused").open
    assert not moved(CONTESTED, "refused", "told").open


def test_to_lift_is_to_grant() -> None:
    done = moved(ENDED, "lifted")
    assert (done.decision, done.decided_by) == ("granted", "person 1")
    assert not done.open
