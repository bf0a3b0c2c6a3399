"""Status says one thing to do for each thing that is wrong."""

import ast
import inspect
import re
from typing import Any

from msgspec.structs import replace

from syncd.errors import Message
from syncd.flows.ports import Mute, State
from syncd.messages import wire
from syncd.messages.wire import WireMessage
from syncd.node.follow import rounds
from syncd.node.serve import status
from syncd.node.serve import todo as things
from syncd.node.serve.member_state import MemberState, subject
from syncd.node.upkeep import never_list
from syncd.web import forms, status_forms
from tests.cases import tried
from tests.test_docs import commands

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


def member(**fields: Any) -> status_forms.MemberRow:
    given = {"member": "bank", "sector": "bank", "state": "ok", **fields}
    return status_forms.MemberRow(**given)


def roster(left_s: int) -> forms.RosterState:
    return forms.RosterState(
        version=3, hash="0", expires=NOW + left_s, expired=left_s <= 0
    )


def down(*members: str) -> tuple[status_forms.HolderState, ...]:
    late = WireMessage(detail="late")
    return tuple(
        status_forms.HolderState(
            member=m, up=m not in members, why=late if m in members else None
        )
        for m in "abc"
    )


KEY = status_forms.KeyState(
    kind="phone", epoch=1, t=2, n=3, shares=3, up=(), spare=1
)
THIN = replace(KEY, up=("a", "b"), spare=0)
WELL = MemberState(
    now=NOW,
    version="1",
    member="police",
    alliance="txwz",
    log=status_forms.OwnLogState(origin="a/b", size=1, note="", released=1),
    vault={("url", State.PUBLISHED): 1},
    logs=(log(),),
    receipts=(),
    holders=down(),
    keys=(KEY,),
    roster=roster(61 * DAY_S),
    members=(member(),),
    quotas=(),
    cut_off=None,
    notify=(),
    admins=3,
    admins_needed=2,
    skew_s=0,
    findings=(),
    appending=Message(""),
    disputes=(),
    remarks=(),
)
MEASURES = replace(WELL, appeals=1)
FORMAT = WireMessage(detail="format")
FIVE_WAIT = {("url", State.WAITING): 2, ("phone", State.WAITING): 3}


def todo(**fields: Any) -> list[Message]:
    return things.of(replace(WELL, **fields))


@tried(
    "fields, says",
    [
        ({"skew_s": -301}, "clock: 301 s off"),
        ({"roster": roster(0)}, "roster: version 3 has expired"),
        ({"roster": roster(30 * DAY_S)}, "expires in 30 days: ask"),
        (
            {"roster": roster(DAY_S), "renewal": things.of(MEASURES)[0]},
            "appeals: 1 measures",
        ),
        (
            {
                "roster": replace(roster(61 * DAY_S), format=2, merging=False),
                "logs": (log(lag=7, why=FORMAT), log(lag=8, why=FORMAT)),
            },
            "its format 2 is newer than this syncd 1",
        ),
        (
            {"appending": Message("log: rolled back"), "vault": FIVE_WAIT},
            "publishing: log: rolled back; 5 reports wait; syncd doctor",
        ),
        (
            {"holders": down("c")},
            "holders: c down: syncd doctor says where it ends; call them; 2"
            " still answer, 2 are needed",
        ),
        (
            {"members": (member(state="silent"), member(state="failing"))},
            "silent: 1 members do not answer (bank): syncd doctor",
        ),
        ({"holders": down("b", "c")}, "1 of the 2 needed are up"),
        (
            {"keys": (THIN, replace(THIN, kind="account"), KEY)},
            "keys: phone/1, account/1: of their holders only a, b answer,",
        ),
        (
            {"holders": down("b", "c"), "vault": FIVE_WAIT},
            "are unknown, and 3 reports wait; syncd doctor says where it"
            " ends; call b, c",
        ),
        ({"keys": ()}, "keys: none yet"),
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
    ],
)
def test_each_thing_that_is_wrong_has_its_line(fields: Any, says: str) -> None:
    [line] = todo(**fields)
    assert says in str(line)
    assert "\n" not in str(line)
    assert wire.of(line).code
    assert not wire.of(line).quoted


