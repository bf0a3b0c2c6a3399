"""The ceremony: what comes of honest notes, and of each lie."""

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
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
from tests.cases import vectors
from tests.flows.founders import CLUB, FIRST, FOUNDED, HOLDERS, signed
from tests.roster.conftest import NOW, Dice
from tests.roster.test_roster import edited

VECTORS = vectors("syncd/ceremony")
RNG = Dice("a ceremony")
PLAN = ceremony_note.plan(FIRST, HOLDERS, 2, bytes(32))
SEATS = [Seat(m, CLUB.keys[m], FIRST) for m in PLAN.holders]
BANK, CARRIER, POLICE = SEATS
DEALS = [ceremony.deal(seat, PLAN, RNG) for seat in SEATS]
AGREED = [ceremonies.say(seat, PLAN, DEALS) for seat in SEATS]


def at(seat: Seat, *notes: bytes, plan: Plan = PLAN) -> Progress:
    return ceremony.advance(seat, plan, notes)


def forged(raw: bytes, case: dict[str, Any]) -> bytes:
    """Return another note of the police's, signed well."""
    value = json.loads(raw.split(b"\n")[2])
    edited(case)(value)
    key = POLICE.keys.member
    return bytes(document.sign("ceremony", FIRST.id, value, key))


# ------------------------------------------------------------ what comes of it


@pytest.mark.parametrize("t", [2, 3])
def test_any_t_shares_are_the_key_and_fewer_are_not(t: int) -> None:
    """All holders get the same public keys, and each its own share of them."""
    drawn = ceremonies.draw(FIRST, CLUB.keys, HOLDERS, t)
    epochs = drawn["bank"].epochs
    assert all(outcome.epochs == epochs for outcome in drawn.values())
    assert [e.kind for e in epochs] == ["account", "phone"]
    assert epochs[0].public != epochs[1].public
    for n, epoch in enumerate(epochs):
        for member, outcome in drawn.items():
            index = epoch.index(member) or 0
            public = group.multiply_base(outcome.shares[n])
            assert epoch.shares[index] == (member, public)
            assert public != epoch.public
        quorum = range(4 - t, 4)
        total = group.weighted_sum(
            [threshold.weight(i, quorum) for i in quorum],
            [epoch.shares[i][1] for i in quorum],
        )
        assert total == epoch.public


def test_it_goes_on_from_any_number_of_notes() -> None:
    """Each waits for the others, says the same again, and nothing is lost."""
    for n in range(3):
        assert at(BANK, *DEALS[:n]).missing == PLAN.holders[n:]
    said = at(BANK, *DEALS).said
    assert said
    assert said.step == AGREE
    assert at(BANK, *DEALS, *DEALS[::-1]).said == said
    waiting = at(BANK, *AGREED[:2], *DEALS)
    assert (waiting.missing, waiting.outcome) == (("police",), None)
    done = at(BANK, *AGREED, *DEALS, *AGREED)
    late = CARRIER.sign(Said("carrier", PLAN, blames="police", why="share"))
    assert done == at(BANK, *DEALS, *AGREED, late)
    assert done.outcome


def test_nothing_that_goes_out_holds_a_secret() -> None:
    """No share is in any note, and each note is of the published form."""
    schema = json.loads(Path("schemas/ceremony.json").read_text())
    blame = BANK.sign(Said("bank", PLAN, blames="police", why="share"))
    for raw in (*DEALS, *AGREED, blame):
        jsonschema.validate(json.loads(raw.split(b"\n")[2]), schema)
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


@pytest.mark.parametrize(
    ("kind", "case"),
    [(kind, c) for kind in ("deals", "agreements") for c in VECTORS[kind]],
    ids=lambda x: x if isinstance(x, str) else x["case"],
)
def test_who_lies_is_blamed(kind: str, case: dict[str, Any]) -> None:
    """By a signed note; from then on nobody goes on, and no share is used."""
    *notes, right = DEALS if kind == "deals" else [*DEALS, *AGREED]
    notes.append(forged(right, case))
    why = case["why"]
    said = at(BANK, *notes).said
    assert said == Said("bank", PLAN, blames="police", why=why)
    sure = "one of them lies" if why in ("plan", "share") else "and is right"
    for seat in (BANK, CARRIER):
        with pytest.raises(RefusedError, match=rf"police \({why}\).* {sure}"):
            at(seat, *notes, BANK.sign(said))


def test_a_false_blame_names_its_author() -> None:
    """Of all that everybody can see; of a share it is word against word."""
    for why, sure in (("proof", "and lies"), ("share", "one of them lies")):
        blame = replace(Said("police", PLAN, blames="bank"), why=why)
        with pytest.raises(RefusedError, match=rf"police blames.*{sure}"):
            at(CARRIER, *DEALS, POLICE.sign(blame))


