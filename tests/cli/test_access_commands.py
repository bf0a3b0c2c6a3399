"""Who asked what, a person's answer, and appeals by command, for real."""

import io
import json
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from syncd.cli import grid, inspection
from syncd.indicator.statement import Erase
from syncd.store.calls import Call
from tests.cases import cases, tried
from tests.cli.conftest import Node, Real, Run, read

LISTED = "+12025559101"
ASK = ("lookup", "--kind", "phone", "--purpose")


@pytest.fixture(scope="module", autouse=True)
def asked(real: Real) -> None:
    """A number is listed, and the bank has an office for compliance."""
    police, more = real.alliance.police, {"handling": "open"}
    real.do(police.tell("phone", LISTED, evidence="police_case", **more))
    real.bearer("office", "compliance")


@pytest.fixture
def office(real: Real, run: Run) -> Node:
    return real.member("bank", run, "office")


def look(bank: Node, reference: str = "=1+1") -> None:
    words = (*ASK, "loan_check", "--reference", reference)
    bank(*words, stdin=LISTED).ended(0)


def test_the_report_counts_by_day_person_and_purpose(
    office: Node, bank: Node
) -> None:
    look(bank)
    look(bank)
    words = ("access", "report")
    ran = office(*words)
    assert ran.ended(0).err == ""
    head, *lines = ran.out.splitlines()
    assert tuple(head.split()) == (*map(str, grid.HEADS["access"]),)
    assert all(line.startswith("20") for line in lines)
    assert ["cli", "-", "-", "loan_check", "2", "2"] in [
        line.split()[1:] for line in lines
    ]
    assert office(*words, "--since", "2199-01-01").out.count("\n") == 1
    zh = office(*words, lang="zh").out
    assert "放贷核验" in zh
    assert "look-ups" not in zh


def test_what_is_in_a_file_is_no_formula(office: Node, tmp_path: Path) -> None:
    """In neither form; counts are numbers in XLSX."""
    reference = "=HYPERLINK(1)"
    office("appeal", "add", "--reference", reference).ended(0)
    words = ("appeal", "list", "--out")
    sheet, text = tmp_path / "a.xlsx", tmp_path / "a.csv"
    for path in (sheet, text):
        office(*words, path).ended(0)
    assert read(text)[-1]["reference"] == f"'{reference}"
    [only] = openpyxl.load_workbook(sheet).worksheets
    [*_, last] = only.iter_rows()
    cell = last[5]
    assert (cell.value, cell.data_type) == (reference, "s")
    assert cell.number_format == "@"
    assert isinstance(last[0].value, int)
    assert sheet.stat().st_mode & 0o077 == 0
    office("access", "report", "--out", sheet).ended(2, "is there already")


def test_a_person_is_answered(office: Node, bank: Node) -> None:
    """The value comes on standard input, which `-` may name."""
    look(bank)
    words = ("access", "about", "-", "--kind", "phone")
    ran = office(*words, stdin=LISTED)
    assert ran.ended(0).err == ""
    assert "before a loan" in ran.out
    assert "hold" in ran.out
    assert "cli" not in ran.out
    assert LISTED not in ran.out
    none = office(*words, stdin=b"+12025559102")
    assert none.out == "no look-up of ours is to be told\n"
    on_line = office("access", "about", LISTED, "--kind", "phone")
    assert (on_line.code, LISTED in on_line.err) == (2, False)
    bank(*words, stdin=LISTED).ended(4)


def test_appeals_by_command(office: Node, tmp_path: Path) -> None:
    """From its coming to its end, and what is left in the register."""
    words = ("--reference", "letter 1", "--measure", "hold", "--json")
    made = office("appeal", "add", *words).json["id"]
    office("appeal", "note", "told", made).ended(1, "nothing is decided")
    assert "letter 1" in office("appeal", "list").out
    note = office("appeal", "note", "refused", made, "--why", "it stands")
    assert note.ended(0).out == f"{made}: noted\n"
    office("appeal", "note", "told", made).ended(0)
    assert "letter 1" not in office("appeal", "list").out
    out = tmp_path / "register.csv"
    office("appeal", "list", "--all", "--out", out).ended(0)
    [row] = [row for row in read(out) if row["reference"] == "letter 1"]
    assert (row["cause"], row["decision"]) == ("contested", "not granted")
    assert (row["hours"], row["why"]) == ("0", "it stands")


