"""Statements: the JSON objects that a log's leaves commit to.

One struct per type of design §6, one schema each in schemas/. A payload has
one spelling: RFC 8785, sets sorted and without repeats, what is false or
empty left out. `decode` is total: any bytes give a statement or a `Void`
that says why, because a void entry is a fact about a log, not an error of
ours.

Whatever only relates fields (`from` before `to`, `part` up to `of`) voids
nothing; nor does a code that this build does not know. Our own writing is
stricter: see `check_writable`.

This module checks form only: what a statement does is `claims`' and
`verdict`'s work.
"""

import datetime
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from syncd.errors import MalformedError
from syncd.indicator import token as tokens
from syncd.indicator import vocabulary
from syncd.indicator.leaf import FORMAT

MAX_PAYLOAD: Final = 4096  # bytes, types below 16
MAX_BOOK_PAYLOAD: Final = 60 * 1024  # bytes, types 16 and up
MAX_INTEGER: Final = 2**53 - 1
COUNTS: Final = (1, 2, 5, 10, 50, 100)  # "at least", of a sighting

ORIGIN: Final = re.compile(r"[a-z0-9.-]+(/[a-z0-9._-]+)+", re.ASCII)
CODE: Final = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
MEMBER: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)

Position = tuple[str, int]  # (origin, index)
Natural = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Counting = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Kind = Literal["phone", "url", "account"]
Count = Literal[1, 2, 5, 10, 50, 100]
Positions = tuple[tuple[str, Natural], ...]


class _Days(dict[str, int]):
    """Day text → days since 1970-01-01; holds at most the 84,006 that are."""

    def __missing__(self, text: str) -> int:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
            raise MalformedError(
                f"day: {len(text)} characters that are not YYYY-MM-DD"
            )
        if not "1970" <= text[:4] <= "2199":
            raise MalformedError(f"day: {text} is not in 1970 to 2199")
        try:
            day = datetime.date.fromisoformat(text).toordinal() - _EPOCH
        except ValueError:
            raise MalformedError(f"day: {text} is in no calendar") from None
        self[text] = day
        return day


_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()
DAYS: Final = _Days()  # raises MalformedError for what is no day
MAX_DAY: Final = datetime.date(2199, 12, 31).toordinal() - _EPOCH


def day(text: str) -> int:
    """Return the days since 1970-01-01 that `YYYY-MM-DD` stands for.

    Raises:
        MalformedError: no such day in 1970–2199, or another spelling.
    """
    return DAYS[text]


def day_text(number: int) -> str:
    """Return the `YYYY-MM-DD` of a number of days since 1970-01-01."""
    if not 0 <= number <= MAX_DAY:
        raise MalformedError(f"day: number {number} is not in 1970 to 2199")
    return datetime.date.fromordinal(number + _EPOCH).isoformat()


# ------------------------------------------------------------- the types


class Indicator(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
    tag=0,
    gc=False,
):
    """What types 1–7 share: the day it was written, and about which token."""

    on: str  # day
    kind: Kind
    epoch: Counting
    token: str  # 22 characters


class Book(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
    tag=0,
    gc=False,
):
    """What types 16 and up share: long ones come in parts 1..of."""

    part: Natural = 0  # 0: whole, and left out
    of: Natural = 0


class Report(Indicator, frozen=True, kw_only=True, tag=1, gc=False):
    """Used for fraud."""

    label: str
    role: str
    channel: str = ""
    technique: tuple[str, ...] = ()
    evidence: str
    confidence: Percent
    seen: str  # day it was last seen in use
    expires: str  # first day on which it does not count any more
    know: str  # hex, 8 bytes
    basis: Positions = ()  # what it rests on; empty: own knowledge
    case: str = ""  # hex, 8 random bytes
    handling: str
    spoofed: bool = False
    test: bool = False


class Retract(Indicator, frozen=True, kw_only=True, tag=2, gc=False):
    """Those claims of mine on this token no longer stand."""

    ends: tuple[Natural, ...]
    reason: str


class Dispute(Indicator, frozen=True, kw_only=True, tag=3, gc=False):
    """These reports (or all) are wrong; please look again by `due`."""

    reason: str
    due: str  # day
    expires: str  # day
    about: Positions = ()


class Sighting(
    Indicator,
    frozen=True,
    kw_only=True,
    tag=4,
    gc=False,
    rename={"first": "from", "last": "to"},
):
    """Met it, at least `count` times, on the days `first`..`last`."""

    first: str  # day; `from` on the wire
    last: str  # day; `to` on the wire
    count: Count
    outcome: str


class Reassigned(Indicator, frozen=True, kw_only=True, tag=5, gc=False):
    """The phone number has a new owner."""

    since: str  # day


