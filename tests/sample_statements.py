"""One report, and what else is said of a token, changed as a test wants."""

import hashlib
from typing import Any

from msgspec.structs import replace

from syncd.indicator import token
from syncd.indicator.statement import Dispute, Erase, Report, Retract, Sighting

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


ABOUT: Any = {
    name: getattr(REPORT, name) for name in ("on", "kind", "epoch", "token")
}


def report(**changed: Any) -> Report:
    """Return a report that says something else in some fields."""
    return replace(REPORT, **changed)


def value(n: int) -> bytes:
    """Return the n-th of many tokens."""
    return hashlib.sha256(b"token %d" % n).digest()[:16]


def about(n: int = -1, **changed: Any) -> Any:
    """Return what a statement is about: one token, or the n-th of many."""
    name = {"token": token.encode(value(n))} if n >= 0 else {}
    return {**ABOUT, **name, **changed}


def retract(*ends: int, **of: Any) -> Retract:
    return Retract(**about(**of), ends=ends, reason="wrong")


def erase(*ranges: tuple[int, int]) -> Erase:
    return Erase(ranges=ranges, reason="privacy")


def dispute(**of: Any) -> Dispute:
    last: Any = {"due": "2026-12-01", "expires": "2027-01-01"}
    return Dispute(**about(**of), reason="stale", know=REPORT.know, **last)


def sighting(**of: Any) -> Sighting:
    days: Any = {"first": "2026-11-20", "last": "2026-11-21"}
    return Sighting(**about(**of), **days, count=2, outcome="warned")
