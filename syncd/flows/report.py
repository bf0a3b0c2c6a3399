"""Report: from what an operator hands in to what the vault keeps.

    draft ─ identifier, codes, days, never-list ─ prepared ─ vault ─ 202

Everything that can be refused is refused here, with all reasons at once,
before a row is acknowledged. A draft that is refused never holds up the
others.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar, cast

import msgspec

from syncd import canonical
from syncd.errors import (
    MalformedError,
    RefusedError,
    SyncdError,
    joined,
)
from syncd.flows import faults
from syncd.flows.draft import HANDLING, NEEDED, DisputeDraft, Draft
from syncd.indicator import (
    identifier,
    never,
    policy,
    statement,
    suffixes,
    token,
)
from syncd.indicator.identifier import Identifier
from syncd.indicator.national import SHOWN
from syncd.indicator.policy import Policy
from syncd.indicator.statement import Dispute, Report
from syncd.roster.roster import Roster

DISPUTE_DAYS = 30  # a dispute asks for an answer within these
NOBODY = "AAAAAAAAAAAAAAAAAAAAAA"  # a token in form, for checks
MAX_EPOCH = 65_535  # the longest there is: what fits now fits when published
CHECKED = 4096  # sets of fields that are remembered as right
# Reasons to retract that are about the value: nobody says it again by accident.
ABOUT_THE_VALUE = frozenset(
    {
        *("appeal_upheld", "case_closed", "court_order", "entry_error"),
        *("false_positive", "reassigned", "victim_account"),
    }
)
REASSIGNED_DAYS = 180  # after these, `reassigned` holds nothing back


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
    notices: tuple[str, ...] = ()  # codes: how the value was read
    seen: str = ""  # day, if the draft said one
    expires: str = ""  # likewise


@dataclass(frozen=True)  # no slots: what is derived is cached
class Desk:
    """What reports are checked against, as of one moment."""

    roster: Roster
    today: str
    region: str
    member: str = ""  # our id: its sector says what evidence we can have
    checked: dict[tuple[object, ...], bytes] = field(
        default_factory=dict, repr=False, compare=False
    )  # fields known to be right; rows of one file share most

    @cached_property
    def policy(self) -> Policy:
        """The roster's caps and actions."""
        return policy.of(self.roster)

    @cached_property
    def sector(self) -> str:
        """Our own, or "" where we are none of the roster's."""
        ours = self.roster.member(self.member)
        return ours.sector if ours else ""

    @cached_property
    def never(self) -> never.Rule:
        """What the roster's never-list protects."""
        return never.of(self.roster)


D = TypeVar("D")  # what is handed in
P = TypeVar("P")  # what is kept of it


def each(
    make: Callable[[D, Desk], P],
    drafts: Iterable[D | SyncdError],
    desk: Desk,
) -> list[P | SyncdError]:
    """Return what to keep of each draft, or why it is refused, in order."""
    done: list[P | SyncdError] = []
    for draft in drafts:
        try:
            done.append(
                draft if isinstance(draft, SyncdError) else make(draft, desk)
            )
        except SyncdError as e:
            done.append(e)
    return done


def prepare(draft: Draft, desk: Desk) -> Prepared:
    """Return what to keep of one report.

    Raises:
        MalformedError: a value, code or day that cannot be; says all.
        RefusedError: it is protected, a URL that a report may not name, or
            evidence that is another sector's.
    """
    wrong = [*_missing(draft)]
    found = _identified(draft, desk, wrong)
    planted = False
    if found is not None:
        planted = _check_never(found, draft, desk, wrong)
    raw = _fields(draft, desk, wrong, planted=planted)
    if found is None or wrong:
        raise joined(wrong)
    return Prepared(
        *(found.kind, found.value, raw),
        urgent=draft.urgent,
        notices=found.notices,
        seen=draft.seen,
        expires=draft.expires,
    )


