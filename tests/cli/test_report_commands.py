"""What is asked is what was told, and no raw value shows unasked."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from syncd.cli import grid, options, report_commands
from syncd.cli.status_command import lines
from syncd.errors import Message
from syncd.flows.ports import Finding
from syncd.messages.wire import WireMessage
from syncd.store.findings import Row
from syncd.web import status_forms
from tests.cases import cases, each, tried, vectors
from tests.cli.conftest import CONST, SAME, FalseApi, Node, Terminal, refused
from tests.node.test_status import FIVE_WAIT, NOW, WELL, down, log, roster

SECRET = "13800138000"


# --------------------------------------------------------------------- add


def test_add(member: Node) -> None:
    """One report a line; each has its number, no value is repeated."""
    words = ("report", "add", *CONST)
    first = member(*words, stdin=b"a.example\n").ended(0)
    assert first.out == "1: accepted as 1\n"
    ran = member(*words, stdin=b"\xef\xbb\xbfa.example\n\nbad.x\nc\n").ended(1)
    assert ran.out.splitlines() == [
        "1: known as 1",
        "2: refused: the value is bad",
        "3: accepted as 2",
    ]


def test_add_sends_its_options(
    member: Node, false: FalseApi, tmp_path: Path
) -> None:
    file = tmp_path / "values"
    file.write_text("a.example\n")
    more = (
        "--confidence 0 --seen 2026-01-02 --expires 2026-02-02 --channel web"
        " --technique screen_share --technique safe_account"
        " --case 0011223344556677 --handling open --scheme s --region US"
        " --basis bank.example/syncd/txwz/1:7 --spoofed --test --urgent"
        " --keep-query --allow-personal --json"
    )
    ran = member("report", "add", *CONST, *more.split(), "--file", file).ended(
        0
    )
    assert ran.json["accepted"] == 1
    assert false.reports == cases("cli/report", "add")


@tried(
    "noun",
    ["report add", "report retract --reason test", "lookup --purpose test"],
)
def test_a_value_as_an_argument_is_refused(
    member: Node, false: FalseApi, noun: str
) -> None:
    """With the way out, and without repeating it."""
    ran = member(*noun.split(), SECRET, "--kind", "phone").ended(
        2, "standard input"
    )
    assert SECRET not in ran.err + ran.out
    assert not false.asked


ADD = f"report add {SAME}"


@tried(
    "words, stdin, why",
    [
        ("report add --kind url", b"a", "not given: label, role, evidence"),
        (ADD, b"", "no value there"),
        (ADD, b"\n \n", "no value there"),
        (ADD, b"ab\xff", "not UTF-8 at byte 2"),
        (ADD, b"a" * (17 << 20), "is over"),
        *(
            (f"{ADD} --basis {text}", b"a", "want ORIGIN:INDEX")
            for text in ("x", "x:", "x:-1", ":x", "x:1234567890123456")
        ),
        ("report dispute --kind url --reason stale", b"a\nb", ""),
        ("report dispute", b"a", ""),
        ("lookup --kind url", b"a", "--purpose is missing"),
        ("lookup --purpose test", b"a", "--kind phone"),
    ],
)
def test_what_is_asked_wrongly_is_not_sent(
    member: Node, false: FalseApi, words: str, stdin: bytes, why: str
) -> None:
    """What is missing is named at once."""
    member(*words.split(), stdin=stdin).ended(2, why)
    assert not false.asked


def test_asks_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person is asked for one value."""
    monkeypatch.setattr(sys, "stdin", Terminal(" a.example\n"))
    assert options.values(None) == ["a.example"]
    monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    with pytest.raises(Exception, match="no value"):
        options.values(None)


# ----------------------------------------------------------------- retract


NOTHING = dict.fromkeys(report_commands.COUNTS, 0)


def retracting(false: FalseApi, count: int = 1) -> None:
    answer = {**NOTHING, "retracting": count, "reports": count, "ids": [1]}
    false.answers["/v1/retractions"] = answer


