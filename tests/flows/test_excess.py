"""Whoever asks to publish, and publishes nothing, is found in the audit."""

from syncd.flows.excess import FACTOR, FLOOR, excessive


def test_more_than_a_factor_and_a_floor_is_too_much() -> None:
    """A member may have tried and failed."""
    assert not excessive(FACTOR * 3 + FLOOR, 3)
    assert excessive(FACTOR * 3 + FLOOR + 1, 3)
