"""Who asked what, a person's answer, and appeals by command, for real."""

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from syncd.cli import grid, sheet_file
from syncd.errors import UsageError
from tests.cli.conftest import Node, Ran, Real, Run, keep_token

LISTED = "+12025559101"
ASK = ("lookup", "--kind", "phone", "--purpose")


class Office(Node):
    """The bank's compliance, with a token of its own."""

    def __call__(
        self, *words: object, stdin: bytes = b"", lang: str = "en"
    ) -> Ran:
        token = ("--token-file", self.home.with_name("office.token"))
        before = ("--lang", lang, "--home", self.home)
        return self.run(*before, *words, *token, stdin=stdin)


@pytest.fixture(scope="module")
def asked(real: Real, tmp_path_factory: pytest.TempPathFactory) -> Real:
    """The bank looked a listed number up twice, and the listing ended."""
    police, bank = real.alliance.police, real.alliance.bank
    more = {"evidence": "police_case", "handling": "open"}
    real.do(police.report("phone", LISTED, **more))
    real.settle()
    bearers = bank.node.home.own.bearers
    office = real.do(bearers.add("office", "compliance"))
    keep_token(bank.home.with_name("office"), office)
    return real


@pytest.fixture
def office(asked: Real, run: Run) -> Office:
    return Office(asked.alliance.bank.home, run)


def look(bank: Node, reference: str = "=1+1") -> None:
    words = (*ASK, "loan_check", "--reference", reference)
    assert bank(*words, stdin=LISTED.encode()).code == 0


def test_the_report_counts_by_day_person_and_purpose(
    office: Office, bank: Node
) -> None:
    look(bank)
    look(bank)
    words = ("access", "report")
    ran = office(*words)
    assert (ran.code, ran.err) == (0, "")
    head, *lines = ran.out.splitlines()
    assert tuple(head.split()) == (*grid.HEADS["access"],)
    assert all(line.startswith("20") for line in lines)
    assert ["cli", "-", "-", "loan_check", "2", "2"] in [
        line.split()[1:] for line in lines
    ]
    later = office(*words, "--since", "2199-01-01", "--by", "person")
    assert later.out.count("\n") == 1
    zh = office(*words, lang="zh").out
    assert "放贷核验" in zh
    assert "look-ups" not in zh


def test_what_goes_to_a_file_is_no_formula(
    office: Office, tmp_path: Path
) -> None:
    """In neither form; counts are numbers in XLSX."""
    reference = "=HYPERLINK(1)"
    assert office("appeal", "add", "--reference", reference).code == 0
    words = ("appeal", "list", "--out")
    sheet, text = tmp_path / "a.xlsx", tmp_path / "a.csv"
    for path in (sheet, text):
        assert office(*words, path).code == 0
    rows = [*csv.DictReader(io.StringIO(text.read_text("utf-8-sig")))]
    assert rows[-1]["reference"] == f"'{reference}"
    [only] = openpyxl.load_workbook(sheet).worksheets
    [*_, last] = only.iter_rows()
    cell = last[5]
    assert (cell.value, cell.data_type) == (reference, "s")
    assert cell.number_format == "@"
    assert isinstance(last[0].value, int)
    assert sheet.stat().st_mode & 0o077 == 0
    again = office("access", "report", "--out", sheet)
    assert (again.code, "is there already" in again.err) == (2, True)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"want \.csv or \.xlsx"):
        sheet_file.write(tmp_path / "a.ods", ["id"], [])
    assert [*tmp_path.iterdir()] == []


def test_a_person_is_answered(office: Office, bank: Node) -> None:
    """The value comes on standard input, which `-` may name."""
    look(bank)
    words = ("access", "about", "-", "--kind", "phone")
    ran = office(*words, stdin=LISTED.encode())
    assert (ran.code, ran.err) == (0, "")
    assert "before a loan" in ran.out
    assert "hold" in ran.out
    assert "cli" not in ran.out
    assert LISTED not in ran.out
    none = office(*words, stdin=b"+12025559102")
    assert none.out == "no look-up of ours is to be told\n"
    on_line = office("access", "about", LISTED, "--kind", "phone")
    assert (on_line.code, LISTED in on_line.err) == (2, False)
    refused = bank(*words, stdin=LISTED.encode())
    assert refused.code == 4


def test_appeals_by_command(office: Office, tmp_path: Path) -> None:
    """From its coming to its end, and what is left in the register."""
    words = ("--reference", "letter 1", "--measure", "hold", "--json")
    made = office("appeal", "add", *words).json["id"]
    told = office("appeal", "note", "told", made)
    assert (told.code, "nothing is decided" in told.err) == (1, True)
    assert "letter 1" in office("appeal", "list").out
    note = office("appeal", "note", "refused", made, "--why", "it stands")
    assert (note.code, note.out) == (0, f"{made}: noted\n")
    assert office("appeal", "note", "told", made).code == 0
    assert "letter 1" not in office("appeal", "list").out
    out = tmp_path / "register.csv"
    assert office("appeal", "list", "--all", "--out", out).code == 0
    rows = [*csv.DictReader(io.StringIO(out.read_text("utf-8-sig")))]
    [row] = [row for row in rows if row["reference"] == "letter 1"]
    assert (row["cause"], row["decision"]) == ("contested", "not granted")
    assert (row["hours"], row["why"]) == ("0", "it stands")
