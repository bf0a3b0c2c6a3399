"""Statements of every type that makes claims, to be changed in one field."""

from typing import Any

from msgspec.structs import replace

from syncd.indicator import token
from syncd.indicator.statement import Report

ORIGIN = "bank.example/syncd/txwz/1"
REPORT = Report(
    on="2026-11-21",
    kind="phone",
    epoch=1,
    token=token.encode(bytes(16)),
    label="fake_loan",
    role="caller",
    evidence="bank_detection",
    confidence=80,
    seen="2026-11-20",
    expires="2027-05-20",
    know="03a09b78e857dc61",
    handling="open",
)


def report(**changed: Any) -> Report:
    """Return a report that says something else in some fields."""
    return replace(REPORT, **changed)
