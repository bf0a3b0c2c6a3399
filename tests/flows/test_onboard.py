"""Founding an alliance, taking shares, admitting, following the roster."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from syncd.errors import (
    RefusedError,
    UnavailableError,
    UntrustedError,
)
from syncd.flows import onboard
from syncd.flows.onboard import Claims, Founded
from syncd.oprf import group, threshold
from syncd.roster import drafts, join, keys, sealed
from syncd.roster.join import Applicant, Request
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Names, Profile
from syncd.roster.roster import Roster
from syncd.roster.trust import TrustedRoster
from syncd.tlog.note import Note

NOW = 1_760_000_000
FOUNDERS = ("bank", "carrier", "police", "platform")
HOLDERS = ("police", "bank", "carrier")
ADMINS = [keys.admin("txwz", n, n.encode() * 8) for n in ("anne", "bert")]


class Dice:
    """Random bytes that are the same in every run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, n: int) -> bytes:
        self.count += 1
        return hashlib.shake_256(b"%d" % self.count).digest(n)


rng = Dice()
OWNERS: dict[str, MemberKeys] = {
    id_: keys.generate(f"{id_}.example", "txwz", rng, now=NOW)
    for id_ in (*FOUNDERS, "payer")
}


def ask(id_: str, alliance_id: str = join.NO_ALLIANCE) -> Request:
    return join.parse(
        join.request(
            OWNERS[id_],
            Profile(
                id=id_,
                names=Names("某", id_),
                sector="other",
                urls=(f"https://{id_}.example:1", f"https://{id_}.example:2"),
            ),
            now=NOW,
            alliance_id=alliance_id,
        )
    )


APPLICANTS = [join.unchallenged(ask(id_)) for id_ in FOUNDERS]


def found(
    applicants: list[Applicant] = APPLICANTS,
    holders: tuple[str, ...] = HOLDERS,
    t: int = 2,
) -> Founded:
    return onboard.found(
        drafts.Founding(
            "txwz",
            applicants,
            [a.verifier for a in ADMINS],
            2,
            normal={"phone": 3},
        ),
        holders=holders,
        t=t,
        now=NOW,
        rng=Dice(),
    )


FOUNDED = found()


def signed(draft: Roster, current: Roster | None = None) -> bytes:
    raw = drafts.write(draft, current)
    for admin in ADMINS:
        raw = drafts.sign(raw, admin, current)
    return raw


def chain(length: int) -> list[bytes]:
    """Return the notes of versions 1 to `length`."""
    notes = [signed(FOUNDED.roster)]
    current = drafts.read(notes[0])[1]
    for n in range(1, length):
        notes.append(signed(drafts.begin(current, now=NOW + n), current))
        current = drafts.read(notes[-1])[1]
    return notes


CHAIN = chain(5)


# ------------------------------------------------------------------- found


def test_the_first_version_holds_the_public_side_of_the_keys() -> None:
    roster = FOUNDED.roster
    assert roster.holders == tuple(sorted(HOLDERS))
    for kind, normal in (("phone", 3), ("account", 1)):
        epoch = roster.epoch(kind)
        assert epoch is not None
        assert (epoch.t, epoch.normal, epoch.epoch) == (2, normal, 1)
        assert epoch.dealt
        assert [m for m, _ in epoch.shares.values()] == sorted(HOLDERS)
        onboard.check_epoch(epoch)
    phone, account = roster.epoch("phone"), roster.epoch("account")
    assert phone is not None
    assert account is not None
    assert phone.public != account.public


def test_the_fingerprint_pins_what_the_admins_sign() -> None:
    trusted = TrustedRoster(FOUNDED.fingerprint)
    raw = FOUNDED.draft
    for admin in ADMINS:
        raw = drafts.sign(raw, admin)
    assert drafts.is_complete(raw)
    assert trusted.update(raw) == FOUNDED.roster


def test_every_holder_gets_one_share_of_each_key() -> None:
    assert sorted((s.member, s.kind) for s in FOUNDED.shares) == sorted(
        (id_, kind) for id_ in HOLDERS for kind in ("account", "phone")
    )
    for file in FOUNDED.shares:
        share = onboard.accept_share(
            file.raw,
            FOUNDED.roster,
            file.member,
            OWNERS[file.member].seal_private,
        )
        assert (share.kind, share.epoch, share.generation) == (file.kind, 1, 1)
        assert share.secret.hex() not in repr(share)


