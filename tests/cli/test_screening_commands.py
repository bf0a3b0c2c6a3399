"""Customers are handed in, reported and ended by command."""

from pathlib import Path

from tests.cli.conftest import Node, Real, Run

SETTINGS = {"screening": {"enabled": True}}
LIST = "客户号,tel\nC-1,+12025550301\nC-2,+12025550302\nC-3,nonsense\n"


def test_a_list_a_report_and_its_end(
    real: Real, run: Run, police: Node, tmp_path: Path
) -> None:
    """References are shown, values never."""
    real.bearer("lin", "compliance")
    bank = real.member("bank", run, "lin")
    path = tmp_path / "customers.csv"
    path.write_text(LIST, encoding="utf-8")
    words = ("--kind", "phone", "--until", "2027-01-31", "--map", "value=tel")
    ran = bank("screening", "add", path, *words).ended(1)
    assert "kept 2, refused 1" in ran.out
    words = ("--label", "fake_invest", "--role", "caller", "--kind", "phone")
    police(
        *("report", "add", *words, "--evidence", "user_tag"),
        stdin=b"+12025550301",
    ).ended(0)
    real.settle()
    real.do(real.alliance.bank.node.background.idle())
    ran = bank("screening", "report").printed("C-1")
    assert "C-2" not in ran.out
    assert "+12025550301" not in ran.out
    ran = bank("screening", "report", "--verdict", "confirmed", "--json")
    assert ran.json["items"] == []
