"""How a dispute stands: which reports it is about, and who answered.

Read from the claims on its token each time, so that what was retracted,
erased or cut off with a fork counts here no more than in a verdict.
"""

from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from syncd.flows.ports import Position
from syncd.indicator import active
from syncd.indicator.active import AUTHORITY, OFFICIAL
from syncd.indicator.claims import Claim
from syncd.indicator.notation import DAYS, day_text
from syncd.indicator.statement import Answer, Dispute, Report
from syncd.roster.roster import Roster


class DisputedReport(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """A report that a dispute is about, or one that was answered for."""

    position: Position
    member: str  # who wrote it
    official: bool = False  # silence does not weaken it
    answer: Position | None = None  # the newest
    outcome: str = ""  # of the answer
    reason: str = ""  # likewise


class DisputeState(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A dispute against us, or of ours."""

    position: Position
    side: str  # against_us, by_us
    state: str  # open, overdue, answered, ended
    member: str  # who disputes
    kind: str
    reason: str
    on: str  # day
    due: str  # day to answer by
    expires: str
    reports: tuple[DisputedReport, ...]

    @property
    def by_us(self) -> bool:
        """Whether it is ours."""
        return self.side == "by_us"

    @property
    def pending(self) -> bool:
        """Whether an answer is to come."""
        return self.state in ("open", "overdue")

    @property
    def asked(self) -> list[str]:
        """Whose official reports wait for an answer."""
        waiting = (r for r in self.reports if r.answer is None)
        return sorted({r.member for r in waiting if r.official})


def of(
    claim: Claim,
    claims: Collection[Claim],
    ours: Collection[str],
    roster: Roster,
    today: str,
) -> DisputeState | None:
    """Return how a dispute stands, None if it concerns no report here.

    `claims` stand on its token, `ours` are our logs: of others' disputes our
    reports count alone, of ours the others'.
    """
    dispute = claim.statement
    if not isinstance(dispute, Dispute):
        return None
    effect = dispute.about or dispute.know
    if not effect or claim.origin not in roster.authors:
        return None
    by_us = claim.origin in ours

    def meant(at: Position) -> bool:
        named = not dispute.about or at in dispute.about
        return named and (at[0] in ours) is not by_us

    standing = {
        c.position: _official(c.origin, c.statement.evidence, roster)
        for c in claims
        if isinstance(c.statement, Report)
        and today < c.statement.expires
        and meant(c.position)
    }
    answers = _answers(claims, dispute.on, roster, meant)
    reports = tuple(
        _report(at, member(at[0], roster), standing, answers)
        for at in sorted(standing.keys() | answers.keys())
    )
    if not (reports or by_us):
        return None
    return DisputeState(
        position=claim.position,
        side="by_us" if by_us else "against_us",
        state=_state(dispute, reports, today),
        member=member(claim.origin, roster),
        due=day_text(active.due(dispute)),
        reports=reports,
        **{
            n: getattr(dispute, n) for n in ("kind", "reason", "on", "expires")
        },
    )


def _state(
    dispute: Dispute, reports: Collection[DisputedReport], today: str
) -> str:
    waiting = [r for r in reports if r.answer is None]
    if not waiting:
        return "answered" if reports else "ended"
    expired = today >= dispute.expires
    # What an overdue answer does to unofficial reports does not expire.
    if active.due(dispute) < DAYS[today] and not (
        expired and all(r.official for r in waiting)
    ):
        return "overdue"
    return "ended" if expired else "open"


def _report(
    at: Position,
    author: str,
    standing: Mapping[Position, bool],
    answers: Mapping[Position, tuple[Position, Answer]],
) -> DisputedReport:
    position, answer = answers.get(at, (None, None))
    return DisputedReport(
        position=at,
        member=author,
        official=standing.get(at, False),
        answer=position,
        outcome=answer.outcome if answer else "",
        reason=answer.reason if answer else "",
    )


def _answers(
    claims: Collection[Claim],
    since: str,
    roster: Roster,
    meant: Callable[[Position], bool],
) -> dict[Position, tuple[Position, Answer]]:
    """Return the newest answer on each report, none older than a day.

    Only whoever wrote the report answers for it, in whichever of his logs.
    """
    return {
        at: (claim.position, claim.statement)
        for claim in sorted(claims, key=lambda c: (c.statement.on, c.index))
        if isinstance(claim.statement, Answer) and claim.statement.on >= since
        for at in claim.statement.about
        if meant(at) and member(at[0], roster) == member(claim.origin, roster)
    }


def member(origin: str, roster: Roster) -> str:
    """Return whose log that is, "" if the roster has no such log."""
    found = roster.by_origin(origin)
    return found[0].id if found else ""


def _official(origin: str, evidence: str, roster: Roster) -> bool:
    """Tell whether evidence is official, and given with its authority."""
    found = roster.by_origin(origin) if evidence in OFFICIAL else None
    return found is not None and found[0].sector in AUTHORITY[evidence]
