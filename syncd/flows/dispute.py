"""Check disputes, and answers to them, before they enter the vault."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from syncd import shape
from syncd.errors import MalformedError, SyncdError, joined
from syncd.flows import faults, report
from syncd.flows.draft import AnswerDraft, DisputeDraft, NewReport
from syncd.flows.report import Rules
from syncd.indicator import identifier, record, statement, token
from syncd.indicator.claims import ANSWER, DISPUTE, Claim
from syncd.indicator.record import AnswerFields, DisputeFields

DUE_DAYS: Final = {"phone": 3, "account": 3, "url": 7}  # asked for usually


def prepare(draft: DisputeDraft, rules: Rules) -> NewReport:
    """Return what to keep of a dispute about a value, or about a token.

    Raises:
        MalformedError: a value, code or day that cannot be; says all.
    """
    fields = shape.part(DisputeFields, draft)
    wrong = faults.of_dispute(fields, rules.today)
    if not fields.reason:
        wrong.append(MalformedError("dispute: reason not given"))
    if draft.token and not fields.about:
        wrong.append(
            MalformedError(
                "dispute: a token alone shows no knowledge of the value",
                hint="name the reports in `about`: such a dispute needs none",
            )
        )
    value, short = "", b""
    try:
        report.check_kind(draft.kind)
        if draft.token:
            short = report.named_token(
                draft.kind, draft.token, draft.epoch, rules.roster
            )
        else:
            value = identifier.for_report(
                draft.kind,
                draft.value,
                region=draft.region or rules.region,
                scheme=draft.scheme,
                keep_query=True,
                allow_personal=True,
            ).value
    except SyncdError as e:
        wrong.insert(0, e)
    if wrong:
        raise joined(wrong)
    fields = report.in_order(_due(fields, draft.kind, rules))
    report.check_fits(fields, draft.kind, rules)
    return NewReport(
        draft.kind,
        value,
        record.encode(fields),
        type=DISPUTE,
        urgent=True,
        token=short,
        epoch=draft.epoch if short else 0,
        expires=draft.expires,
    )


def _due(fields: DisputeFields, kind: str, rules: Rules) -> DisputeFields:
    """Return fields that say until when, and by when to look again."""
    today = statement.day(rules.today)
    expires = fields.expires or report.later(today, rules.policy.cap(kind, ""))
    due = fields.due or min(report.later(today, DUE_DAYS[kind]), expires)
    return replace(fields, due=due, expires=expires)


def prepare_answer(
    draft: AnswerDraft, reports: Sequence[Claim], rules: Rules
) -> NewReport:
    """Return what to keep of an answer on reports of one token.

    Raises:
        MalformedError: a code that cannot be, or none; says all.
    """
    fields = AnswerFields(
        outcome=draft.outcome,
        reason=draft.reason,
        about=tuple(claim.position for claim in reports),
    )
    wrong = faults.of_codes(fields)
    missing = [n for n in ("outcome", "reason") if not getattr(draft, n)]
    if missing:
        wrong.append(
            MalformedError(
                "answer: {fields} not given", fields=", ".join(missing)
            )
        )
    if wrong:
        raise joined(wrong)
    on = reports[0].statement
    fields = report.in_order(fields)
    report.check_fits(fields, on.kind, rules)
    return NewReport(
        *(on.kind, "", record.encode(fields)),
        type=ANSWER,
        urgent=True,
        token=token.decode(on.token),
        epoch=on.epoch,
    )
