"""Following a roster that somebody claims to have."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from syncd.errors import UnavailableError
from syncd.flows import claimed_roster
from syncd.flows.claimed_roster import RosterClaims
from syncd.roster import drafts
from syncd.roster.trust import TrustedRoster
from syncd.tlog.note import Note
from tests.flows.founders import ADMINS, CHAIN, FIRST, signed
from tests.roster.conftest import NOW


@dataclass
class Peer:
    """Serves roster notes, or does what it is told to do instead."""

    name: str
    notes: list[bytes] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    instead: Callable[[int], bytes] | None = None
    stalls: bool = False
    waits: Callable[[], Awaitable[None]] | None = None

    async def roster(self, version: int) -> bytes:
        self.asked.append(version)
        if self.stalls:
            await asyncio.sleep(3600)
        if self.waits is not None:
            await self.waits()
        if self.instead is not None:
            return self.instead(version)
        if version > len(self.notes):
            raise UnavailableError(f"{self.name}: no version {version}")
        return self.notes[version - 1]


@dataclass
class Store:
    """Keeps versions, and notes that they were kept before trusted."""

    trusted: TrustedRoster
    kept: dict[int, bytes] = field(default_factory=dict)

    def put(self, version: int, raw: bytes) -> None:
        assert self.trusted.version == version - 1
        self.kept[version] = raw


def start(versions: int = 1) -> tuple[RosterClaims, Store]:
    trusted = TrustedRoster(FIRST.hash, *CHAIN[:versions])
    store = Store(trusted)
    return RosterClaims(trusted, store.put), store


async def test_a_claim_with_a_chain_is_followed() -> None:
    claims, store = start()
    claimant, other = Peer("a", CHAIN), Peer("b", CHAIN[:2])
    assert not await claims.follow(5, [claimant, other])
    assert store.trusted.version == 5
    assert store.kept == dict(enumerate(CHAIN[1:], 2))
    assert claimant.asked == [2, 3, 4, 5]


async def test_each_is_asked_once_for_a_version() -> None:
    claims, store = start()
    peers = [Peer(n) for n in "abcd"]
    (finding,) = await claims.follow(3, peers)
    assert [p.asked for p in peers] == [[2]] * 4
    assert (finding.code, finding.origin) == ("roster_claim", "a")
    assert "version 3 claimed, we hold 1" in str(finding.detail)
    assert not store.kept


async def test_any_of_those_asked_may_have_it() -> None:
    """The claimant is gone, one stalls, one lies, and one has it."""
    claims, store = start()
    peers = [
        Peer("gone"),
        Peer("stalls", stalls=True),
        Peer("lies", instead=lambda _: b"<html>"),
        Peer("wrong", instead=lambda _: CHAIN[0]),
        Peer("right", CHAIN),
    ]
    assert not await claims.follow(3, peers)
    assert store.trusted.version == 3


@pytest.fixture
async def time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Awaitable[None]]:
    """Return what lets everybody else go first, and then turns the clock on.

    A short time to wait would be up too early on a slow machine.
    """
    loop = asyncio.get_running_loop()
    real = loop.time

    async def turn_on() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        monkeypatch.setattr(loop, "time", lambda: real() + 3600)
        await asyncio.Event().wait()

    return turn_on


async def test_what_was_proven_in_time_stays(
    time_is_up: Callable[[], Awaitable[None]],
) -> None:
    claims, store = start()
    late = Peer("a", CHAIN)

    async def waits() -> None:
        if late.asked[-1] > 2:
            await time_is_up()

    late.waits = waits
    (finding,) = await claims.follow(4, [late])
    assert store.trusted.version == 2
    assert "nobody had it in time" in str(finding.detail)
    assert list(store.kept) == [2]


async def test_unsigned_rosters_prove_nothing() -> None:
    claims, store = start()
    text = drafts.read(CHAIN[1])[0].text
    one = bytes(Note(text, (ADMINS[0].sign(text),)))
    (finding,) = await claims.follow(2, [Peer("a", instead=lambda _: one)])
    assert "signed by 1 of version 2's admins, want 2" in str(finding.detail)
    assert store.trusted.version == 1


async def test_a_roster_that_is_too_new_asks_for_newer_software() -> None:
    claims, _ = start()
    text = drafts.read(CHAIN[1])[0].text
    text = text.replace('"format"', '"folk":1,"format"')
    raw = bytes(Note(text, tuple(a.sign(text) for a in ADMINS)))
    (finding,) = await claims.follow(2, [Peer("a", instead=lambda _: raw)])
    assert finding.code == "newer_software"


def other_second() -> bytes:
    first = drafts.read(CHAIN[0])[1]
    return signed(drafts.begin(first, now=NOW + 77), first)


async def test_a_contradicting_claim_is_looked_into() -> None:
    """The admins signed two second versions; the claimant holds the other."""
    claims, store = start(2)
    raw = other_second()
    hash_ = drafts.read(raw)[1].hash
    claimant = Peer("a", instead=lambda _: raw)
    others = Peer("b", CHAIN)
    (finding,) = await claims.follow(2, [claimant, others], hash_=hash_)
    assert finding.code == "roster_fork"
    assert store.trusted.version == 2
    assert others.asked == []


async def test_a_fork_on_the_way_is_a_finding(
    time_is_up: Callable[[], Awaitable[None]],
) -> None:
    claims, _ = start(2)
    third = drafts.begin(drafts.read(other_second())[1], now=NOW + 78)
    raw = bytes(Note(third.text, tuple(a.sign(third.text) for a in ADMINS)))
    peers = [Peer("a", instead=lambda _: raw), Peer("b", waits=time_is_up)]
    assert [f.code for f in await claims.follow(3, peers)] == ["roster_fork"]


async def test_a_contradicting_claim_without_a_note_is_a_finding() -> None:
    claims, _ = start(2)
    (finding,) = await claims.follow(2, [Peer("a", CHAIN)], hash_="00" * 32)
    assert finding.code == "roster_claim"


async def test_an_old_claim_costs_nothing_to_be_right() -> None:
    claims, store = start(3)
    hash_ = store.trusted.hash(3)
    assert not await claims.follow(3, [Peer("a", CHAIN)], hash_=hash_)


# ------------------------------------------------------------------ claims


async def test_a_claim_is_looked_into_once() -> None:
    claims, _ = start(2)
    assert claims.worth("a", 3)
    await claims.follow(3, [Peer("a")])
    assert not claims.worth("a", 3)
    assert claims.worth("a", 4)
    assert claims.worth("b", 3)


def test_what_we_know_is_not_worth_asking() -> None:
    claims, store = start(2)
    assert not claims.worth("a", 0)
    assert not claims.worth("a", 1)
    assert not claims.worth("a", 2, store.trusted.hash(2))
    assert claims.worth("a", 2, "00" * 32)
    assert claims.worth("a", 1, "00" * 32)


async def test_who_claims_too_much_is_heard_again_after_the_next_version() -> (
    None
):
    claims, store = start(2)
    for n in range(claimed_roster.MOST_CLAIMS):
        assert claims.worth("a", 100 + n)
        await claims.follow(100 + n, [Peer("a")])
    assert not claims.worth("a", 3)
    store.trusted.update(CHAIN[2])
    assert claims.worth("a", 4)
