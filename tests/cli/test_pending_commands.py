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
        for name, role in (("rev", "reviewer"), ("clerk", "operator")):
            (home / f"{name}.token").touch(0o600)
            token = alliance.do(add(name, role, None, role[:1], "王五"))
            (home / f"{name}.token").write_text(token)
            (home / name).symlink_to(home / "bank")
        yield alliance


@pytest.fixture
def reviewer(real: Real, run: Run) -> Node:
    """The bank's command with the reviewer's token."""
    return Node(real.alliance.root / "rev", run)


def numbers(first: int, n: int) -> bytes:
    return "".join(f"+1202555{first + i:04}\n" for i in range(n)).encode()


def test_work_waits_and_is_confirmed(bank: Node, reviewer: Node) -> None:
    some = numbers(7000, 30)
    ran = bank("report", "add", *PHONE, *SAID, stdin=some).ended(6)
    assert "waits for a second person, as 1" in ran.out
    assert "+30" in reviewer("pending", "list").out
    shown = reviewer("pending", "show", "1")
    assert "+30 report phone fake_invest" in shown.out
    assert "+12****7000" in shown.out
    assert "待复核" in reviewer("pending", "show", "1", lang="zh").out
    assert bank("pending", "confirm", "1").code == 4
    assert reviewer("pending", "refuse", "1").code == 2
    reviewer("pending", "confirm", "1", "--why", "checked").printed(
        "decided by rev r 王五: checked"
    )
    words = ("report", "retract", *PHONE, "--reason", "false_positive")
    bank(*words, stdin=some).ended(6, "waits for a second person")


def test_an_import_that_waits_says_so(bank: Node, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"phone\n" + numbers(7100, 5))
    ran = bank("report", "import", file, *PHONE, *SAID).ended(6)
    assert "nothing of it is published yet" in ran.out


def test_a_certificate_is_a_page_for_the_person_concerned(
    real: Real, reviewer: Node, tmp_path: Path
) -> None:
    """In their language, with the value and without a member's name."""
    clerk = Node(reviewer.home.with_name("clerk"), reviewer.run)
    some, page = numbers(7200, 1), tmp_path / "page"
    for words in (("add", *SAID), ("retract", "--reason", "false_positive")):
        clerk("report", *words, *PHONE, stdin=some)
        real.settle()
    call = ("audit", "certificate", "-", *PHONE, "--page")
    assert clerk(*call, page, stdin=numbers(7201, 1)).code == 1
    assert clerk(*call, page, stdin=some).code == 6
    last = reviewer("pending", "list", "--json").json["items"][0]["id"]
    reviewer("pending", "confirm", last)
    for lang, title in (
        ("zh", "移出名单证明"),
        ("en", "Clearing certificate"),
    ):
        html = clerk(*call, "-", stdin=some, lang=lang).out
        assert f"{title} 20" in html
        assert "+12025557200" in html
        assert "example" not in html
