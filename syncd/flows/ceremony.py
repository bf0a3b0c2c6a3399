"""The ceremony in which holders draw token keys: two rounds of signed notes.

    plan ── deal ──> each dealer's note: points, proofs, a sealed share for each
    all deals ── advance ──> each holder's note: it agrees, or blames somebody
    all agree ── advance ──> the epochs for the roster, and one's own shares

Each holder is told the plan; every note repeats it, and the run is called by
its hash, so that nothing in it can be meant for another holder, threshold, key
or roster. Notes come in any order, as often as they like, by a mailbox or a
memory stick; what is returned rests on them alone, so a holder that crashed
goes on where it was. All that it keeps is its own deal, which is sealed, to
itself too: a run is not dealt to twice.

A deal that is wrong is blamed by a signed note, and the run is over: nobody
is left out inside a run. Of a form, a proof or a signature everybody sees who
is right. That a share did not fit only its holder saw: one of the two lies,
and the next run may do without one of them.

To share a key out anew, t of those who hold it deal what they hold, weighted,
instead of something drawn: a plan of a higher generation, with its `dealers`.
"""

import hashlib
from collections.abc import Iterable, Sequence
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
    KINDS,
    WHAT,
    Dealing,
    Plan,
    Said,
    Why,
    changes,
)
from syncd.oprf import dealing, group, threshold
from syncd.roster import sealed
from syncd.roster.keys import MemberKeys, Rng
from syncd.roster.roster import Roster
from syncd.roster.terms import Agreed, Epoch, Share
from syncd.tlog import document
from syncd.tlog.document import Document


class Outcome(NamedTuple):
    """What a ceremony comes to."""

    epochs: list[Epoch]  # for the roster, agreed to by all holders
    shares: list[bytes]  # our secret one of each


class Progress(NamedTuple):
    """Where a run stands, as far as its notes tell."""

    said: Said | None = None  # what it is our turn to say
    missing: tuple[str, ...] = ()  # whose notes are waited for
    outcome: Outcome | None = None  # when all have agreed


