"""What holders say to each other in a ceremony: a plan, and signed notes.

    <run>.<step>.<member>    is the name of a note's file

This module reads them: what they come to is `ceremony`'s work.
"""

import hashlib
from collections.abc import Collection
from typing import Annotated, ClassVar, Literal, get_args

from msgspec import Meta

from syncd.errors import MalformedError, UntrustedError
from syncd.roster import row
from syncd.roster.roster import Roster
from syncd.roster.row import AnyId, Hash, Hex32, Hex64, Id, Row
from syncd.roster.terms import Epoch, Number
from syncd.tlog import document, note

WHAT = "ceremony"
MAX_SIZE = 256 << 10  # bytes of a note
DEAL, AGREE, BLAME = "deal", "agree", "blame"

Kind = Literal["account", "phone"]  # each has a key of its own
KINDS = get_args(Kind)
Why = Literal["form", "plan", "proof", "share", "signature"]


class Key(Row, frozen=True, array_like=True):
    """Which key is drawn or shared out: of an epoch, in a generation."""

    kind: Kind
    epoch: Number
    generation: Number

    KEY = ("kind", "epoch")


class Plan(Row, frozen=True):
    """What a run is about; every note of it says the same."""

    holders: Annotated[tuple[Id, ...], Meta(min_length=3, max_length=255)]
    keys: Annotated[tuple[Key, ...], Meta(min_length=1)]
    roster: Hash  # of the version that it begins from
    run: Hash  # 32 random bytes
    t: Annotated[int, Meta(ge=2, le=255)]
    dealers: tuple[Id, ...] = ()  # who hold the key; none: it is drawn

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


class For(Row, frozen=True, array_like=True):
    """What a dealer gives to one holder: a share of each key, sealed."""

    member: Id
    sealed: str

    KEY = ("member",)


class Said(Row, frozen=True):
    """One note of the ceremony."""

    member: Id
    plan: Plan
    dealt: tuple[Dealing, ...] = ()  # round 1: for each key
    shares: tuple[For, ...] = ()
    seen: tuple[Hash, ...] = ()  # round 2: the hash of each dealer's note
    agreed: tuple[Hex64, ...] = ()  # our signature to each epoch
    blames: AnyId = ""
    why: Why | Literal[""] = ""

    LISTS: ClassVar[frozenset[str]] = frozenset({"dealt", "seen", "agreed"})

    @property
    def step(self) -> str:
        """What the note does."""
        return BLAME if self.blames else AGREE if self.seen else DEAL

    @property
    def name(self) -> str:
        """What the note's file is called."""
        return f"{self.plan.run}.{self.step}.{self.member}"


def plan(
    roster: Roster,
    holders: Collection[str],
    t: int,
    run: bytes,
    dealers: Collection[str] = (),
) -> Plan:
    """Return a run that draws the next key of each kind.

    Or one in which `dealers` share out anew those that are in use.

    Raises:
        MalformedError, UntrustedError: no such run can be.
    """
    last = {e.kind: e for e in roster.epochs}
    none = Epoch("phone", 0, 1)
    keys = [
        [kind, e.epoch, e.generation + 1]
        if dealers
        else [kind, e.epoch + 1, 1]
        for kind in KINDS
        for e in [last.get(kind, none)]
    ]
    value = {
        "holders": sorted(holders),
        "keys": keys,
        "roster": roster.hash,
        "run": run.hex(),
        "t": t,
    }
    if dealers:
        value["dealers"] = sorted(dealers)
    return checked(row.read(Plan, value, "plan"), roster)


def checked(plan: Plan, roster: Roster) -> Plan:
    """Return the plan, if it can be one of that version.

    Raises:
        MalformedError: it cannot.
        UntrustedError: it names who is no active member.
    """
    for member in plan.holders:
        if not roster.known(member).active:
            raise UntrustedError(
                "ceremony: {member} is not active", member=member
            )
    for key in plan.keys:
        old = reshared(roster, key)
        good = key.generation == 1 and not plan.dealers
        if old is not None:
            hold_it = all(map(old.index, plan.dealers))
            good = hold_it and len(plan.dealers) == old.t
        if not good or plan.t > len(plan.holders):
            raise MalformedError(
                "ceremony: {kind} {epoch} cannot be drawn or shared out so",
                kind=key.kind,
                epoch=key.epoch,
            )
    return plan


def reshared(roster: Roster, key: Key) -> Epoch | None:
    """Return the shares that a key is shared out anew from, if it is."""
    old = roster.epoch(key.kind, key.epoch)
    return old if old and old.generation + 1 == key.generation else None


def read(raw: bytes, roster: Roster) -> tuple[Said, str]:
    """Return what a member said, and the hash of its text.

    Raises:
        MalformedError, NewerError: not such a note.
        UntrustedError: not signed by the member that it names, or of another
            alliance.
    """
    text = note.parse(raw, max_size=MAX_SIZE).text
    found = row.read(Said, document.parse(text, WHAT).value, WHAT)
    key = roster.known(found.member).keys.member
    document.open_(raw, WHAT, roster.id, [key], max_size=MAX_SIZE)
    return found, hashlib.sha256(text.encode()).hexdigest()


def read_as(name: str, raw: bytes, roster: Roster) -> Said:
    """Return what a note says that bears a name: `<run>.<step>.<member>`.

    Raises:
        UntrustedError: it is another's.
        As `read`.
    """
    said, _ = read(raw, roster)
    if name != said.name:
        raise UntrustedError("ceremony: {name} is another note", name=name)
    return said
