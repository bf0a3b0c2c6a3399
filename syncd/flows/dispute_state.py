"""How a dispute stands: which reports it is about, and who answered.

Read from the claims on its token each time, so that what was retracted,
erased or cut off with a fork counts here no more than in a verdict.
"""

from collections.abc import Callable, Collection

from syncd.flows.ports import Position
from syncd.indicator import active
from syncd.indicator.claims import Claim
from syncd.indicator.notation import DAYS, day_text
from syncd.indicator.statement import Answer, Dispute, Report
from syncd.roster.roster import Roster
from syncd.shape import Form


class DisputedReport(Form, omit_defaults=True):
    """A report that a dispute is about, or one that was answered for."""

    position: Position
    member: str  # who wrote it
    official: bool = False  # silence does not weaken it
    answer: Position | None = None  # the newest
    outcome: str = ""  # of the answer
    reason: str = ""  # likewise


class DisputeState(Form):
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
    dispute, world = claim.statement, active.World(roster, DAYS[today])
    if not isinstance(dispute, Dispute) or not world.has_effect(claim):
        return None
    by_us = claim.origin in ours

    def meant(at: Position) -> bool:
        named = not dispute.about or at in dispute.about
        other = (at[0] in ours) is not by_us
        return named and other and at[0] in roster.authors

    reports = _reports(claims, dispute.on, world, meant)
    if not (reports or by_us):
        return None
    return DisputeState(
        position=claim.position,
        side="by_us" if by_us else "against_us",
        state=_state(dispute, reports, today),
        member=roster.owner(claim.origin),
        due=day_text(active.due(dispute)),
        reports=reports,
        **{
            n: getattr(dispute, n) for n in ("kind", "reason", "on", "expires")
        },
    )


def _reports(
    claims: Collection[Claim],
    since: str,
    world: active.World,
    meant: Callable[[Position], bool],
) -> tuple[DisputedReport, ...]:
    """Return what stands, or was answered since a day by its author."""
    standing = {
        c.position: world.official(c.origin, c.statement)
        for c in claims
        if isinstance(c.statement, Report)
        and world.open(c.statement.expires)
        and meant(c.position)
    }
    authors = world.roster.authors
    newest = {
        at: {
            "answer": c.position,
            "outcome": c.statement.outcome,
            "reason": c.statement.reason,
        }
        for c in sorted(claims, key=lambda c: (c.statement.on, c.index))
        if isinstance(c.statement, Answer) and c.statement.on >= since
        for at in c.statement.about
        if meant(at) and world.same_member(c, authors[at[0]])
    }
    return tuple(
        DisputedReport(
            position=at,
            member=authors[at[0]].id,
            official=standing.get(at, False),
            **newest.get(at, {}),  # type: ignore[arg-type]
        )
        for at in sorted(standing.keys() | newest.keys())
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