def test_a_lag_that_is_being_fetched_is_nothing_to_do() -> None:
    assert todo(logs=(log(lag=7),)) == []


def notes(**fields: Any) -> list[str]:
    return [str(m) for m in things.notes(replace(WELL, **fields))]


@tried(
    "fields, says",
    [
        (
            {"keys": (replace(KEY, n=2, shares=2, spare=0),)},
            "keys: phone/1: every holder is needed",
        ),
        ({"admins": 2}, "admins: all 2 must sign"),
        (
            {"members": (member(state="self", certificate_days=60),)},
            "certificate: ours ends in 60 days by its own date; nothing stops",
        ),
        (
            {"members": (member(certificate_days=7),)},
            "certificate: that of bank ends in 7 days",
        ),
        ({"roster": roster(30 * DAY_S + 1)}, "expires in 30 days: ask"),
        ({"roster": roster(60 * DAY_S)}, "expires in 60 days: ask"),
        (
            {"remarks": (Message("never-list: 4 are not looked for yet"),)},
            "never-list",
        ),
    ],
)
def test_what_cannot_be_done_yet_is_a_note(fields: Any, says: str) -> None:
    [line] = notes(**fields)
    assert says in line
    assert todo(**fields) == []


def test_nothing_is_wrong_nothing_to_note() -> None:
    assert notes(members=(member(state="self", certificate_days=61),)) == []


def test_who_is_a_holder_or_cut_off_is_one_line() -> None:
    """Of one thing that is wrong one line."""
    [_] = todo(
        members=(member(member="c", state="silent"),), holders=down("c")
    )
    alone = status_forms.CutOff(since=1, why=WireMessage(detail="cut"))
    assert todo(members=(member(state="silent"),), cut_off=alone) == []
    many = tuple(member(member=f"m{n}", state="silent") for n in range(99))
    [line] = todo(members=many)
    assert (
        "99 members do not answer (m0, m1, m2, m3, m4, m5, m6, m7 …)"
        in str(line)
    )


# ------------------------------------------------------------------- mutes


def mutes(state: MemberState) -> dict[str, Mute]:
    """Return what mutes all there is to do."""
    mute = Mute("2026-12-01", "duty", 5, "it is known")
    return {subject(m, why=True): mute for m in things.of(state)}


def test_what_is_muted_stands_apart() -> None:
    """The same about other members is not muted."""
    state = replace(WELL, holders=down("b"))
    shown = state.form(things.of(state), (), muted := mutes(state))
    assert shown.todo == ()
    [hidden] = shown.muted
    assert (hidden.by, hidden.until, hidden.why) == (
        "duty",
        "2026-12-01",
        "it is known",
    )
    assert hidden.what.code
    other = replace(WELL, holders=down("c"))
    assert len(other.form(things.of(other), (), muted).todo) == 1


def test_of_another_reason_is_not_muted() -> None:
    """Whoever muted a start that takes its time did not mute a rollback."""
    late = replace(
        WELL,
        appending=Message("clock: no other member has told us the time yet"),
    )
    muted = mutes(late)
    assert late.form(things.of(late), (), muted).todo == ()
    waits = replace(late, appending=Message("clock: {s} s", s=412))
    assert len(waits.form(things.of(waits), (), muted).todo) == 1


# ---------------------------------------------------------------- commands


def test_the_commands_in_sentences_exist() -> None:
    there = {tuple(words.split()) for words, _ in commands()}
    there |= {words[:n] for words in there for n in (1, 2)}
    named = [
        tuple(found.split())
        for module in (things, status, rounds, never_list)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "Message"
        and isinstance(node.args[0], ast.Constant)
        for found in re.findall(
            r"syncd ((?:[a-z]+ ?)+)", str(node.args[0].value)
        )
    ]
    assert len(named) > 15
    for words in named:
        nouns = {one[0] for one in there if len(one) > 1} - {"status"}
        assert words[: 2 if words[0] in nouns else 1] in there, words
