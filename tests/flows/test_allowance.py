"""An honest member gets nearly all of a quota of which each holder gives a part."""

from collections import Counter
from typing import Any

import pytest
from msgspec import structs

from syncd.errors import QuotaError
from syncd.flows import tokenise
from syncd.flows.evaluation import Request
from syncd.roster import drafts, quotas
from syncd.roster.terms import Epoch, Quota
from tests.cases import tried
from tests.flows.holders import HOLDERS, World, phones
from tests.refusals import holderless

HOUR = 300
SHARE = 200  # of three holders, two of which are needed


class Book:
    """A holder's book: so many elements in the test's hour, and no more."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.given = 0
        self.refused = Counter[int]()
        self.known = set[bytes]()

    async def debit(self, member: str, request: Request, epoch: Epoch) -> int:
        found = quotas.limits(
            self.world.roster, epoch, member, request.purpose
        )
        most = min(limit.most for limit in found)
        if request.digest in self.known:
            return most - self.given
        if self.given + request.counted > most:
            self.refused[request.counted] += 1
            left = most - self.given
            raise QuotaError("quota used up", retry_after_s=3600, left=left)
        self.given += request.counted
        self.known.add(request.digest)
        return most - self.given


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(tokenise, "LOOKUP_BATCH", 30)
    monkeypatch.setattr(tokenise, "LANES", 1)
    made = World()
    made.roster = drafts.put(
        made.roster, ("quotas",), Quota("lookup", HOUR, 10 * HOUR)
    )
    for holder in made.holders.values():
        holder.book = Book(made)  # type: ignore[assignment]
    made.renew()
    return made


async def drain(world: World, first: int, step: int = 7) -> int:
    """Ask for ever new numbers till none comes; return how many came."""
    done: dict[Any, bytes] = {}
    for at in range(first, 3 * HOUR, step):
        came, why = await world.client.came(
            phones(step, at), purpose="call_check", timeout_s=5
        )
        done |= came
        if why:
            assert "quota used up" in str(why)
            break
    return len(done)


@tried("step", [7, 90])
@tried("slow", [(), ("police",), ("bank",)])
async def test_nearly_all_of_the_quota_is_had(
    world: World, step: int, slow: tuple[str, ...]
) -> None:
    """In batches that do not divide it, and however slow one holder is."""
    for name in slow:
        world.holders[name].before = lambda _: wait(world, 0.01)
    assert 0.96 * HOUR < await drain(world, 0, step) <= HOUR
    books: Any = [holder.book for holder in world.holders.values()]
    assert sum(book.refused.total() for book in books) <= 9


async def test_quick_holders_go_first(world: World) -> None:
    """While the part of the slow one would not be missing in the end."""
    world.holders["bank"].before = lambda _: wait(world, 0.01)
    await world.outputs(*phones(30))
    await world.outputs(*phones(30, 30))
    asked = {name: len(world.holders[name].asked) for name in HOLDERS}
    await world.outputs(*phones(30, 60))
    assert len(world.holders["bank"].asked) == asked["bank"]


def wait(world: World, seconds: float) -> None:
    world.now += seconds


@tried("had, step, least", [(240, 7, 50), (270, 30, 20)])
async def test_after_a_restart_holders_say_what_is_left(
    world: World, had: int, step: int, least: int
) -> None:
    """A new client knows nothing of it; who gives less is asked for less."""
    await world.outputs(*phones(had))
    world.renew()
    assert await drain(world, had, step) >= least


async def test_who_refused_is_not_asked_before_its_time(world: World) -> None:
    """And again then; a roster that allows more opens it at once."""
    await drain(world, 0)
    asked = {name: len(world.holders[name].asked) for name in HOLDERS}
    with holderless("quota used up"):
        await world.outputs(*phones(1, 3 * HOUR))
    assert asked == {n: len(world.holders[n].asked) for n in HOLDERS}
    more = drafts.put(
        world.roster, ("quotas",), Quota("lookup", 2 * HOUR, 20 * HOUR)
    )
    world.roster = structs.replace(more, version=more.version + 1)
    assert await world.outputs(*phones(5, 3 * HOUR))


async def test_what_holders_said_can_be_read(world: World) -> None:
    """By holder, key and the roster's row, with what was refused till when."""
    await world.outputs(*phones(30))
    first, _ = world.client.allowance.state()
    world.now += 60
    await world.client.outputs(phones(9), purpose="publish", timeout_s=5)
    said = {(q.member, q.purpose): q for q in world.client.allowance.state()}
    again = said[first.member, "lookup"]
    assert (again.key, again.left, again.age_s) == ("phone/1", SHARE - 30, 60)
    assert again.refill_s == again.denied == 0
    assert {q.purpose for q in said.values()} == {"lookup", "publish"}
    await drain(world, 30)
    lookups = [
        q for q in world.client.allowance.state() if q.purpose == "lookup"
    ]
    assert sum(q.denied for q in lookups) > 0
    assert {q.refill_s for q in lookups if not q.left} == {3600}


async def test_a_row_of_its_own_is_kept_apart(world: World) -> None:
    """What one purpose is refused says nothing of the others."""
    world.roster = drafts.put(world.roster, ("quotas",), Quota("test", 0, 0))
    with holderless():
        await world.client.outputs(phones(1), purpose="test", timeout_s=5)
    assert await world.outputs(*phones(1))
