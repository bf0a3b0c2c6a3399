"""Check and normalise reports before they enter the vault.

    draft ─ identifier, codes, days, never-list ─ prepared ─ vault ─ 202

Everything that can be refused is refused here, with all reasons at once,
before a row is acknowledged. A draft that is refused never holds up the
others.
"""

import contextlib
from collections.abc import Callable, Iterable
from functools import cached_property
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from syncd import shape
from syncd.errors import MalformedError, RefusedError, SyncdError, joined
from syncd.flows import faults
from syncd.flows.draft import NEEDED, Draft, NewReport
from syncd.indicator import (
    active,
    identifier,
    never,
    notation,
    record,
    statement,
    suffixes,
)
from syncd.indicator.identifier import Identifier
from syncd.indicator.national import SHOWN
from syncd.indicator.record import Fields, ReportFields
from syncd.roster.roster import Roster

NOBODY = "AAAAAAAAAAAAAAAAAAAAAA"  # a token in form, for checks
MAX_EPOCH = 65_535  # the longest there is: what fits now fits when published
CHECKED = 4096  # sets of fields that are remembered as right


class Rules(Struct, frozen=True, dict=True):
    """What reports are checked against, as of one moment."""

    roster: Roster
    today: str
    region: str
    member: str = ""  # our id: its sector says what evidence we can have
    checked: dict[tuple[object, ...], bytes] = {}
    # fields known to be right; rows of one file share most

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
F = TypeVar("F", bound=Fields)


def each(
    make: Callable[[D, Rules], P],
    drafts: Iterable[D | SyncdError],
    rules: Rules,
) -> list[P | SyncdError]:
    """Return what to keep of each draft, or why it is refused, in order."""
    done = list[P | SyncdError]()
    for draft in drafts:
        try:
            done.append(
                draft if isinstance(draft, SyncdError) else make(draft, rules)
            )
        except SyncdError as e:
            done.append(e)
    return done


def prepare(draft: Draft, rules: Rules) -> NewReport:
    """Return what to keep of one report.

    Raises:
        MalformedError: a value, code or day that cannot be; says all.
        RefusedError: it is protected, a URL that a report may not name, or
            evidence that is another sector's.
    """
    wrong = list[SyncdError]()
    if missing := [name for name in NEEDED if not getattr(draft, name)]:
        wrong.append(
            MalformedError(
                "report: {fields} not given", fields=", ".join(missing)
            )
        )
    found = _identified(draft, rules, wrong)
    planted = found is not None and _check_never(found, draft, rules, wrong)
    raw = _fields(draft, rules, wrong, planted=planted)
    if found is None or wrong:
        raise joined(wrong)
    return NewReport(
        *(found.kind, found.value, raw),
        urgent=draft.urgent,
        test=draft.test,
        notices=found.notices,
        seen=draft.seen,
        expires=draft.expires,
        raw=draft.value,
    )


def _identified(
    draft: Draft, rules: Rules, wrong: list[SyncdError]
) -> Identifier | None:
    """Return what a report is about; what is wrong with it goes to `wrong`."""
    try:
        if draft.kind:
            identifier.check_kind(draft.kind)
        if not (draft.kind and draft.value):
            return None
        found = identifier.for_report(
            draft.kind,
            draft.value,
            region=draft.region or rules.region,
            scheme=draft.scheme,
            keep_query=draft.keep_query,
            allow_personal=draft.allow_personal,
        )
        if found.kind == "url":
            suffixes.check(found.value.partition("/")[0])
        if found.value.startswith(SHOWN) and not draft.spoofed:
            raise MalformedError(
                "report: a caller id that is no number is nobody's"
            )
        if draft.test and not identifier.is_reserved(found):
            raise RefusedError("report: a drill is of a reserved value alone")
    except SyncdError as e:
        wrong.append(e)
        return None
    return found