class Answer(Indicator, frozen=True, kw_only=True, tag=6, gc=False):
    """What the author of disputed reports found on looking again."""

    about: Positions
    outcome: str
    reason: str


class Vouch(Indicator, frozen=True, kw_only=True, tag=7, gc=False):
    """This number, URL or account is officially ours."""

    role: str
    expires: str  # day


class AnchoredLog(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False
):
    """One signed checkpoint that was merged."""

    origin: str
    size: Natural
    root: str  # hex, 32 bytes
    line: str  # the log's signature line, without its newline

    def order(self) -> tuple[str, int, str, str]:
        """Return what the set of logs is sorted by."""
        return self.origin, self.size, self.root, self.line


class Anchor(Book, frozen=True, kw_only=True, tag=16, gc=False):
    """Signed checkpoints that the writer has merged."""

    logs: tuple[AnchoredLog, ...]
    access: str = ""  # hex, SHA-256 over the day's access records


class Usage(Book, frozen=True, kw_only=True, tag=17, gc=False):
    """A holder's evaluations of one day and key.

    A row is a member's id, a purpose, how many were answered, and denied.
    """

    on: str  # day
    key: tuple[Kind, Counting]  # (kind, epoch)
    rows: tuple[tuple[str, str, Natural, Natural], ...]


class Erase(Book, frozen=True, kw_only=True, tag=18, gc=False):
    """Salt and payload of these entries go from every store."""

    ranges: tuple[tuple[Natural, Natural], ...]  # [from, to)
    reason: str


class RosterAccepted(
    Book, frozen=True, kw_only=True, tag=19, gc=False, rename={"hash_": "hash"}
):
    """The roster that the writer accepted."""

    version: Counting
    hash_: str  # hex, SHA-256 of the note's text; `hash` on the wire


class Evidence(Book, frozen=True, kw_only=True, tag=20, gc=False):
    """A proven fork or lie."""

    what: str
    origin: str
    notes: tuple[str, ...]  # signed notes, as they were
    proof: tuple[str, ...] = ()  # base64 hashes, as in C2SP


Statement = (
    Report
    | Retract
    | Dispute
    | Sighting
    | Reassigned
    | Answer
    | Vouch
    | Anchor
    | Usage
    | Erase
    | RosterAccepted
    | Evidence
)


class Void(msgspec.Struct, frozen=True, gc=False):
    """A committed entry that says nothing, and why."""

    reason: str


TYPES: Final[dict[int, type[Statement]]] = {
    1: Report,
    2: Retract,
    3: Dispute,
    4: Sighting,
    5: Reassigned,
    6: Answer,
    7: Vouch,
    16: Anchor,
    17: Usage,
    18: Erase,
    19: RosterAccepted,
    20: Evidence,
}


# --------------------------------------------------------- read and write


def decode(payload: bytes, type_: int) -> Statement | Void:
    """Read the payload of a leaf with type byte `type_`; never raises.

    `encode(decode(p, t)) == p` for every payload that is not void.
    """
    form = _FORMS.get(type_)
    if form is None:
        return Void(f"type {type_} is not defined in format {FORMAT}")
    read, flaw_of, limit = form
    try:
        found = read(payload)
        if _encode(found) != payload:
            return Void("not in canonical form")
        if len(payload) > limit:
            return Void(f"payload is {len(payload)} bytes")
        flaw = flaw_of(found)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
        return Void(_why(e))
    except MalformedError as e:
        return Void(str(e))
    return Void(flaw) if flaw else found


def encode(statement: Statement) -> bytes:
    """Return the one spelling of a statement that `decode` will accept.

    Raises:
        MalformedError: it would be void.
    """
    payload = _encode(statement)
    again = decode(payload, type_of(statement))
    if isinstance(again, Void):
        raise MalformedError(f"statement: {again.reason}")
    return payload


def type_of(statement: Statement) -> int:
    """Return the type number of a statement."""
    return _NUMBERS[type(statement)]


Item = TypeVar("Item", str, int, Position)


def as_set(items: Iterable[Item]) -> tuple[Item, ...]:
    """Return items the way a statement lists a set: sorted, no repeats."""
    return tuple(sorted(set(items)))


def _why(error: Exception) -> str:
    """Return a parser's complaint without what it quotes from the payload.

    Whoever writes a raw value where it does not belong must not see it
    copied into other members' findings.
    """
    if not isinstance(error, msgspec.ValidationError):
        return "not JSON in UTF-8"
    text = str(error)
    if text.startswith(("Expected ", "Object missing ")):
        return text
    _, _, path = text.rpartition(" - at ")
    if _PATH.fullmatch(path):
        return f"value not allowed at {path}"
    return "object contains an unknown field"


