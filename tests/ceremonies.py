"""Ceremonies in memory: holders that draw token keys, and no network."""

import secrets
from collections.abc import Iterable, Mapping, Sequence

from syncd.flows import ceremony, ceremony_note
from syncd.flows.ceremony import Outcome, Seat
from syncd.flows.ceremony_note import Plan
from syncd.flows.key_share import Share
from syncd.oprf import dealing
from syncd.roster import drafts
from syncd.roster.keys import MemberKeys, Rng
from syncd.roster.roster import Roster


class Dealt:
    """A key that one machine drew: for tests of what holders do with it."""

    def __init__(self, t: int, n: int, rng: Rng, key: bytes = b"") -> None:
        dealt = dealing.deal(t, n, rng, constant=key)
        self.public, *_ = points = dealt.commitments
        self.shares = dealt.shares
        self.public_shares = {
            i: dealing.public_share(points, i) for i in dealt.shares
        }


def draw(
    roster: Roster,
    keys: Mapping[str, MemberKeys],
    holders: Sequence[str],
    t: int = 2,
    rng: Rng = secrets.token_bytes,
) -> dict[str, Outcome]:
    """Return what a ceremony comes to at each holder."""
    plan = ceremony_note.plan(roster, holders, t, rng(32))
    seats = [Seat(m, keys[m], roster) for m in plan.holders]
    return finish(
        plan, seats, [ceremony.deal(seat, plan, rng) for seat in seats]
    )


def say(seat: Seat, plan: Plan, notes: Sequence[bytes]) -> bytes:
    """Return the note that it is a member's turn to give out."""
    said = ceremony.advance(seat, plan, notes).said
    assert said
    return seat.sign(said)


def finish(
    plan: Plan, seats: Iterable[Seat], notes: Sequence[bytes]
) -> dict[str, Outcome]:
    """Return what comes of notes of round 1, when all have agreed."""
    agreed = [say(seat, plan, notes) for seat in seats]
    found = {
        seat.member: ceremony.advance(seat, plan, [*notes, *agreed]).outcome
        for seat in seats
    }
    return {m: outcome for m, outcome in found.items() if outcome}


def keyed(draft: Roster, outcome: Outcome) -> Roster:
    """Return a draft with the keys that were drawn."""
    for epoch in outcome.epochs:
        draft = drafts.add_epoch(draft, epoch)
    return draft


def shares(member: str, outcome: Outcome) -> list[Share]:
    """Return a holder's shares of what was drawn."""
    return [
        Share(e.kind, e.epoch, e.generation, e.index(member) or 0, secret)
        for e, secret in zip(outcome.epochs, outcome.shares, strict=True)
    ]
