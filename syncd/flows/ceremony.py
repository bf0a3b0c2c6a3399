"""The ceremony in which holders draw token keys: two rounds of signed notes.

    plan ── deal ──> each dealer's note: points, proofs, a sealed share for each
    all deals ── advance ──> each holder's note: it agrees, or blames somebody
    all agree ── advance ──> the epochs for the roster, and one's own shares

Whoever begins makes the plan; every note repeats it, so that nothing in it
can be meant for another run, holder, threshold, key or roster. Notes come in
any order, as often as they like, by a mailbox or a memory stick; what is
returned rests on them alone, so a holder that crashed goes on where it was.
All that it keeps is its own deal, which is sealed, to itself too: a run is
not dealt to twice.

A deal that is wrong is blamed by a signed note, and the run is over: nobody
is left out inside a run. Of a form, a proof or a signature everybody sees who
is right. That a share did not fit only its holder saw: one of the two lies,
and the next run may do without one of them.

To share a key out anew, t of those who hold it deal what they hold, weighted,
instead of something drawn: a plan of a higher generation, with its `dealers`.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from syncd.errors import (
    ForkError,
    MalformedError,
    RefusedError,
    UntrustedError,
)
from syncd.flows.ceremony_note import (
    AGREE,
    BLAME,
    DEAL,
    WHAT,
    Dealing,
    For,
    Key,
    Plan,
    Said,
    Why,
    read,
    reshared,
)
from syncd.oprf import dealing, group, threshold
from syncd.roster import sealed
from syncd.roster.keys import MemberKeys, Rng
from syncd.roster.roster import Roster
from syncd.roster.terms import SUITE, Agreed, Epoch, Share
from syncd.tlog import document
from syncd.tlog.document import Document


class Seat(NamedTuple):
    """Who takes part, and in which version of the roster."""

    member: str
    keys: MemberKeys
    roster: Roster  # the plan's

    def sign(self, said: Said) -> bytes:
        """Return a note of ours."""
        key = self.keys.member
        return bytes(document.sign(WHAT, self.roster.id, said.to_json(), key))


class Outcome(NamedTuple):
    """What a ceremony comes to."""

    epochs: tuple[Epoch, ...]  # for the roster, agreed to by all holders
    shares: tuple[bytes, ...]  # our secret one of each


class Progress(NamedTuple):
    """Where a run stands, as far as its notes tell."""

    said: Said | None = None  # what it is our turn to say
    missing: tuple[str, ...] = ()  # whose notes are waited for
    outcome: Outcome | None = None  # when all have agreed


def deal(
    seat: Seat, plan: Plan, rng: Rng, held: Mapping[Key, bytes] = {}
) -> bytes:
    """Return our note of round 1: to be kept, and given out, once.

    `held` has our shares of the keys that are shared out anew.
    """
    t, n = plan.t, len(plan.holders)
    made = [
        dealing.deal(
            *(t, n, rng, _context(seat.roster, plan, seat.member, key)),
            _weighted(seat, plan, key, held),
        )
        for key in plan.keys
    ]
    shares = []
    for index, member in enumerate(plan.holders, 1):
        secret = b"".join(one.shares[index] for one in made)
        header = {"from": seat.member, "run": plan.run, "to": member}
        to = seat.roster.known(member).keys.seal
        raw = sealed.seal("share", seat.roster.id, header, secret, to)
        value = document.parse(raw.decode(), "share").value
        shares.append(For(member, value["sealed"]))
    dealt = tuple(
        Dealing(tuple(one.commitments), one.proof.hex()) for one in made
    )
    return seat.sign(Said(seat.member, plan, dealt, tuple(shares)))


def advance(seat: Seat, plan: Plan, raws: Iterable[bytes]) -> Progress:
    """Return where a run stands, and what it is our turn to say.

    Raises:
        MalformedError, NewerError: a note is none.
        UntrustedError: a note is of somebody else; or one saw another deal
            than we.
        ForkError: one said two different things.
        RefusedError: somebody blames somebody: the run is over.
    """
    roster, said = seat.roster, _sorted(seat, plan, raws)
    deals = {m: said[DEAL, m][0] for m in plan.by if (DEAL, m) in said}
    agrees = {m: said[AGREE, m][0] for m in plan.holders if (AGREE, m) in said}
    seen = tuple(said[DEAL, m][1] for m in deals)
    missing = tuple(m for m in plan.by if m not in deals)
    faults = {m: _fault(roster, plan, deal) for m, deal in deals.items()}
    epochs: list[Epoch] = []
    if not missing and not any(faults.values()):
        epochs = _epochs(roster, plan, [*deals.values()], seen)
        for m, one in agrees.items():
            faults[m] = faults.get(m) or _unsigned(
                roster, plan, one, seen, epochs
            )
    settled = len(agrees) == len(plan.holders) and not missing
    settled = settled and not any(faults.values())
    for (step, _), (one, _) in said.items():
        if step == BLAME and not settled:
            raise _blamed(one, faults.get(one.blames))
    shares = {m: _opened(seat, plan, deals[m]) for m in deals if not faults[m]}
    faults |= {m: "share" for m, found in shares.items() if not found}
    for member, why in faults.items():
        if why:
            return Progress(Said(seat.member, plan, blames=member, why=why))
    if missing or seat.member not in plan.holders:
        return Progress(missing=missing)
    if seat.member not in agrees:
        return Progress(_agree(seat, plan, seen, epochs))
    for member, one in agrees.items():
        for dealer, ours, theirs in zip(plan.by, seen, one.seen, strict=True):
            if ours != theirs:
                raise _unlike(member, dealer)
    if missing := tuple(m for m in plan.holders if m not in agrees):
        return Progress(missing=missing)
    return Progress(outcome=_outcome(plan, epochs, agrees, shares))


def _sorted(
    seat: Seat, plan: Plan, raws: Iterable[bytes]
) -> dict[tuple[str, str], tuple[Said, str]]:
    """Return each note by what it does and who says it."""
    found = dict[tuple[str, str], tuple[Said, str]]()
    for raw in raws:
        one, hash_ = read(raw, seat.roster)
        if one.member not in plan.members:
            raise UntrustedError(
                "ceremony: {member} has no part in it", member=one.member
            )
        first = found.setdefault((one.step, one.member), (one, hash_))
        if first[1] != hash_:
            raise ForkError(
                "ceremony: {member} signed two notes to {what}, {hash}… and "
                "{other}…",
                member=one.member,
                what=one.step,
                hash=first[1][:16],
                other=hash_[:16],
            )
    return found


def _unlike(member: str, dealer: str) -> UntrustedError:
    return UntrustedError(
        "ceremony: {member} saw another note of {holder}: one of them lies",
        member=member,
        holder=dealer,
    )


def _fault(roster: Roster, plan: Plan, said: Said) -> Why | Literal[""]:
    """Return what everybody can see to be wrong with a deal, if anything."""
    if said.plan != plan:
        return "plan"
    if len(said.dealt) != len(plan.keys) or plan.holders != tuple(
        one.member for one in said.shares
    ):
        return "form"
    try:
        for key, one in zip(plan.keys, said.dealt, strict=True):
            context = _context(roster, plan, said.member, key)
            proof = bytes.fromhex(one.proof)
            dealing.check(one.commitments, plan.t, proof, context)
            if old := reshared(roster, key):
                index = old.index(said.member) or 0
                weight = threshold.weight(index, _quorum(old, plan))
                share = group.multiply(weight, old.shares[index][1])
                if one.commitments[0] != share:
                    return "proof"
    except MalformedError:
        return "form"
    except UntrustedError:
        return "proof"
    return ""


def _unsigned(
    roster: Roster,
    plan: Plan,
    said: Said,
    seen: Sequence[str],
    epochs: Sequence[Epoch],
) -> Why | Literal[""]:
    """Return what is wrong with a note of round 2, if it saw what we saw."""
    if said.plan != plan:
        return "plan"
    if (len(said.agreed), len(said.seen)) != (len(epochs), len(seen)):
        return "form"
    if said.seen != seen:
        return ""
    key = roster.known(said.member).keys.member
    good = (
        key.holds(epoch.said(roster.id), bytes.fromhex(signature))
        for epoch, signature in zip(epochs, said.agreed, strict=True)
    )
    return "" if all(good) else "signature"


def _opened(seat: Seat, plan: Plan, said: Said) -> list[bytes]:
    """Return our share of each key; none if one does not fit its points."""
    if seat.member not in plan.holders:
        return [b""]
    at = plan.holders.index(seat.member)
    value = {"from": said.member, "run": plan.run, "to": seat.member}
    value["sealed"] = said.shares[at].sealed
    raw = str(Document("share", seat.roster.id, value)).encode()
    try:
        _, secret = sealed.open_(raw, "share", seat.keys.seal_private)
    except (MalformedError, UntrustedError):
        return []
    shares = group.split(secret)
    good = len(secret) == 32 * len(plan.keys) and all(
        dealing.fits(one.commitments, at + 1, share)
        for one, share in zip(said.dealt, shares, strict=True)
    )
    return shares if good else []


def _agree(
    seat: Seat, plan: Plan, seen: tuple[str, ...], epochs: Sequence[Epoch]
) -> Said:
    key, alliance = seat.keys.member, seat.roster.id
    agreed = tuple(key.raw_sign(e.said(alliance)).hex() for e in epochs)
    return Said(seat.member, plan, seen=seen, agreed=agreed)


def _blamed(said: Said, fault: str | None) -> RefusedError:
    """Return the error that ends a run; `fault` is what we see ourselves."""
    return RefusedError(
        "ceremony: {member} blames {other} ({fact}): one of them lies"
        if said.why in ("plan", "share") or fault is None
        else "ceremony: {member} blames {other} ({fact}), and is right"
        if said.why == fault
        else "ceremony: {member} blames {other} ({fact}), and lies",
        member=said.member,
        other=said.blames,
        fact=said.why,
    )


def _epochs(
    roster: Roster, plan: Plan, deals: Sequence[Said], seen: Sequence[str]
) -> list[Epoch]:
    """Return what the deals come to, before anybody has agreed."""
    value = {"deals": list(seen), "plan": plan.to_json()}
    text = str(Document("transcript", roster.id, value))
    transcript = hashlib.sha256(text.encode()).digest()
    made = []
    for n, key in enumerate(plan.keys):
        points = group.add_columns([one.dealt[n].commitments for one in deals])
        held = tuple(
            Share(index, member, dealing.public_share(points, index))
            for index, member in enumerate(plan.holders, 1)
        )
        group.check_points([points[0], *(share.public for share in held)])
        before = roster.epoch(key.kind)
        made.append(
            Epoch(
                kind=key.kind,
                epoch=key.epoch,
                normal=before.normal if before else 1,
                t=plan.t,
                public=points[0],
                held=held,
                generation=key.generation,
                transcript=transcript,
                suite=SUITE,
            )
        )
    return made


def _outcome(
    plan: Plan,
    epochs: Sequence[Epoch],
    agrees: Mapping[str, Said],
    shares: Mapping[str, Sequence[bytes]],
) -> Outcome:
    """Return the epochs with everybody's signature, and our shares."""
    return Outcome(
        tuple(
            replace(
                epoch,
                agreed=tuple(
                    Agreed(member, agrees[member].agreed[n])
                    for member in plan.holders
                ),
            )
            for n, epoch in enumerate(epochs)
        ),
        tuple(
            dealing.total([shares[member][n] for member in plan.by])
            for n in range(len(plan.keys))
        ),
    )


def _context(roster: Roster, plan: Plan, member: str, key: Key) -> bytes:
    """Return what a proof is bound to."""
    value = {"key": key.to_json(), "member": member, "plan": plan.to_json()}
    return str(Document("dealing", roster.id, value)).encode()


def _quorum(old: Epoch, plan: Plan) -> list[int]:
    return [s.index for s in old.held if s.member in plan.dealers]


def _weighted(
    seat: Seat, plan: Plan, key: Key, held: Mapping[Key, bytes]
) -> bytes:
    """Return what we deal: our share of a key, weighted; nothing, to draw."""
    old = reshared(seat.roster, key)
    if old is None:
        return b""
    index = old.index(seat.member) or 0
    weight = threshold.weight(index, _quorum(old, plan))
    return group.scalar_mul(weight, held[key])
