"""A drill, before a daemon that says who has what; test_real.py has a true one."""

from itertools import count
from unittest.mock import Mock

import pytest

from syncd.cli import drill_command
from tests.cli.conftest import FalseApi, Node, refused

STATES = {"bank": "self", "gone": "removed", "icbc": "ok", "police": "silent"}
STATUS = {
    "member": "bank",
    "alliance": "txwz",
    "time": 100,
    "members": [{"member": m, "state": s} for m, s in STATES.items()],
    "receipts": [
        {"member": "icbc", "size": 10, "at": 103},
        {"member": "police", "size": 8, "at": 100},
    ],
}
ROW = {"position": ["o", 7], "ended_by": ["o", 9]}
REPORTS, BACK = "/v1/reports", "/v1/retractions"


@pytest.fixture
def drills(false: FalseApi, monkeypatch: pytest.MonkeyPatch) -> FalseApi:
    """Each look takes a second; the police lack what is above 8."""
    clock = Mock(monotonic=count().__next__)
    monkeypatch.setattr(drill_command, "time", clock)
    false.answers = {
        "/v1/status": STATUS,
        REPORTS: {"items": [{"state": "accepted", "id": 1}]},
        "/v1/reports/search": {"items": [ROW, {}]},
        BACK: {},
    }
    return false


def test_who_is_late_is_named(member: Node, drills: FalseApi) -> None:
    ran = member("drill", "--wait", 2)
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    assert [x.split() for x in lines[3:5]] == [
        ["icbc", "3", "3", "3", "3"],
        ["police", "0", "-", "0", "-"],
    ]
    assert lines[5] == "not within 2 s: police"
    assert "未确认：police" in member("drill", "--wait", 2, lang="zh").out
    ran = member("drill", "--wait", 2, "--json")
    assert [step["late"] for step in ran.json["steps"]] == 2 * [[], ["police"]]
    sent = [body for _, path, body in drills.asked if path == REPORTS]
    drafts = [draft for body in sent[:2] for draft in body["reports"]]
    assert [d["urgent"] for d in drafts] == [True, False]
    assert all(d["test"] for d in drafts)


def test_an_interrupted_one_is_taken_back(
    member: Node, drills: FalseApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that was refused is not: there is nothing to take back."""
    stopped = {
        "monotonic.return_value": 0,
        "sleep.side_effect": KeyboardInterrupt,
    }
    drills.answers["/v1/reports/search"] = {"items": [{}]}
    monkeypatch.setattr(drill_command, "time", Mock(**stopped))
    assert member("drill").code == 130
    assert [path for _, path, _ in drills.asked if path == BACK] == [BACK]
    no = {"state": "refused", "problem": refused("today's was")}
    drills.answers[REPORTS] = {"items": [no]}
    drills.asked.clear()
    member("drill").ended(1, "today's was")
    assert BACK not in [path for _, path, _ in drills.asked]
