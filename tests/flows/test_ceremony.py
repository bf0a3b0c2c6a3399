"""The ceremony: what comes of honest notes, and of each lie."""

from typing import Any

import jsonschema
from msgspec.structs import replace

from syncd.flows import ceremony_note, evaluation
from syncd.flows.ceremony import Progress, Seat
from syncd.flows.ceremony_note import AGREE, Said
from syncd.oprf import dealing, group, threshold
from syncd.roster import drafts, row
from syncd.tlog import document
from tests import ceremonies
from tests.cases import each, schema, tried, vectors
from tests.flows.founders import CLUB, FIRST, FOUNDED, HOLDERS, signed
from tests.refusals import failing, forked, refused, untrusted
from tests.roster.conftest import NOW, Dice
from tests.roster.test_roster import edited

VECTORS = vectors("syncd/ceremony")
RNG = Dice("a ceremony")
PLAN = ceremony_note.plan(FIRST, HOLDERS, 2)
SEATS = [Seat(m, CLUB.keys[m], FIRST, PLAN) for m in PLAN.holders]
BANK, CARRIER, POLICE = SEATS
DEALS = [seat.deal(RNG) for seat in SEATS]
AGREED = [ceremonies.say(seat, DEALS) for seat in SEATS]


def altered(said: Said, case: Any) -> Any:
    value = said.to_json()
    edited(case)(value)
    return value


# ------------------------------------------------------------ what comes of it


@tried("t", [2, 3])
def test_any_t_shares_are_the_key_and_fewer_are_not(t: int) -> None:
    """All holders get the same public keys, and each its own share of them."""
    drawn = ceremonies.draw(FIRST, CLUB.keys, HOLDERS, t)
    epochs = drawn["bank"].epochs
    assert all(outcome.epochs == epochs for outcome in drawn.values())
    assert [e.label for e in epochs] == ["account/1", "phone/1"]
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
        assert BANK.advance(DEALS[:n]).missing == PLAN.holders[n:]
    said = ceremonies.say(BANK, DEALS)
    assert said.step == AGREE
    assert ceremonies.say(BANK, [*DEALS, *DEALS[::-1]]) == said
    waiting = BANK.advance([*AGREED[:2], *DEALS])
    assert (waiting.missing, waiting.outcome) == (("police",), None)
    done = BANK.advance([*AGREED, *DEALS, *AGREED])
    late = Said("carrier", PLAN, blames="police", why="share")
    other = replace(late, plan=replace(PLAN, attempt=2))
    assert done == BANK.advance([*DEALS, *AGREED, late, other])
    assert done.outcome


def test_nothing_that_goes_out_holds_a_secret() -> None:
    """No share is in any note, and each note is of the published form."""
    blame = Said("bank", PLAN, blames="police", why="share")
    out = b""
    for seat, said in zip(SEATS * 3, [*DEALS, *AGREED, blame], strict=False):
        jsonschema.validate(said.to_json(), schema("ceremony"))
        out += (raw := seat.sign(said))
        assert ceremony_note.read(said.name, raw, FIRST) == said
    for seat in SEATS:
        outcome = seat.advance([*DEALS, *AGREED]).outcome
        assert outcome is not None
        for share in outcome.shares:
            assert share not in out
            assert share.hex().encode() not in out


def test_the_roster_takes_what_all_holders_signed() -> None:
    assert drafts.read(signed(FOUNDED.roster, FIRST))[1] == FOUNDED.roster


# ----------------------------------------------------------------------- lies


@tried(
    "kind, case",
    [(kind, c) for kind in ("deals", "agreements") for c in VECTORS[kind]],
    ids=lambda x: x if isinstance(x, str) else x["case"],
)
def test_who_lies_is_blamed(kind: str, case: Any) -> None:
    """By a signed note; from then on nobody goes on, and no share is used."""
    *notes, right = DEALS if kind == "deals" else [*DEALS, *AGREED]
    notes.append(row.read(Said, altered(right, case), "note"))
    why = case["why"]
    said = ceremonies.say(BANK, notes)
    assert said == Said("bank", PLAN, blames="police", why=why)
    sure = "one of them lies" if why == "share" else "and is right"
    for seat in (BANK, CARRIER):
        with refused(rf"police \({why}\).* {sure}"):
            seat.advance([*notes, said])


def test_a_false_blame_names_its_author() -> None:
    """Of all that everybody can see; of a share it is word against word."""
    for why, sure in (("proof", "and lies"), ("share", "one of them lies")):
        blame = replace(Said("police", PLAN, blames="bank"), why=why)
        with refused(rf"police blames.*{sure}"):
            CARRIER.advance([*DEALS, blame])