def test_t_accepted_shares_are_the_key_and_fewer_are_not() -> None:
    """The shares in the files belong to the public key in the roster."""
    roster = FOUNDED.roster
    epoch = roster.epoch("phone")
    assert epoch is not None
    shares = [
        onboard.accept_share(
            f.raw, roster, f.member, OWNERS[f.member].seal_private
        )
        for f in FOUNDED.shares
        if f.kind == "phone"
    ]
    for quorum in (shares[:2], shares[1:], shares[::2]):
        weights = threshold.lagrange([s.index for s in quorum])
        total = group.weighted_sum(
            [weights[s.index] for s in quorum],
            [group.multiply_base(s.secret) for s in quorum],
        )
        assert total == epoch.public
    assert all(group.multiply_base(s.secret) != epoch.public for s in shares)


def test_nothing_that_leaves_the_founding_holds_a_secret() -> None:
    """Neither key nor share, in any of the bytes that are returned."""
    out = FOUNDED.draft + b"".join(f.raw for f in FOUNDED.shares)
    dealt = [threshold.deal(2, 3, dice) for dice in [Dice()] for _ in "ap"]
    epochs = [FOUNDED.roster.epoch(kind) for kind in ("account", "phone")]
    for again, epoch in zip(dealt, epochs, strict=True):
        assert epoch is not None
        assert again.public == epoch.public  # the same dice: the same key
        for share in again.shares.values():
            assert share not in out
            assert share.hex().encode() not in out


@pytest.mark.parametrize(
    ("holders", "t", "why"),
    [
        (("bank", "carrier"), 2, "2 of 2 holders, want 2 of 3"),
        (("bank", "carrier", "bank"), 2, "2 of 2 holders"),
        (HOLDERS, 1, "1 of 3 holders"),
        (HOLDERS, 4, "4 of 3 holders"),
        (("bank", "carrier", "payer"), 2, "payer is no founder"),
    ],
)
def test_holders_that_cannot_be(
    holders: tuple[str, ...], t: int, why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        found(holders=holders, t=t)


# ----------------------------------------------------------- accept a share


def file_of(member: str, kind: str = "phone") -> bytes:
    (raw,) = [
        f.raw for f in FOUNDED.shares if (f.member, f.kind) == (member, kind)
    ]
    return raw


def forged(secret: bytes, **changes: object) -> bytes:
    """Return a share file as somebody else could seal it to the bank."""
    header: dict[str, object] = {
        "epoch": 1,
        "generation": 1,
        "index": 1,
        "kind": "phone",
        "member": "bank",
    }
    alliance = str(changes.pop("alliance", FOUNDED.roster.id))
    return sealed.seal(
        "share",
        alliance,
        header | changes,
        secret,
        OWNERS["bank"].public.seal,
    )


def accept(raw: bytes) -> onboard.Share:
    return onboard.accept_share(
        raw, FOUNDED.roster, "bank", OWNERS["bank"].seal_private
    )


def test_a_share_opens_for_its_holder_only() -> None:
    with pytest.raises(UntrustedError, match="does not open"):
        accept(file_of("police"))


def test_a_share_that_does_not_fit_is_refused() -> None:
    """A dealer that hands out wrong shares is found at once."""
    good = accept(file_of("bank")).secret
    assert accept(forged(good)).secret == good
    for secret in (b"\1" + bytes(31), good[:31], bytes(32), b"\xff" * 32):
        with pytest.raises(UntrustedError):
            accept(forged(secret))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"alliance": "ab" * 32}, "of alliance abababababababab"),
        ({"member": "police"}, "for police, not for bank"),
        ({"index": 2}, "index 2 is not bank's"),
        ({"epoch": 2}, "of phone epoch 2, generation 1"),
        ({"generation": 2}, "of phone epoch 1, generation 2"),
        ({"kind": "account"}, "does not fit the public share"),
    ],
    ids=str,
)
def test_a_share_for_elsewhere_is_refused(
    changes: dict[str, object], why: str
) -> None:
    good = accept(file_of("bank")).secret
    with pytest.raises(UntrustedError, match=why):
        accept(forged(good, **changes))


def test_a_roster_with_another_public_key_is_found_out() -> None:
    epoch = FOUNDED.roster.epoch("phone")
    assert epoch is not None
    for public in (bytes(32), group.multiply_base(b"\2" + bytes(31))):
        with pytest.raises(UntrustedError):
            onboard.check_epoch(replace(epoch, public=public))