_PATH: Final = re.compile(r"`\$[a-z.\[\]0-9]{0,40}`", re.ASCII)


# ----------------------------------------------------------------- fields
# Each check returns the flaw as text, "" if there is none. Cheap tests come
# first and regular expressions only where a set look-up said "not known":
# this runs once per entry of every log (reports: under 1.5 µs in all).

_KNOWN: Final = frozenset(
    code for facet in vocabulary.FACETS.values() for code in facet
)
_HEX: Final = "0123456789abcdef"


def _code(text: str) -> bool:
    return text in _KNOWN or CODE.fullmatch(text) is not None


def _hex(text: str, size: int) -> bool:
    return len(text) == 2 * size and not text.strip(_HEX)


def _set(items: tuple[Any, ...]) -> bool:
    """Tell whether a non-empty list is sorted and has no repeats."""
    return bool(items) and all(map(_less, items, items[1:]))


def _less(a: Any, b: Any) -> bool:
    return bool(a < b)


def is_origin(text: str) -> bool:
    """Tell whether `text` can name a log: 3 to 100 characters."""
    return len(text) <= 100 and ORIGIN.fullmatch(text) is not None


def _positions(items: Positions) -> bool:
    return _set(items) and all(is_origin(origin) for origin, _ in items)


def _indicator(s: Indicator) -> str:
    DAYS[s.on]
    tokens.decode(s.token)
    return ""


_KNOW_TOKEN: Final = re.compile(
    r"[0-9a-f]{16}[A-Za-z0-9_-]{21}[AQgw]", re.ASCII
).fullmatch  # one match costs half of two checks


def _report(s: Report) -> str:
    DAYS[s.on]
    DAYS[s.seen]
    DAYS[s.expires]
    if len(s.know) != 16 or not _KNOW_TOKEN(s.know + s.token):
        tokens.decode(s.token)
        return "report: know is not 8 bytes in hex"
    known = _KNOWN
    if not (
        s.label in known
        and s.role in known
        and s.evidence in known
        and s.handling in known
        and (not s.channel or s.channel in known)
    ):
        codes = (s.label, s.role, s.evidence, s.handling, s.channel or "other")
        if not all(map(_code, codes)):
            return "report: a code is not [a-z0-9_]{1,32}"
    if s.technique and not (
        _set(s.technique) and all(map(_code, s.technique))
    ):
        return "report: technique is no sorted set of codes"
    if s.basis and not _positions(s.basis):
        return "report: basis is no sorted set of positions"
    if s.case and not _hex(s.case, 8):
        return "report: case is not 8 bytes in hex"
    return ""


def _retract(s: Retract) -> str:
    if not _set(s.ends):
        return "retract: ends is no sorted set of indices"
    if not _code(s.reason):
        return "retract: reason is no code"
    return _indicator(s)


def _dispute(s: Dispute) -> str:
    DAYS[s.due]
    DAYS[s.expires]
    if not _code(s.reason):
        return "dispute: reason is no code"
    if s.about and not _positions(s.about):
        return "dispute: about is no sorted set of positions"
    return _indicator(s)


def _sighting(s: Sighting) -> str:
    DAYS[s.first]
    DAYS[s.last]
    if not _code(s.outcome):
        return "sighting: outcome is no code"
    return _indicator(s)


def _reassigned(s: Reassigned) -> str:
    DAYS[s.since]
    return _indicator(s)


def _answer(s: Answer) -> str:
    if not _positions(s.about):
        return "answer: about is no sorted set of positions"
    if not (_code(s.outcome) and _code(s.reason)):
        return "answer: outcome or reason is no code"
    return _indicator(s)


def _vouch(s: Vouch) -> str:
    DAYS[s.expires]
    if not _code(s.role):
        return "vouch: role is no code"
    return _indicator(s)


_LINE: Final = re.compile(
    r"— [a-z0-9.-]+(/[a-z0-9._-]+)+ [A-Za-z0-9+/]{6,}={0,2}", re.ASCII
)
_HASH: Final = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", re.ASCII)


def _anchor(s: Anchor) -> str:
    if len(s.logs) > 16 or not _set(tuple(log.order() for log in s.logs)):
        return "anchor: logs is no sorted set of 1 to 16"
    for log in s.logs:
        if not is_origin(log.origin):
            return "anchor: a name is no origin"
        if not _hex(log.root, 32):
            return "anchor: a root is not 32 bytes in hex"
        if len(log.line) > 300 or not _LINE.fullmatch(log.line):
            return "anchor: a line is no signature line"
    if s.access and not _hex(s.access, 32):
        return "anchor: access is not 32 bytes in hex"
    return ""


