"""What waits for a second person, by command, before a real daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Node, Real, Run

PHONE = ("--kind", "phone")
SAID = ("--label", "fake_invest", "--role", "caller", "--evidence", "user_tag")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """The bank has a second person look at more than three values."""
    home = tmp_path_factory.mktemp("pending") / "alliance"
    with Real(home, {"review": {"above": 3}}) as alliance:
        bank = alliance.alliance.members["bank"]
        add = bank.node.home.own.bearers.add
        token = alliance.do(add("rev", "reviewer", None, "7", "王五"))
        (home / "rev.token").touch(0o600)
        (home / "rev.token").write_text(token)
        yield alliance


@pytest.fixture
def reviewer(real: Real, bank: Node, run: Run, tmp_path: Path) -> Node:
    """The bank's command with the reviewer's token."""
    home = tmp_path / "rev"
    home.symlink_to(bank.home)
    home.with_suffix(".token").touch(0o600)
    token = (real.alliance.root / "rev.token").read_text()
    home.with_suffix(".token").write_text(token)
    return Node(home, run)


def numbers(first: int, n: int) -> bytes:
    return "".join(f"+1202555{first + i:04}\n" for i in range(n)).encode()


def test_work_waits_and_is_confirmed(bank: Node, reviewer: Node) -> None:
    some = numbers(7000, 30)
    ran = bank("report", "add", *PHONE, *SAID, stdin=some)
    assert ran.code == 6
    assert "waits for a second person, as 1" in ran.out
    assert "+30" in reviewer("pending", "list").out
    shown = reviewer("pending", "show", "1")
    assert "+30 report phone fake_invest" in shown.out
    assert "+12****7000" in shown.out
    assert "待复核" in reviewer("pending", "show", "1", lang="zh").out
    assert bank("pending", "confirm", "1").code == 4
    assert reviewer("pending", "refuse", "1").code == 2
    done = reviewer("pending", "confirm", "1", "--why", "checked")
    assert done.code == 0
    assert "decided by rev 7 王五: checked" in done.out
    words = ("report", "retract", *PHONE, "--reason", "false_positive")
    ran = bank(*words, stdin=some)  # many values are one piece of work
    assert (ran.code, "waits for a second person" in ran.err) == (6, True)


def test_an_import_that_waits_says_so(bank: Node, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"phone\n" + numbers(7100, 5))
    ran = bank("report", "import", file, *PHONE, *SAID)
    assert ran.code == 6
    assert "nothing of it is published yet" in ran.out
