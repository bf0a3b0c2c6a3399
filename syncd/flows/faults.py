"""Faults: every flaw of what a report or dispute states, not the first only.

    fields ─ codes, days, numbers, role and kind, evidence and sector ─ faults

Values are not looked at here: they are `identifier`'s work. What is empty was
not given, and is no fault of this module's.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from syncd.errors import MalformedError, RefusedError, SyncdError
from syncd.indicator import statement, vocabulary
from syncd.indicator.verdict import AUTHORITY

OFFERED: Final = {  # in place of evidence that a sector cannot have
    "police_case": "official_relay",
    "police_alert": "official_relay",
    "judgment": "official_relay",
    "official_list": "official_relay",
}  # else partner_feed
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CASE: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)


def of_report(
    said: Mapping[str, Any], kind: str, sector: str, today: int
) -> list[SyncdError]:
    """Return what is wrong with the fields of a report of ours.

    `kind` is "" where it is not known, `sector` our own or "" likewise;
    `today` is in days since 1970.
    """
    facets = statement.FACETS[statement.Report]
    faults = [*_codes(said, facets)]
    unknown = {fault.params["field"] for fault in faults}
    if "role" not in unknown:
        faults += _role(said["role"], kind)
    if "evidence" not in unknown:
        faults += _evidence(said["evidence"], sector)
    if not 0 <= said["confidence"] <= 100:  # it may be somebody's number
        faults.append(MalformedError("confidence: not 0 to 100"))
    days = _days(said, ("seen", "expires"), faults)
    seen, expires = days.get("seen"), days.get("expires")
    if seen is not None and seen > today:
        faults.append(
            MalformedError("seen: {seen} is in the future", seen=said["seen"])
        )
    elif seen is not None and expires is not None and expires <= seen:
        faults.append(
            MalformedError(
                "expires: {expires}, and seen {seen}",
                hint="it counts from the day seen until the day before",
                expires=said["expires"],
                seen=said["seen"],
            )
        )
    if said["case"] and not _CASE.fullmatch(said["case"]):
        faults.append(MalformedError("case: not 16 digits in lower-case hex"))
    return [*faults, *_positions("basis", said["basis"])]


def of_dispute(said: Mapping[str, Any], today: int) -> list[SyncdError]:
    """Return what is wrong with the fields of a dispute of ours."""
    faults = [*_codes(said, statement.FACETS[statement.Dispute])]
    days = _days(said, ("due", "expires"), faults)
    due, expires = days.get("due"), days.get("expires")
    if due is not None and due < today:
        faults.append(
            MalformedError(
                "due: {due} is past",
                hint="it is the day by which an answer is asked for",
                due=said["due"],
            )
        )
    if expires is not None and expires < max(today + 1, due or 0):
        faults.append(
            MalformedError(
                "expires: {expires} is past, or before due",
                expires=said["expires"],
            )
        )
    return [*faults, *_positions("about", said["about"])]


def _codes(
    said: Mapping[str, Any], facets: Mapping[str, str]
) -> Iterator[SyncdError]:
    for field, facet in facets.items():
        value = said[field]
        for word in value if isinstance(value, tuple) else (value,):
            if word and not vocabulary.known(facet, word):
                yield vocabulary.refused(field, facet, word)


def _role(role: str, kind: str) -> Iterator[SyncdError]:
    """Yield that a role is none of such a kind's."""
    fits = vocabulary.ROLE_KINDS
    if role and kind and kind not in fits[role]:
        yield MalformedError(
            "role: {role} fits {kinds}, not {kind}",
            hint="roles of this kind: {roles}",
            role=role,
            kinds=", ".join(fits[role]),
            kind=kind,
            roles=", ".join(r for r, kinds in fits.items() if kind in kinds),
        )


def _evidence(evidence: str, sector: str) -> Iterator[SyncdError]:
    """Yield that our sector cannot have such evidence of its own."""
    may = AUTHORITY.get(evidence)
    if sector and may is not None and sector not in may:
        instead = OFFERED.get(evidence, "partner_feed")
        yield RefusedError(
            "evidence: {evidence} is for {sectors} to give, we are {sector}",
            hint="for what another told us: {instead} {label}",
            evidence=evidence,
            sectors=", ".join(sorted(may)),
            sector=sector,
            instead=instead,
            label=vocabulary.label("evidence", instead, "zh"),
        )


def _days(
    said: Mapping[str, Any], fields: tuple[str, ...], faults: list[SyncdError]
) -> dict[str, int]:
    """Return the days that fields name; what names none goes to `faults`."""
    days = {}
    for field in fields:
        text = said[field]
        try:
            if text:
                days[field] = statement.day(text)
        except MalformedError:
            # What has not the shape of a day may be somebody's number.
            shown = text if _DAY.fullmatch(text) else "…"
            faults.append(
                MalformedError(
                    "{field}: {day} is no day as YYYY-MM-DD, 1970 to 2199",
                    field=field,
                    day=shown,
                )
            )
    return days


def _positions(
    field: str, positions: tuple[tuple[str, int], ...]
) -> Iterator[SyncdError]:
    if not all(
        statement.is_origin(origin) and 0 <= index <= statement.MAX_INTEGER
        for origin, index in positions
    ):
        yield MalformedError(
            "{field}: not all are ORIGIN:INDEX of a statement", field=field
        )