@tried("words, sent", cases("cli/report", "retract"))
def test_retract(member: Node, false: FalseApi, words: Any, sent: Any) -> None:
    """By value, position, id or import."""
    retracting(false)
    words = [*words, "--reason", "duplicate"]
    ran = member("report", "retract", *words, stdin=b"a.example").ended(0)
    assert ran.out == "1 reports and 0 disputes are being retracted\n"
    assert false.calls == [{"reason": "duplicate", **sent}]


def test_retract_tells_what_it_left(member: Node, false: FalseApi) -> None:
    """A dispute on the value stands; what had ended before is no news."""
    left = {**NOTHING, "others": 2, "already": 2, "spared": 1, "ids": []}
    false.answers["/v1/retractions"] = left
    words = ("--kind", "url", "--reason", "duplicate")
    member("report", "retract", *words, stdin=b"a.example").printed(
        "2 were retracted before",
        "2 others are being retracted",
        "1 of other types stand on the same values: --type all",
    )


def test_retract_a_file_of_values(
    member: Node, false: FalseApi, tmp_path: Path
) -> None:
    retracting(false)
    file = tmp_path / "values.txt"
    file.write_text("a\nb\n")
    words = ("--kind", "url", "--reason", "test", "--file", file, "--json")
    ran = member("report", "retract", *words)
    counted = {**NOTHING, "retracting": 2, "reports": 2, "ids": [1, 1]}
    assert ran.json == {**counted, "refused": []}
    assert [c["value"] for c in false.calls] == ["a", "b"]


def test_retract_a_list(member: Node, false: FalseApi, tmp_path: Path) -> None:
    """The file that was imported says what to take back, each once."""
    retracting(false)
    file = tmp_path / "list.csv"
    file.write_text("种类,号码,标签\n电话,1,x\n网址,a.example,y\n电话,1,z\n")
    words = ("report", "retract", "--reason", "test", "--file", file)
    member(*words).ended(0)
    assert false.calls == [
        {"reason": "test", "kind": "phone", "value": "1"},
        {"reason": "test", "kind": "url", "value": "a.example"},
    ]
    file.write_text("x\nb.example\n")
    member(*words, "--kind", "url", "--map", "value=x").ended(0)
    assert false.calls[-1]["value"] == "b.example"
    member(*words, "--kind", "url").ended(2)
    file.write_text('value\na.example\n"b\n')
    member(*words, "--kind", "url").ended(2, "line 3")
    assert len(false.calls) == 3


def test_retract_a_list_by_its_mapping_file(
    member: Node, false: FalseApi, tmp_path: Path
) -> None:
    """The options by which it was imported read it again, and say no more."""
    retracting(false)
    file, ours = tmp_path / "list.csv", tmp_path / "ours.toml"
    file.write_text("W;银行.example\n", encoding="gb18030")
    ours.write_text(
        "[words.kind]\nW = 'url'\n[constants]\nlabel = 'other'\n"
        "[columns]\nkind = 1\nvalue = 2\n"
    )
    words = ("report", "retract", "--reason", "test", "--file", file)
    how = ["--no-header", "--encoding", "gb18030", "--delimiter", ";"]
    member(*words, "--map", ours, *how).ended(0)
    assert false.calls == [
        {"reason": "test", "kind": "url", "value": "银行.example"}
    ]


def test_retract_nothing_of_ours(member: Node, false: FalseApi) -> None:
    """One: the answer is no. Of many: told by number, and exit code 1."""
    false.answers["/v1/retractions"] = refused(
        "nothing of ours matches", 404, "absent"
    )
    words = ("report", "retract", "--kind", "url", "--reason", "test")
    member(*words, stdin=b"a").ended(1, "nothing of ours")
    ran = member(*words, stdin=b"a\nb").ended(1)
    assert "2: refused: nothing of ours matches" in ran.out


@tried("words", cases("cli/report", "retract wrongly"))
def test_retract_what(member: Node, false: FalseApi, words: Any) -> None:
    member("report", "retract", *words, stdin=b"a").ended(2)
    assert not false.asked


# ----------------------------------------------------------------- dispute


