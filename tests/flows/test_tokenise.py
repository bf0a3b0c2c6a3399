"""Tokens need t right answers; a wrong one is named and walked around."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from msgspec import structs

from syncd import canonical
from syncd.errors import UnavailableError
from syncd.flows import evaluation, quorums, tokenise
from syncd.flows.evaluation import Request
from syncd.indicator import token
from syncd.oprf import group, threshold
from syncd.roster import membership
from tests.cases import each, tried
from tests.flows.holders import (
    HOLDERS,
    PHONE,
    URL,
    Holder,
    Reply,
    World,
    add_to,
    phones,
)
from tests.refusals import holderless, malformed, refused


@pytest.fixture
def world() -> World:
    return World()


async def test_any_quorum_gives_the_same(world: World) -> None:
    """Whoever is down, the other two give the same output."""
    first = await world.outputs(PHONE, URL)
    assert first[URL] == token.url_output(URL)
    for name in HOLDERS:
        world.renew()
        world.holders[name].down = True
        assert await world.outputs(PHONE) == {PHONE: first[PHONE]}
        world.holders[name].down = False


def another_point(value: Any) -> None:
    other = threshold.blind([b"x"], secrets.token_bytes).elements[0]
    value["reply"]["elements"] = other.hex()


# Whatever is changed in a reply, its note is for another one: see LIES.
TWISTS: dict[str, Callable[[Any], object]] = {
    "another point": another_point,
    "no note": lambda value: value.update(note="x"),
    "an empty note": lambda value: value.update(note=""),
    "a bit of the note": lambda value: value.update(
        note=value["note"].replace('"request":"', '"request":"0', 1)
    ),
    "one field too many": lambda value: value.update(more=1),
    "one field too few": lambda value: value.pop("note"),
}


@tried("twist", TWISTS.values(), ids=TWISTS)
async def test_a_wrong_answer_names_its_holder(
    world: World, twist: Callable[[Any], object]
) -> None:
    """The bad holder is found, and the other two answer."""
    right = await world.outputs(PHONE)
    world.renew()
    world.holders["bank"].twist = twist
    assert await world.outputs(PHONE) == right
    assert {member for member, _ in world.accused} == {"bank"}
    assert world.proven == []  # it did not sign what we got
    assert not world.client.holders["bank"].up


async def test_quota_is_no_fault_of_the_holder(world: World) -> None:
    """A used-up quota is walked around; the holder is not called down."""
    world.holders["bank"].book.empty = True
    assert await world.outputs(PHONE)
    state = world.client.holders.get("bank")
    assert state is None or state.up
    assert world.accused == []


async def test_another_member_key_is_no_lie(world: World) -> None:
    """A holder that changed its keys by a roster that we lack, or lacks."""
    was = world.keys["bank"]
    world.keys = {**world.keys, "bank": replace(was, member_seed=b"m" * 32)}
    assert await world.outputs(PHONE)
    assert world.accused == []
    assert "another roster version" in str(world.client.holders["bank"].why)


async def test_the_cache_asks_nobody(world: World) -> None:
    """It holds as many as it may, the newest."""
    world.renew(cache_size=3)
    right = await world.outputs(*phones(2))
    right |= await world.outputs(*phones(2, 2))
    world.silence()
    assert (await world.outputs(*phones(3, 1))).items() <= right.items()
    with holderless():
        await world.outputs(*phones(1))


async def test_the_cache_knows_of_which_key_an_output_is(world: World) -> None:
    """A new epoch that comes while holders compute gets none of the old."""
    before = world.roster
    old = before.epoch("phone")
    assert old is not None
    after = structs.replace(
        before, epochs=(*before.epochs, structs.replace(old, epoch=2))
    )

    def renew() -> None:
        world.roster = after

    for holder in world.holders.values():
        holder.after = renew
    world.renew(cache_size=10)
    done = await world.outputs(PHONE)
    world.silence()
    with holderless():
        await world.outputs(PHONE)
    assert not world.client.knows(PHONE)
    world.roster = before
    assert world.client.knows(PHONE)
    assert done == await world.outputs(PHONE)


async def test_who_holds_no_more_is_not_asked(world: World) -> None:
    """A share in the roster counts while its member is a holder."""
    right = await world.outputs(PHONE)
    gone = membership.remove(world.roster, "bank")
    world.roster = gone
    world.renew()
    for holder in world.holders.values():
        holder.asked.clear()
    assert await world.outputs(PHONE) == right
    asked = {name: len(h.asked) for name, h in world.holders.items()}
    assert asked == {"bank": 0, "carrier": 1, "police": 1}
    world.roster = membership.remove(gone, "police", force=True)
    with holderless("holder no more") as error:
        await world.outputs(PHONE)
    assert error.value.missing == ("bank", "police")


async def test_a_kind_without_a_key(world: World) -> None:
    """Says so, instead of asking anybody."""
    world.roster = structs.replace(
        world.roster,
        epochs=tuple(e for e in world.roster.epochs if e.kind != "phone"),
    )
    with refused("no phone epoch"):
        await world.outputs(PHONE)


def asked(**changes: Any) -> Request:
    elements = threshold.blind([b"x"], secrets.token_bytes).elements
    return Request(
        "phone", 1, 1, (1, 2), "publish", "0" * 32, tuple(elements)
    )._replace(**changes)


@each("flows", "what_a_holder_refuses", "changes")
async def test_what_a_holder_refuses(world: World, changes: Any) -> None:
    """Another key, quorum or purpose: refused, and not counted.

    A purpose of nobody's vocabulary would pass by the quota of look-ups.
    """
    holder = world.holders["bank"]  # share 1
    with refused():
        await holder.answer(bytes(asked(**changes)))
    assert holder.book.counted == []


# ------------------------------------------------------- the check element

ERROR = group.multiply_base(group.scalar(7))
MANY = phones(evaluation.CHECKED)

Lie = Callable[[Request, Reply], None]


def unproven(lie: Callable[[Reply], None]) -> Lie:
    """Lie only where a proof of all is not asked for."""

    def tell(request: Request, reply: Reply) -> None:
        if request.last:
            lie(reply)

    return tell


def cancel(reply: Reply) -> None:
    add_to(reply, 4, ERROR)
    add_to(reply, 5, group.multiply_base(group.scalar(-7)))


def in_both(reply: Reply) -> None:
    add_to(reply, 4, ERROR)
    add_to(reply, -1, ERROR)


def first(instead: str) -> Callable[[Reply], None]:
    """Another first element, or none."""
    return lambda reply: reply.update(
        elements=instead + reply["elements"][64:]
    )


async def test_many_go_with_a_check_element(world: World) -> None:
    """From 64 on only the last element is proven, and is not counted."""
    right = await world.outputs(*MANY[1:])
    outputs = await world.outputs(*MANY)
    assert {one: outputs[one] for one in right} == right
    holder = world.holders["bank"]
    assert [(r.last, len(r.elements)) for r in holder.asked] == [
        (False, 63),
        (True, 65),
    ]
    assert holder.book.counted == [("platform", 63), ("platform", 64)]


TWICE = "it signed two answers to the same elements"
WRONG = "it signed a wrong answer"


LIES: dict[str, tuple[Callable[[Reply], None], str]] = {
    "one element": (lambda reply: add_to(reply, 7, ERROR), TWICE),
    "two that cancel": (cancel, TWICE),
    "no point": (first("ff" * 32), WRONG),
    "the identity": (first("00" * 32), WRONG),
    "too few": (first(""), WRONG),
    "the check": (lambda reply: add_to(reply, -1, ERROR), WRONG),
    "one and the check": (in_both, WRONG),
    "zeros for a proof": (lambda r: r.update(proof="00" * 64), WRONG),
    "a proof no hex": (lambda r: r.update(proof="zz"), WRONG),
    "a proof in capitals": (lambda r: r.update(proof="AA" * 64), WRONG),
    "half a byte": (lambda r: r.update(elements="a"), WRONG),
    "another shape": (lambda r: r.update(more="x"), WRONG),
}


async def found_out(world: World, lie: Lie) -> None:
    """Get the right outputs though the bank lies, which alone is named."""
    right = await world.outputs(*MANY)
    world.renew()
    for holder in world.holders.values():
        holder.book.counted.clear()
    world.holders["bank"].lie = lie
    assert await world.outputs(*MANY) == right
    assert [member for member, _ in world.accused] == ["bank"]


@tried("lie, proves", LIES.values(), ids=LIES)
async def test_a_lie_where_little_is_proven(
    world: World, lie: Callable[[Reply], None], proves: str
) -> None:
    """The outputs are right, the liar is named, and what it signed shows it.

    And nobody pays twice for what was asked twice.
    """
    await found_out(world, unproven(lie))
    ((member, shown),) = world.proven
    assert (member, shown[: len(proves)]) == ("bank", proves)
    state = world.client.holders["bank"]
    assert not state.up
    assert str(state.why).startswith("wrong answer: ")
    for holder in world.holders.values():
        assert holder.book.counted in ([], [("platform", 64)])


async def test_after_a_lie_everything_is_to_be_proven(world: World) -> None:
    """For ten minutes; then a check element is enough again."""
    for holder in world.holders.values():
        holder.lie = unproven(cancel)
    await world.outputs(*MANY)
    assert {member for member, _ in world.proven} == {"bank", "carrier"}
    asked = world.holders["bank"].asked
    for holder in world.holders.values():
        holder.lie = None
    for now, last in ((1599.0, False), (1600.0, True)):
        world.now = now
        world.client.holders.clear()
        await world.outputs(*phones(64, 1000))
        assert asked[-1].last is last


def unprovable(request: Request, reply: Reply) -> None:
    """Lie, and give no answer where all is to be proven."""
    if not request.last:
        raise UnavailableError("no answer")
    cancel(reply)


async def test_who_lies_and_will_not_prove_is_named(world: World) -> None:
    """If all others prove what they said, it was the one that does not."""
    await found_out(world, unprovable)
    assert "proves nothing" in world.accused[0][1]
    assert world.proven == []
    assert [r.last for r in world.holders["police"].asked] == [False]


async def test_nobody_is_named_if_two_do_not_prove(world: World) -> None:
    """It may be either of them."""
    for name in ("bank", "carrier"):
        world.holders[name].lie = unprovable
    with holderless() as error:
        await world.outputs(*MANY)
    assert set(error.value.missing) == {"bank", "carrier"}
    assert world.accused == []


async def test_who_lies_in_the_proof_too(world: World) -> None:
    """Its proof of all does not hold: another quorum answers."""
    await found_out(world, lambda _, reply: add_to(reply, 9, ERROR))
    assert [proof[: len(WRONG)] for _, proof in world.proven] == [WRONG]
    assert [r.last for r in world.holders["police"].asked] == [False]


# ------------------------------------------------------------- many at once


class Turns:
    """An offload that counts what is asked of it, and how much at once."""

    def __init__(self) -> None:
        self.works: list[str] = []

    async def __call__(self, work: Callable[..., Any], *args: Any) -> Any:
        self.works.append(work.__name__)
        return work(*args)


async def test_bulk_work_goes_behind_look_ups(world: World) -> None:
    """What is published is blinded where bulk work is done, a little at once."""
    fast, bulk = Turns(), Turns()
    client = world.renew(offload=fast, bulk=bulk)
    await client.outputs([PHONE], purpose="publish", timeout_s=5)
    assert not fast.works
    assert {"blind", "check_reply", "finish"} <= {*bulk.works}
    done = len(bulk.works)
    await world.outputs(*phones(5))
    assert len(bulk.works) == done
    assert {"blind", "check_reply", "finish"} <= {*fast.works}
    fast.works.clear()
    await client.outputs([PHONE], purpose="call_check", timeout_s=5)
    assert not fast.works


class Line:
    """A holder that counts how many wait for it."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        self.now = self.most = 0
        self.free = asyncio.Event()  # to answer
        self.free.set()

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.005)
        await self.free.wait()
        self.now -= 1
        return await self.holder.evaluate(body, timeout_s)