def test_two_deals_of_one_holder_name_it() -> None:
    """In one place by both notes; in two, when the others have agreed."""
    other = ceremony.deal(POLICE, PLAN, RNG)
    with pytest.raises(ForkError, match="police signed two notes to deal"):
        at(BANK, *DEALS, other)
    theirs = ceremonies.say(CARRIER, PLAN, [*DEALS[:2], other])
    with pytest.raises(UntrustedError, match="carrier saw another note of po"):
        at(BANK, *DEALS, AGREED[0], theirs)


def test_notes_from_elsewhere_are_refused() -> None:
    """Of who has no part, of another alliance, altered, or under its name."""
    stranger = Seat("platform", CLUB.keys["platform"], FIRST)
    with pytest.raises(UntrustedError, match="platform has no part"):
        at(BANK, stranger.sign(Said("platform", PLAN, blames="bank")))
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
        ("bank carrier", 2, "holders: "),
        ("bank carrier bank", 2, "holders: not sorted, or with a repeat"),
        ("bank carrier police", 1, "plan.t: "),
        ("bank carrier police", 4, "cannot be drawn"),
        ("bank carrier payer", 2, "no member payer"),
    ],
)
def test_plans_that_cannot_be(holders: str, t: int, why: str) -> None:
    with pytest.raises(SyncdError, match=why):
        ceremony_note.plan(FIRST, holders.split(), t, bytes(32))


def test_who_is_not_active_holds_no_key() -> None:
    out = drafts.put(FIRST, ("members", "bank", "status"), "suspended")
    with pytest.raises(UntrustedError, match="bank is not active"):
        ceremony_note.plan(out, HOLDERS, 2, bytes(32))


def test_the_next_key_is_of_the_next_epoch() -> None:
    plan = ceremony_note.plan(FOUNDED.roster, HOLDERS, 2, bytes(32))
    assert plan.keys == (Key("account", 2, 1), Key("phone", 2, 1))


# ----------------------------------------------------------------- once again

NEW = "bank", "carrier", "platform"
AGAIN = ceremony_note.plan(
    *(FOUNDED.roster, NEW, 3, bytes(32)), ("bank", "police")
)
again = functools.partial(Seat, roster=FOUNDED.roster)


def dealt_again(member: str, other: bytes = b"") -> bytes:
    shares = [other or s for s in FOUNDED.outcomes[member].shares]
    held = dict(zip(AGAIN.keys, shares, strict=True))
    return ceremony.deal(again(member, CLUB.keys[member]), AGAIN, RNG, held)


def test_a_key_is_shared_out_anew() -> None:
    """To other holders, with another threshold; it stays what it was."""
    deals = [dealt_again(m) for m in AGAIN.dealers]
    seats = [again(m, CLUB.keys[m]) for m in (*NEW, "police")]
    drawn = ceremonies.finish(AGAIN, seats[:3], deals)
    epochs = drawn["platform"].epochs
    for old, epoch in zip(FOUNDED.roster.epochs, epochs, strict=False):
        assert (old.public, epoch.generation) == (epoch.public, 2)
        assert {*old.held}.isdisjoint(epoch.held)
    draft = drafts.begin(FOUNDED.roster, now=NOW)
    after = ceremonies.keyed(draft, drawn["platform"])
    assert after.holders == NEW
    drafts.write(after, FOUNDED.roster)
    assert at(seats[3], *deals, plan=AGAIN) == Progress()
    wrong = dealt_again("police", b"\5" + bytes(31))
    said = at(seats[0], deals[0], wrong, plan=AGAIN).said
    assert said == Said("bank", AGAIN, blames="police", why="proof")
    assert said.step == BLAME


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
        ceremony_note.checked(replace(AGAIN, **changes), FOUNDED.roster)


def test_a_dealt_share_fits_only_its_index() -> None:
    dealt = dealing.deal(2, 3, RNG, b"here")
    assert dealing.fits(dealt.commitments, 1, dealt.shares[1])
    for share in (dealt.shares[2], bytes(32), b"\xff" * 32, b""):
        assert not dealing.fits(dealt.commitments, 1, share)
    dealing.check(dealt.commitments, 2, dealt.proof, b"here")
    with pytest.raises(UntrustedError, match="proof does not hold"):
        dealing.check(dealt.commitments, 2, dealt.proof, b"there")
    assert repr(dealt.shares[1]) not in repr(dealt)


def test_a_share_that_the_roster_does_not_pin_is_refused() -> None:
    epoch = FOUNDED.roster.epoch("phone")
    assert epoch is not None
    ours, another = (FOUNDED.outcomes[m].shares[1] for m in ("bank", "police"))
    key_share.check_share(epoch, 1, ours)
    for share in (another, bytes(32), ours[:31]):
        with pytest.raises(UntrustedError, match=r"share: "):
            key_share.check_share(epoch, 1, share)
