"""Report: from what an operator hands in to what the vault keeps.

    draft ─ identifier, codes, days, never-list ─ prepared ─ vault ─ 202

Everything that can be refused is refused here, with its reason, before a row
is acknowledged. A draft that is refused never holds up the others.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Annotated, Any, TypeVar

import msgspec

from syncd import canonical
from syncd.errors import MalformedError, RefusedError, SyncdError
from syncd.indicator import identifier, policy, statement, token
from syncd.indicator.identifier import Identifier
from syncd.indicator.policy import Policy
from syncd.indicator.statement import Dispute, Report
from syncd.roster.roster import Roster

CONFIDENCE = 50  # of 100, where a report names none
HANDLING = "no_tip_off"  # the careful one, where a report names none
DISPUTE_DAYS = 30  # a dispute asks for an answer within these
NOBODY = "AAAAAAAAAAAAAAAAAAAAAA"  # a token in form, for checks
MAX_EPOCH = 65_535  # the longest there is: what fits now fits when published
NEEDED = ("kind", "value", "label", "role", "evidence")  # never guessed
CHECKED = 4096  # sets of fields that are remembered as right

Natural = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Position = tuple[str, Natural]


class Draft(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A report as an operator hands it in; "" and absent are the same."""

    kind: str = ""
    value: str = ""
    scheme: str = ""  # what a bare account number is
    region: str = ""  # country of a phone without one; ours if absent
    label: str = ""
    role: str = ""
    evidence: str = ""
    confidence: int = CONFIDENCE
    seen: str = ""  # day; today if absent
    expires: str = ""  # day; as long as the roster lets it count
    channel: str = ""
    technique: tuple[str, ...] = ()
    case: str = ""  # 8 bytes in hex
    handling: str = HANDLING
    spoofed: bool = False
    test: bool = False
    basis: tuple[Position, ...] = ()
    urgent: bool = False  # tell the others at once
    keep_query: bool = False  # of a URL
    allow_personal: bool = False  # a URL whose path may name a person


class DisputeDraft(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A dispute as an operator hands it in, by value or by token."""

    kind: str = ""
    value: str = ""
    scheme: str = ""
    region: str = ""
    token: str = ""  # 22 characters, instead of a value
    epoch: Natural = 0  # of the token
    reason: str = ""
    due: str = ""  # day; in 30 days if absent
    expires: str = ""  # day
    about: tuple[Position, ...] = ()  # these reports; all if absent


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the vault is to keep: an identifier and a statement's fields."""

    kind: str
    value: str = field(repr=False)  # "": said of a token
    fields: bytes  # canonical JSON, public once published
    type: int = 1  # 1 report, 3 dispute
    urgent: bool = False
    extras: bytes = field(default=b"", repr=False)
    token: bytes = field(default=b"", repr=False)
    epoch: int = 0


@dataclass(frozen=True)  # no slots: what is derived is cached
class Desk:
    """What reports are checked against, as of one moment."""

    roster: Roster
    today: str
    region: str
    checked: dict[tuple[object, ...], bytes] = field(
        default_factory=dict, repr=False, compare=False
    )  # fields known to be right; rows of one file share most

    @cached_property
    def policy(self) -> Policy:
        """The roster's caps and actions."""
        return policy.of(self.roster)

    @cached_property
    def _never(self) -> frozenset[tuple[str, str]]:
        return frozenset((n.kind, n.value) for n in self.roster.never)

    def never(self, found: Identifier) -> bool:
        """Tell whether an identifier is on the roster's never-list."""
        return (found.kind, found.value) in self._never


def prepare_all(
    drafts: Iterable[Draft | SyncdError], desk: Desk
) -> list[Prepared | SyncdError]:
    """Return what to keep of each, or why it is refused, in order."""
    done: list[Prepared | SyncdError] = []
    for draft in drafts:
        if isinstance(draft, SyncdError):
            done.append(draft)
            continue
        try:
            done.append(prepare(draft, desk))
        except SyncdError as e:
            done.append(e)
    return done


def prepare(draft: Draft, desk: Desk) -> Prepared:
    """Return what to keep of one report.

    Raises:
        MalformedError: a value, code or day that cannot be; says which.
        RefusedError: the never-list, or a URL that a report may not name.
    """
    missing = [name for name in NEEDED if not getattr(draft, name)]
    if missing:
        raise MalformedError(
            f"report: {', '.join(missing)} not given",
            hint="nothing is guessed: name it in a column or an option",
        )
    check_kind(draft.kind)
    found = identifier.for_report(
        draft.kind,
        draft.value,
        region=region_of(draft.region, desk.region),
        scheme=draft.scheme or None,
        keep_query=draft.keep_query,
        allow_personal=draft.allow_personal,
    )
    if desk.never(found):
        raise RefusedError(
            f"report: this {found.kind} is on the alliance's never-list",
            hint="it is an emergency, official or clearing number or site:"
            " report what merely imitates it",
        )
    raw = _fields(draft, found.kind, desk)
    return Prepared(found.kind, found.value, raw, urgent=draft.urgent)


def check_kind(kind: str) -> None:
    """Pass a kind; what else stands there is not repeated.

    Raises:
        MalformedError: a value that slipped into the wrong column, perhaps.
    """
    if kind not in identifier.KINDS:
        raise MalformedError(f"kind: not one of {', '.join(identifier.KINDS)}")


def region_of(text: str, ours: str) -> str:
    """Return the region that is meant; what else stands there is not told.

    Raises:
        MalformedError: not two capital letters.
    """
    if text and not re.fullmatch("[A-Z]{2}", text, re.ASCII):
        raise MalformedError("region: want two capital letters")
    return text or ours


# All of a draft that its fields come from, beside the kind.
STATED = (
    *("label", "role", "evidence", "confidence", "seen", "expires"),
    *("channel", "technique", "case", "handling", "spoofed", "test", "basis"),
)
_stated_of = attrgetter(*STATED)


def _fields(draft: Draft, kind: str, desk: Desk) -> bytes:
    """Return what the statement is to say, as canonical JSON."""
    key = (kind, *_stated_of(draft))
    raw = desk.checked.get(key)
    if raw is not None:
        return raw
    fields = _stated(draft, kind, desk)
    try:
        raw = canonical.dumps(fields)
    except MalformedError:  # its message does not say where
        raise MalformedError(
            "report: a field holds a number below 0 or no plain text"
        ) from None
    _check(fields, kind, desk)
    if len(desk.checked) < CHECKED:
        desk.checked[key] = raw
    return raw


def _stated(draft: Draft, kind: str, desk: Desk) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "label": draft.label,
        "role": draft.role,
        "evidence": draft.evidence,
        "confidence": draft.confidence,
        "seen": draft.seen or desk.today,
        "handling": draft.handling or HANDLING,
    }
    if draft.channel:
        fields["channel"] = draft.channel
    if draft.case:
        fields["case"] = draft.case
    if draft.technique:
        fields["technique"] = statement.as_set(draft.technique)
    if draft.basis:
        fields["basis"] = statement.as_set(draft.basis)
    if draft.spoofed:
        fields["spoofed"] = True
    if draft.test:
        fields["test"] = True
    fields["expires"] = draft.expires or _expires(fields, kind, desk)
    return fields