def lined(world: World) -> dict[str, Line]:
    lines = {name: Line(holder) for name, holder in world.holders.items()}
    world.renew(holder=lines.__getitem__)
    return lines


async def test_requests_of_one_call_are_on_their_way_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few at a time, and each identifier once."""
    monkeypatch.setattr(tokenise, "LOOKUP_BATCH", 5)
    lines = lined(world)
    wanted = phones(28)
    assert (await world.outputs(*wanted, *wanted)).keys() == {*wanted}
    assert lines["bank"].most == tokenise.LANES
    sizes = [len(r.elements) for r in world.holders["bank"].asked]
    assert sorted(sizes) == [3, 5, 5, 5, 5, 5]


async def test_small_calls_share_a_request(world: World) -> None:
    """What waits when one has ended is asked together, each value once."""
    lines = lined(world).values()
    wanted = phones(12)
    alone = [await world.outputs(one) for one in wanted]
    asked = world.holders["bank"].asked
    asked.clear()
    for line in lines:
        line.free.clear()
    calls = []
    for one in (*wanted[:2], *wanted):
        calls.append(asyncio.create_task(world.outputs(one)))
        await asyncio.sleep(0)
    for line in lines:
        line.free.set()
    assert await asyncio.gather(*calls) == [*alone[:2], *alone]
    assert [len(r.elements) for r in asked] == [1, 1, 12]


async def test_who_shares_a_request_waits_no_longer_than_it_may(
    world: World,
) -> None:
    """The others had more time; nobody waits for a holder that is silent."""
    hour = asyncio.Event()

    class Silent:
        async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
            await hour.wait()
            raise UnavailableError("no answer")

    client = world.renew(holder=lambda _: Silent())
    patient = asyncio.create_task(world.outputs(PHONE))
    await asyncio.sleep(0)
    with holderless("no time left"):
        await client.outputs(phones(1), purpose="call_check", timeout_s=0.01)
    hour.set()
    with holderless("missing: "):
        await patient


async def test_a_long_call_holds_up_no_small_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes in requests of its own; a small one gets its answer before."""
    monkeypatch.setattr(tokenise, "LANES", 1)
    monkeypatch.setattr(tokenise, "LOOKUP_BATCH", 20)
    lined(world)
    longs = []
    for n in range(tokenise.SHARED):
        long = world.outputs(*phones(200, 200 * n))
        longs.append(asyncio.create_task(long))
        await asyncio.sleep(0.001)
    await world.outputs(PHONE)
    assert not any(long.done() for long in longs)
    await asyncio.gather(*longs)


