"""Check entries of a member's own lists, and lay them over an answer.

    exempt   not to be acted on here, though the alliance lists it
    note     a remark: a shared host, a gateway, a line of our own customer
    local    on a list that the member may use and not pass on
    distrust what a member says counts here as that of a forked log would

Nothing of them enters a verdict, a token or a log: the alliance's answer and
ours stand side by side. An exempt entry answers reports on its own form of a
value or a less specific one, as a dispute does, and an official report only
if somebody knew of that report and gave a reason.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from syncd.errors import MalformedError
from syncd.flows.draft import NewReport
from syncd.flows.entry import (
    DISTRUST,
    EXEMPT,
    LOCAL,
    MAX_LIST,
    NOTE,
    Entry,
    EntryFields,
    NewEntry,
    OwnDraft,
)
from syncd.flows.report import Rules
from syncd.indicator import identifier, statement, vocabulary
from syncd.indicator.verdict import Verdict
from syncd.roster.terms import Policy, lower, stronger

MAX_TEXT = 200  # characters of a reason or remark
REASONS = vocabulary.FACETS["own_reason"]  # in order of an answer


class OwnOpinion(NamedTuple):
    """What our own lists say of a value, and what to do by them."""

    action: str  # "" for nothing to do
    unattended: str  # the action where no person decides
    reasons: tuple[str, ...]  # codes
    exempt: Entry | None
    notes: tuple[Entry, ...]
    local: tuple[Entry, ...]


def entry(type_: str, draft: OwnDraft, rules: Rules) -> NewEntry:
    """Return the exempt entry or note that a draft asks for.

    Raises:
        MalformedError: a value, code, text or day that cannot be; says which.
    """
    if type_ == EXEMPT and (draft.code or draft.text):
        raise MalformedError("exempt: code and text are a note's")
    if type_ == NOTE:
        vocabulary.check("code", "note", draft.code)
    text = plain_text("text", draft.text)
    if draft.code == "other" and not text:
        raise MalformedError("note: other says nothing without a text")
    why = plain_text("why", draft.why)
    until = None
    if draft.expires:
        until = statement.day(draft.expires)
        if until <= statement.day(rules.today):
            raise MalformedError(
                "{type}: expires {day} is not after today",
                type=type_,
                day=draft.expires,
            )
    if type_ == DISTRUST:
        member = rules.roster.member(draft.value)
        if not (why and member) or member.id == rules.member:
            raise MalformedError("distrust: want another member's id, and why")
        fields = EntryFields(why=why, text=member.id)
        return NewEntry(type_, "member", "", fields, member.id, until)
    found = draft.read(
        identifier.for_report, rules.region, allow_personal=True
    )
    fields = EntryFields(why=why, code=draft.code, text=text)
    return NewEntry(type_, found.kind, found.value, fields, draft.code, until)


def local(kept: NewReport, list_: str) -> NewEntry:
    """Return what a report says, as an entry of a list of our own."""
    fields = msgspec.json.decode(kept.fields, type=EntryFields)
    until = statement.day(fields.expires)
    return NewEntry(LOCAL, kept.kind, kept.value, fields, list_, until)


def plain_text(name: str, text: str, most: int = MAX_TEXT) -> str:
    """Return a text of ours without blanks around it.

    Raises:
        MalformedError: it is too long, or not printable.
    """
    text = text.strip()
    if len(text) > most or not text.isprintable():
        raise MalformedError(
            "{name}: want up to {most} printable characters, here are {n}",
            name=name,
            most=most,
            n=len(text),
        )
    return text


def list_name(text: str) -> str:
    """Return the name of a list of our own.

    Raises:
        MalformedError: it is empty, too long, or not printable.
    """
    found = plain_text("list", text, MAX_LIST)
    if not found:
        raise MalformedError("list: a list of our own needs a name")
    return found


def over(
    found: Verdict,
    level: int | None,
    forms: Sequence[identifier.Identifier],
    entries: Mapping[identifier.Identifier, Sequence[Entry]],
    policy: Policy,
) -> OwnOpinion | None:
    """Return what our lists say beside a verdict; None if they say nothing.

    `forms` are those that a look-up tried, most specific first; `level` is
    the first of them that a report is on which the verdict rests on. What
    the never-list protects is not acted on for a list of ours.
    """
    there = [
        (at, entry)
        for at, form in enumerate(forms)
        for entry in entries.get(form, ())
    ]
    if not there:
        return None
    listed = [(at, e) for at, e in there if e.type == LOCAL]
    counts = [(at, e) for at, e in listed if not e.fields.test]
    levels = [at for at, _ in counts] + ([] if level is None else [level])
    official = "official_report" in found.reasons or any(
        e.official for _, e in counts
    )
    reasons = {"local"} if counts else set()
    action = found.action
    if found.verdict != "protected":
        for _, entry in counts:
            action = stronger(action, _action(entry, policy))
    exempts = [(at, e) for at, e in there if e.type == EXEMPT]
    if exempts:
        at, entry = exempts[0]
        if levels and at > min(levels):
            reasons.add("exempt_too_general")
        elif official and not entry.official:
            reasons.add("exempt_before_official")
        else:
            reasons.add("exempt")
            action = ""
    return OwnOpinion(
        action,
        lower(action, policy.ceiling),
        tuple(code for code in REASONS if code in reasons),
        exempts[0][1] if exempts else None,
        tuple(e for _, e in there if e.type == NOTE),
        tuple(e for _, e in listed),
    )


def _action(entry: Entry, policy: Policy) -> str:
    """Return what is done for one entry: as for one report like it.

    Whose lists it trusts is the member's own affair, so no authority is
    asked for.
    """
    action = policy.official if entry.official else policy.suspected
    return lower(action, policy.spoofed) if entry.fields.spoofed else action