@each("cli", "dispute", "words, sent, answer, expected")
def test_dispute(
    member: Node,
    false: FalseApi,
    words: str,
    sent: Any,
    answer: Any,
    expected: str,
) -> None:
    false.answers["/v1/disputes"] = {"id": 9, **answer}
    more = ("--kind", "url", "--reason", "stale", *words.split())
    ran = member("report", "dispute", *more, stdin=b"a.example")
    assert ran.ended(0).out.endswith(expected)
    assert false.calls == [{"kind": "url", "reason": "stale", **sent}]
    ran = member("report", "dispute", *more, "--json", stdin=b"a.example")
    assert ran.json == {"id": 9, **answer}


# -------------------------------------------------------------------- list

ITEM = {
    "id": 1,
    "type": "report",
    "kind": "phone",
    "state": "published",
    "value": f"+86{SECRET}",
    "position": ["bank.example/syncd/txwz/1", 7],
    "accepted_at": 1,
    "label": "fake_shop",
    "seen": "2026-01-02",
    "expires": "2026-02-02",
}


def test_what_was_taken_back_is_printed(member: Node, false: FalseApi) -> None:
    """By us: with day, reason and the way out. By another: with its name."""
    ours = {"state": "taken_back", "id": 3}
    ours |= {"reason": "false_positive", "on": "2026-11-02"}
    theirs = {"state": "accepted", "id": 4, "elsewhere": "icbc court_order"}
    false.answers["/v1/reports"] = {"items": [ours, theirs]}
    words = ("report", "add", *CONST, "--again", "checked")
    ran = member(*words, stdin=b"a.example\nb.example\n").ended(1)
    assert ran.out.splitlines() == [
        "1: not accepted: we took it back as false_positive on 2026-11-02"
        " (--again REASON reports it all the same)",
        "2: accepted as 4; icbc took it back as court_order",
    ]
    assert false.calls[-1]["again"] == "checked"


def test_the_list_says_who_else_took_a_value_back(
    member: Node, false: FalseApi
) -> None:
    """Of a phone or account it is known only once it is published."""
    item = {**ITEM, "elsewhere": "icbc court_order"}
    for items, there in (([ITEM, item], True), ([ITEM], False)):
        false.answers["/v1/reports/search"] = {"items": items}
        ran = member("report", "list")
        for text in "taken back by others", "icbc court_order":
            assert (text in ran.out) == there


def test_list(member: Node, false: FalseApi) -> None:
    """Values show when asked for only, in the table and in JSON."""
    dispute = {**ITEM, "type": "dispute", "reason": "stale", "label": ""}
    page = {"items": [ITEM, dispute], "next": 2}
    for words, shown in (((), False), (("--values",), True)):
        for more in ((), ("--json",)):
            false.answers["/v1/reports/search"] = page
            ran = member("report", "list", "--limit", 2, *words, *more).ended(
                0
            )
            assert (SECRET in ran.out) == shown
            assert "stale" in ran.out
    assert "bank.example/syncd/txwz/1:7" in member("report", "list").out
    zh = member("report", "list", lang="zh")
    assert zh.out.split()[:4] == ["编号", "记录类型", "对象类型", "状态"]


def test_list_goes_on_page_by_page(member: Node, false: FalseApi) -> None:
    pages = [{"items": [ITEM] * 5}, {"items": [ITEM] * 1000, "next": 1000}]
    false.answers["/v1/reports/search"] = lambda _: pages.pop()
    ran = member("report", "list", "--limit", 3000, "--state", "waiting")
    assert len(ran.out.splitlines()) == 1006
    assert false.calls[1]["before"] == 1000
    assert false.calls[1]["state"] == "waiting"


@tried("words, why", cases("cli/report", "list wrongly"))
def test_list_by_what_is_no_code(
    member: Node, false: FalseApi, words: Any, why: str
) -> None:
    """An empty table would say that nothing of it is there."""
    assert member("report", "list", *words).ended(2, why).out == ""
    assert not false.asked