async def test_look_ups_go_in_smaller_batches(world: World) -> None:
    """What comes in time is more, the less a busy holder is given at once."""
    asked = world.holders["bank"].asked
    for purpose in ("call_check", "publish"):
        await world.client.outputs(phones(257), purpose=purpose, timeout_s=5)
    sizes = [(r.purpose, r.counted) for r in asked]
    assert sizes == [("call_check", 256), ("call_check", 1), ("publish", 257)]


async def test_the_deadline_is_one_for_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came in time is there; what has no time left is not asked."""
    monkeypatch.setattr(tokenise, "LOOKUP_BATCH", 1)
    left: list[float] = []

    def slow(timeout_s: float) -> None:
        left.append(timeout_s)
        world.now += 0.25

    for holder in world.holders.values():
        holder.before = slow
    done, why = await world.client.came(
        phones(20), purpose="call_check", timeout_s=2
    )
    assert "no time left" in str(why)
    assert 4 <= len(done) <= 4 + tokenise.LANES
    assert max(left) == 1  # half of it: another quorum may be needed
    assert min(left) > 0


async def test_a_look_up_waits_less_long_for_a_holder(world: World) -> None:
    """Than what is published; both leave time for another quorum."""
    waits: list[float] = []

    for holder in world.holders.values():
        holder.before = waits.append
    client = world.renew(holder_s=2.0)
    for purpose in ("call_check", "publish"):
        await client.outputs([PHONE], purpose=purpose, timeout_s=60)
    assert waits == [2, 2, 30, 30]


async def test_what_failed_is_not_tried_for_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With too few holders the other batches wait for no time-out."""
    monkeypatch.setattr(tokenise, "LOOKUP_BATCH", 1)
    world.silence("bank", "police")
    with holderless():
        await world.outputs(*phones(20))
    assert len(world.holders["carrier"].asked) <= 2 * tokenise.LANES