def _expires(fields: Mapping[str, Any], kind: str, desk: Desk) -> str:
    """Return the day up to which the roster lets such a report count."""
    cap = desk.policy.cap(kind, fields["evidence"])
    last = min(statement.day(fields["seen"]) + cap, statement.MAX_DAY)
    return statement.day_text(last)


def _check(fields: Mapping[str, Any], kind: str, desk: Desk) -> None:
    """Refuse what would not be a statement that we may write."""
    said = _convert(
        {
            "type": 1,
            "on": desk.today,
            "kind": kind,
            "epoch": MAX_EPOCH,
            "token": NOBODY,
            "know": "00" * 8,
            **fields,
        },
        Report,
    )
    statement.check_writable(said, statement.day(desk.today))


S = TypeVar("S", Report, Dispute)


def _convert(value: Mapping[str, Any], form: type[S]) -> S:
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as e:
        name = form.__name__.lower()
        raise MalformedError(f"{name}: {_said(str(e))}") from None


def _said(text: str) -> str:
    """Return a complaint as ours read, without what it quotes."""
    what, _, at = re.sub(r"'[^']*'", "…", text).partition(" - at `$.")
    what = what.replace("Expected `int` <=", "want at most").replace(
        "Expected `int` >=", "want at least"
    )
    return f"{at.rstrip('`')}: {what}" if at else what


def _dispute(draft: DisputeDraft, desk: Desk) -> Dispute:
    """Return a dispute as it may be written about some token."""
    if not draft.reason:
        raise MalformedError("dispute: reason not given")
    today = statement.day(desk.today)
    cap = desk.policy.cap(draft.kind, "")
    last = min(today + cap, statement.MAX_DAY)
    due = min(today + DISPUTE_DAYS, statement.MAX_DAY)
    said = _convert(
        {
            "type": 3,
            "on": desk.today,
            "kind": draft.kind,
            "epoch": MAX_EPOCH,
            "token": NOBODY,
            "reason": draft.reason,
            "due": draft.due or statement.day_text(due),
            "expires": draft.expires or statement.day_text(last),
            "about": statement.as_set(draft.about),
        },
        Dispute,
    )
    statement.check_writable(said, today)
    return said


def prepare_dispute(draft: DisputeDraft, desk: Desk) -> Prepared:
    """Return what to keep of a dispute about a value, or about a token.

    Raises:
        MalformedError: a value, code or day that cannot be; says which.
    """
    check_kind(draft.kind)
    value, short = "", b""
    if draft.token:
        short = named_token(draft.kind, draft.token, draft.epoch, desk.roster)
    else:
        value = identifier.for_report(
            draft.kind,
            draft.value,
            region=region_of(draft.region, desk.region),
            scheme=draft.scheme or None,
            keep_query=True,
            allow_personal=True,
        ).value
    said = _dispute(draft, desk)
    fields: dict[str, Any] = {
        "reason": said.reason,
        "due": said.due,
        "expires": said.expires,
    }
    if said.about:
        fields["about"] = said.about
    return Prepared(
        draft.kind,
        value,
        canonical.dumps(fields),
        type=3,
        urgent=True,
        token=short,
        epoch=draft.epoch if short else 0,
    )


def named_token(kind: str, text: str, epoch: int, roster: Roster) -> bytes:
    """Return the token that somebody names who has no value.

    Raises:
        MalformedError: it is none, or of no key of the roster.
    """
    check_kind(kind)
    short = token.decode(text)
    if roster.epoch(kind, epoch) is None:
        raise MalformedError(
            f"token: the roster has no epoch {epoch} of {kind}"
        )
    return short


def forms_to_retract(
    kind: str, value: str, *, region: str, scheme: str | None
) -> tuple[Identifier, ...]:
    """Return what a value may have been reported as, the usual form first.

    Raises:
        MalformedError: the value does not normalise; says why.
    """
    check_kind(kind)
    return tuple(
        dict.fromkeys(
            identifier.for_report(
                kind,
                value,
                region=region,
                scheme=scheme,
                keep_query=keep,
                allow_personal=True,
            )
            for keep in (False, True)
        )
    )
