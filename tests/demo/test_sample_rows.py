"""Which rows of the data the demo looks up, and retracts."""

from syncd.demo.sample_rows import alone
from syncd.flows.draft import Draft
from syncd.flows.report import Rules
from syncd.indicator.identifier import for_report
from syncd.roster.terms import Never
from tests.flows.test_report import TODAY, founded

BANK = for_report("phone", "95588", region="CN")
NEVER = Never("phone", BANK.value, "bank")


def row(kind: str, value: str, scheme: str = "") -> Draft:
    label, role = {
        "phone": ("nuisance_call", "caller"),
        "url": ("fake_invest", "phishing_host"),
        "account": ("other", "collecting_account"),
    }[kind]
    return Draft(
        kind=kind,
        value=value,
        scheme=scheme,
        label=label,
        role=role,
        evidence="user_tag",
    )


def dealt(*rows: tuple[Draft, tuple[int, ...]]) -> dict[str, tuple[int, str]]:
    each = [(row, taker) for row, takers in rows for taker in takers]
    found = alone(each, Rules(founded([NEVER]), TODAY, "CN"))
    return {kind: (taker, row.value) for kind, (row, taker) in found.items()}


def test_a_row_that_nobody_else_has() -> None:
    """One of each kind, and the last of several."""
    assert dealt(
        (row("phone", "13800138000"), (0,)),
        (row("phone", "13800138001"), (1,)),
        (row("url", "shop.example.net/a"), (2,)),
        (row("account", "700000", "ABAAKHPP"), (3,)),
    ) == {
        "phone": (1, "13800138001"),
        "url": (2, "shop.example.net/a"),
        "account": (3, "700000"),
    }


def test_what_somebody_else_has_too() -> None:
    """However it is written, and whoever was the first."""
    assert (
        dealt(
            (row("phone", "13800138000"), (0, 1)),
            (row("phone", "13800138001"), (1,)),
            (row("phone", "+86 138 0013 8001"), (2,)),
            (row("phone", "+86-13800138001"), (3,)),
            (row("url", "shop.example.net/a"), (0,)),
            (row("url", "http://www.example.net"), (1,)),
        )
        == {}
    )


def test_what_will_be_refused() -> None:
    """It is no sample, and takes nothing from one."""
    assert dealt(
        (row("phone", "95588"), (0,)),
        (row("phone", "1"), (1,)),
        (row("url", "example.net/a"), (2,)),
        (row("url", "com"), (3,)),
        (row("account", "700000", "no scheme"), (0,)),
    ) == {"url": (2, "example.net/a")}