# --------------------------------------------------- the inspector's set


def test_an_inspector_s_set(
    real: Real, office: Node, bank: Node, tmp_path: Path
) -> None:
    """All sections, in both languages."""
    ours = real.alliance.bank  # reports, drills, takes back and erases
    for value, test in (("a", False), ("b", True), ("c", False)):
        real.do(ours.tell("url", f"http://{value}.example/", test=test))
    real.do(ours.retract("url", "http://a.example/"))
    real.do(ours.say(Erase(ranges=((3, 4),), reason="privacy")))
    real.settle()
    look(bank)
    real.do(ours.own.calls.add(Call("desk", "stopped", "", 5, "hold"), "1"))
    at = datetime.now(ZoneInfo("Asia/Shanghai"))
    quarter = f"{at.year}Q{(at.month + 2) // 3}"
    words = ("audit", "inspect", "--quarter", quarter)
    made = tmp_path / "set"
    ran = office(*words, made)
    assert ran.ended(0).err == ""
    data = json.loads((made / "inspection.json").read_bytes())
    assert data["member"] == "bank"
    page = (made / "inspection.zh.html").read_text()
    for said in ["制表", "复核", "审批", "申诉台账", "本季度无", "放贷核验"]:
        assert said in page
    assert "told in writing" in (made / "inspection.en.html").read_text()
    book = openpyxl.load_workbook(made / "inspection.zh.xlsx")
    rows = {sheet.title: [*sheet.values] for sheet in book}
    share = ("撤回与上报之比", "1.000", "0.500", 2)
    assert rows["客户告知书"][-1][1:] == ("暂缓", None, "已止付", 1)
    assert {row[0] for row in rows["谁以什么用途查询"][3:]} == {
        "cli",
        "office",
    }
    assert share in rows["本机构的贡献"]
    assert [row[0] for row in rows["撤回与清除"]][-2:] == ["撤回", "清除"]
    assert {p.stat().st_mode & 0o077 for p in made.iterdir()} == {0}
    # The same inputs, the same bytes: in another zone, at another time.
    for name, raw in inspection.files(inspection.Answers(data)):
        assert (made / name).read_bytes() == raw
    office(*words[:-1], "2026-4", tmp_path / "wrong").ended(2, "want 2026Q4")
    ran = bank(*words, tmp_path / "wrong")  # an operator's token
    assert ran.ended(4).out == ""
    office(*words, made).ended(2, "is there already")
    assert [*tmp_path.iterdir()] == [made]


class OwnApi:
    """Answers with appeals about a quarter's borders, and is counting first."""

    counting = 2

    def __init__(self) -> None:
        self.asked: dict[str, dict[str, object]] = {}

    def get(self, path: str, **query: object) -> dict[str, object]:
        self.asked[path] = query
        if path == "/v1/figures":
            self.counting -= 1
            return {"as_of": int(not self.counting), "items": []}
        appeals = path == "/v1/appeals"
        return {"items": cases("inspection", "appeals") if appeals else []}


@tried("one", cases("inspection", "quarters"))
def test_a_quarter_is_one_of_the_roster_s_zone(
    one: tuple[str, str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the second; no text of it is a formula, and a count is waited for."""
    quarter, until, found = one
    monkeypatch.setattr(time, "sleep", lambda _: None)
    about = dict.fromkeys(("member", "origin", "alliance", "hash"), "x/y")
    of = inspection.Answers(
        about, quarter=quarter, version=1, zone="Asia/Shanghai"
    )
    of.own = own = OwnApi()
    made = dict(inspection.files(of))
    assert [
        one["id"] for one in json.loads(made["inspection.json"])["appeals"]
    ] == found
    assert own.asked["/v1/access"]["until"] == until
    assert own.asked["/v1/figures"] == {
        "from": f"{until[:5]}{int(until[5:7]) - 2:02}",
        "to": until[:7],
    }
    book = openpyxl.load_workbook(io.BytesIO(made["inspection.en.xlsx"]))
    cells = [
        cell for row in book["Appeals"].iter_rows(min_row=4) for cell in row
    ]
    assert {c.data_type for c in cells if c.value == "=1+1"} <= {"s"}
    assert [c.value for c in cells if c.data_type == "n" and c.value] == found
