"""One report, to be changed in what a test is about."""

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


ABOUT: dict[str, Any] = {
    name: getattr(REPORT, name) for name in ("on", "kind", "epoch", "token")
}


def report(**changed: Any) -> Report:
    """Return a report that says something else in some fields."""
    return replace(REPORT, **changed)