def _missing(draft: Draft) -> Iterator[SyncdError]:
    missing = [name for name in NEEDED if not getattr(draft, name)]
    if missing:
        yield MalformedError(
            "report: {fields} not given",
            hint="nothing is guessed: name it in a column or an option",
            fields=", ".join(missing),
        )


def _identified(
    draft: Draft, desk: Desk, wrong: list[SyncdError]
) -> Identifier | None:
    """Return what a report is about; what is wrong with it goes to `wrong`."""
    try:
        if draft.kind:
            check_kind(draft.kind)
        if not (draft.kind and draft.value):
            return None
        found = identifier.for_report(
            draft.kind,
            draft.value,
            region=draft.region or desk.region,
            scheme=draft.scheme or None,
            keep_query=draft.keep_query,
            allow_personal=draft.allow_personal,
        )
        if found.kind == "url":
            suffixes.check(found.value.partition("/")[0])
        if found.value.startswith(SHOWN) and not draft.spoofed:
            raise MalformedError(
                "report: a caller id that is no number is nobody's",
                hint="report it as spoofed: --spoofed, or spoofed: true",
            )
    except SyncdError as e:
        wrong.append(e)
        return None
    return found


def _check_never(
    found: Identifier, draft: Draft, desk: Desk, wrong: list[SyncdError]
) -> bool:
    """Refuse what is protected; tell whether it is a page planted there."""
    guarded = desk.never.of(found.kind, found.value)
    if guarded is None:
        return False
    if guarded.page and never.PLANTED in draft.technique:
        return True
    owner = guarded.owner
    names = filter(None, (owner.zh, owner.en))
    wrong.append(
        RefusedError(
            "report: {kind} on the alliance's never-list: {owner}",
            hint="a page planted there is reported with technique compromised"
            if guarded.page
            else "report what imitates it: its own number, URL or account",
            kind=found.kind,
            owner=" ".join(dict.fromkeys(names)) or owner.category,
        )
    )
    return False


def check_kind(kind: str) -> None:
    """Pass a kind; what else stands there is not repeated.

    Raises:
        MalformedError: a value that slipped into the wrong column, perhaps.
    """
    if kind not in identifier.KINDS:
        raise MalformedError(
            "kind: not one of {kinds}", kinds=", ".join(identifier.KINDS)
        )


# All of a draft that its fields come from, beside the kind.
STATED = (
    *("label", "role", "evidence", "confidence", "seen", "expires"),
    *("channel", "technique", "case", "handling", "spoofed", "test", "basis"),
)
_stated_of = attrgetter(*STATED)


def _fields(
    draft: Draft, desk: Desk, wrong: list[SyncdError], *, planted: bool
) -> bytes:
    """Return what the statement is to say, as canonical JSON.

    It is b"" where something is wrong, which then stands in `wrong`.
    """
    key = (draft.kind, planted, *_stated_of(draft))
    raw = desk.checked.get(key)
    if raw is not None:
        return raw
    kind = draft.kind if draft.kind in identifier.KINDS else ""
    said = {**msgspec.structs.asdict(draft), "seen": draft.seen or desk.today}
    today = statement.day(desk.today)
    flaws = faults.of_report(said, kind, desk.sector, today)
    wrong += flaws
    named = kind and draft.label and draft.role and draft.evidence
    if flaws or not named:
        return b""
    fields = _stated(draft, kind, desk)
    try:
        if planted:
            _bound(fields, draft)
        statement.check_writable(_report(kind, fields, desk), today)
    except SyncdError as e:  # too long, or for too long
        wrong.append(e)
        return b""
    raw = canonical.dumps(fields)
    if len(desk.checked) < CHECKED:
        desk.checked[key] = raw
    return raw


def _report(kind: Any, fields: Mapping[str, Any], desk: Desk) -> Report:
    """Return the longest statement that may come of some fields."""
    return Report(
        on=desk.today,
        kind=kind,
        epoch=MAX_EPOCH,
        token=NOBODY,
        know="00" * 8,
        **fields,
    )


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


