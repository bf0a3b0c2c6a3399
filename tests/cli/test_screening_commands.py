"""Customers are handed in, reported and ended by command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Node, Real, Run, keep_token

UNTIL = ("--until", "2027-01-31")
LIST = "客户号,tel\nC-1,+12025550301\nC-2,+12025550302\nC-3,nonsense\n"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    settings = {"screening": {"enabled": True}}
    root = tmp_path_factory.mktemp("screening") / "alliance"
    with Real(root, settings) as alliance:
        yield alliance


@pytest.fixture
def bank(real: Real, run: Run) -> Node:
    member = real.alliance.members["bank"]
    bearers = member.own.bearers
    if not any(b.name == "lin" for b in real.do(bearers.all())):
        token = real.do(bearers.add("lin", "compliance"))
        keep_token(member.home, token)
    return real.member("bank", run)


def add(bank: Node, path: Path, *words: str) -> str:
    ran = bank(
        *("screening", "add", path, "--kind", "phone", *UNTIL),
        *("--map", "value=tel", *words),
    ).ended(1)
    return ran.out


def test_a_list_a_report_and_its_end(
    real: Real, bank: Node, police: Node, tmp_path: Path
) -> None:
    """References are shown, values never."""
    path = tmp_path / "customers.csv"
    path.write_text(LIST, encoding="utf-8")
    out = add(bank, path)
    assert "kept 2, refused 1" in out
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
