"""What each holder gives of a quota."""

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.roster import drafts, quotas
from syncd.roster.quotas import DAY_S, HOUR_S, STEPS, Limit, Window
from syncd.roster.roster import Roster
from syncd.roster.terms import Epoch, Quota
from tests.cases import tried
from tests.roster.test_roster import full as full


def epoch_of(full: Roster) -> Epoch:
    epoch = full.epoch("phone", 1)
    assert epoch is not None
    return epoch


def hourly(roster: Roster, member: str, purpose: str) -> list[Limit]:
    found = quotas.limits(roster, epoch_of(roster), member, purpose)
    return [limit for limit in found if limit.window_s == HOUR_S]


@tried("most", [0, 1, 5, 10_000, 49_999])
@tried("t, n", [(2, 3), (3, 5), (5, 9), (3, 3)])
def test_all_holders_together_give_the_quota(
    full: Roster, most: int, t: int, n: int
) -> None:
    """Any t of n answer, so n shares are t quotas, less than n over."""
    epoch = replace(epoch_of(full), t=t)
    answering: Any = SimpleNamespace(holders_of=lambda _: range(n))
    assert t * most <= n * quotas.share(most, answering, epoch) < t * most + n


def test_holders_that_left_give_their_part_to_the_others(full: Roster) -> None:
    """Two of the four shares answer, and two are needed: each gives all."""
    (_, look_ups) = hourly(full, "bank", "call_check")
    assert look_ups.most == 10_000


@tried("purpose", ["portfolio_screen", "call_check", "test", "appeal"])
def test_no_name_carries_look_ups_past_their_limit(
    full: Roster, purpose: str
) -> None:
    """Customers are screened within the look-ups, by everybody's row."""
    for limit in hourly(full, "bank", purpose):
        if limit.covers("transaction_check") and limit.purposes:
            assert limit.covers(purpose)
            assert limit.most == 10_000
            return
    pytest.fail("it counts nowhere among the look-ups")


@tried("day, most", [("", 9), ("2027-02-01", 9), ("2027-02-02", 200_000)])
def test_what_is_given_once_ends_with_its_day(
    full: Roster, day: str, most: int
) -> None:
    row = Quota("publish", 9, 9, "bank", "2027-02-01")
    once = replace(full, quotas=(*full.quotas, row))
    found = quotas.limits(once, epoch_of(once), "bank", "publish", day)
    assert most in {limit.most for limit in found}


def test_bulk_work_without_a_row_is_a_look_up(full: Roster) -> None:
    """In a roster from before there were rows for all of it."""
    kept = tuple(q for q in full.quotas if q.purpose in ("all", "lookup"))
    old = replace(full, quotas=kept)
    for purpose in ("rotate", "portfolio_screen", "publish", "never"):
        (_, limit) = hourly(old, "bank", purpose)
        assert (limit.most, limit.covers("call_check")) == (10_000, True)


def test_bulk_work_has_rows_beside_the_look_ups(full: Roster) -> None:
    """Nothing is rotated but from one key in use to the next."""
    found = {
        purpose: hourly(full, "bank", purpose)[1]
        for purpose in ("publish", "rotate", "never")
    }
    assert {p: limit.most for p, limit in found.items()} == {
        "publish": 200_000,
        "rotate": 0,
        "never": 50_000,
    }
    assert not any(limit.covers("call_check") for limit in found.values())


def test_a_members_row_screens_beside_the_look_ups(full: Roster) -> None:
    """Which everybody's row does not."""
    row = Quota("portfolio_screen", 70_000, 90_000, member="bank")
    more = drafts.put(full, ("quotas",), row)
    (_, limit) = hourly(more, "bank", "portfolio_screen")
    assert limit.most == 70_000
    assert not limit.covers("call_check")
    (_, look_ups) = hourly(more, "bank", "call_check")
    assert not look_ups.covers("portfolio_screen")
    (_, others, _) = hourly(more, "carrier", "portfolio_screen")
    assert others.covers("call_check")


def test_a_window_keeps_sixty_steps_and_no_more() -> None:
    """So that memory and time are bounded whatever was asked."""
    window = Window(DAY_S)
    for minute in range(3 * 1440):
        window.add(minute * 60, str(minute % 12), 1)
        window.used(minute * 60, bool)
    assert len(window.had) <= STEPS + 1
    assert window.used(3 * DAY_S, "3".__eq__) == 120
    assert window.wait_s(3 * DAY_S, "3".__eq__) == 24 * 60
    assert window.wait_s(3 * DAY_S, "none".__eq__) == DAY_S


def test_a_vault_is_said_again_under_a_newer_key(full: Roster) -> None:
    """While the one before it is in use, and no longer."""
    old = replace(epoch_of(full), retired=False)
    new = replace(old, epoch=9)
    for epochs, key, gives in (
        ((old, new), old, False),
        ((old, new), new, True),
        ((new,), new, False),
    ):
        roster = replace(full, epochs=epochs)
        limit = quotas.limits(roster, key, "bank", "rotate")[-1]
        assert (limit.most > 0) is gives