def test_list_by_words(member: Node, false: FalseApi) -> None:
    false.answers["/v1/reports/search"] = {"items": []}
    member("report", "list", "--kind", "账号", "--label", "裸聊敲诈").ended(0)
    [asked] = false.calls
    assert (asked["kind"], asked["label"]) == ("account", "sextortion")


# ----------------------------------------------------------------- look-up

LOOKUP = ("lookup", "--kind", "phone", "--purpose", "test")
HIT = vectors("cli")["confirmed"]
NONE = {"verdict": "none", "reasons": ["no_report"]}
UNKNOWN = {"verdict": "unknown", "missing": ["bank"], "detail": "1 of 2"}
PROBLEM = {"problem": refused("phone: letters", 400, "malformed")}


def answered(false: FalseApi, *items: Any) -> None:
    """Have items be answered so; what is asked again, as the last one."""

    def answer(body: Any) -> Any:
        n = len(body["items"])
        found = list(items) if n == len(items) else [items[-1]] * n
        return {"items": found, "roster": {"expired": False}}

    false.answers["/v1/lookups"] = answer


def test_our_own_lists_are_printed_beside_the_alliance(
    member: Node, false: FalseApi
) -> None:
    """Both are shown: a local hit where the alliance knows nothing, too."""
    local = {**NONE, "ours": {"action": "warn", "reasons": ["local", "new"]}}
    note = {"code": "other", "text": "shared host", "id": 1, "by": "a"}
    exempt = {**HIT, "ours": {"reasons": ["exempt"], "notes": [note]}}
    answered(false, local)
    member(*LOOKUP, stdin=b"1\n").printed(
        "by our own lists  warn (on a list of our own; new)"
    )
    answered(false, exempt, NONE)
    ran = member(*LOOKUP, stdin=b"1\n2\n")
    assert ran.out.count("by our own lists") == 1
    assert "nothing to do (exempt here; shared host)" in ran.out


@tried(
    "items, code",
    [
        ([HIT], 0),
        ([NONE], 0),
        ([HIT, NONE], 0),
        ([UNKNOWN], 1),
        ([PROBLEM], 1),
        ([HIT, PROBLEM, UNKNOWN], 1),
    ],
)
def test_lookup_code(
    member: Node, false: FalseApi, items: Any, code: int
) -> None:
    """0: all were answered, whatever was found; 1: not all."""
    answered(false, *items)
    for more in ((), ("--json",)):
        ran = member(*LOOKUP, *more, stdin=f"{SECRET}\n" * len(items)).ended(
            code
        )
        assert SECRET not in ran.out + ran.err


def test_lookup_shows_what_it_rests_on(member: Node, false: FalseApi) -> None:
    answered(false, HIT)
    member(*LOOKUP, stdin=b"1").printed(
        *("confirmed", "delay", "fake shopping", "police 1"),
        *("2026-01-01 – 2026-01-02", "bank.example/syncd/txwz/1:7"),
    )
    member(*LOOKUP, stdin=b"1", lang="zh").printed(
        "确认涉诈 confirmed", "虚假购物服务"
    )
    answered(false, HIT, PROBLEM, UNKNOWN)
    ran = member(*LOOKUP, stdin=b"1\n2\n3")
    assert "phone: letters" in ran.out
    assert "1 of 2" in ran.out.rpartition("#")[2]


def test_lookup_sends(member: Node, false: FalseApi) -> None:
    answered(false, NONE)
    args = ("lookup", "--purpose", "call_check", "--reference", "r")
    words = (*args, "--kind", "url", "--deadline-ms", 50)
    member(*words, stdin=b"a.example\nb.example\n")
    member(*args, "--kind", "phone", "--region", "US", stdin=b"1")
    urls = [{"kind": "url", "value": f"{name}.example"} for name in "ab"]
    same = {"purpose": "call_check", "reference": "r"}
    assert false.calls == [
        {**same, "deadline_ms": 50, "items": urls},
        {**same, "items": [{"kind": "phone", "value": "1", "region": "US"}]},
    ]


