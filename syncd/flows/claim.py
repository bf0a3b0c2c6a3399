"""Check disputes, answers, vouches and new owners before the vault."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from syncd import shape
from syncd.errors import MalformedError, RefusedError, SyncdError, joined
from syncd.flows import faults, report
from syncd.flows.draft import (
    AnswerDraft,
    DisputeDraft,
    NewReport,
    OwnerDraft,
    ReassignedDraft,
    VouchDraft,
)
from syncd.flows.report import Rules
from syncd.indicator import identifier, record, statement, token
from syncd.indicator.claims import ANSWER, DISPUTE, REASSIGNED, VOUCH, Claim
from syncd.indicator.record import DisputeFields, Fields, VouchFields

DUE_DAYS = {"phone": 3, "account": 3, "url": 7}  # asked for usually
_TYPES: dict[type[Struct], int] = {
    DisputeDraft: DISPUTE,
    VouchDraft: VOUCH,
    ReassignedDraft: REASSIGNED,
}
USUAL = ("due", "expires", "about")  # what need not be given


def prepare(draft: DisputeDraft | OwnerDraft, rules: Rules) -> NewReport:
    """Return what to keep of a dispute, a vouch or a number's new owner.

    Raises:
        RefusedError: a new owner, and we are no carrier.
        MalformedError: a value, code or day that cannot be; says all.
    """
    type_, kind = _TYPES[type(draft)], getattr(draft, "kind", "phone")
    if type_ == REASSIGNED and rules.sector != "carrier":
        raise RefusedError(
            "reassigned: a carrier says that, we are {sector}", rules
        )
    fields, wrong = _checked(type_, draft, rules)
    try:
        found = identifier.for_report(
            *(kind, draft.value),
            region=draft.region or rules.region,
            scheme=getattr(draft, "scheme", ""),
            keep_query=True,
            allow_personal=True,
        )
    except SyncdError as e:
        raise joined([e, *wrong]) from None
    if wrong:
        raise joined(wrong)
    return NewReport(
        *(kind, found.value, _encoded(fields, kind, rules)),
        type=type_,
        urgent=type_ == DISPUTE,
        expires=getattr(draft, "expires", ""),
        notices=found.notices,
    )


def prepare_answer(
    draft: AnswerDraft, reports: Sequence[Claim], rules: Rules
) -> NewReport:
    """Return what to keep of an answer on reports of one token.

    Raises:
        MalformedError: a code that cannot be, or none; says all.
    """
    said = record.AnswerFields(
        outcome=draft.outcome,
        reason=draft.reason,
        about=tuple(claim.position for claim in reports),
    )
    fields, wrong = _checked(ANSWER, said, rules)
    if wrong:
        raise joined(wrong)
    on = reports[0].statement
    return NewReport(
        *(on.kind, "", _encoded(fields, on.kind, rules)),
        type=ANSWER,
        urgent=True,
        token=token.decode(on.token),
        epoch=on.epoch,
    )


def _checked(
    type_: int, draft: Struct, rules: Rules
) -> tuple[Fields, list[SyncdError]]:
    """Return the fields of a draft, and what is wrong with them."""
    fields = shape.part(record.KEPT[type_], draft)
    wrong = [*faults.of_claim(fields, rules.today)]
    needed = [n for n in fields.__struct_fields__ if n not in USUAL]
    missing = [n for n in needed if not getattr(fields, n)]
    if missing:
        wrong.append(
            MalformedError(
                "{type}: {fields} not given",
                type=statement.NAMES[type_],
                fields=", ".join(missing),
            )
        )
    return fields, wrong


def _encoded(fields: Fields, kind: str, rules: Rules) -> bytes:
    """Return fields as the vault keeps them, with the days that are usual."""
    today = statement.day(rules.today)
    if isinstance(fields, DisputeFields | VouchFields) and not fields.expires:
        expires = report.later(today, rules.roster.cap(kind, ""))
        fields = replace(fields, expires=expires)
    if isinstance(fields, DisputeFields) and not fields.due:
        due = report.later(today, DUE_DAYS[kind])
        fields = replace(fields, due=min(due, fields.expires))
    fields = report.in_order(fields)
    report.check_fits(fields, kind, rules)
    return record.encode(fields)