def _check_never(
    found: Identifier, draft: Draft, rules: Rules, wrong: list[SyncdError]
) -> bool:
    """Refuse what is protected; tell whether it is a page planted there."""
    guarded = rules.never.of(found.kind, found.value)
    if guarded is None:
        return False
    if guarded.page and never.PLANTED in draft.technique:
        return True
    owner = guarded.owner
    names = filter(None, (owner.zh, owner.en))
    wrong.append(
        RefusedError(
            "report: {kind} on the alliance's never-list: {owner}",
            found,
            hint="a page planted there is reported with technique compromised"
            if guarded.page
            else "report what imitates it: its own number, URL or account",
            owner=" ".join(dict.fromkeys(names)) or owner.category,
        )
    )
    return False


_stated_of = attrgetter(*ReportFields.__struct_fields__)


def _fields(
    draft: Draft, rules: Rules, wrong: list[SyncdError], *, planted: bool
) -> bytes:
    """Return what the statement is to say, as the vault keeps it.

    It is b"" where something is wrong, which then stands in `wrong`.
    """
    key = (draft.kind, planted, *_stated_of(draft))
    if raw := rules.checked.get(key):
        return raw
    kind = draft.kind if draft.kind in identifier.KINDS else ""
    fields = shape.part(ReportFields, draft)
    only = active.AUTHORITY.get(fields.evidence, frozenset()) == {"police"}
    fields = replace(
        fields,
        seen=fields.seen or rules.today,
        handling=fields.handling or ("no_tip_off" if only else "open"),
    )
    flaws = [*faults.of_report(fields, kind, rules.sector, rules.today)]
    wrong += flaws
    named = kind and fields.label and fields.role and fields.evidence
    if flaws or not named:
        return b""
    try:
        fields = in_order(_ending(fields, kind, rules, planted=planted))
        check_fits(fields, kind, rules)
    except SyncdError as e:  # too long, or for too long
        wrong.append(e)
        return b""
    raw = record.encode(fields)
    if len(rules.checked) < CHECKED:
        rules.checked[key] = raw
    return raw


def in_order(fields: F) -> F:
    """Return fields whose sets are spelled as a statement has them."""
    return replace(
        fields,
        **{
            name: tuple(sorted({*getattr(fields, name)}))
            for name, form in notation.forms(fields.__class__).items()
            if form.name in ("codes", "positions")
        },
    )


def check_fits(fields: Fields, kind: str, rules: Rules) -> None:
    """Pass what makes a statement that we may write, under any token.

    Raises:
        MalformedError: it is too long for one.
    """
    statement.encode(
        statement.of(
            fields, on=rules.today, kind=kind, epoch=MAX_EPOCH, token=NOBODY
        )
    )


def _ending(
    fields: ReportFields, kind: str, rules: Rules, *, planted: bool
) -> ReportFields:
    """Return fields that say until when, as long as the roster lets it count.

    A report of a planted page ends when it should be taken down.

    Raises:
        RefusedError: it is to end later.
    """
    seen = statement.day(fields.seen)
    expires = fields.expires or later(
        seen, rules.roster.cap(kind, fields.evidence)
    )
    if planted and statement.day(expires) > seen + never.PLANTED_DAYS:
        if fields.expires:
            raise RefusedError(
                "report: expires more than {n} days after it was seen, of"
                " a page planted on a protected site",
                n=never.PLANTED_DAYS,
            )
        expires = later(seen, never.PLANTED_DAYS)
    return replace(fields, expires=expires)


def later(day: int, days: int) -> str:
    """Return the day that comes so many days later, or the last there is."""
    return statement.day_text(min(day + days, statement.MAX_DAY))


def forms_to_find(
    kind: str, value: str, *, region: str, scheme: str
) -> tuple[Identifier, ...]:
    """Return what a value may have been reported as; without kind, as any.

    Raises:
        MalformedError: it does not normalise as any of them.
    """
    if not value:
        return ()
    if kind:
        return identifier.for_retract(
            kind, value, region=region, scheme=scheme
        )
    found = list[Identifier]()
    for one in identifier.KINDS:
        with contextlib.suppress(MalformedError):
            found += identifier.for_retract(
                one, value, region=region, scheme=scheme
            )
    if not found:
        raise MalformedError("value: it is no phone, URL or account")
    return tuple(found)
