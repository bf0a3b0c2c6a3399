"""Statements: the JSON objects that a log's leaves commit to.

One struct per type of design §6, one schema each in schemas/. A payload has
one spelling: RFC 8785, sets sorted and without repeats, what is false or
empty left out. `decode` is total: any bytes give a statement or a `Void`
that says why, because a void entry is a fact about a log, not an error of
ours.

Whatever only relates fields (`from` before `to`, `part` up to `of`) voids
nothing; nor does a code that this build does not know. What we write ourselves
is held to more: see `flows.faults`.

This module checks form only: what a statement does is `claims`' and
`verdict`'s work.
"""

import re
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Struct

from syncd import shape
from syncd.errors import MalformedError
from syncd.indicator import notation, record
from syncd.indicator.leaf import FORMAT
from syncd.indicator.notation import (
    FLAG,
    ORIGINS,
    SET,
    Counting,
    Day,
    Natural,
    Token,
    code,
    hexadecimal,
    optional,
)
from syncd.indicator.notation import MAX_DAY as MAX_DAY
from syncd.indicator.notation import day as day
from syncd.indicator.notation import day_text as day_text
from syncd.shape import Form
from syncd.tlog.checkpoint import Checkpoint

MAX_PAYLOAD = 4096  # bytes, types below 16
MAX_BOOK_PAYLOAD = 60 * 1024  # bytes, types 16 and up

MEMBER = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)

Kind = Literal["phone", "url", "account"]
Count = Literal[1, 2, 5, 10, 50, 100]
COUNTS = get_args(Count)  # "at least", of a sighting
Know = Annotated[str, hexadecimal(8)]


class _Statement(Form, omit_defaults=True, tag_field="type", tag=0, gc=False):
    """An object with these fields and no others; what is empty is left out."""


class Indicator(_Statement):
    """What types 1–7 share: the day it was written, and about which token."""

    on: Day
    kind: Kind
    epoch: Counting
    token: Token


class Book(_Statement):
    """What types 16 and up share: long ones come in parts 1..of."""

    part: Natural = 0  # 0: whole, and left out
    of: Natural = 0


class Report(record.ReportFields, _Statement, tag=1):
    """Used for fraud."""

    on: Day
    kind: Kind
    epoch: Counting
    token: Token
    know: Know


class Retract(Indicator, tag=2):
    """Those claims of mine on this token no longer stand."""

    ends: Annotated[tuple[Natural, ...], SET]  # indices
    reason: Annotated[str, code("retract_reason")]


class Dispute(record.DisputeFields, _Statement, tag=3):
    """These reports (or all) are wrong; please look again by `due`."""

    on: Day
    kind: Kind
    epoch: Counting
    token: Token
    know: Annotated[str, optional(hexadecimal(8))] = ""
    # where it names no positions


class Sighting(Indicator, tag=4, rename={"first": "from", "last": "to"}):
    """Met it, at least `count` times, on the days `first`..`last`."""

    first: Day  # `from` on the wire
    last: Day  # `to` on the wire
    count: Count
    outcome: Annotated[str, code("sighting_outcome")]


class Reassigned(record.ReassignedFields, _Statement, tag=5):
    """The phone number has a new owner."""

    on: Day
    kind: Kind
    epoch: Counting
    token: Token
    know: Know


class Answer(record.AnswerFields, _Statement, tag=6):
    """What the author of disputed reports found on looking again."""

    on: Day
    kind: Kind
    epoch: Counting
    token: Token


class Vouch(record.VouchFields, _Statement, tag=7):
    """This number, URL or account is officially ours."""

    on: Day
    kind: Kind
    epoch: Counting
    token: Token
    know: Know


class AnchoredLog(Form, kw_only=False, order=True, gc=False):
    """One signed checkpoint that was merged; sorted in this order."""

    origin: Annotated[str, ORIGINS]
    size: Natural
    root: Annotated[str, hexadecimal(32)]
    line: Annotated[
        str,
        notation.matching(
            "line",
            "a log's signature line",
            "(?=.{9,300}$)— [a-z0-9.-]+(/[a-z0-9._-]+)+ [A-Za-z0-9+/]{6,}={0,2}",
        ),
    ]

    @property
    def note(self) -> bytes:
        """The checkpoint, as its log signed it."""
        head = Checkpoint(self.origin, self.size, bytes.fromhex(self.root))
        return f"{head}\n{self.line}\n".encode()


class Anchor(Book, tag=16):
    """Signed checkpoints that the writer has merged."""

    logs: tuple[AnchoredLog, ...]
    access: Annotated[str, optional(hexadecimal(32))] = ""
    # SHA-256 over the day's access records


class Usage(Book, tag=17):
    """A holder's evaluations of one day and key.

    A row is a member's id, a purpose, how many were answered, and denied.
    """

    on: Day
    key: tuple[Kind, Counting]  # (kind, epoch)
    rows: Annotated[tuple[tuple[str, str, Natural, Natural], ...], SET]


