"""Ceremonies in memory: holders that draw token keys, and no network."""

import secrets
from collections.abc import Mapping, Sequence

from syncd.flows import ceremony_note
from syncd.flows.ceremony import Outcome, Seat
from syncd.flows.ceremony_note import Said
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
) -> dict[str, Outcome]:
    """Return what a ceremony comes to at each holder."""
    plan = ceremony_note.plan(roster, holders, t)
    seats = [Seat(m, keys[m], roster, plan) for m in plan.holders]
    return finish(seats, [seat.deal(secrets.token_bytes) for seat in seats])


def say(seat: Seat, said: Sequence[Said]) -> Said:
    """Return what it is a member's turn to say."""
    ours = seat.advance(said).said
    assert ours
    return ours


def finish(seats: Sequence[Seat], said: Sequence[Said]) -> dict[str, Outcome]:
    """Return what comes of round 1, when all have agreed."""
    whole = [*said, *(say(seat, said) for seat in seats)]
    found = {seat.member: seat.advance(whole).outcome for seat in seats}
    return {m: outcome for m, outcome in found.items() if outcome}


def keyed(draft: Roster, outcome: Outcome) -> Roster:
    """Return a draft with the keys that were drawn."""
    for epoch in outcome.epochs:
        draft = drafts.add_epoch(draft, epoch)
    return draft