def test_lookup_of_many(member: Node, false: FalseApi) -> None:
    """More than one call holds are asked in several."""
    false.answers["/v1/lookups"] = lambda body: {
        "items": [NONE] * len(body["items"]),
        "roster": {"expired": True},
    }
    words = ("lookup", "--kind", "url", "--purpose", "test")
    ran = member(*words, "--json", stdin=b"a\n" * 2001)
    assert len(ran.json["items"]) == 2001
    assert [len(c["items"]) for c in false.calls] == [1000, 1000, 1]
    assert "the roster has expired" in ran.err


# ------------------------------------------------------------------ status

VOID = Finding("void", "a/b", 3, Message("not\x1b[2Jcanonical"))
RECEIPT = status_forms.Seen(member="bank", size=8, at=NOW - 60)
LOG = log(lag=2, source="carrier", last_pull=NOW - 7200)
STATE = replace(
    WELL,
    vault=FIVE_WAIT,
    logs=(LOG,),
    receipts=(RECEIPT,),
    holders=down("c"),
    findings=(Row(VOID, NOW, NOW, 4),),
)


def form(*todo: str, **fields: Any) -> Any:
    """Return a status as the API says it."""
    shown = replace(STATE, **fields).form([*map(Message, todo)], (), {})
    return msgspec.json.decode(msgspec.json.encode(shown))


def test_status(member: Node, false: FalseApi) -> None:
    status = form("call police")
    false.answers["/v1/status"] = status
    ran = member("status").printed(
        "a/b: 1 entries, 1 released",
        "5 waiting, 0 published, 0 ending (phone 3, url 2)",
        "a, b up; c down: late",
        "phone 1: 2/3",
        "version 3, expires in 61 days",
        "0 s off",
        "8 60 s ago",
        "2 h ago",
        "a/b:3",
    )
    assert ran.out.endswith("what to do: call police\n")
    assert "\x1b" not in ran.out  # what others wrote controls no terminal
    assert member("status", "--json").json == status


@tried(
    "change, expected",
    [
        ({"contested": True}, "CONTESTED"),
        ({"missing": 3}, "3 payloads withheld"),
        ({"why": WireMessage(detail="no route")}, "no route"),
        ({"lag": 0}, "ok"),
        ({}, "behind"),
    ],
)
def test_state_of_a_log(change: Any, expected: str) -> None:
    """The worst first."""
    assert expected in "\n".join(lines(form(logs=(replace(LOG, **change),))))


def test_what_is_wrong_is_printed() -> None:
    off = Message("the clock is off")
    text = "\n".join(lines(form(roster=roster(0), appending=off)))
    assert "EXPIRED" in text
    assert "the clock is off" in text
    assert text.endswith("what to do: nothing")


@tried(
    "state, expected",
    [
        ("", "ready\n"),
        ("slow", "ready, not appending: so\n"),
        ("cut_off", "ready, cut off from the other members: so\n"),
    ],
)
def test_health(
    member: Node, false: FalseApi, state: str, expected: str
) -> None:
    """No token is needed, so that a container's health check has none."""
    value = {
        "appending": not state,
        "cut_off": state == "cut_off",
        "why": {"detail": "so"} if state else None,
    }
    false.answers["/readyz"] = value
    ran = member.run("--home", member.home, "status", "--health")
    assert ran.ended(0).out == expected
    ran = member.run("--home", member.home, "status", "--health", "--json")
    assert ran.ended(0).json == value


def test_who_does_not_serve_is_not_healthy(
    member: Node, false: FalseApi
) -> None:
    false.answers["/readyz"] = refused("own.db: locked", 503, "unavailable")
    ran = member.run("--home", member.home, "status", "--health")
    assert ran.ended(3, "own.db: locked").out == ""


# -------------------------------------------------------------------- grid


def test_grid_keeps_columns_in_line() -> None:
    """A Chinese character is two columns wide, an empty cell is a dash."""
    head, *rows = grid.lines(["种类", "x"], [["a", ""], ["电话号码", "b"]])
    assert head == "种类      x"
    assert rows == ["a         -", "电话号码  b"]