class Erase(Book, tag=18):
    """Salt and payload of these entries go from every store."""

    ranges: Annotated[tuple[tuple[Natural, Natural], ...], SET]
    # [from, to)
    reason: Annotated[str, code("erase_reason")]


class RosterAccepted(Book, tag=19, rename={"hash_": "hash"}):
    """The roster that the writer accepted."""

    version: Counting
    hash_: Annotated[str, hexadecimal(32)]
    # SHA-256 of the note's text; `hash` on the wire


class Evidence(Book, tag=20):
    """A proven fork or lie."""

    what: Annotated[str, code("")]
    origin: Annotated[str, ORIGINS]
    notes: tuple[str, ...]  # signed notes, as they were
    proof: tuple[str, ...] = ()  # base64 hashes, as in C2SP


ClaimStatement = Report | Dispute | Reassigned | Answer | Vouch
Statement = (
    ClaimStatement
    | Retract
    | Sighting
    | Anchor
    | Usage
    | Erase
    | RosterAccepted
    | Evidence
)


class Void(Struct, frozen=True, gc=False):
    """A committed entry that says nothing, and why."""

    reason: str


def type_of(statement: Statement | type[Statement]) -> int:
    """Return the type number of a statement."""
    return statement.__struct_config__.tag  # type: ignore[return-value]


TYPES: dict[int, type[Statement]] = {
    type_of(struct): struct for struct in get_args(Statement)
}
NAMES = {n: struct.__name__.lower() for n, struct in TYPES.items()}


_MADE: dict[type[record.Fields], Any] = {
    fields: TYPES[number] for number, fields in record.KEPT.items()
}


def of(
    given: record.Fields, *, know: str = "00" * 8, **about: Any
) -> ClaimStatement:
    """Return the statement that says something `about` a token.

    What names the reports that it is about needs no proof of the value.
    """
    made = _MADE[type(given)]
    fields = {**about, **msgspec.structs.asdict(given)}
    if "know" in made.__struct_fields__:
        fields["know"] = "" if getattr(given, "about", ()) else know
    return made(**fields)  # type: ignore[no-any-return]


def decode(payload: bytes, type_: int) -> Statement | Void:
    """Read the payload of a leaf with type byte `type_`; never raises.

    `encode(decode(p, t)) == p` for every payload that is not void.
    """
    read = _DECODERS.get(type_)
    if read is None:
        return Void(f"type {type_} is not defined in format {FORMAT}")
    try:
        found = read(payload)
        again = spell(found)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
        return Void(shape.complaint(e))
    if again != payload:
        return Void("not in canonical form")
    if len(payload) > (MAX_PAYLOAD if type_ < 16 else MAX_BOOK_PAYLOAD):
        return Void(f"payload is {len(payload)} bytes")
    flaw = _flaw(found)
    return Void(f"{type(found).__name__.lower()}: {flaw}") if flaw else found


def encode(statement: Statement) -> bytes:
    """Return the one spelling of a statement that `decode` will accept.

    Raises:
        MalformedError: it would be void.
    """
    payload = spell(statement)
    again = decode(payload, type_of(statement))
    if isinstance(again, Void):
        raise MalformedError("statement: {reason}", again)
    return payload


spell = msgspec.json.Encoder(order="sorted").encode  # without a check
_DECODERS: dict[int, Callable[[bytes], Any]] = {
    number: msgspec.json.Decoder(struct).decode
    for number, struct in TYPES.items()
}


_Check = tuple[Callable[[Any], Any], bool, str]  # fits, may be absent, flaw


@cache
def _checks(
    struct: type[Struct],
) -> tuple[Callable[[Struct], Any], list[_Check]]:
    """Return what reads a struct's fields, and what each is held to."""
    found = {
        name: form
        for name, form in notation.forms(struct).items()
        if form is not FLAG
    }
    return attrgetter("__class__", *found), [
        (form.fits, form.optional, f"{name} is not {form.says}")
        for name, form in found.items()
    ]


def _flaw(found: Struct) -> str:
    """Return what is wrong with a statement's fields, "" if nothing is."""
    read, checks = _checks(type(found))
    _, *values = read(found)
    for value, (fits, optional_, flaw) in zip(values, checks, strict=True):
        if (value or not optional_) and not fits(value):
            return flaw
    match found:
        case Anchor(logs=logs):
            if len(logs) > 16 or not notation.is_set(logs):
                return "logs is not a sorted set of 1 to 16"
            return next(filter(None, map(_flaw, logs)), "")
        case Usage(rows=rows):
            if not all(
                MEMBER.fullmatch(member) and notation.is_code(purpose)
                for member, purpose, _, _ in rows
            ):
                return "a row has no member id or purpose"
        case Evidence(notes=notes, proof=proof):
            if not notes or len(notes) > 16 or "" in notes:
                return "notes are not 1 to 16 texts"
            if not all(map(_HASH.fullmatch, proof)):
                return "proof is no list of hashes"
    return ""


_HASH = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", re.ASCII)
