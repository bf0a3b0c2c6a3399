"""Tokens need t right answers; a wrong one is named and walked around."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd import canonical
from syncd.errors import (
    HoldersError,
    MalformedError,
    QuotaError,
    RefusedError,
    UnavailableError,
)
from syncd.flows import onboard, tokenise
from syncd.flows.ports import Finding
from syncd.flows.tokenise import Request, Share, Tokeniser
from syncd.indicator import token
from syncd.indicator.identifier import Identifier
from syncd.oprf import threshold
from syncd.roster import drafts, join, keys
from syncd.roster.members import Names
from syncd.roster.roster import Roster

NOW = 1_800_000_000
HOLDERS = ("bank", "carrier", "police")
PHONE = Identifier("phone", "+8613800138000")
URL = Identifier("url", "example.com/")


async def offload(work: Callable[..., Any], *args: Any) -> Any:
    return work(*args)


class Book:
    """A quota book that counts, and can be used up."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, int]] = []
        self.empty = False

    async def debit(self, member: str, request: Request, body: bytes) -> None:
        if self.empty:
            raise QuotaError("used up", retry_after_s=9)
        self.counted.append((member, len(request.elements)))


class Holder:
    """One holder's door; `twist` changes what it answers."""

    def __init__(
        self, member: str, world: "World", shares: list[onboard.Share]
    ) -> None:
        self.member = member
        self.world = world
        self.book = Book()
        self.asked: list[Request] = []
        self.twist: Callable[[dict[str, Any]], None] | None = None
        self.down = False
        self.shares = {
            (s.kind, s.epoch, s.generation): Share(
                s.kind, s.epoch, s.generation, s.index, s.secret
            )
            for s in shares
        }

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        if self.down:
            raise UnavailableError(f"{self.member}: no answer")
        self.asked.append(tokenise.parse_request(body))
        raw = await self.answer(body)
        if self.twist is None:
            return raw
        value = canonical.loads(raw)
        self.twist(value)
        return canonical.dumps(value)

    async def answer(self, body: bytes) -> bytes:
        return await tokenise.answer(
            body,
            member="platform",
            roster=self.world.roster,
            shares=self.shares,
            quota=self.book,
            key=self.world.keys[self.member].member,
            offload=offload,
            rng=secrets.token_bytes,
        )


class World:
    """An alliance with 2 of 3 holders, and a client of theirs."""

    def __init__(self) -> None:
        self.keys = {
            name: keys.generate(
                f"{name}.example", "txwz", secrets.token_bytes, now=NOW
            )
            for name in HOLDERS
        }
        founders = [
            join.unchallenged(
                join.parse(
                    join.request(
                        made,
                        id=name,
                        names=Names(zh=name, en=name),
                        sector="bank",
                        urls=(f"https://{name}.example",),
                        now=NOW,
                    )
                )
            )
            for name, made in self.keys.items()
        ]
        admin = keys.admin("txwz", "alice", b"\1" * 32)
        founded = onboard.found(
            "txwz",
            founders,
            holders=HOLDERS,
            t=2,
            admins=[admin.verifier],
            threshold_admins=1,
            now=NOW,
            rng=secrets.token_bytes,
        )
        _, self.roster = drafts.read(founded.draft)
        self.holders: dict[str, Holder] = {}
        for name in HOLDERS:
            seal = self.keys[name].seal_private
            shares = [
                onboard.accept_share(f.raw, self.roster, name, seal)
                for f in founded.shares
                if f.member == name
            ]
            self.holders[name] = Holder(name, self, shares)
        self.found: list[Finding] = []
        self.client = self.new_client()

    def new_client(self, **more: Any) -> Tokeniser:
        async def report(finding: Finding) -> None:
            self.found.append(finding)

        def current() -> Roster:
            return self.roster

        return Tokeniser(
            roster=current,
            door=lambda member: self.holders[member],
            offload=offload,
            clock=lambda: 0.0,
            rng=secrets.token_bytes,
            report=report,
            **more,
        )

    async def outputs(self, *wanted: Identifier) -> dict[Identifier, bytes]:
        return await self.client.outputs(
            wanted, purpose="call_check", timeout_s=5
        )


@pytest.fixture
def world() -> World:
    return World()


async def test_any_quorum_gives_the_same(world: World) -> None:
    """Whoever is down, the other two give the same output."""
    first = await world.outputs(PHONE, URL)
    assert first[URL] == token.url_output(URL)
    for name in HOLDERS:
        world.client = world.new_client()
        world.holders[name].down = True
        assert await world.outputs(PHONE) == {PHONE: first[PHONE]}
        world.holders[name].down = False