async def test_what_is_asked_again_by_files_is_the_same(world: World) -> None:
    """Value by value, for some hours; of two that answer, a quorum comes."""
    wanted = phones(3)
    right = await world.outputs(*wanted)
    laid, came = set[tuple[str, bytes]](), set[tuple[str, bytes]]()

    class Behind(NamedTuple):
        member: str

        async def evaluate(self, body: bytes, _: float) -> bytes:
            laid.add((self.member, body))
            if (self.member, body) in came:
                return await world.holders[self.member].answer(body)
            raise UnavailableError("asked by files")

    world.renew(by_files=lambda: True, holder=Behind)
    for _ in range(2):
        with holderless():
            await world.outputs(*wanted)
        assert len(laid) == 2 * len(wanted)
    came |= {one for one in laid if one[0] != "bank"}  # which is gone
    with holderless():
        await world.outputs(*wanted)
    came |= {one for one in laid if one[0] != "bank"}
    assert await world.outputs(*wanted) == right
    world.now += quorums.SAME_S
    with holderless():
        await world.outputs(*wanted)


# ------------------------------------------------------------- the requests


async def test_the_same_elements_are_counted_once(world: World) -> None:
    """Another id, quorum, purpose or proof tells the member nothing new."""
    bank = world.holders["bank"]
    request = asked()
    for change in (
        {},
        {"id": "1" * 32},
        {"quorum": (1, 3)},
        {"purpose": "call_check"},
    ):
        await bank.answer(bytes(request._replace(**change)))
    assert bank.book.counted == [("platform", 1)]
    await bank.answer(bytes(request._replace(elements=request.elements * 2)))
    assert bank.book.counted == [("platform", 1), ("platform", 2)]