def _usage(s: Usage) -> str:
    DAYS[s.on]
    if not _set(s.rows):
        return "usage: rows is no sorted set"
    for member, purpose, _, _ in s.rows:
        if not (MEMBER.fullmatch(member) and _code(purpose)):
            return "usage: a row has no member id or purpose"
    return ""


def _erase(s: Erase) -> str:
    if not _set(s.ranges):
        return "erase: ranges is no sorted set"
    if not _code(s.reason):
        return "erase: reason is no code"
    return ""


def _roster(s: RosterAccepted) -> str:
    if not _hex(s.hash_, 32):
        return "roster: hash is not 32 bytes in hex"
    return ""


def _evidence(s: Evidence) -> str:
    if not _code(s.what):
        return "evidence: what is no code"
    if not is_origin(s.origin):
        return "evidence: the accused is no origin"
    if not s.notes or len(s.notes) > 16 or "" in s.notes:
        return "evidence: notes are not 1 to 16 texts"
    if not all(map(_HASH.fullmatch, s.proof)):
        return "evidence: proof is no list of hashes"
    return ""


_NUMBERS: Final = {struct: number for number, struct in TYPES.items()}
_encode: Final = msgspec.json.Encoder(order="sorted").encode
spell: Final = _encode  # without `encode`'s check
_CHECKS: Final[dict[int, Callable[[Any], str]]] = {
    1: _report,
    2: _retract,
    3: _dispute,
    4: _sighting,
    5: _reassigned,
    6: _answer,
    7: _vouch,
    16: _anchor,
    17: _usage,
    18: _erase,
    19: _roster,
    20: _evidence,
}
_FORMS: Final[
    dict[int, tuple[Callable[[bytes], Any], Callable[[Any], str], int]]
] = {
    number: (
        msgspec.json.Decoder(struct).decode,
        _CHECKS[number],
        MAX_PAYLOAD if number < 16 else MAX_BOOK_PAYLOAD,
    )
    for number, struct in TYPES.items()
}


# ------------------------------------------------------------ our writing

FACETS: Final[dict[type[Statement], dict[str, str]]] = {
    Report: {
        "label": "label",
        "role": "role",
        "channel": "channel",
        "technique": "technique",
        "evidence": "evidence",
        "handling": "handling",
    },
    Retract: {"reason": "retract_reason"},
    Dispute: {"reason": "dispute_reason"},
    Sighting: {"outcome": "sighting_outcome"},
    Answer: {"outcome": "answer_outcome", "reason": "answer_reason"},
    Vouch: {"role": "vouch_role"},
    Erase: {"reason": "erase_reason"},
}


def check_writable(statement: Statement, today: int | None = None) -> None:
    """Accept what we may write ourselves: known codes, sensible relations.

    Reading is more lenient: none of this voids another member's entry.
    `today` (days since 1970, in the roster's zone) refuses future sightings.

    Raises:
        MalformedError: a code that is not in the vocabulary, fields that
            contradict each other, or what would be void.
    """
    name = type(statement).__name__.lower()
    encode(statement)
    for field, facet in FACETS.get(type(statement), {}).items():
        value = getattr(statement, field)
        for code in value if isinstance(value, tuple) else (value,):
            if code and not vocabulary.known(facet, code):
                raise vocabulary.refused(field, facet, code)
    contradiction = _contradiction(statement, today)
    if contradiction:
        raise MalformedError(f"{name}: {contradiction}")


def _contradiction(s: Statement, today: int | None) -> str:
    if isinstance(s, Book):
        if bool(s.part) != bool(s.of) or s.part > s.of:
            return f"part {s.part} of {s.of}"
        if isinstance(s, Erase):
            for start, end in s.ranges:
                if start >= end:
                    return f"range {start} to {end} is empty"
        return ""
    if today is not None and DAYS[s.on] > today:
        return f"on {s.on} is in the future"
    match s:
        case Report():
            if today is not None and DAYS[s.seen] > today:
                return f"seen {s.seen} is in the future"
            if DAYS[s.seen] >= DAYS[s.expires]:
                return f"expires {s.expires}, seen only {s.seen}"
        case Dispute():
            if DAYS[s.on] >= DAYS[s.expires]:
                return f"expires {s.expires}, written only {s.on}"
        case Vouch():
            if DAYS[s.on] >= DAYS[s.expires]:
                return f"expires {s.expires}, written only {s.on}"
        case Sighting():
            if DAYS[s.first] > DAYS[s.last]:
                return f"from {s.first} to {s.last}"
            if today is not None and DAYS[s.last] > today:
                return f"to {s.last} is in the future"
        case _:
            pass
    return ""
