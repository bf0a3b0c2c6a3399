"""Budgets of bearer tokens: a share of the member's hour for each."""

import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from msgspec import structs

from syncd.config.settings import Lookup
from syncd.messages import wire
from syncd.node.serve.budgets import Budgets
from syncd.node.serve.metrics import Metrics
from syncd.roster.terms import Quota
from syncd.web.routes import Caller
from tests.flows import founders
from tests.node.stand_in import Home
from tests.refusals import over_quota, unavailable

TELLER = Caller("teller", "reader", 1)
SCREEN = Caller("screen", "reader", 2)
HOUR = 100  # of which a token has half
URLS = 7


@pytest.fixture
def home() -> Any:
    roster = founders.found().roster
    rows = (*roster.quotas[:1], Quota("lookup", HOUR, 10 * HOUR))
    roster = structs.replace(roster, quotas=rows)
    home = Home(now=1_800_000_000, roster=roster)
    home.config.lookup = Lookup(token_share=50, token_urls=URLS)
    return home


@pytest.fixture
def budgets(home: Any) -> Budgets:
    return Budgets(ctx=home.context, metrics=Metrics())


def spend(budgets: Budgets, caller: Caller, **items: int) -> None:
    budgets.spend(caller, Counter(items), Counter())


def left(budgets: Budgets, caller: Caller) -> dict[str, int]:
    return {one.kind: one.hour_left for one in budgets.left(caller)}


def test_one_token_does_not_starve_the_others(
    home: Any, budgets: Budgets
) -> None:
    """It is refused beyond its share; the others', and other kinds, stand."""
    spend(budgets, TELLER, phone=50)
    with over_quota() as refused:
        spend(budgets, TELLER, phone=1)
    spend(budgets, TELLER, account=50)
    spend(budgets, SCREEN, phone=50)
    error = refused.value
    assert 3600 <= error.retry_after_s <= 3660
    assert wire.of(error.text).params == {
        "kind": "phone",
        "left": 0,
        "most": 50,
        "n": 1,
    }
    home.now += error.retry_after_s
    spend(budgets, TELLER, phone=50)


def test_all_of_a_call_or_nothing(budgets: Budgets) -> None:
    """What is refused costs nothing, of any kind."""
    spend(budgets, TELLER, phone=20)
    with over_quota("30 are left") as e:
        spend(budgets, TELLER, phone=31, account=5)
    assert e.value.left == 30
    assert left(budgets, TELLER) == {"phone": 30, "account": 50, "url": URLS}


def test_what_needs_no_holder_has_a_rate_too(budgets: Budgets) -> None:
    """It is recorded, and kept."""
    spend(budgets, TELLER, url=URLS)
    with over_quota():
        spend(budgets, TELLER, url=1)
    assert left(budgets, SCREEN)["url"] == URLS


def test_further_forms_count(budgets: Budgets) -> None:
    """An account is tried as several: each is an evaluation."""
    budgets.spend(TELLER, Counter(account=49), Counter(account=2))
    assert left(budgets, TELLER)["account"] == 0


def test_what_is_left_can_be_read(budgets: Budgets) -> None:
    """With what was refused, and when more is left."""
    spend(budgets, TELLER, phone=10)
    with over_quota():
        spend(budgets, TELLER, phone=41)
    phone, account, _ = budgets.left(TELLER)
    assert (phone.hour, phone.hour_left, phone.denied) == (50, 40, 41)
    assert 3600 <= phone.refill_s <= 3660
    assert (account.refill_s, account.denied) == (0, 0)
    assert isinstance(budgets.metrics, Metrics)
    text = budgets.metrics.registry.get_sample_value
    assert text("syncd_budget_denials_total", {"kind": "phone"}) == 41


def test_who_tries_numbers_is_told_of_and_goes_on(
    home: Any, budgets: Budgets
) -> None:
    """By misses for a hit in the hour, beside those of before: no quota."""

    def fishing(**came: int) -> tuple[int, int] | None:
        budgets.tally(TELLER, Counter(came))
        return budgets.fishing(TELLER.id)

    assert fishing(none=4000, unknown=9000, problem=9000) is None
    assert fishing(none=1) == (4001, 0)
    assert fishing(confirmed=1) is None
    home.now += 7200  # 5001 misses for a hit of before, and two more
    assert fishing(none=10_002) is None
    assert fishing(none=1) == (10_003, 0)
    with budgets.counts.of(TELLER.id, 0) as had:
        had.sum_up("hit", 2**32 - 1)  # no more fits, after years
    assert budgets.fishing(SCREEN.id) is None
    assert left(budgets, TELLER)["phone"] == 50


HOLDS = """
import fcntl, sys, time
fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX)
print(flush=True)
time.sleep(60)
"""


def test_a_process_that_was_stopped_hangs_no_other(budgets: Budgets) -> None:
    """Else the daemon could not even end it; nor does what was found wait."""
    shared = budgets.counts
    command = [sys.executable, "-c", HOLDS, str(shared.fd)]
    with subprocess.Popen(
        command, pass_fds=(shared.fd,), stdout=subprocess.PIPE
    ) as stopped:
        assert stopped.stdout
        stopped.stdout.readline()
        with unavailable("hangs"), shared.of(1, 0):
            pass
        budgets.tally(TELLER, Counter(none=1))
        stopped.kill()
        stopped.wait()
        with shared.of(1, 0) as had:
            had.add("phone", 1)
