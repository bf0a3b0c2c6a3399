"""How a dispute stands: which reports it is about, and who answered.

Read from the claims on its token each time, so that what was retracted,
erased or cut off with a fork counts here no more than in a verdict.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from syncd.flows.ports import Position
from syncd.indicator.active import AUTHORITY, MOST_DUE_DAYS, OFFICIAL
from syncd.indicator.claims import Claim
from syncd.indicator.notation import DAYS, MAX_DAY, day_text
from syncd.indicator.statement import Answer, Dispute, Report
from syncd.roster.roster import Roster


class Given(NamedTuple):
    """An answer, and where it stands."""

    position: Position
    answer: Answer


@dataclass(frozen=True, slots=True)
class DisputeState:
    """One dispute, as the claims have it."""

    claim: Claim
    dispute: Dispute
    by_us: bool
    state: str  # open, overdue, answered, ended
    reports: Sequence[Claim] = ()  # that it is about and that stand
    official: frozenset[Position] = frozenset()  # of these
    answers: Mapping[Position, Given] = field(default_factory=dict)
    # the newest on each report

    @property
    def due(self) -> str:
        """The day to answer by, as a verdict has it."""
        return due(self.dispute)

    @property
    def pending(self) -> bool:
        """Whether an answer is to come."""
        return self.state in ("open", "overdue")


def of(
    claim: Claim,
    claims: Collection[Claim],
    ours: Collection[str],
    roster: Roster,
    today: str,
) -> DisputeState | None:
    """Return how a dispute stands, None if it concerns no report here.

    Args:
        claim: the dispute.
        claims: what stands on its token.
        ours: the names of our logs: of others' disputes our reports count
            alone, of ours the others'.
        roster: who writes each log.
        today: a day.
    """
    dispute = claim.statement
    if not isinstance(dispute, Dispute):
        return None
    effect = dispute.about or dispute.know
    if not effect or roster.annulled(claim.origin):
        return None
    by_us = claim.origin in ours

    def meant(one: Claim) -> bool:
        named = not dispute.about or one.position in dispute.about
        return named and (one.origin in ours) is not by_us

    reports = [
        c
        for c in claims
        if isinstance(c.statement, Report)
        and today < c.statement.expires
        and meant(c)
    ]
    answers = _answers(dispute, claims, roster, meant)
    if not (reports or answers or by_us):
        return None
    official = frozenset(c.position for c in reports if is_official(c, roster))
    waiting = {c.position for c in reports} - answers.keys()
    if not waiting:
        state = "answered" if answers else "ended"
    else:
        state = _unanswered(dispute, today, weakened=not waiting <= official)
    return DisputeState(
        claim, dispute, by_us, state, reports, official, answers
    )


def _unanswered(dispute: Dispute, today: str, *, weakened: bool) -> str:
    """Return the state while an answer is missing.

    What an overdue answer does to unofficial reports, which are `weakened`,
    does not expire.
    """
    stands = today < dispute.expires
    if due(dispute) < today and (weakened or stands):
        return "overdue"
    return "open" if stands else "ended"


def _answers(
    dispute: Dispute,
    claims: Collection[Claim],
    roster: Roster,
    meant: Callable[[Claim], bool],
) -> dict[Position, Given]:
    """Return the newest answer to each report, since the dispute was made.

    Only whoever wrote the report answers for it, in whichever of his logs.
    """
    found: dict[Position, Given] = {}
    for claim in sorted(claims, key=lambda c: (c.statement.on, c.index)):
        answer = claim.statement
        if not isinstance(answer, Answer) or answer.on < dispute.on:
            continue
        for position in answer.about:
            about = Claim(*position, dispute)
            same = member(position[0], roster) == member(claim.origin, roster)
            if same and meant(about):
                found[position] = Given(claim.position, answer)
    return found


def due(dispute: Dispute) -> str:
    """Return the day to answer by: nobody waits longer than is usual."""
    last = DAYS[dispute.on] + MOST_DUE_DAYS
    return day_text(min(DAYS[dispute.due], last, MAX_DAY))


def member(origin: str, roster: Roster) -> str:
    """Return whose log that is, "" if the roster has no such log."""
    found = roster.by_origin(origin)
    return found[0].id if found else ""


def is_official(claim: Claim, roster: Roster) -> bool:
    """Tell whether a report has official evidence, with its authority."""
    report, found = claim.statement, roster.by_origin(claim.origin)
    return (
        isinstance(report, Report)
        and report.evidence in OFFICIAL
        and found is not None
        and found[0].sector in AUTHORITY[report.evidence]
    )