# ------------------------------------------------------------------- admit


@dataclass
class Door:
    """Answers at some URLs with some pin."""

    pins: dict[str, str]
    knocked: list[str] = field(default_factory=list)

    async def pin(self, url: str) -> str:
        self.knocked.append(url)
        if url not in self.pins:
            raise UnavailableError(f"{url}: nobody")
        return self.pins[url]


def asked_and_answered() -> tuple[Roster, Request, bytes, bytes]:
    current = drafts.read(CHAIN[0])[1]
    asked = ask("payer", current.id)
    sent = join.challenge(asked, rng)
    answer = join.answer(sent.raw, asked, OWNERS["payer"])
    return drafts.begin(current, now=NOW + 1), asked, sent.secret, answer


async def test_a_newcomer_is_admitted_by_its_answer() -> None:
    draft, asked, secret, answer = asked_and_answered()
    admitted = await onboard.admit(draft, asked, secret, answer)
    assert admitted.draft.known("payer").active
    assert admitted.reached == ""


async def test_a_door_that_answers_is_looked_at() -> None:
    draft, asked, secret, answer = asked_and_answered()
    first, second = asked.urls
    door = Door({second: asked.keys.tls})
    admitted = await onboard.admit(
        draft, asked, secret, answer, handshake=door
    )
    assert (admitted.reached, door.knocked) == (second, [first, second])
    shut = await onboard.admit(
        draft, asked, secret, answer, handshake=Door({})
    )
    assert shut.draft == admitted.draft
    assert shut.reached == ""


async def test_another_key_at_the_door_is_refused() -> None:
    draft, asked, secret, answer = asked_and_answered()
    door = Door({asked.urls[0]: "00" * 32})
    with pytest.raises(UntrustedError, match="another TLS key than payer's"):
        await onboard.admit(draft, asked, secret, answer, handshake=door)


async def test_a_wrong_answer_is_refused() -> None:
    draft, asked, _, answer = asked_and_answered()
    with pytest.raises(UntrustedError, match="not what the challenge held"):
        await onboard.admit(draft, asked, rng(32), answer)


# ------------------------------------------------------------------ follow


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


def start(versions: int = 1) -> tuple[TrustedRoster, Store]:
    trusted = TrustedRoster(FOUNDED.fingerprint)
    for raw in CHAIN[:versions]:
        trusted.update(raw)
    return trusted, Store(trusted)


async def test_a_claim_with_a_chain_is_followed() -> None:
    trusted, store = start()
    claimant, other = Peer("a", CHAIN), Peer("b", CHAIN[:2])
    followed = await onboard.follow(5, [claimant, other], trusted, store)
    assert (followed.before, followed.after) == (1, 5)
    assert followed.proven
    assert trusted.version == 5
    assert store.kept == dict(enumerate(CHAIN[1:], 2))
    assert claimant.asked == [2, 3, 4, 5]


async def test_each_is_asked_once_for_a_version() -> None:
    trusted, store = start()
    peers = [Peer(n) for n in "abcd"]
    followed = await onboard.follow(3, peers, trusted, store)
    assert [p.asked for p in peers] == [[2]] * 4
    (finding,) = followed.findings
    assert (finding.code, finding.origin) == ("roster_claim", "a")
    assert "version 3 claimed, we hold 1" in finding.detail
    assert not store.kept


async def test_any_of_those_asked_may_have_it() -> None:
    """The claimant is gone, one stalls, one lies, and one has it."""
    trusted, store = start()
    peers = [
        Peer("gone"),
        Peer("stalls", stalls=True),
        Peer("lies", instead=lambda _: b"<html>"),
        Peer("wrong", instead=lambda _: CHAIN[0]),
        Peer("right", CHAIN),
    ]
    followed = await onboard.follow(3, peers, trusted, store)
    assert followed.proven
    assert trusted.version == 3


async def test_a_claim_takes_no_longer_than_it_may() -> None:
    trusted, store = start()
    peers = [Peer("a", stalls=True), Peer("b", stalls=True)]
    followed = await onboard.follow(2, peers, trusted, store, within_s=0.01)
    (finding,) = followed.findings
    assert "nobody had it in time" in finding.detail
    assert trusted.version == 1


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
    trusted, store = start()
    late = Peer("a")
    late.instead = None

    async def roster(version: int) -> bytes:
        if version > 2:
            await time_is_up()
        return CHAIN[version - 1]

    late.roster = roster  # type: ignore[method-assign]
    followed = await onboard.follow(4, [late], trusted, store)
    assert followed.after == trusted.version == 2
    assert not followed.proven
    assert list(store.kept) == [2]


