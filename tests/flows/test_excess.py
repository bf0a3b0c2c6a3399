"""Whoever asks to publish, and publishes nothing, is found in the audit."""

from typing import Any

import pytest

from syncd.flows import audit, excess
from syncd.flows.excess import FACTOR, FLOOR, Counted
from syncd.indicator.statement import Anchor, AnchoredLog, Usage
from tests.flows.test_audit import Audited
from tests.sample_statements import about, report, retract

DAY, LATER = "2026-11-20", "2026-11-22"
KEY = {"kind": "phone", "epoch": 1}
ANCHORED = AnchoredLog("a.example/b", 1, "ab" * 32, "— a.example/b QUJDREVG")


def usage(n: int, **other: Any) -> Usage:
    said = {
        "on": DAY,
        "key": ("phone", 1),
        "rows": (("bank", "publish", n, 0),),
        **other,
    }
    return Usage(**said)


def reports(n: int, **other: Any) -> Counted:
    """Count what an audit of a log of so many reports counts."""
    log = Audited(
        [report(**about(i, **{"on": DAY, **KEY, **other})) for i in range(n)]
    )
    return audit.check(log.view()).counted


def found(bank: Counted, *usages: Usage, retired: Any = ()) -> list[Any]:
    logs = {
        "a": ("bank", bank),
        "b": ("police", Counted(usages=[*usages, usage(0, on=LATER)])),
    }
    return list(excess.of(logs, retired))


def test_more_than_a_factor_and_a_floor_is_told() -> None:
    """By holder, day, key and both numbers."""
    most = FACTOR * 3 + FLOOR
    assert found(reports(3), usage(most)) == []
    assert found(reports(3), usage(most + 1)) == [
        (
            "bank",
            f"police evaluated {most + 1} of phone/1 to publish on {DAY}, of"
            " which the log has 3",
        )
    ]


OTHERS = {
    "of another day": {"on": LATER},
    "of another epoch": {"epoch": 2},
    "of another kind": {"kind": "account"},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_does_not_count(other: dict[str, Any]) -> None:
    assert found(reports(3, **other), usage(FACTOR * 3 + FLOOR))


def test_what_was_retracted_was_published() -> None:
    """A log's statements stay, whatever became of them."""
    one = about(1, on=DAY, **KEY)
    log = Audited([report(**one), retract(0, **one)])
    assert audit.check(log.view()).counted.published("phone", 1, DAY) == 1


def test_what_anchors_say_of_access_records_is_kept() -> None:
    """The newest first; nothing of one that is void."""
    said = [Anchor(logs=(ANCHORED,), access=digit * 64) for digit in "ab"]
    log = Audited([*said, (16, b"void")])
    assert audit.check(log.view()).counted.access == ["b" * 64, "a" * 64]


def test_of_what_is_gone_nobody_can_tell() -> None:
    """Each erased entry may have been a report of that day."""
    bank = reports(0)
    bank.gone = 10
    assert found(bank, usage(FACTOR * 10 + FLOOR)) == []


QUIET: dict[str, dict[str, Any]] = {
    "look-ups": {"rows": (("bank", "call_check", 10**6, 0),)},
    "a stranger": {"rows": (("nobody", "publish", 10**6, 0),)},
    "denied": {"rows": (("bank", "publish", 0, 10**6),)},
    "perhaps not merged yet": {"on": "2026-11-21"},
}


@pytest.mark.parametrize("other", QUIET.values(), ids=QUIET)
def test_what_says_nothing(other: dict[str, Any]) -> None:
    assert found(Counted(), usage(10**6, **other)) == []


def test_a_retired_key_is_not_compared() -> None:
    """All of its entries are erased."""
    assert found(Counted(), usage(10**6))
    assert found(Counted(), usage(10**6), retired=["phone/1"]) == []
