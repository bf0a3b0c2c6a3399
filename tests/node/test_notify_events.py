"""Every event has its place in the one table; outside goes what may."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import syncd
from syncd.config.settings import Role
from syncd.errors import Message
from syncd.flows.ports import Finding
from syncd.node.notify import notifier
from syncd.store.events import StoredEvent, of_finding
from tests.cases import each, tried

ALL: tuple[Role, ...] = ("duty", "reviewer", "compliance", "admin")
ORIGIN = "police.example/syncd/txwz/1"
INSIDE = {"changes", "log", "published", "receipt"}  # not told outside


def told(name: str, roles: Any = ALL, **data: Any) -> Any:
    event = StoredEvent(17, 1_800_000_000, name, data)
    found = notifier.compose(event, roles, "txwz", "bank")
    return None if found is None else msgspec.json.decode(found)


def test_each_event_that_is_written_has_its_place() -> None:
    there = set[str]()
    for path in Path(syncd.__file__).parent.rglob("*.py"):
        text = path.read_text()
        there |= set(re.findall(r'\btell\(\s*c,\s*[\w.()]+,\s*"(\w+)"', text))
        if "events" in text:
            call = r'\.now\((?!\))\s*f?"?[^,]+"?,\s*[^,]+(?:\([^)]*\))?,\s*"(\w+)"'
            there |= set(re.findall(call, text))
    assert {"published", "receipt", "finding", "roster", "log"} <= there
    assert there <= INSIDE | notifier.ROLES.keys()


@tried(
    "name, role",
    [
        ("urgent", "duty"),
        ("waiting", "reviewer"),
        ("dispute", "compliance"),
        ("expiry", "admin"),
        *((name, None) for name in (*sorted(INSIDE), "unheard_of")),
    ],
)
def test_each_role_is_told_of_its_own(name: str, role: Role | None) -> None:
    found = [one for one in ALL if told(name, [one], origin=ORIGIN)]
    assert found == [role] * bool(role)


def test_what_is_told() -> None:
    assert told("urgent", origin=ORIGIN, index=4711) == {
        "id": "txwz-bank-17-1800000000",
        "alliance": "txwz",
        "member": "bank",
        "type": "syncd.urgent",
        "timestamp": "2027-01-15T08:00:00Z",
        "role": "duty",
        "text": f"urgent news in {ORIGIN}, from 4711 on",
        "data": {"origin": ORIGIN, "index": 4711},
    }


def test_a_finding_says_why_without_what_somebody_wrote() -> None:
    why = Message("{member}: answered {status}: {said}", member="bank")
    why.params |= {"status": 403, "said": "call +12025550123"}
    found = told("finding", **of_finding(Finding("roster", "", None, why)))
    assert found["text"] == "finding roster in : bank: answered 403: …"
    assert "2025550123" not in str(found)


@each("node", "a_value_does_not_leave", "data")
def test_a_value_does_not_leave(data: Any) -> None:
    """Whatever somebody puts into an event."""
    for name in notifier.ROLES:
        found = str(told(name, **data))
        assert "2025550123" not in found
        assert "jdWJ" not in found


def test_positions_leave_and_what_stands_there_does_not() -> None:
    at = [ORIGIN, 12_345_678]
    found = told(
        "dispute",
        origin=ORIGIN,
        index=7,
        dispute=at,
        reports=[at, at],
        kind="phone",
        reason="not_fraud",
        official=True,
        evidence="police_case",
        label="romance",
        contacts=["bank", "police"],
        due="2027-01-15",
    )
    place = f"{ORIGIN}:12345678"
    assert found["data"] == {
        "origin": ORIGIN,
        "index": 7,
        "dispute": place,
        "reports": f"{place}, {place}",
        "contacts": "bank, police",
        "due": "2027-01-15",
    }
    assert found["text"] == (
        f"dispute {ORIGIN}:7: to be answered by 2027-01-15"
    )


@pytest.mark.usefixtures("chinese")
def test_it_speaks_the_daemons_language() -> None:
    assert (
        told("urgent", origin="a/b", index=1)["text"]
        == "a/b 有紧急消息，自第 1 条起"
    )
