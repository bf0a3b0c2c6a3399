"""Check vouches, and numbers that have a new owner, before the vault."""

from msgspec.structs import replace

from syncd import shape
from syncd.errors import MalformedError, RefusedError, joined
from syncd.flows import faults, report
from syncd.flows.draft import NewReport, ReassignedDraft, VouchDraft
from syncd.flows.report import Rules
from syncd.indicator import identifier, record, statement
from syncd.indicator.claims import REASSIGNED, VOUCH
from syncd.indicator.identifier import Identifier
from syncd.indicator.record import Fields, ReassignedFields, VouchFields


def prepare(draft: VouchDraft, rules: Rules) -> NewReport:
    """Return what to keep of a vouch.

    Raises:
        MalformedError: a value, code or day that cannot be; says all.
    """
    fields = shape.part(VouchFields, draft)
    wrong = faults.of_codes(fields)
    if not fields.role:
        wrong.append(MalformedError("vouch: role not given"))
    if fields.expires and fields.expires <= rules.today:
        wrong.append(
            MalformedError(
                "expires: {expires} is past", expires=fields.expires
            )
        )
    if wrong:
        raise joined(wrong)
    report.check_kind(draft.kind)
    if not fields.expires:
        cap = rules.policy.cap(draft.kind, "")
        expires = report.later(statement.day(rules.today), cap)
        fields = replace(fields, expires=expires)
    found = identifier.for_report(
        draft.kind,
        draft.value,
        region=draft.region or rules.region,
        scheme=draft.scheme,
        keep_query=True,
        allow_personal=True,
    )
    return _kept(found, fields, VOUCH, draft.expires)


def prepare_reassigned(draft: ReassignedDraft, rules: Rules) -> NewReport:
    """Return what to keep of a number that has a new owner.

    Raises:
        RefusedError: we are no carrier.
        MalformedError: a number or day that cannot be.
    """
    if rules.sector != "carrier":
        raise RefusedError(
            "reassigned: a carrier says that, we are {sector}",
            hint="take back what you report: syncd report retract --reason"
            " reassigned; dispute what others do",
            sector=rules.sector,
        )
    fields = shape.part(ReassignedFields, draft)
    wrong = faults.of_codes(fields)
    if not fields.since:
        wrong.append(MalformedError("reassigned: since not given"))
    elif fields.since > rules.today and not wrong:
        wrong.append(
            MalformedError("since: {day} is in the future", day=fields.since)
        )
    if wrong:
        raise joined(wrong)
    found = identifier.for_report(
        "phone", draft.value, region=draft.region or rules.region
    )
    return _kept(found, fields, REASSIGNED)


def _kept(
    found: Identifier, fields: Fields, type_: int, expires: str = ""
) -> NewReport:
    return NewReport(
        *(found.kind, found.value, record.encode(fields)),
        type=type_,
        expires=expires,
        notices=found.notices,
    )
