"""Founding an alliance, and taking the shares of its keys."""

from typing import Any

import pytest
from msgspec.structs import replace

from syncd.errors import MalformedError, UntrustedError
from syncd.flows import key_share
from syncd.oprf import group, threshold
from syncd.roster import sealed
from tests.flows.founders import CLUB, FOUNDED, HOLDERS, found
from tests.roster.conftest import Dice


def epoch_of(kind: str) -> Any:
    return FOUNDED.roster.epoch(kind)


def test_the_first_version_holds_the_public_side_of_the_keys() -> None:
    roster = FOUNDED.roster
    assert roster.holders == tuple(sorted(HOLDERS))
    for kind in ("phone", "account"):
        epoch = epoch_of(kind)
        assert (epoch.t, epoch.normal, epoch.epoch) == (2, 1, 1)
        assert epoch.dealt
        assert [m for m, _ in epoch.shares.values()] == sorted(HOLDERS)
        key_share.check_epoch(epoch)
    assert epoch_of("phone").public != epoch_of("account").public


def accepted(kind: str) -> list[key_share.Share]:
    """Return what the holders find in their files of a key."""
    return [
        key_share.accept(
            f.raw, FOUNDED.roster, f.member, CLUB.keys[f.member].seal_private
        )
        for f in FOUNDED.shares
        if f.kind == kind
    ]


def test_every_holder_gets_one_share_of_each_key() -> None:
    assert sorted((s.member, s.kind) for s in FOUNDED.shares) == sorted(
        (id_, kind) for id_ in HOLDERS for kind in ("account", "phone")
    )
    for kind in ("account", "phone"):
        for share in accepted(kind):
            assert (share.kind, share.epoch, share.generation) == (kind, 1, 1)
            assert share.secret.hex() not in repr(share)


def test_t_accepted_shares_are_the_key_and_fewer_are_not() -> None:
    """The shares in the files belong to the public key in the roster."""
    epoch = epoch_of("phone")
    shares = accepted("phone")
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
    dealt = [
        threshold.deal(2, 3, dice)
        for dice in [Dice("token keys")]
        for _ in "ap"
    ]
    epochs = map(epoch_of, ("account", "phone"))
    for again, epoch in zip(dealt, epochs, strict=True):
        assert again.public == epoch.public  # the same dice: the same key
        for share in again.shares.values():
            assert share not in out
            assert share.hex().encode() not in out


@pytest.mark.parametrize(
    ("holders", "t", "why"),
    [
        (("bank", "carrier"), 2, "shares: 2 of them, want 3 at least"),
        (("bank", "carrier", "bank"), 2, "shares: 2 of them"),
        (HOLDERS, 1, "t: 1 is not in 2..3"),
        (HOLDERS, 4, "threshold 4 of 3 holders"),
        (("bank", "carrier", "payer"), 2, "payer is no member"),
    ],
)
def test_holders_that_cannot_be(
    holders: tuple[str, ...], t: int, why: str
) -> None:
    with pytest.raises(MalformedError, match=why):
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
        CLUB.keys["bank"].public.seal,
    )


def accept(raw: bytes) -> key_share.Share:
    return key_share.accept(
        raw, FOUNDED.roster, "bank", CLUB.keys["bank"].seal_private
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
        ({"member": "police"}, "index 1 for police is not bank's"),
        ({"index": 2}, "index 2 for bank is not bank's"),
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
    epoch = epoch_of("phone")
    for public in (bytes(32), group.multiply_base(b"\2" + bytes(31))):
        with pytest.raises(UntrustedError):
            key_share.check_epoch(replace(epoch, public=public))
