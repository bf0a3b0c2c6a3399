"""A drill, before a daemon that says who has what; test_real.py has a true one."""

from itertools import count
from unittest.mock import Mock

import pytest

from syncd.cli import compliance_commands
from tests.cli.conftest import FalseApi, Node, refused

STEPS = [  # the newest first
    {"speed": speed, "type": "report", "followed": had}
    for speed in ("normal", "urgent")
    for had in ({"icbc": 3, "police": None}, {"icbc": 3, "police": 1})
]


@pytest.fixture
def drills(false: FalseApi, monkeypatch: pytest.MonkeyPatch) -> FalseApi:
    """Each look takes a second; the police lack what was taken back."""
    clock = Mock(monotonic=count().__next__)
    monkeypatch.setattr(compliance_commands, "time", clock)
    of = {"member": "bank", "alliance": "txwz", "time": 100}
    false.answers = {
        "/v1/status": of,
        compliance_commands.DRILLS: {"items": STEPS},
    }
    return false


def posts(drills: FalseApi) -> int:
    return [way for way, *_ in drills.asked].count("POST")


def test_who_is_late_is_named(member: Node, drills: FalseApi) -> None:
    ran = member("drill", "--wait", 3)
    assert (ran.code, ran.err, posts(drills)) == (1, "", 4)
    lines = ran.out.splitlines()
    assert [x.split() for x in lines[3:5]] == [
        ["icbc", "3", "3", "3", "3"],
        ["police", "1", "-", "1", "-"],
    ]
    assert lines[5] == "not within 3 s: police"
    assert (
        "未确认：icbc, police" in member("drill", "--wait", 2, lang="zh").out
    )
    ran = member("drill", "--json", "--wait", 2)
    assert ran.json["late"][-1] == "police"


def test_an_interrupted_one_is_taken_back(
    member: Node, drills: FalseApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that was refused is not: there is nothing to take back."""
    stopped = {
        "monotonic.return_value": 0,
        "sleep.side_effect": KeyboardInterrupt,
    }
    monkeypatch.setattr(compliance_commands, "time", Mock(**stopped))
    assert (member("drill").code, posts(drills)) == (130, 2)
    drills.answers[compliance_commands.DRILLS] = refused("today's was")
    drills.asked.clear()
    member("drill").ended(1, "today's was")
    assert posts(drills) == 1
