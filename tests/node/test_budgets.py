"""Budgets of bearer tokens: a share of the member's hour for each."""

import os
from typing import Any
from unittest.mock import patch

import pytest
from msgspec import structs

from syncd.config.settings import Lookup
from syncd.errors import MalformedError, QuotaError
from syncd.flows.judge import Answer
from syncd.indicator.identifier import Identifier
from syncd.messages import wire
from syncd.node.serve import shared_counts
from syncd.node.serve.budgets import KINDS, Budgets
from syncd.node.serve.metrics import Metrics
from syncd.node.serve.shared_counts import SharedCounts
from syncd.roster.terms import Quota
from syncd.web import forms
from syncd.web.routes import Caller
from tests.flows import founders
from tests.node.stand_in import Home

TELLER, SCREEN = Caller("teller", "reader"), Caller("screen", "reader")
HOUR = 100  # of which a token has half
URLS = 7


@pytest.fixture
def home() -> Any:
    roster = founders.found().roster
    rows = (*roster.quotas[:1], Quota("lookup", HOUR, 10 * HOUR))
    home = Home(now=1_800_000_000)
    home.trusted.current = structs.replace(roster, quotas=rows)
    home.config.lookup = Lookup(token_share=50, token_urls=URLS)
    return home


@pytest.fixture
def budgets(home: Any) -> Budgets:
    return Budgets(ctx=home.context, metrics=Metrics())


def items(kind: str, n: int, **other: Any) -> list[forms.Item]:
    return [forms.Item(kind=kind, value=f"{i}", **other) for i in range(n)]


def left(budgets: Budgets, caller: Caller) -> dict[str, int]:
    return {one.kind: one.hour_left for one in budgets.left(caller)}


def test_one_token_does_not_starve_the_others(
    home: Any, budgets: Budgets
) -> None:
    """It is refused beyond its share; the others', and other kinds, stand."""
    budgets.spend(TELLER, items("phone", 50))
    with pytest.raises(QuotaError) as refused:
        budgets.spend(TELLER, items("phone", 1))
    budgets.spend(TELLER, items("account", 50))
    budgets.spend(SCREEN, items("phone", 50))
    error = refused.value
    assert 3600 <= error.retry_after_s <= 3660
    assert wire.parts(error.text)["params"] == {
        "kind": "phone",
        "left": 0,
        "most": 50,
        "n": 1,
    }
    home.now += error.retry_after_s
    budgets.spend(TELLER, items("phone", 50))


def test_all_of_a_call_or_nothing(budgets: Budgets) -> None:
    """What is refused costs nothing, of any kind."""
    budgets.spend(TELLER, items("phone", 20))
    with pytest.raises(QuotaError, match="30 are left") as e:
        budgets.spend(TELLER, [*items("phone", 31), *items("account", 5)])
    assert e.value.left == 30
    assert left(budgets, TELLER) == {"phone": 30, "account": 50, "url": URLS}


def test_what_needs_no_holder_has_a_rate_too(budgets: Budgets) -> None:
    """It is recorded, and kept: URLs, and what is asked by token."""
    token = forms.Item(kind="phone", token="t" * 22, epoch=1)
    budgets.spend(TELLER, [*items("url", URLS - 1), token])
    for one in (items("url", 1), [token]):
        with pytest.raises(QuotaError):
            budgets.spend(TELLER, one)
    assert left(budgets, SCREEN)["url"] == URLS
    budgets.spend(TELLER, [MalformedError("no item"), *items("bogus", 9)])


def test_further_forms_count(budgets: Budgets) -> None:
    """An account is tried as several: each is an evaluation."""
    accounts = [
        Identifier("account", f"cn:{n}") for n in ("bank", "card", "wallet")
    ]
    budgets.spend(TELLER, items("account", 2))
    answers = [Answer(forms=tuple(accounts)), Answer(forms=())]
    budgets.tried(TELLER, answers)
    assert left(budgets, TELLER)["account"] == 50 - 4


def test_processes_that_share_counts_spend_one_budget(
    home: Any, budgets: Budgets
) -> None:
    """What one has counted, another has too."""
    shared = SharedCounts(KINDS, os.dup(budgets.counts.fd))
    other = Budgets(ctx=home.context, metrics=Metrics(), counts=shared)
    budgets.spend(TELLER, items("phone", 30))
    other.spend(TELLER, items("phone", 20))
    for one in (budgets, other):
        with pytest.raises(QuotaError):
            one.spend(TELLER, items("phone", 1))
    assert budgets.left(TELLER) == other.left(TELLER)


def test_the_token_that_was_idle_longest_gives_way(
    home: Any, budgets: Budgets
) -> None:
    """More tokens than there is room for are counted still."""
    with patch.object(shared_counts, "ROWS", 2):
        two = Budgets(ctx=home.context, metrics=Metrics())
        for name in ("a", "b", "c", "b"):
            home.now += 60
            two.spend(Caller(name, "reader"), items("phone", 20))
        assert left(two, Caller("b", "reader"))["phone"] == 10
        assert left(two, Caller("c", "reader"))["phone"] == 30
        assert left(two, Caller("a", "reader"))["phone"] == 50


def test_what_is_left_can_be_read(budgets: Budgets) -> None:
    """With what was refused, and when more is left."""
    budgets.spend(TELLER, items("phone", 10))
    with pytest.raises(QuotaError):
        budgets.spend(TELLER, items("phone", 41))
    phone, account, _ = budgets.left(TELLER)
    assert (phone.hour, phone.hour_left, phone.denied) == (50, 40, 41)
    assert 3600 <= phone.refill_s <= 3660
    assert (account.refill_s, account.denied) == (0, 0)
    assert isinstance(budgets.metrics, Metrics)
    text = budgets.metrics.registry.get_sample_value
    assert text("syncd_budget_denials_total", {"kind": "phone"}) == 41
