"""The ceremony: what comes of honest notes, and of each lie."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from syncd.errors import (
    ForkError,
    MalformedError,
    RefusedError,
    SyncdError,
    UntrustedError,
)
from syncd.flows import ceremony, ceremony_note, key_share
from syncd.flows.ceremony import Progress, Seat
from syncd.flows.ceremony_note import AGREE, BLAME, Key, Plan, Said
from syncd.oprf import dealing, group, threshold
from syncd.roster import drafts
from syncd.tlog import document, note
from tests import ceremonies
from tests.flows.founders import CLUB, FIRST, FOUNDED, HOLDERS, signed
from tests.roster.conftest import NOW, Dice

RNG = Dice("a ceremony")
PLAN = ceremony.plan(FIRST, HOLDERS, 2, bytes(32))
BANK, CARRIER, POLICE = (
    Seat(m, CLUB.keys[m], FIRST) for m in ("bank", "carrier", "police")
)
SEATS = BANK, CARRIER, POLICE
DEALS = [ceremony.deal(seat, PLAN, RNG) for seat in SEATS]
AGREED = [ceremony.advance(seat, PLAN, DEALS).note for seat in SEATS]


def at(seat: Seat, *notes: bytes, plan: Plan = PLAN) -> Progress:
    return ceremony.advance(seat, plan, notes)


def said(raw: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(raw.split(b"\n")[2])
    return value


def forged(
    raw: bytes, edit: Callable[[dict[str, Any]], object], by: Seat
) -> bytes:
    """Return another note, signed well."""
    value = said(raw)
    edit(value)
    key = by.keys.member
    return bytes(document.sign("ceremony", FIRST.id, value, key))


# ------------------------------------------------------------ what comes of it


@pytest.mark.parametrize(("holders", "t"), [(HOLDERS, 2), (HOLDERS, 3)])
def test_any_t_shares_are_the_key_and_fewer_are_not(
    holders: tuple[str, ...], t: int
) -> None:
    """All holders get the same public keys, and each its own share of them."""
    drawn = ceremonies.draw(FIRST, CLUB.keys, holders, t)
    epochs = drawn["bank"].epochs
    assert all(outcome.epochs == epochs for outcome in drawn.values())
    assert [e.kind for e in epochs] == ["account", "phone"]
    assert epochs[0].public != epochs[1].public
    for n, epoch in enumerate(epochs):
        shares = {
            epoch.index(m): outcome.shares[n] for m, outcome in drawn.items()
        }
        for index, share in shares.items():
            assert index is not None
            key_share.check_share(epoch, index, share)
        quorum = sorted(filter(None, shares))[-t:]
        total = group.weighted_sum(
            [threshold.weight(i, quorum) for i in quorum],
            [epoch.shares[i][1] for i in quorum],
        )
        assert total == epoch.public
        assert epoch.public not in {
            public for _, public in epoch.shares.values()
        }


def test_it_goes_on_from_any_number_of_notes() -> None:
    """Each waits for the others, says the same again, and nothing is lost."""
    for n in range(3):
        assert at(BANK, *DEALS[:n]).missing == PLAN.holders[n:]
    agree = at(BANK, *DEALS)
    assert (agree.step, agree.note) == (AGREE, AGREED[0])
    assert at(BANK, *DEALS, *DEALS[::-1]) == agree
    waiting = at(BANK, *AGREED[:2], *DEALS)
    assert (waiting.missing, waiting.outcome) == (("police",), None)
    done = at(BANK, *AGREED, *DEALS, *AGREED).outcome
    assert done is not None
    assert done == at(BANK, *DEALS, *AGREED).outcome


def test_nothing_that_goes_out_holds_a_secret() -> None:
    """Neither a share nor a polynomial, in any note."""
    out = b"".join([*DEALS, *AGREED])
    for seat in SEATS:
        outcome = at(seat, *DEALS, *AGREED).outcome
        assert outcome is not None
        for share in outcome.shares:
            assert share not in out
            assert share.hex().encode() not in out


def test_the_roster_takes_what_all_holders_signed() -> None:
    raw = signed(FOUNDED.roster, FIRST)
    assert drafts.read(raw)[1] == FOUNDED.roster


# ----------------------------------------------------------------------- lies


def a_zero(value: dict[str, Any]) -> None:
    value["dealt"][0]["commitments"][0] = "00" * 32


def a_point_more(value: dict[str, Any]) -> None:
    points = value["dealt"][0]["commitments"]
    points.append(points[0])


def no_point(value: dict[str, Any]) -> None:
    value["dealt"][1]["commitments"][1] = "ff" * 32


def anothers_proof(value: dict[str, Any]) -> None:
    value["dealt"][0]["proof"] = value["dealt"][1]["proof"]


def anothers_points(value: dict[str, Any]) -> None:
    """As if the constant were known: whoever shows it last would choose."""
    value["dealt"][0] = said(DEALS[0])["dealt"][0]


def a_key_less(value: dict[str, Any]) -> None:
    del value["dealt"][1]


def a_holder_less(value: dict[str, Any]) -> None:
    del value["shares"][0]


def another_threshold(value: dict[str, Any]) -> None:
    value["plan"]["t"] = 3


def another_roster(value: dict[str, Any]) -> None:
    value["plan"]["roster"] = "ab" * 32


def another_run(value: dict[str, Any]) -> None:
    value["plan"]["run"] = "ab" * 32


def another_holder(value: dict[str, Any]) -> None:
    value["plan"]["holders"] = ["bank", "carrier", "platform", "police"]


def anothers_share(value: dict[str, Any]) -> None:
    value["shares"][0][1] = value["shares"][1][1]


def no_share(value: dict[str, Any]) -> None:
    value["shares"][0][1] = "?"


def other_points(value: dict[str, Any]) -> None:
    """Which the proof does not cover: only the shares show it."""
    value["dealt"][0]["commitments"][1] = value["dealt"][1]["commitments"][1]


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        *((lie, "form") for lie in (a_zero, a_point_more, no_point)),
        *((lie, "form") for lie in (a_key_less, a_holder_less)),
        *((lie, "proof") for lie in (anothers_proof, anothers_points)),
        *((lie, "plan") for lie in (another_threshold, another_roster)),
        *((lie, "plan") for lie in (another_run, another_holder)),
        *((lie, "share") for lie in (anothers_share, no_share, other_points)),
    ],
    ids=lambda x: getattr(x, "__name__", x),
)
def test_who_deals_wrongly_is_blamed(
    lie: Callable[[dict[str, Any]], object], why: str
) -> None:
    """By a signed note; from then on nobody goes on, and no share is used."""
    deals = [DEALS[0], DEALS[1], forged(DEALS[2], lie, POLICE)]
    found = at(BANK, *deals)
    assert found.step == BLAME
    assert (said(found.note)["blames"], said(found.note)["why"]) == (
        "police",
        why,
    )
    sure = "one of them lies" if why in ("plan", "share") else "and is right"
    for seat in (BANK, CARRIER):
        with pytest.raises(RefusedError, match=f"police .{why}..* {sure}"):
            at(seat, *deals, found.note, *AGREED)


def test_a_false_blame_names_its_author() -> None:
    """Of all that everybody can see; of a share it is word against word."""
    for why, sure in (("proof", "and lies"), ("share", "one of them lies")):
        note_ = POLICE.sign(
            Said("police", PLAN, blames="bank", why=why)  # type: ignore[arg-type]
        )
        with pytest.raises(RefusedError, match=f"police blames bank.*{sure}"):
            at(CARRIER, *DEALS, note_)


def test_a_false_signature_is_blamed() -> None:
    """Or one too few: and whoever reads the notes sees it."""

    def other(value: dict[str, Any]) -> None:
        value["agreed"] = value["agreed"][::-1]

    def fewer(value: dict[str, Any]) -> None:
        del value["agreed"][1]

    def unseen(value: dict[str, Any]) -> None:
        del value["seen"][2]

    lies = (other, "signature"), (fewer, "form"), (unseen, "form")
    for lie, why in lies:
        notes = *DEALS, *AGREED[:2], forged(AGREED[2], lie, POLICE)
        blame = at(BANK, *notes).note
        assert said(blame)["why"] == why
        with pytest.raises(RefusedError, match="and is right"):
            at(CARRIER, *notes, blame)


def test_two_deals_of_one_holder_name_it() -> None:
    """In one place by both notes; in two, when the others have agreed."""
    other = ceremony.deal(POLICE, PLAN, RNG)
    with pytest.raises(ForkError, match="police signed two notes to deal"):
        at(BANK, *DEALS, other)
    theirs = at(CARRIER, *DEALS[:2], other).note
    with pytest.raises(
        UntrustedError, match="carrier saw another note of police"
    ):
        at(BANK, *DEALS, AGREED[0], theirs)


def test_notes_from_elsewhere_are_refused() -> None:
    """Of who has no part, of another alliance, altered, or under its name."""
    stranger = Seat("platform", CLUB.keys["platform"], FIRST)
    note_ = stranger.sign(Said("platform", PLAN, blames="bank"))
    with pytest.raises(UntrustedError, match="platform has no part"):
        at(BANK, *DEALS, note_)
    altered = note.parse(DEALS[2]).text.replace("police", "carrier", 1)
    for raw in (
        DEALS[2].replace(FIRST.id.encode(), b"ab" * 32),
        DEALS[2].replace(b'"t":2', b'"t":3'),
        bytes(note.sign(altered, POLICE.keys.member)),
    ):
        with pytest.raises(SyncdError):
            at(BANK, *DEALS[:2], raw)
    name = f"{PLAN.run}.deal.police"
    assert ceremony_note.read_as(name, DEALS[2], FIRST).member == "police"
    with pytest.raises(UntrustedError, match="is another note"):
        ceremony_note.read_as(name, DEALS[1], FIRST)


# ---------------------------------------------------------------------- plans


@pytest.mark.parametrize(
    ("holders", "t", "why"),
    [
        (("bank", "carrier"), 2, "holders: "),
        (("bank", "carrier", "bank"), 2, "holders: "),
        (HOLDERS, 1, "plan.t: "),
        (HOLDERS, 4, "cannot be drawn"),
        (("bank", "carrier", "payer"), 2, "no member payer"),
    ],
)
def test_plans_that_cannot_be(
    holders: tuple[str, ...], t: int, why: str
) -> None:
    with pytest.raises(SyncdError, match=why):
        ceremony.plan(FIRST, holders, t, bytes(32))


def test_who_is_not_active_holds_no_key() -> None:
    out = drafts.put(FIRST, ("members", "bank", "status"), "suspended")
    with pytest.raises(UntrustedError, match="bank is not active"):
        ceremony.plan(out, HOLDERS, 2, bytes(32))


def test_the_next_key_is_of_the_next_epoch() -> None:
    plan = ceremony.plan(FOUNDED.roster, HOLDERS, 2, bytes(32))
    assert plan.keys == (Key("account", 2, 1), Key("phone", 2, 1))


# ----------------------------------------------------------------- once again

KEYS = (Key("account", 1, 2), Key("phone", 1, 2))
NEW = ("bank", "carrier", "platform")
AGAIN = replace(
    *(PLAN,), roster=FOUNDED.roster.hash, holders=NEW, keys=KEYS, t=3,
    dealers=("bank", "police"),
)  # fmt: skip


def again(member: str) -> Seat:
    return Seat(member, CLUB.keys[member], FOUNDED.roster)


def dealt_again(member: str, other: bytes = b"") -> bytes:
    shares = [other or s for s in FOUNDED.outcomes[member].shares]
    held = dict(zip(KEYS, shares, strict=True))
    return ceremony.deal(again(member), AGAIN, RNG, held)


def test_a_key_is_shared_out_anew() -> None:
    """To other holders, with another threshold; it stays what it was."""
    assert (
        ceremony.plan(*(FOUNDED.roster, NEW, 3, bytes(32)), AGAIN.dealers)
        == AGAIN
    )
    deals = [dealt_again(m) for m in AGAIN.dealers]
    seats = [again(m) for m in NEW]
    drawn = ceremonies.finish(AGAIN, seats, deals)
    epochs = drawn["platform"].epochs
    for old, epoch in zip(FOUNDED.roster.epochs, epochs, strict=False):
        assert (old.public, epoch.generation) == (epoch.public, 2)
        assert not {p for _, p in old.shares.values()} & {
            p for _, p in epoch.shares.values()
        }
    draft = drafts.begin(FOUNDED.roster, now=NOW)
    after = ceremonies.keyed(draft, drawn["platform"])
    assert after.holders == NEW
    drafts.write(after, FOUNDED.roster)
    assert at(again("police"), *deals, plan=AGAIN) == Progress()


def test_another_share_is_not_dealt_again() -> None:
    wrong = dealt_again("police", b"\5" + bytes(31))
    found = at(again("bank"), dealt_again("bank"), wrong, plan=AGAIN)
    assert (said(found.note)["blames"], said(found.note)["why"]) == (
        "police",
        "proof",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"dealers": ("bank",)},
        {"dealers": ("bank", "platform")},
        {"dealers": ()},
        {"keys": (Key("phone", 1, 3),)},
        {"keys": (Key("phone", 2, 1),)},
    ],
    ids=str,
)
def test_who_cannot_deal_it_again(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="cannot be drawn or shared"):
        ceremony.checked(replace(AGAIN, **changes), FOUNDED.roster)


def test_a_dealt_share_fits_only_its_index() -> None:
    dealt = dealing.deal(2, 3, RNG, b"here")
    assert dealing.fits(dealt.commitments, 1, dealt.shares[1])
    for share in (dealt.shares[2], bytes(32), b"\xff" * 32, b""):
        assert not dealing.fits(dealt.commitments, 1, share)
    dealing.check(dealt.commitments, 2, dealt.proof, b"here")
    with pytest.raises(UntrustedError, match="proof does not hold"):
        dealing.check(dealt.commitments, 2, dealt.proof, b"there")
    assert repr(dealt.shares[1]) not in repr(dealt)
