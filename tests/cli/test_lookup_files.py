"""A bank looks its customers up: a table in, as many answers as rows out."""

import contextlib
import csv
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from syncd.cli import command, lookup_client, table_input, terminal
from syncd.cli.api_client import JSON, ApiClient
from syncd.cli.options import ListOptions
from syncd.errors import Message, QuotaError, UnavailableError
from syncd.indicator import receipt
from syncd.lists import safe
from syncd.messages import wire
from tests.cli.conftest import FalseApi, Node, Real, read, refused
from tests.lists.test_sheet import saved
from tests.refusals import misused, over_quota, unavailable

LISTED = "+12025557101"
ASK = ("lookup", "--purpose", "call_check", "--kind", "phone")
ROWS = [
    ["客户号", "name", "tel"],
    ["c1", "Li", LISTED],
    ["c2", "=1+1", "+1 202 555 7102"],
    ["c3", "", "nonsense"],
    ["c4", "Zhao", ""],
    ["007", "+86 Qian", "+12025557101"],
]


@pytest.fixture(scope="module", autouse=True)
def listed(real: Real) -> None:
    """The police have reported one number."""
    real.do(real.alliance.police.tell("phone", LISTED, evidence="police_case"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(ROWS)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where answers go."""
    return tmp_path / "answers.csv"


def names(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir())


def test_a_receipt_is_of_one_value(bank: Node, file: Path, out: Path) -> None:
    """Of none that was refused; and it is its owner's alone."""
    words = (*ASK, "--receipt", out)
    for more in (("--file", file, "--out", file), ()):
        ran = bank(*words, *more, stdin=b"1\n2")
        assert "--receipt is of one value" in ran.err
    bank(*words, stdin=b"nonsense")
    assert not out.exists()
    bank(*words, stdin=LISTED).ended(0)
    assert receipt.parse(out.read_bytes()).verdict == "confirmed"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_as_many_answers_as_rows_in_their_order(
    bank: Node, file: Path, out: Path
) -> None:
    ran = bank(
        *(*ASK, "--file", file, "--map", "value=tel"),
        *("--keep", "客户号", "--keep", "2", "--out", out),
    ).ended(1)
    found = read(out)
    assert [row["row"] for row in found] == ["2", "3", "4", "5", "6"]
    assert [row["客户号"] for row in found] == ["c1", "c2", "c3", "c4", "007"]
    assert [row["verdict"] for row in found] == [
        *("confirmed", "none", "refused", "refused", "confirmed")
    ]
    assert found[0]["action"]
    assert found[0]["sectors"] == "police 1"
    assert found[0]["seen"]
    assert found[0]["as of"]
    assert found[1]["problem"] == ""
    assert found[2]["problem"].startswith("phone: ")
    assert found[2]["as of"] == found[3]["as of"] == ""  # nobody was asked
    assert found[3]["problem"] == "value: the cell is empty"
    # A name that a spreadsheet would run is text there, and comes back.
    assert found[1]["name"] == "'=1+1"
    assert safe.plain(found[4]["name"]) == "+86 Qian"
    # The value is in no file, unless it is to be kept.
    raw = out.read_text("utf-8-sig") + ran.out + ran.err
    assert "2025557101" not in raw.replace(" ", "")
    assert "nonsense" not in raw
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    # It ends with counts, and with what the answers rest on.
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0] == ["verdict", "action", "rows"]
    assert ["refused", "-", "2"] in lines
    assert "as of 20" in ran.err
    assert f"5 rows are in {out}" in ran.err
    assert names(out.parent) == ["answers.csv", "customers.csv"]


def test_a_workbook_in_chinese_and_as_json(
    bank: Node, tmp_path: Path, out: Path
) -> None:
    rows = [["客户号", "手机号"], ["c1", LISTED], ["c2", "+12025557103"]]
    words = (*ASK, "--file", saved(tmp_path, rows), "--out", out)
    bank(*words, "--keep", "客户号", "--keep", "手机号", lang="zh").ended(
        0, "数据截至"
    )
    found = read(out)
    assert found[0]["判定"].endswith(" confirmed")
    assert "理财" in found[0]["诈骗类型"]
    assert safe.plain(found[0]["手机号"]) == LISTED  # it was to be kept
    out.unlink()
    ran = bank(*words, "--json")
    assert ran.json["rows"] == 2
    assert {c["verdict"]: c["rows"] for c in ran.json["counts"]} == {
        "confirmed": 1,
        "none": 1,
    }
    assert {one["member"] for one in ran.json["as_of"]} == {
        *("bank", "carrier", "police")
    }


def test_our_own_lists_stand_beside_the_answer(
    bank: Node, file: Path, out: Path
) -> None:
    words = ("own", "exempt", "--kind", "phone", "--why", "our switchboard")
    bank(*words, stdin=b"+12025557104").ended(0)
    file.write_text("phone\n+12025557104\n")
    bank(*ASK, "--file", file, "--out", out).ended(
        0, "on our own lists too: 1 items"
    )
    [row] = read(out)
    assert row["by our own lists"] == "nothing to do (exempt here)"


def test_usage_errors_come_before_any_request(
    member: Node, false: FalseApi, tmp_path: Path, file: Path, out: Path
) -> None:
    say = (*ASK, "--file", file, "--map", "value=tel")
    there = tmp_path / "there.csv"
    there.write_text("mine")
    for more, expected in (
        ((), "the answers to a --file go to a file"),
        (("--out", there), "is there already"),
        (("--out", tmp_path / "no" / "answers.csv"), "No such file"),
        (("--out", out, "--keep", "phone"), "--keep: no column 'phone'"),
        (("--out", out, "--keep", "9"), "columns: 客户号, name, tel"),
        (("--out", "-"), "--out: want .csv or .xlsx"),
        (("--out", out.with_suffix(".ods")), "--out: want .csv or .xlsx"),
        (("--out", out, "--map", "value=2"), "names value twice"),
    ):
        member(*say, *more).ended(2, expected)
    assert there.read_text() == "mine"
    assert not out.exists()
    assert false.asked == []
    twin = tmp_path / "twin.csv"
    twin.write_text("verdict,phone\nx,1\n")
    member(*ASK, "--file", twin, "--keep", "verdict", "--out", out).ended(
        2, "the answer has a column verdict too"
    )
    member(*ASK, "--out", out, stdin=b"1\n").ended(
        2, "the answers to a --file go to a file"
    )


def test_a_key_that_no_row_has_is_an_error(
    bank: Node, tmp_path: Path, out: Path
) -> None:
    file = tmp_path / "list.ndjson"
    file.write_text(
        '{"phone": "+12025557106", "no": "007"}\n{"phone": "+12025557107"}\n'
    )
    bank(
        *ASK, "--file", file, "--out", out, "--keep", "no", "--keep", "nmae"
    ).ended(0, "--keep: no row has nmae")
    rows = [(row["no"], row["nmae"]) for row in read(out)]
    assert rows == [("007", ""), ("", "")]


def test_a_key_that_a_spreadsheet_has_spoilt_is_refused(
    member: Node, false: FalseApi, tmp_path: Path, out: Path
) -> None:
    """Whoever joined by it would have somebody else's answer."""
    rows = [["card", "phone"], [6222021234567890128, "+12025557105"]]
    file = saved(tmp_path, rows)
    member(*ASK, "--file", file, "--out", out, "--keep", "card").ended(1)
    [row] = read(out)
    assert (row["verdict"], row["card"]) == ("refused", "")
    assert row["problem"].startswith("card: ")
    assert false.asked == []


def test_nothing_is_left_of_a_look_up_that_did_not_end(
    member: Node, false: FalseApi, file: Path, out: Path
) -> None:
    words = ("--file", file, "--map", "value=tel", "--out", out)
    false.answers["/v1/lookups"] = refused("no", 503, "unavailable")
    member(*ASK, *words).ended(3)
    assert names(out.parent) == ["customers.csv", "home", "home.token"]


def test_a_file_that_came_meanwhile_is_not_overwritten(out: Path) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(terminal.new_file(out)).write(b"ours")
        out.write_text("theirs")
        with misused("is there already"):
            stack.close()
    assert out.read_text() == "theirs"
    assert names(out.parent) == ["answers.csv"]
    out.unlink()
    with pytest.raises(KeyboardInterrupt), terminal.new_file(out):
        raise KeyboardInterrupt
    assert names(out.parent) == []


# ------------------------------------------------------------ asking again


class Holders(ApiClient):
    """A daemon whose holders answer as told, call by call."""

    away = 0  # calls that find no daemon

    def __init__(self, *unknown: Sequence[str], **more: Any) -> None:
        self.unknown = [*unknown]  # values that each call leaves unknown
        self.more = more  # what is said of such a value beside
        self.calls: list[list[str]] = []
        self.refusals: list[QuotaError] = []

    def post(self, path: str, body: Any, media: str = JSON) -> Any:
        if self.refusals:
            raise self.refusals.pop()
        self.away -= 1
        if self.away >= 0:
            raise UnavailableError("local API: connection refused")
        values = [item["value"] for item in body["items"]]
        left = self.unknown.pop(0) if self.unknown else ()
        self.calls.append(values)
        return {
            "items": [
                {
                    "verdict": "unknown",
                    "reasons": ["holders_missing"],
                    "missing": ["carrier", "police"],
                    **self.more,
                }
                if value in left
                else {"verdict": "none", "reasons": []}
                for value in values
            ],
            "as_of": [
                {"member": "bank", "heard_at": 50 + len(self.calls)},
                {"member": "carrier", "behind": 7},
            ],
            "contested": ["x.example/syncd/txwz/1"],
        }


def ask(holders: Holders, *batches: str) -> lookup_client.Question:
    asking = lookup_client.Question(holders, {"purpose": "test"})
    for batch in batches:
        found = asking.ask([{"value": value} for value in batch])
        assert len(found) == len(batch)
    return asking


def test_what_is_unknown_is_asked_again_while_that_helps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    holders = Holders("bcd", "c")
    assert ask(holders, "abcd").unknown in (0, 1)
    assert holders.calls[:2] == [[*"abcd"], [*"bcd"]]
    holders = Holders("bc", "bc", "d", (), "f")
    asking = ask(holders, "abc", "de", "fg")
    # It has not helped, so the next batch is not asked again, until one is
    # answered whole.
    assert holders.calls == [[*"abc"], [*"bc"], [*"de"], [*"fg"]]
    assert asking.unknown == 3
    asking.tell()
    err = capsys.readouterr().err
    assert (
        "3 stayed unknown, which is no clearance: 3 × no answer from carrier,"
        " police"
    ) in err
    assert "not heard since the start: carrier" in err
    assert "not merged yet: 7 entries of carrier" in err
    assert "forked logs, which count for less: x.example" in err
    assert {one["member"]: one.get("heard_at") for one in asking.as_of} == {
        "bank": 51,
        "carrier": None,
    }


def test_a_quota_that_is_used_up_is_no_silence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    used = Message("{member}: quota used up")
    params = msgspec.to_builtins(wire.of(Message("{why}", why=used)))
    ask(Holders("a", "a", **params), "a").tell()
    why = "quota used up, or no answer: carrier, police"
    assert why in capsys.readouterr().err


def test_what_was_not_tried_is_not_asked_again() -> None:
    holders = Holders("ab", "ab", reasons=["kinds_untried"])
    assert ask(holders, "ab").unknown == 2
    assert len(holders.calls) == 1


def test_a_daemon_that_restarts_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has answered; one that never did is not there."""
    holders = Holders()
    asking = ask(holders, "ab")
    holders.away = 3
    assert len(asking.ask([{"value": "c"}])) == 1
    assert capsys.readouterr().err.count("tried again in ") == 3
    monkeypatch.setattr(lookup_client, "RESTART_S", -1.0)
    for one in (asking, lookup_client.Question(holders, {})):
        holders.away = 1
        with unavailable():
            one.ask([{"value": "c"}])


def test_a_budget_that_is_used_up_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a list; one that was used up before is said."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    holders = Holders()
    asking = ask(holders, "ab")
    used = QuotaError("lookup: 1 more", retry_after_s=900)
    holders.refusals = [used]
    assert len(asking.ask([{"value": "c"}])) == 1
    assert slept == [900]
    assert "lookup: 1 more: tried again in 900 s" in capsys.readouterr().err
    holders.refusals = [used]
    with over_quota():
        ask(holders, "d")


# ----------------------------------------------------------------- in steps


def test_rows_come_in_steps_that_a_request_can_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_input, "STEP", 4)
    monkeypatch.setattr(table_input, "BUDGET", 200)
    file = tmp_path / "list.csv"
    names = [f"a{n}.example" for n in range(9)] + ["x" * 300] + ["y" * 90] * 3
    file.write_text("\n".join(["url", *names]) + "\n")
    taken = command.parameters(ListOptions).items()
    args = ListOptions(home=None, **{n: one.default for n, one in taken})
    rows, plan = table_input.understood(file, args, {"kind": "url"})
    steps = list(table_input.steps(rows, plan.report))
    assert [one.row.number for some in steps for one in some] == [
        *range(2, len(names) + 2)
    ]
    assert max(map(len, steps)) <= 4
    [long] = [o for some in steps for o in some if o.problem is not None]
    assert "too long for one request" in str(long.problem)
    assert long.row.number == 11