async def test_fewer_than_t(world: World) -> None:
    """One holder alone is none: the missing ones are named."""
    world.holders["bank"].down = world.holders["police"].down = True
    with pytest.raises(HoldersError) as error:
        await world.outputs(PHONE)
    assert set(error.value.missing) == {"bank", "police"}
    assert await world.outputs(URL)


def flip_element(value: dict[str, Any]) -> None:
    other = threshold.blind([b"x"], secrets.token_bytes).elements[0]
    value["reply"]["elements"] = other.hex()


def flip_proof(value: dict[str, Any]) -> None:
    proof = value["reply"]["proof"]
    value["reply"]["proof"] = ("0" if proof[0] != "0" else "1") + proof[1:]


def no_note(value: dict[str, Any]) -> None:
    value["note"] = "x"


def upper(value: dict[str, Any]) -> None:
    value["reply"]["proof"] = value["reply"]["proof"].upper() + " "


def another_shape(value: dict[str, Any]) -> None:
    value["more"] = 1


@pytest.mark.parametrize(
    "twist", [flip_element, flip_proof, no_note, upper, another_shape]
)
async def test_a_wrong_answer_names_its_holder(
    world: World, twist: Callable[[dict[str, Any]], None]
) -> None:
    """The bad holder is found, and the other two answer."""
    right = await world.outputs(PHONE)
    world.client = world.new_client()
    world.holders["bank"].twist = twist
    assert await world.outputs(PHONE) == right
    assert {(f.code, f.origin) for f in world.found} == {
        ("bad_holder", "bank")
    }
    assert not world.client.holders["bank"].up


async def test_quota_is_no_fault_of_the_holder(world: World) -> None:
    """A used-up quota is walked around; the holder is not called down."""
    world.holders["bank"].book.empty = True
    assert await world.outputs(PHONE)
    state = world.client.holders.get("bank")
    assert state is None or state.up
    assert world.found == []


async def test_counted_before_computed(world: World) -> None:
    """Every holder of the quorum has the batch in its book."""
    await world.outputs(PHONE, Identifier("phone", "+8613800138001"))
    counted = [h.book.counted for h in world.holders.values()]
    assert sorted(counted) == [[], [("platform", 2)], [("platform", 2)]]


async def test_the_cache_asks_nobody(world: World) -> None:
    """With a cache a value that was met is not asked again."""
    world.client = world.new_client(cache_size=10)
    right = await world.outputs(PHONE)
    for holder in world.holders.values():
        holder.down = True
    assert await world.outputs(PHONE) == right


def body_of(world: World, **changes: Any) -> bytes:
    elements = threshold.blind([b"x"], secrets.token_bytes).elements
    request = Request(
        "phone", 1, 1, (1, 2), "publish", "0" * 32, tuple(elements)
    )
    return bytes(replace(request, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": 2},
        {"generation": 2},
        {"kind": "url"},
        {"quorum": (1,)},
        {"quorum": (1, 2, 3)},
        {"quorum": (2, 1)},
        {"quorum": (1, 1)},
        {"quorum": (2, 3)},
        {"quorum": (1, 9)},
        {"purpose": "because"},
        {"purpose": "Not a code!"},
    ],
)
async def test_what_a_holder_refuses(
    world: World, changes: dict[str, Any]
) -> None:
    """Another key, quorum or purpose: refused, and not counted.

    A purpose of nobody's vocabulary would pass by the quota of look-ups.
    """
    holder = world.holders["bank"]  # share 1
    with pytest.raises(RefusedError):
        await holder.answer(body_of(world, **changes))
    assert holder.book.counted == []


async def test_points_that_are_none(world: World) -> None:
    """The identity and what is no point are refused."""
    holder = world.holders["bank"]
    for element in (bytes(32), b"\xff" * 32):
        with pytest.raises(MalformedError):
            await holder.answer(body_of(world, elements=(element,)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"elements":"","generation":1,"id":"' + b"0" * 32 + b'","key":'
        b'["phone",1],"purpose":"publish","quorum":[1,2]}',
        b'{"elements":"zz","generation":1,"id":"' + b"0" * 32 + b'","key":'
        b'["phone",1],"purpose":"publish","quorum":[1,2]}',
    ],
)
def test_requests_that_are_none(body: bytes) -> None:
    """A request has one shape, and at least one point."""
    with pytest.raises(MalformedError):
        tokenise.parse_request(body)


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """Any bytes are a request of one spelling, or malformed."""
    try:
        assert bytes(tokenise.parse_request(body)) == body
    except MalformedError:
        pass