def test_what_tells_something_new() -> None:
    """Other elements, another key, or another generation's shares."""
    request = asked()
    others = [
        request._replace(kind="account"),
        request._replace(epoch=2),
        request._replace(generation=2),
        request._replace(elements=(b"b" * 32,)),
    ]
    assert len({r.digest for r in (request, *others)}) == 5


REQUEST: Any = {
    "elements": "e2" * 32 * 65,
    "generation": 1,
    "id": "0" * 32,
    "key": ["phone", 1],
    "purpose": "publish",
    "quorum": [1, 2],
}


@tried(
    "changes",
    [
        {"generation": True},
        {"key": ["phone", True]},  # a quota of its own: phone/True
        {"quorum": [True, 2]},
        {"key": ["phone", "1"]},
        {"proof": "all"},
        {"proof": "last", "elements": "e2" * 32 * 64},
        {"more": 1},
        {"elements": ""},
        {"id": "0" * 31 + "A"},
        {"elements": "E2" * 32},
        {"elements": "e2" * 33},
        {"elements": "e2" * 32 * 4097},
    ],
    ids=str,
)
def test_requests_of_another_form(changes: Any) -> None:
    """Whoever could spell a request in two ways would have two quotas."""
    for more in ({}, {"proof": "last"}):
        body = canonical.dumps(REQUEST | more)
        assert bytes(evaluation.parse(body)) == body
    with malformed():
        evaluation.parse(canonical.dumps(REQUEST | changes))
