"""Find every fault of what we say of a value, not only the first.

    fields ─ codes, days, numbers, role and kind, evidence and sector ─ faults

Values are not looked at here: they are `identifier`'s work. What is empty was
not given, and is no fault of this module's.
"""

from collections.abc import Iterator

from syncd.errors import MalformedError, RefusedError, SyncdError
from syncd.indicator import notation, vocabulary
from syncd.indicator.active import AUTHORITY, MOST_DUE_DAYS, RELAYED
from syncd.indicator.record import Fields, ReportFields
from syncd.tlog.key import is_ours


def of_report(
    fields: ReportFields, kind: str, sector: str, today: str
) -> Iterator[SyncdError]:
    """Yield what is wrong with the fields of a report of ours.

    `kind` is "" where it is not known, `sector` our own or "" likewise.
    """
    codes = [*_codes(fields)]
    unknown = {fault.params["field"] for fault in codes}
    yield from codes
    if "role" not in unknown:
        yield from _role(fields.role, kind)
    if "evidence" not in unknown:
        yield from _evidence(fields.evidence, sector)
    yield from _misspelt(fields)
    seen, expires = fields.seen, fields.expires
    if not notation.is_day(seen):
        return
    if seen > today:
        yield MalformedError("seen: {seen} is in the future", seen=seen)
    elif notation.is_day(expires) and expires <= seen:
        yield MalformedError(
            "expires: {expires}, and seen {seen}", expires=expires, seen=seen
        )


def of_claim(fields: Fields, today: str) -> Iterator[SyncdError]:
    """Yield what is wrong with the fields of another statement of ours."""
    yield from _codes(fields)
    yield from _misspelt(fields)
    days = (getattr(fields, n, "") for n in ("due", "expires", "since"))
    due, expires, since = (d if notation.is_day(d) else "" for d in days)
    if due and due < today:
        yield MalformedError("due: {due} is past", due=due)
    elif due and notation.DAYS[due] > notation.DAYS[today] + MOST_DUE_DAYS:
        yield MalformedError(
            "due: {due} is more than {days} days ahead",
            due=due,
            days=MOST_DUE_DAYS,
        )
    if expires and (expires <= today or expires < due):
        yield MalformedError(
            "expires: {expires} is past, or before due", expires=expires
        )
    if since > today:
        yield MalformedError("since: {day} is in the future", day=since)


def _codes(fields: Fields) -> Iterator[SyncdError]:
    for field, form in notation.forms(type(fields)).items():
        if form.facet:
            value = getattr(fields, field)
            for word in value if isinstance(value, tuple) else (value,):
                if word and word not in vocabulary.FACETS[form.facet]:
                    yield vocabulary.refused(field, form.facet, word)


def _misspelt(fields: Fields) -> Iterator[SyncdError]:
    """Yield what is not of its field's form; what is empty was not given.

    What is none may be somebody's number, and is not repeated.
    """
    for field, form in notation.forms(type(fields)).items():
        value = getattr(fields, field)
        if value in ("", ()):
            continue
        match form.name:
            case "percent" if not form.fits(value):
                yield MalformedError("{field}: not 0 to 100", field=field)
            case "day" if not form.fits(value):
                yield MalformedError(
                    "{field}: {day} is no day as YYYY-MM-DD, 1970 to 2199",
                    field=field,
                    day=value if notation.LIKE_DAY.fullmatch(value) else "…",
                )
            case "hex" if not form.fits(value):
                yield MalformedError(
                    "{field}: not 16 digits in lower-case hex", field=field
                )
            case "positions" if not all(
                is_ours(origin) and 0 <= index <= notation.MAX_INTEGER
                for origin, index in value
            ):
                yield MalformedError(
                    "{field}: not all are ORIGIN:INDEX of a statement",
                    field=field,
                )


def _role(role: str, kind: str) -> Iterator[SyncdError]:
    """Yield that a role is none of such a kind's."""
    fits = {c.code: c.kinds for c in vocabulary.listed("role")}
    if role and kind and kind not in fits[role]:
        yield MalformedError(
            "role: {role} fits {kinds}, not {kind}",
            role=role,
            kinds=", ".join(fits[role]),
            kind=kind,
            roles=", ".join(r for r, kinds in fits.items() if kind in kinds),
        )


def _evidence(evidence: str, sector: str) -> Iterator[SyncdError]:
    """Yield that our sector cannot have such evidence of its own."""
    may = AUTHORITY.get(evidence)
    if sector and may and sector not in may:
        instead = RELAYED if "police" in may else "partner_feed"
        yield RefusedError(
            "evidence: {evidence} is for {sectors} to give, we are {sector}",
            evidence=evidence,
            sectors=", ".join(sorted(may)),
            sector=sector,
            instead=instead,
            label=vocabulary.label("evidence", instead, "zh"),
        )
