"""An honest member gets all of a quota of which each holder gives a part."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import HoldersError, QuotaError
from syncd.flows import tokenise
from syncd.flows.evaluation import Request
from syncd.roster import drafts, quotas
from syncd.roster.terms import Epoch, Quota
from tests.flows.holders import HOLDERS, World, phones

HOUR = 300
SHARE = 200  # of three holders, two of which are needed


class Book:
    """A holder's book: so many elements in the test's hour, and no more."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.given = 0
        self.refused = Counter[int]()
        self.known = set[bytes]()

    async def debit(self, member: str, request: Request, epoch: Epoch) -> None:
        found = quotas.limits(
            self.world.roster, epoch, member, request.purpose
        )
        most = min(limit.most for limit in found)
        if request.digest in self.known:
            return
        if self.given + request.counted > most:
            self.refused[request.counted] += 1
            left = most - self.given
            raise QuotaError("quota used up", retry_after_s=3600, left=left)
        self.given += request.counted
        self.known.add(request.digest)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(tokenise, "LOOKUP_BATCH", 30)
    monkeypatch.setattr(tokenise, "LANES", 1)
    made = World()
    row = Quota("lookup", HOUR, 10 * HOUR)
    made.roster = drafts.put(made.roster, ("quotas",), row)
    for holder in made.holders.values():
        holder.book = Book(made)  # type: ignore[assignment]
    made.client = made.new_client()
    return made


def books(world: World) -> list[Any]:
    return [holder.book for holder in world.holders.values()]


async def test_all_of_the_quota_is_had(world: World) -> None:
    """In batches that do not divide it, and not one value more."""
    assert len(await world.outputs(*phones(HOUR))) == HOUR
    assert {book.given for book in books(world)} == {SHARE}
    assert not any(book.refused for book in books(world))
    with pytest.raises(HoldersError, match="quota used up"):
        await world.outputs(*phones(2, HOUR))


async def test_a_quick_holder_is_not_used_up_before_the_others(
    world: World,
) -> None:
    """Or its part would be missing in the end."""
    world.holders["police"].before = lambda _: wait(world, 0.5)
    for first in range(0, HOUR, 10):
        assert await world.outputs(*phones(10, first))
    assert sum(book.given for book in books(world)) == 2 * HOUR


def wait(world: World, seconds: float) -> None:
    world.now += seconds


async def test_after_a_restart_holders_say_what_is_left(world: World) -> None:
    """A new client does not know what it had: each corrects it once."""
    await world.outputs(*phones(240))
    world.client = world.new_client()
    done: dict[Any, bytes] = {}
    with pytest.raises(HoldersError):
        await world.client.collect(
            phones(90, 240), done, purpose="call_check", timeout_s=5
        )
    assert len(done) >= 50
    assert sum(book.refused.total() for book in books(world)) <= 6


async def test_who_refused_is_not_asked_before_its_time(world: World) -> None:
    """And again then; a roster that allows more opens it at once."""
    await world.outputs(*phones(HOUR))
    with pytest.raises(HoldersError):
        await world.outputs(*phones(5, HOUR))
    asked = {name: len(world.holders[name].asked) for name in HOLDERS}
    with pytest.raises(HoldersError, match="quota used up"):
        await world.outputs(*phones(1, HOUR))
    assert asked == {n: len(world.holders[n].asked) for n in HOLDERS}
    more = drafts.put(
        world.roster, ("quotas",), Quota("lookup", 2 * HOUR, 20 * HOUR)
    )
    world.roster = more
    assert await world.outputs(*phones(5, HOUR))


async def test_what_is_left_can_be_read(world: World) -> None:
    """For look-ups and for reports, with what was refused and until when."""
    await world.outputs(*phones(30))
    look_ups, publish, *_ = world.client.allowance.state()
    assert (look_ups.key, look_ups.purpose) == ("phone/1", "lookup")
    assert (look_ups.hour, look_ups.hour_left) == (HOUR, HOUR - 30)
    assert look_ups.day_left == 10 * HOUR - 30
    assert 3600 - 60 < look_ups.refill_s <= 3600 + 60
    assert (publish.purpose, publish.hour_left) == ("publish", 200_000)
    assert publish.refill_s == look_ups.denied == 0
    await world.outputs(*phones(HOUR - 30, 30))
    with pytest.raises(HoldersError):
        await world.outputs(*phones(4, HOUR))
    look_ups = world.client.allowance.state()[0]
    assert look_ups.hour_left == 0
    assert look_ups.denied > 0


async def test_a_holder_that_did_not_answer_was_not_used(world: World) -> None:
    """Nothing is counted of what never came."""
    world.silence("bank")
    await world.outputs(*phones(30))
    allowance, epoch = world.client.allowance, world.roster.epoch("phone")
    assert epoch is not None
    assert allowance.left(epoch, "bank", "call_check") == SHARE
    assert allowance.left(epoch, "police", "call_check") == SHARE - 30


@given(st.lists(st.integers(0, 6), min_size=3, max_size=5), st.integers(2, 3))
def test_what_holders_give_together(left: list[int], t: int) -> None:
    """As many as there are ways to take one of t of them, one by one."""
    many, rest = 0, sorted(left, reverse=True)
    while rest[t - 1] > 0:
        rest = sorted(
            [n - (at < t) for at, n in enumerate(rest)], reverse=True
        )
        many += 1
    assert quotas.together(left, t) == many