def test_two_deals_of_one_holder_name_it() -> None:
    """In one place by both notes; in two, when the others have agreed."""
    other = POLICE.deal(RNG)
    with forked("police signed two notes to deal"):
        BANK.advance([*DEALS, other])
    theirs = ceremonies.say(CARRIER, [*DEALS[:2], other])
    with untrusted("carrier saw another note of po"):
        BANK.advance([*DEALS, AGREED[0], theirs])


@tried("case", VECTORS["refused"], ids=lambda c: c["case"])
def test_what_is_no_note_of_its_name(case: Any) -> None:
    """Nor is one of another alliance, whoever signed it."""
    key, said = POLICE.keys.member, DEALS[2]
    raw = document.sign("ceremony", FIRST.id, altered(said, case), key)
    with failing(case["says"]):
        ceremony_note.read(said.name, bytes(raw), FIRST)
    other = document.sign("ceremony", "ab" * 32, said.to_json(), key)
    with untrusted("of alliance abab"):
        ceremony_note.read(said.name, bytes(other), FIRST)


# ---------------------------------------------------------------------- plans

NEW = "bank", "carrier", "platform"


@each("flows", "plans_that_cannot_be", "holders, t, dealers, why")
def test_plans_that_cannot_be(
    holders: str, t: int, dealers: str, why: str
) -> None:
    given = holders.split(), t, dealers.split()
    with failing(why):
        ceremony_note.plan(FOUNDED.roster, *given)


def test_who_is_not_active_holds_no_key() -> None:
    out = drafts.put(FIRST, ("members", "bank", "status"), "suspended")
    with untrusted("bank is not active"):
        ceremony_note.plan(out, HOLDERS, 2)


def test_the_next_key_is_of_the_next_epoch() -> None:
    drawn = ceremonies.draw(FOUNDED.roster, CLUB.keys, HOLDERS)
    labels = [(e.label, e.generation) for e in drawn["bank"].epochs]
    assert labels == [("account/2", 1), ("phone/2", 1)]


def test_a_key_is_shared_out_anew() -> None:
    """To other holders, with another threshold; it stays what it was."""
    by = ("bank", "police")
    plan = ceremony_note.plan(FOUNDED.roster, NEW, 3, by)
    seats = [
        Seat(m, CLUB.keys[m], FOUNDED.roster, plan) for m in (*NEW, "police")
    ]
    *new, police = seats
    held = [FOUNDED.outcomes[m].shares for m in by]
    deals = [new[0].deal(RNG, held[0]), police.deal(RNG, held[1])]
    drawn = ceremonies.finish(new, deals)
    epochs = drawn["platform"].epochs
    for old, epoch in zip(FOUNDED.roster.epochs, epochs, strict=False):
        assert (old.public, epoch.generation) == (epoch.public, 2)
        assert {*old.held}.isdisjoint(epoch.held)
    draft = drafts.begin(FOUNDED.roster, now=NOW)
    after = ceremonies.keyed(draft, drawn["platform"])
    assert after.holders == NEW
    drafts.write(after, FOUNDED.roster)
    assert police.advance(deals) == Progress()
    wrong = police.deal(RNG, [b"\5" + bytes(31)] * 2)
    said = ceremonies.say(new[0], [deals[0], wrong])
    assert said == Said("bank", plan, blames="police", why="proof")


def test_a_dealt_share_fits_only_its_index() -> None:
    dealt = dealing.deal(2, 3, RNG, b"here")
    assert dealing.fits(dealt.commitments, 1, dealt.shares[1])
    for share in (dealt.shares[2], bytes(32), b"\xff" * 32, b""):
        assert not dealing.fits(dealt.commitments, 1, share)
    dealing.check(dealt.commitments, 2, dealt.proof, b"here")
    with untrusted("proof does not hold"):
        dealing.check(dealt.commitments, 2, dealt.proof, b"there")
    assert repr(dealt.shares[1]) not in repr(dealt)


def test_a_share_that_the_roster_does_not_pin_is_refused() -> None:
    epoch = FOUNDED.roster.epoch("phone")
    assert epoch is not None
    ours, another = (FOUNDED.outcomes[m].shares[1] for m in ("bank", "police"))
    evaluation.check_share(epoch, 1, ours)
    for share in (another, bytes(32), ours[:31]):
        with untrusted(r"share: "):
            evaluation.check_share(epoch, 1, share)
