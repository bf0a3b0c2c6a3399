"""What waits for a second person, by command, before a real daemon."""

from pathlib import Path

import pytest

from tests.cli.conftest import Node, Real, Run

PHONE = ("--kind", "phone")
SAID = ("--label", "fake_invest", "--role", "caller", "--evidence", "user_tag")


SETTINGS = {"review": {"above": 3}}  # values that a second person looks at


@pytest.fixture(scope="module", autouse=True)
def persons(real: Real) -> None:
    """One who may confirm, and one who hands in by staff number."""
    real.bearer("rev", "reviewer", None, "r", "王五")
    real.bearer("clerk", "operator", None, "o", "王五")


@pytest.fixture
def reviewer(real: Real, run: Run) -> Node:
    """The bank's command with the reviewer's token."""
    return real.member("bank", run, "rev")


def numbers(first: int, n: int) -> str:
    return "".join(f"+1202555{first + i:04}\n" for i in range(n))


def test_work_waits_and_is_confirmed(bank: Node, reviewer: Node) -> None:
    some = numbers(7000, 30)
    ran = bank("report", "add", *PHONE, *SAID, stdin=some).ended(6)
    assert "waits for a second person, as 1" in ran.out
    assert "+30" in reviewer("pending", "list").out
    shown = reviewer("pending", "show", "1")
    assert "+30 report phone fake_invest" in shown.out
    assert "+12****7000" in shown.out
    assert "待复核" in reviewer("pending", "show", "1", lang="zh").out
    bank("pending", "confirm", "1").ended(4)
    reviewer("pending", "refuse", "1").ended(2)
    reviewer("pending", "confirm", "1", "--why", "checked").printed(
        "decided by rev r 王五: checked"
    )
    words = ("report", "retract", *PHONE, "--reason", "false_positive")
    bank(*words, stdin=some).ended(6, "waits for a second person")


def test_an_import_that_waits_says_so(bank: Node, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("phone\n" + numbers(7100, 5))
    ran = bank("report", "import", file, *PHONE, *SAID).ended(6)
    assert "nothing of it is published yet" in ran.out


def test_a_certificate_is_a_page_for_the_person_concerned(
    real: Real, reviewer: Node, tmp_path: Path
) -> None:
    """In their language, with the value and without a member's name."""
    clerk = real.member("bank", reviewer.run, "clerk")
    some, page = numbers(7200, 1), tmp_path / "page"
    for words in (("add", *SAID), ("retract", "--reason", "false_positive")):
        clerk("report", *words, *PHONE, stdin=some)
        real.settle()
    call = ("audit", "certificate", "-", *PHONE, "--page")
    assert clerk(*call, page, stdin=numbers(7201, 1)).code == 1
    clerk(*call, page, stdin=some).ended(6)
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
