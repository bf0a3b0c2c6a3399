"""An alliance on paper: members, admins and their keys, and no daemon."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from syncd.flows import conformance
from syncd.roster import drafts, join, keys, membership, signing
from syncd.roster.join import Applicant
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Names, Profile
from syncd.roster.membership import Founding
from syncd.roster.roster import Roster
from syncd.roster.terms import SUITE, Agreed, Epoch, Share
from syncd.roster.trust import TrustedRoster
from syncd.tlog.note import SigningKey

NOW = 1_760_000_000


class Dice:
    """Random bytes that are the same in every run."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def __call__(self, n: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(
            f"{self._seed} {self._count}".encode()
        ).digest(n)


@dataclass
class Club:
    """Who founds the alliance, and everything secret about it."""

    rng: Callable[[int], bytes]
    keys: dict[str, MemberKeys] = field(default_factory=dict)
    admins: dict[str, SigningKey] = field(default_factory=dict)

    def request(
        self, id_: str, alliance_id: str = join.NO_ALLIANCE, nonce: bytes = b""
    ) -> bytes:
        """Return a member's join request; its keys are made once."""
        if id_ not in self.keys:
            self.keys[id_] = keys.generate(
                f"{id_}.example", "txwz", self.rng, now=NOW
            )
        return join.request(
            self.keys[id_],
            Profile(
                id=id_,
                names=Names(zh="某" + id_, en=id_),
                sector=id_,
                urls=(f"https://{id_}.example:8443",),
                info={"registration": "91440300X"},
            ),
            now=NOW,
            alliance_id=alliance_id,
            more={
                "commitment": join.committed(nonce),
                "conformance": conformance.answers(),
            }
            if nonce
            else {},
        )

    def admin(self, name: str) -> SigningKey:
        """Return an admin's key, made once."""
        if name not in self.admins:
            self.admins[name] = keys.admin("txwz", name, self.rng(32))
        return self.admins[name]

    def newcomer(self, id_: str, alliance_id: str) -> Applicant:
        """Return somebody who answered the challenge."""
        asked = join.parse(self.request(id_, alliance_id))
        challenge = join.challenge(asked, secret := self.rng(32))
        answer = join.answer(challenge, asked, self.keys[id_])
        return join.proven(asked, secret, answer)

    def plan(
        self, *admins: str, threshold: int = 2, members: str = "bank carrier"
    ) -> Founding:
        """Return what version 1 is made of."""
        by = admins or ("alice", "bob", "eve")
        return Founding(
            "txwz",
            [join.parse(self.request(id_)) for id_ in members.split()],
            [self.admin(name).verifier for name in by],
            threshold,
        )

    def founding(self, *admins: str, **more: Any) -> Roster:
        """Return a draft of version 1."""
        return membership.found(self.plan(*admins, **more), now=NOW)

    def signed(
        self, draft: Roster, *admins: str, current: Roster | None = None
    ) -> bytes:
        """Return the draft with these admins' signatures."""
        raw = drafts.write(draft, current)
        for name in admins:
            raw = signing.sign(raw, self.admin(name), current)
        return raw

    def follow(
        self, machine: TrustedRoster, draft: Roster, *admins: str
    ) -> Roster:
        """Let a machine read the next version, signed by these admins."""
        by = admins or ("alice", "bob")
        return machine.update(self.signed(draft, *by, current=machine.current))

    def trusted(self, *admins: str, threshold: int = 2) -> TrustedRoster:
        """Return a machine that trusts version 1."""
        draft = self.founding(*admins, threshold=threshold)
        raw = self.signed(draft, *sorted(draft.admins))
        return TrustedRoster(drafts.read(raw)[1].hash, raw)


@pytest.fixture
def club() -> Club:
    """Return people who have not founded anything yet."""
    return Club(Dice("club"))


@pytest.fixture
def machine(club: Club) -> TrustedRoster:
    """Return one that trusts version 1: bank, carrier; alice, bob, eve."""
    return club.trusted()


def with_epoch(
    draft: Roster, kind: Any = "phone", number: int = 1, generation: int = 1
) -> Roster:
    """Add a key that all members share."""
    shares = tuple(
        Share(n, m.id, bytes([n]) * 32) for n, m in enumerate(draft.members, 1)
    )
    of = kind, number, 1, 2, b"\6" * 32, shares, generation, b"\7" * 32
    nobody = tuple(Agreed(share.member, "0" * 128) for share in shares)
    return drafts.add_epoch(draft, Epoch(*of, nobody, suite=SUITE))


def agreed(draft: Roster, club: Club) -> Roster:
    """Return it with the word of all holders for its keys."""
    for epoch in draft.epochs:
        said = epoch.said(draft.id)
        words = tuple(
            Agreed(member, club.keys[member].member.raw_sign(said).hex())
            for _, member, _ in map(structs.astuple, epoch.held)
        )
        draft = drafts.put(draft, ("epochs",), replace(epoch, agreed=words))
    return draft


def begin(machine: TrustedRoster) -> Roster:
    return drafts.begin(machine.current, now=NOW + 60)


@pytest.fixture(scope="module")
def settled() -> Club:
    """Return people whose founding all tests of a module share."""
    return Club(Dice("settled"))
