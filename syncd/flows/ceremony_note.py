"""What holders say to each other in a ceremony: a plan, and signed notes.

    <run>.<step>.<member>    is the name of a note's file

This module reads them: what they come to is `ceremony`'s work.
"""

import hashlib
from collections.abc import Collection
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta
from msgspec.structs import replace

from syncd import canonical
from syncd.errors import MalformedError, Message, UntrustedError
from syncd.roster import row
from syncd.roster.roster import Roster
from syncd.roster.row import AnyId, Hash, Hex32, Hex64, Id, Row
from syncd.roster.terms import SUITE, Epoch, Number
from syncd.tlog import document, note

WHAT = "ceremony"
MAX_SIZE = 256 << 10  # bytes of a note
DEAL, AGREE, BLAME = "deal", "agree", "blame"
KINDS: Final = ("account", "phone")  # each has a key of its own

Why = Literal["form", "proof", "share", "signature"]

_LISTS = "dealt", "shares", "seen", "agreed"


class Plan(Row, frozen=True):
    """What a run is about; every note of it says the same."""

    attempt: Number  # from 1: another, where one came to nothing
    holders: Annotated[tuple[Id, ...], Meta(min_length=3, max_length=255)]
    roster: Hash  # of the version that it begins from
    t: Annotated[int, Meta(ge=2, le=255)]
    dealers: tuple[Id, ...] = ()  # who hold the keys; none: they are drawn

    @property
    def run(self) -> str:
        """What it is called: its hash, so that nothing in it can change."""
        return hashlib.sha256(canonical.dumps(self.to_json())).hexdigest()

    @property
    def by(self) -> tuple[str, ...]:
        """Who deals."""
        return self.dealers or self.holders

    @property
    def members(self) -> set[str]:
        """Who has a part in it."""
        return {*self.dealers, *self.holders}


class Dealing(Row, frozen=True):
    """What everybody sees of a dealer's polynomial for one key."""

    commitments: tuple[Hex32, ...]
    proof: Hex64

    LISTS: ClassVar[frozenset[str]] = frozenset({"commitments"})


class Said(Row, frozen=True):
    """One note of the ceremony."""

    member: Id
    plan: Plan
    dealt: tuple[Dealing, ...] = ()  # round 1: for each key
    shares: tuple[str, ...] = ()  # of each holder, sealed
    seen: tuple[Hash, ...] = ()  # round 2: the hash of each dealer's note
    agreed: tuple[Hex64, ...] = ()  # our signature to each epoch
    blames: AnyId = ""
    why: Why | Literal[""] = ""

    LISTS: ClassVar[frozenset[str]] = frozenset(_LISTS)

    @property
    def step(self) -> str:
        """What the note does."""
        return BLAME if self.blames else AGREE if self.seen else DEAL

    @property
    def name(self) -> str:
        """What the note's file is called."""
        return f"{self.plan.run}.{self.step}.{self.member}"

    def flaws(self) -> row.Flaws:
        """Yield that it is not this member's to say, or is not all there."""
        plan, each = self.plan, len(KINDS)
        by, sizes = {
            DEAL: (plan.by, (each, len(plan.holders), 0, 0)),
            AGREE: (plan.holders, (0, 0, len(plan.by), each)),
            BLAME: (plan.members, (0, 0, 0, 0)),
        }[self.step]
        if self.member not in by:
            yield "member", Message("{member} has no part in it", self)
        for name, want in zip(_LISTS, sizes, strict=True):
            if (n := len(getattr(self, name))) != want:
                yield name, Message("{n} of them, want {want}", n=n, want=want)


def plan(
    roster: Roster,
    holders: Collection[str],
    t: int,
    dealers: Collection[str] = (),
    attempt: int = 1,
) -> Plan:
    """Return a run that draws the next key of each kind.

    Or one in which `dealers` share out anew those that are the newest. It is
    the same one for whoever says the same, of the same version.

    Raises:
        MalformedError, UntrustedError: no such run can be.
    """
    by = tuple(sorted(dealers))
    made = Plan(attempt, tuple(sorted(holders)), roster.hash, t, by)
    found = row.read(Plan, made.to_json(), "plan")
    changes(found, roster)
    return found


def changes(plan: Plan, roster: Roster) -> list[tuple[Epoch, Epoch]]:
    """Return each key as it was, and as a run leaves it, but for its shares.

    Raises:
        MalformedError: no such run can be, of that version.
        UntrustedError: it names who is no active member.
    """
    for member in plan.holders:
        if not roster.known(member).active:
            raise UntrustedError(
                "ceremony: {member} is not active", member=member
            )
    newest = {epoch.kind: epoch for epoch in roster.epochs}
    found, drawn = [], not plan.dealers
    for kind in KINDS:
        old = newest.get(kind, Epoch(kind, 0, 1))
        can = drawn or len(plan.dealers) == old.t
        if (
            plan.t > len(plan.holders)
            or not can
            or not all(map(old.index, plan.dealers))
        ):
            raise MalformedError(
                "ceremony: {kind} {epoch} cannot be drawn or shared out so",
                old,
            )
        number = old.epoch + drawn
        generation = 1 if drawn else old.generation + 1
        new = Epoch(kind, number, old.normal, plan.t, suite=SUITE)
        found.append((old, replace(new, generation=generation)))
    return found


def read(name: str, raw: bytes, roster: Roster) -> Said:
    """Return what a member said, in the note of that name.

    Raises:
        MalformedError, NewerError: not such a note.
        UntrustedError: not signed by the member that it names, of another
            alliance, or under another name.
    """
    text = note.parse(raw, max_size=MAX_SIZE).text
    said = row.read(Said, document.parse(text, WHAT).value, name)
    key = roster.known(said.member).keys.member
    document.open_(raw, WHAT, roster.id, [key], max_size=MAX_SIZE)
    if said.name != name:
        raise UntrustedError("ceremony: {name} is another note", name=name)
    return said
