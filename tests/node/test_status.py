"""Status says one thing to do for each thing that is wrong."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from syncd.errors import Message
from syncd.messages import wire
from syncd.messages.wire import WireMessage
from syncd.node.serve import todo as things
from syncd.node.serve.member_state import MemberState
from syncd.store import vault
from syncd.web import forms, status_forms

NOW = 1_790_000_000
DAY_S = 86_400


def log(**fields: Any) -> status_forms.LogState:
    return status_forms.LogState(
        **{
            "member": "bank",
            "origin": "bank.example/syncd/txwz/1",
            "sector": "bank",
            "mirrored": 10,
            "merged": 10,
            "known": 10,
            "lag": 0,
            "contested": False,
            "missing": 0,
            **fields,
        }
    )


def holder(member: str, *, up: bool) -> status_forms.HolderState:
    return status_forms.HolderState(
        member=member, up=up, why=None if up else WireMessage(detail="late")
    )


WELL = MemberState(
    now=NOW,
    version="1",
    member="police",
    alliance="txwz",
    max_skew_s=300,
    log=status_forms.OwnLogState(origin="a/b", size=1, note="", released=1),
    vault={("url", vault.State.PUBLISHED): 1},
    logs=(log(),),
    receipts=(),
    holders=tuple(holder(m, up=True) for m in ("a", "b", "c")),
    keys=(
        status_forms.KeyState(kind="phone", epoch=1, t=2, n=3, dealt=False),
    ),
    roster=forms.RosterState(
        version=3, hash="0", expires=NOW + 60 * DAY_S, expired=False
    ),
    failures={},
    skew_s=0,
    findings=(),
    appending=Message(""),
    disputes=(),
    remarks=(),
)
FORMAT = WireMessage(detail="format")
FIVE_WAIT = {
    ("url", vault.State.WAITING): 2,
    ("phone", vault.State.WAITING): 3,
}


def todo(**fields: Any) -> list[Message]:
    return things.of(replace(WELL, **fields))


def test_nothing_is_wrong_nothing_to_do() -> None:
    assert todo() == []


def roster(left_s: int) -> forms.RosterState:
    return forms.RosterState(
        version=3, hash="0", expires=NOW + left_s, expired=left_s <= 0
    )


def down(*members: str) -> tuple[status_forms.HolderState, ...]:
    return tuple(holder(m, up=m not in members) for m in ("a", "b", "c"))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"skew_s": -301}, "clock: 301 s off"),
        ({"roster": roster(0)}, "roster: version 3 has expired"),
        ({"roster": roster(14 * DAY_S)}, "expires in 14 days"),
        (
            {
                "roster": msgspec.structs.replace(
                    roster(60 * DAY_S), format=2, merging=False
                ),
                "logs": (log(lag=7, why=FORMAT), log(lag=8, why=FORMAT)),
            },
            "its format 2 is newer than this syncd 1",
        ),
        (
            {
                "appending": Message("log: rolled back"),
                "vault": FIVE_WAIT,
            },
            "publishing: log: rolled back; 5 reports wait",
        ),
        ({"holders": down("c")}, "holders: c down: call them; 2 still"),
        ({"holders": down("b", "c")}, "1 of the 2 needed are up"),
        (
            {
                "holders": down("b", "c"),
                "vault": FIVE_WAIT,
            },
            "are unknown, and 3 reports wait; call b, c",
        ),
        ({"logs": (log(contested=True),)}, "FORK: bank.example"),
        ({"logs": (log(missing=4),)}, "withheld: 4 payloads of bank"),
        (
            {
                "logs": (
                    log(lag=7, why=WireMessage(detail="connection refused")),
                )
            },
            "behind: 7 entries of bank.example/syncd/txwz/1: connection",
        ),
        (
            {
                "keys": (
                    status_forms.KeyState(
                        kind="phone", epoch=1, t=2, n=3, dealt=True
                    ),
                )
            },
            "keys: phone/1 were dealt",
        ),
    ],
)
def test_each_thing_that_is_wrong_has_its_line(
    fields: dict[str, Any], says: str
) -> None:
    [line] = todo(**fields)
    assert says in str(line)
    assert "\n" not in str(line)
    assert wire.of(line).code
    assert not wire.of(line).quoted


def test_a_lag_that_is_being_fetched_is_nothing_to_do() -> None:
    assert todo(logs=(log(lag=7),)) == []


def test_a_roster_of_fifteen_days_is_nothing_to_do() -> None:
    assert todo(roster=roster(14 * DAY_S + 1)) == []