class Seat(NamedTuple):
    """Who takes part in a run."""

    member: str
    keys: MemberKeys
    roster: Roster  # the plan's
    plan: Plan

    def sign(self, said: Said) -> bytes:
        """Return a note of ours."""
        key = self.keys.member
        return bytes(document.sign(WHAT, self.roster.id, said.to_json(), key))

    def deal(self, rng: Rng, held: Sequence[bytes] = ()) -> Said:
        """Return what we say in round 1: to be kept, and given out, once.

        `held` has our shares of the keys that are shared out anew.
        """
        plan, made = self.plan, []
        for n, (old, new) in enumerate(changes(plan, self.roster)):
            known = b""  # it is drawn
            if plan.dealers:
                known = group.scalar_mul(
                    self._weight(old, self.member), held[n]
                )
            context = self._context(self.member, new)
            made.append(
                dealing.deal(plan.t, len(plan.holders), rng, context, known)
            )
        shares = []
        for index, member in enumerate(plan.holders, 1):
            secret = b"".join(one.shares[index] for one in made)
            to = self.roster.known(member).keys.seal
            about = self._about(self.member, member)
            shares.append(sealed.seal(*about, secret, to).decode())
        dealt = [Dealing(tuple(d.commitments), d.proof.hex()) for d in made]
        return Said(self.member, plan, tuple(dealt), tuple(shares))

    def advance(self, notes: Iterable[Said]) -> Progress:
        """Return where our run stands, and what it is our turn to say.

        Raises:
            UntrustedError: one saw another deal than we.
            ForkError: one said two different things.
            RefusedError: somebody blames somebody: the run is over.
        """
        plan, said = self.plan, self._sorted(notes)
        deals = {m: said[DEAL][m] for m in plan.by if m in said[DEAL]}
        agrees, epochs = said[AGREE], list[Epoch]()
        seen = tuple(map(self._hash, deals.values()))
        missing = tuple(m for m in plan.by if m not in deals)
        faults = {m: self._fault(one) for m, one in deals.items()}
        if not missing and not any(faults.values()):
            epochs = self._epochs([*deals.values()], seen)
            for m, one in agrees.items():
                if one.seen == seen and not self._signed(one, epochs):
                    faults[m] = "signature"
        wrong = {m: why for m, why in faults.items() if why}
        if wrong or not epochs or len(agrees) < len(plan.holders):
            for one in said[BLAME].values():
                raise _blamed(one, faults.get(one.blames))
        for m, why in wrong.items():
            return Progress(Said(self.member, plan, blames=m, why=why))
        if missing or self.member not in plan.holders:
            return Progress(missing=missing)
        if self.member not in agrees:
            key, id_ = self.keys.member, self.roster.id
            ours = tuple(key.raw_sign(e.said(id_)).hex() for e in epochs)
            return Progress(Said(self.member, plan, seen=seen, agreed=ours))
        for m, one in agrees.items():
            for dealer, a, b in zip(plan.by, seen, one.seen, strict=True):
                if a != b:
                    raise UntrustedError(
                        "ceremony: {member} saw another note of {holder}: "
                        "one of them lies",
                        member=m,
                        holder=dealer,
                    )
        if missing := tuple(m for m in plan.holders if m not in agrees):
            return Progress(missing=missing)
        for n, epoch in enumerate(epochs):
            words = (Agreed(m, agrees[m].agreed[n]) for m in plan.holders)
            epochs[n] = replace(epoch, agreed=tuple(words))
        given = zip(*map(self._opened, deals.values()), strict=True)
        return Progress(outcome=Outcome(epochs, [*map(dealing.total, given)]))

    def _sorted(self, notes: Iterable[Said]) -> dict[str, dict[str, Said]]:
        """Return each note of our run by what it does and who says it."""
        found: dict[str, dict[str, Said]] = {DEAL: {}, AGREE: {}, BLAME: {}}
        for one in notes:
            if one.plan != self.plan:
                continue
            first = found[one.step].setdefault(one.member, one)
            if first != one:
                raise ForkError(
                    "ceremony: {member} signed two notes to {what}, {hash}… "
                    "and {other}…",
                    member=one.member,
                    what=one.step,
                    hash=self._hash(first)[:16],
                    other=self._hash(one)[:16],
                )
        return found

    def _fault(self, said: Said) -> Why | Literal[""]:
        """Return what we can see to be wrong with a deal, if anything."""
        points, plan = [one.commitments for one in said.dealt], self.plan
        try:
            for n, (old, new) in enumerate(changes(plan, self.roster)):
                proof = bytes.fromhex(said.dealt[n].proof)
                context = self._context(said.member, new)
                dealing.check(points[n], plan.t, proof, context)
                if plan.dealers:
                    _, held = old.shares[old.index(said.member) or 0]
                    weight = self._weight(old, said.member)
                    if points[n][0] != group.multiply(weight, held):
                        return "proof"
        except MalformedError:
            return "form"
        except UntrustedError:
            return "proof"
        ours = self.member in plan.holders
        return "share" if ours and not self._opened(said) else ""

    def _opened(self, said: Said) -> list[bytes]:
        """Return our share of each key; none if one does not fit its points."""
        at, about = (
            self.plan.holders.index(self.member),
            self._about(said.member, self.member),
        )
        key = self.keys.seal_private
        try:
            raw = said.shares[at].encode()
            found, secret = sealed.open_(raw, about.what, key)
        except (MalformedError, UntrustedError):
            return []
        shares = group.split(secret)
        good = found == about and len(shares) == len(KINDS)
        good = good and all(
            dealing.fits(one.commitments, at + 1, share)
            for one, share in zip(said.dealt, shares, strict=True)
        )
        return shares if good else []

    def _epochs(
        self, deals: Sequence[Said], seen: Sequence[str]
    ) -> list[Epoch]:
        """Return what the deals come to, before anybody has agreed."""
        plan, found = self.plan, []
        value = {"deals": list(seen), "run": plan.run}
        text = str(Document("transcript", self.roster.id, value))
        for n, (_, new) in enumerate(changes(plan, self.roster)):
            rows = [one.dealt[n].commitments for one in deals]
            points = group.add_columns(rows)
            held = tuple(
                Share(index, member, dealing.public_share(points, index))
                for index, member in enumerate(plan.holders, 1)
            )
            group.check_points([points[0], *(one.public for one in held)])
            found.append(
                replace(
                    new,
                    public=points[0],
                    held=held,
                    transcript=hashlib.sha256(text.encode()).digest(),
                )
            )
        return found

    def _signed(self, said: Said, epochs: Sequence[Epoch]) -> bool:
        """Tell whether a member agreed to what we see, too."""
        key = self.roster.known(said.member).keys.member
        return all(
            key.holds(epoch.said(self.roster.id), bytes.fromhex(signature))
            for epoch, signature in zip(epochs, said.agreed, strict=True)
        )

    def _hash(self, said: Said) -> str:
        text = str(Document(WHAT, self.roster.id, said.to_json()))
        return hashlib.sha256(text.encode()).hexdigest()

    def _about(self, dealer: str, holder: str) -> Document:
        """Return what a sealed share is bound to."""
        value = {"from": dealer, "run": self.plan.run, "to": holder}
        return Document("share", self.roster.id, value)

    def _context(self, member: str, key: Epoch) -> bytes:
        """Return what a proof is bound to."""
        value = {"kind": key.kind, "member": member, "run": self.plan.run}
        return str(Document("dealing", self.roster.id, value)).encode()

    def _weight(self, old: Epoch, member: str) -> bytes:
        quorum = [old.index(dealer) or 0 for dealer in self.plan.dealers]
        return threshold.weight(old.index(member) or 0, quorum)


def _blamed(said: Said, fault: str | None) -> RefusedError:
    """Return the error that ends a run; `fault` is what we see ourselves."""
    return RefusedError(
        "ceremony: {member} blames {other} ({fact}): one of them lies"
        if said.why == "share" or fault is None
        else "ceremony: {member} blames {other} ({fact}), and is right"
        if said.why == fault
        else "ceremony: {member} blames {other} ({fact}), and lies",
        said,
        other=said.blames,
        fact=said.why,
    )