async def test_unsigned_rosters_prove_nothing() -> None:
    trusted, store = start()
    text = drafts.read(CHAIN[1])[0].text
    one = bytes(Note(text, (ADMINS[0].sign(text),)))
    liar = Peer("a", instead=lambda _: one)
    followed = await onboard.follow(2, [liar], trusted, store)
    (finding,) = followed.findings
    assert "signed by 1 of version 2's admins, want 2" in finding.detail
    assert trusted.version == 1


async def test_a_roster_that_is_too_new_asks_for_newer_software() -> None:
    trusted, store = start()
    text = drafts.read(CHAIN[1])[0].text
    text = text.replace('"format"', '"folk":1,"format"')
    raw = bytes(Note(text, tuple(a.sign(text) for a in ADMINS)))
    peer = Peer("a", instead=lambda _: raw)
    followed = await onboard.follow(2, [peer], trusted, store)
    (finding,) = followed.findings
    assert finding.code == "newer_software"


def other_second() -> bytes:
    first = drafts.read(CHAIN[0])[1]
    return signed(drafts.begin(first, now=NOW + 77), first)


async def test_a_contradicting_claim_is_looked_into() -> None:
    """The admins signed two second versions; the claimant holds the other."""
    trusted, store = start(2)
    raw = other_second()
    hash_ = drafts.read(raw)[1].hash
    claimant = Peer("a", instead=lambda _: raw)
    others = Peer("b", CHAIN)
    followed = await onboard.follow(
        2, [claimant, others], trusted, store, claimed_hash=hash_
    )
    (finding,) = followed.findings
    assert finding.code == "roster_fork"
    assert followed.forks == (raw,)
    assert trusted.version == 2
    assert others.asked == []


async def test_a_fork_on_the_way_is_kept_as_evidence(
    time_is_up: Callable[[], Awaitable[None]],
) -> None:
    trusted, store = start(2)
    second = drafts.read(other_second())[1]
    third = drafts.begin(second, now=NOW + 78)
    raw = bytes(Note(third.text, tuple(a.sign(third.text) for a in ADMINS)))
    peers = [Peer("a", instead=lambda _: raw), Peer("b", waits=time_is_up)]
    followed = await onboard.follow(3, peers, trusted, store)
    assert followed.forks == (raw,)
    assert [f.code for f in followed.findings] == ["roster_fork"]


async def test_a_contradicting_claim_without_a_note_is_a_finding() -> None:
    trusted, store = start(2)
    claimant = Peer("a", CHAIN)  # claims another hash, and holds ours
    followed = await onboard.follow(
        2, [claimant], trusted, store, claimed_hash="00" * 32
    )
    (finding,) = followed.findings
    assert finding.code == "roster_claim"


async def test_an_old_claim_costs_nothing_to_be_right() -> None:
    trusted, store = start(3)
    claimant = Peer("a", CHAIN)
    followed = await onboard.follow(
        3, [claimant], trusted, store, claimed_hash=trusted.hash(3)
    )
    assert followed.proven
    assert followed.after == 3


# ------------------------------------------------------------------ claims


def test_a_claim_is_looked_into_once() -> None:
    trusted, _ = start(2)
    claims = Claims(trusted)
    assert claims.worth("a", 3)
    claims.unproven("a", 3)
    assert not claims.worth("a", 3)
    assert claims.worth("a", 4)
    assert claims.worth("b", 3)


def test_what_we_know_is_not_worth_asking() -> None:
    trusted, _ = start(2)
    claims = Claims(trusted)
    assert not claims.worth("a", 0)
    assert not claims.worth("a", 1)
    assert not claims.worth("a", 2, trusted.hash(2))
    assert claims.worth("a", 2, "00" * 32)
    assert claims.worth("a", 1, "00" * 32)


def test_who_claims_too_much_is_heard_again_after_the_next_version() -> None:
    trusted, _ = start(2)
    claims = Claims(trusted)
    for n in range(onboard.MOST_CLAIMS):
        assert claims.worth("a", 100 + n)
        claims.unproven("a", 100 + n)
    assert not claims.worth("a", 3)
    trusted.update(CHAIN[2])
    assert claims.worth("a", 4)