def _bound(fields: dict[str, Any], draft: Draft) -> None:
    """Have a report of a planted page end when it should be taken down.

    Raises:
        RefusedError: it is to end later.
    """
    last = statement.day(fields["seen"]) + never.PLANTED_DAYS
    if statement.day(fields["expires"]) > last:
        if draft.expires:
            raise RefusedError(
                "report: expires more than {n} days after it was seen, of"
                " a page planted on a protected site",
                n=never.PLANTED_DAYS,
                hint="leave expires out; report it again if it is still there",
            )
        fields["expires"] = statement.day_text(last)


def prepare_dispute(draft: DisputeDraft, desk: Desk) -> Prepared:
    """Return what to keep of a dispute about a value, or about a token.

    Raises:
        MalformedError: a value, code or day that cannot be; says all.
    """
    today = statement.day(desk.today)
    wrong = faults.of_dispute(msgspec.structs.asdict(draft), today)
    if not draft.reason:
        wrong.append(MalformedError("dispute: reason not given"))
    value, short = "", b""
    try:
        check_kind(draft.kind)
        if draft.token:
            short = named_token(
                draft.kind, draft.token, draft.epoch, desk.roster
            )
        else:
            value = identifier.for_report(
                draft.kind,
                draft.value,
                region=draft.region or desk.region,
                scheme=draft.scheme or None,
                keep_query=True,
                allow_personal=True,
            ).value
    except SyncdError as e:
        wrong.insert(0, e)
    if wrong:
        raise joined(wrong)
    return Prepared(
        draft.kind,
        value,
        canonical.dumps(_dispute(draft, today, desk)),
        type=3,
        urgent=True,
        token=short,
        epoch=draft.epoch if short else 0,
        expires=draft.expires,
    )


def _dispute(draft: DisputeDraft, today: int, desk: Desk) -> dict[str, Any]:
    """Return what a dispute is to say.

    Raises:
        MalformedError: it is too long for one statement.
    """
    cap = desk.policy.cap(draft.kind, "")
    expires = draft.expires or statement.day_text(
        min(today + cap, statement.MAX_DAY)
    )
    due = min(today + DISPUTE_DAYS, statement.day(expires))
    fields: dict[str, Any] = {
        "reason": draft.reason,
        "due": draft.due or statement.day_text(due),
        "expires": expires,
    }
    if draft.about:
        fields["about"] = statement.as_set(draft.about)
    said = Dispute(
        on=desk.today,
        kind=cast(Any, draft.kind),
        epoch=MAX_EPOCH,
        token=NOBODY,
        **fields,
    )
    statement.check_writable(said, today)
    return fields


def named_token(kind: str, text: str, epoch: int, roster: Roster) -> bytes:
    """Return the token that somebody names who has no value.

    Raises:
        MalformedError: it is none, or of no key of the roster.
    """
    check_kind(kind)
    short = token.decode(text)
    if roster.epoch(kind, epoch) is None:
        raise MalformedError(
            "token: the roster has no epoch {epoch} of {kind}",
            epoch=epoch,
            kind=kind,
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
    return identifier.for_retract(kind, value, region=region, scheme=scheme)


def forms_to_find(
    kind: str, value: str, *, region: str, scheme: str | None
) -> tuple[Identifier, ...]:
    """Return what a value may have been reported as; without kind, as any.

    Raises:
        MalformedError: it does not normalise as any of them.
    """
    if not value:
        return ()
    if kind:
        return forms_to_retract(kind, value, region=region, scheme=scheme)
    found: list[Identifier] = []
    for one in identifier.KINDS:
        with contextlib.suppress(MalformedError):
            found += identifier.for_retract(
                one, value, region=region, scheme=scheme
            )
    if not found:
        raise MalformedError("value: it is no phone, URL or account")
    return tuple(found)
