"""Report: from what an operator hands in to what the vault keeps.

Everything that can be refused is refused here, with its reason, before a row
is acknowledged: the identifier, every code, the days, the never-list.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from syncd import canonical
from syncd.errors import MalformedError, RefusedError
from syncd.indicator import identifier, policy, statement
from syncd.indicator.identifier import Identifier
from syncd.indicator.statement import Dispute, Report
from syncd.roster.roster import Roster

CONFIDENCE = 50  # of 100, where a report names none
HANDLING = "no_tip_off"  # the careful one, where a report names none
DISPUTE_DAYS = 30  # a dispute asks for an answer within these
NOBODY = "AAAAAAAAAAAAAAAAAAAAAA"  # a token in form, for checks

NEEDED = ("label", "role", "evidence")  # nothing of these is guessed
OPTIONAL = (
    "confidence",
    "seen",
    "expires",
    "channel",
    "technique",
    "case",
    "handling",
    "spoofed",
    "test",
    "basis",
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the vault is to keep: an identifier and a statement's fields."""

    kind: str
    value: str = field(repr=False)
    fields: bytes  # canonical JSON, public once published
    type: int = 1  # 1 report, 3 dispute
    urgent: bool = False
    extras: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Desk:
    """What reports are checked against, as of one moment."""

    roster: Roster
    today: str
    region: str

    def never(self, found: Identifier) -> bool:
        """Tell whether an identifier is on the roster's never-list."""
        return any(
            (n.kind, n.value) == (found.kind, found.value)
            for n in self.roster.never
        )


def prepare(raw: Mapping[str, Any], desk: Desk) -> Prepared:
    """Return what to keep of one report.

    Raises:
        MalformedError: a value, code or day that cannot be; says which.
        RefusedError: the never-list, or a URL that a report may not name.
    """
    missing = [
        name for name in ("kind", "value", *NEEDED) if not raw.get(name)
    ]
    if missing:
        raise MalformedError(
            f"report: {', '.join(missing)} not given",
            hint="nothing is guessed: name it in a column or an option",
        )
    found = identifier.for_report(
        raw["kind"],
        raw["value"],
        region=raw.get("region") or desk.region,
        scheme=raw.get("scheme") or None,
        keep_query=bool(raw.get("keep_query")),
        allow_personal=bool(raw.get("allow_personal")),
    )
    if desk.never(found):
        raise RefusedError(
            f"report: this {found.kind} is on the alliance's never-list",
            hint="it is an emergency, official or clearing number or site:"
            " report what merely imitates it",
        )
    fields = _fields(raw, found.kind, desk)
    _check(fields, found.kind, desk.today)
    return Prepared(
        found.kind,
        found.value,
        canonical.dumps(fields),
        urgent=bool(raw.get("urgent")),
    )


def _fields(raw: Mapping[str, Any], kind: str, desk: Desk) -> dict[str, Any]:
    fields: dict[str, Any] = {name: raw[name] for name in NEEDED}
    fields["confidence"] = raw.get("confidence", CONFIDENCE)
    fields["seen"] = raw.get("seen") or desk.today
    fields["handling"] = raw.get("handling") or HANDLING
    for name in ("channel", "case"):
        if raw.get(name):
            fields[name] = raw[name]
    if raw.get("technique"):
        fields["technique"] = sorted(set(raw["technique"]))
    if raw.get("basis"):
        fields["basis"] = sorted({tuple(p) for p in raw["basis"]})
    for name in ("spoofed", "test"):
        if raw.get(name):
            fields[name] = True
    fields["expires"] = raw.get("expires") or _expires(fields, kind, desk)
    return fields


def _expires(fields: Mapping[str, Any], kind: str, desk: Desk) -> str:
    """Return the day up to which the roster lets such a report count."""
    cap = policy.of(desk.roster).cap(kind, fields["evidence"])
    last = min(statement.day(fields["seen"]) + cap, statement.MAX_DAY)
    return statement.day_text(last)


def _check(fields: Mapping[str, Any], kind: str, today: str) -> None:
    """Refuse what would not be a statement that we may write."""
    said = _convert(
        {
            "type": 1,
            "on": today,
            "kind": kind,
            "epoch": 1,
            "token": NOBODY,
            "know": "00" * 8,
            **fields,
        },
        Report,
    )
    statement.check_writable(said, statement.day(today))


S = TypeVar("S", Report, Dispute)


def _convert(value: Mapping[str, Any], form: type[S]) -> S:
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as e:
        name = form.__name__.lower()
        raise MalformedError(f"{name}: {_quoteless(str(e))}") from None


def _quoteless(text: str) -> str:
    """Return a complaint without what it quotes from the input."""
    return re.sub(r"'[^']*'", "…", text)


def prepare_dispute(raw: Mapping[str, Any], desk: Desk) -> Prepared:
    """Return what to keep of one dispute.

    Raises:
        MalformedError: a value, code or day that cannot be; says which.
    """
    found = identifier.for_report(
        raw["kind"],
        raw["value"],
        region=raw.get("region") or desk.region,
        scheme=raw.get("scheme") or None,
        keep_query=True,
        allow_personal=True,
    )
    today = statement.day(desk.today)
    fields: dict[str, Any] = {
        "reason": raw.get("reason", ""),
        "due": raw.get("due") or statement.day_text(today + DISPUTE_DAYS),
        "expires": raw.get("expires")
        or statement.day_text(
            today + policy.of(desk.roster).cap(found.kind, "")
        ),
    }
    if raw.get("about"):
        fields["about"] = sorted({tuple(p) for p in raw["about"]})
    said = _convert(
        {
            "type": 3,
            "on": desk.today,
            "kind": found.kind,
            "epoch": 1,
            "token": NOBODY,
            **fields,
        },
        Dispute,
    )
    statement.check_writable(said, today)
    return Prepared(
        found.kind,
        found.value,
        canonical.dumps(fields),
        type=3,
        urgent=bool(raw.get("urgent", True)),
    )
