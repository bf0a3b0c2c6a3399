"""Objections: what disputes, vouches and answers do to reports that count.

A dispute answers a report while it is open; an unofficial one also once its
author should have answered, until he does. A vouch answers unofficial reports
alone. The rules in plain words are docs/verdict.md; no step here costs more
than there are claims, and positions in them.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, combinations
from typing import NamedTuple

from syncd.indicator.active import OFFICIAL, WEAK, World, due
from syncd.indicator.claims import Claim
from syncd.indicator.never import PLANTED, PLANTED_DAYS
from syncd.indicator.notation import DAYS, Position
from syncd.indicator.statement import Answer, Dispute, Report, Vouch
from syncd.roster.members import Member

Target = int | Position  # all reports on a form, by its level; or one report


class CountedReport(NamedTuple):
    """A report that counts."""

    claim: Claim
    report: Report
    level: int  # which form it is on: 0 is the most specific
    who: Member
    evidence: str  # what it is worth: rule 2
    ends: int  # first day on which it does not count

    @property
    def position(self) -> Position:
        """Its id."""
        return self.claim.position

    @property
    def targets(self) -> tuple[Target, Target]:
        """What a dispute of it may be of."""
        return self.level, self.position

    @property
    def official(self) -> bool:
        """Whether it is an authority's act."""
        return self.evidence in OFFICIAL

    def planted(self, day: int) -> bool:
        """Tell whether it is of a page planted on a protected site."""
        return (
            PLANTED in self.report.technique
            and day < DAYS[self.report.seen] + PLANTED_DAYS
        )

    def strength(self) -> tuple[bool, bool, bool, int, Position]:
        """Return what sorts the strongest report first."""
        return (
            self.report.spoofed,
            not self.official,
            self.evidence in WEAK,
            -self.report.confidence,
            self.position,
        )


class Objections:
    """What is said against reports that count, of which there are some."""

    def __init__(
        self,
        reports: Sequence[CountedReport],
        beside: Sequence[tuple[Claim, int]],
        world: World,
    ) -> None:
        """Take what else is claimed of the value, and on which form."""
        self._world = world
        self._at = {r.position: r for r in reports}
        self._answered = dict[Position, int]()  # day of the last answer
        self._stands = dict[Position, list[Position]]()  # what says so
        self._open = dict[Target, list[Claim]]()  # disputes
        self._late = dict[Target, list[Claim]]()  # they may be open too
        self._vouches: dict[int, list[Claim]] = {r.level: [] for r in reports}
        for claim, level in beside:
            below = [n for n in self._vouches if level <= n]
            match claim.statement:
                case Answer() as answer:
                    self._answer(claim, answer)
                case Dispute() as dispute:
                    self._dispute(claim, dispute, below)
                case Vouch():
                    for n in below:
                        self._vouches[n].append(claim)
        self.overdue = [*self._overdue()]
        late = {r.position for r in self.overdue}
        self.disputed = [
            r
            for r in reports
            if r.position in late
            or any(target in self._open for target in r.targets)
        ]
        self.vouched = [r for r in reports if self._vouches[r.level]]
        self.lifted = {*self._lifted()}  # positions: they confirm nothing

    def _answer(self, claim: Claim, answer: Answer) -> None:
        """Take an author's answer about reports of his on its token."""
        for position in answer.about:
            r = self._at.get(position)
            if (
                r
                and r.report.token == answer.token
                and self._world.same_member(claim, r.who)
            ):
                before = self._answered.get(position, -1)
                self._answered[position] = max(before, DAYS[answer.on])
                if answer.outcome == "report_stands":
                    stands = self._stands.setdefault(position, [])
                    stands.append(claim.position)

    def _dispute(
        self, claim: Claim, dispute: Dispute, below: Sequence[int]
    ) -> None:
        """Take a dispute of all reports on a form, or of some."""
        targets: Sequence[Target] = below
        if dispute.about:
            named = map(self._at.get, dispute.about)
            targets = [r.position for r in named if r and r.level in below]
        for target in targets:
            if self._world.open(dispute.expires):
                self._open.setdefault(target, []).append(claim)
            if self._world.day > due(dispute):
                self._late.setdefault(target, []).append(claim)

    def _overdue(self) -> Iterable[CountedReport]:
        """Find unofficial reports with a dispute that waited too long."""
        latest = {
            target: max(DAYS[claim.statement.on] for claim in claims)
            for target, claims in self._late.items()
        }
        for r in self._at.values():
            due = max(latest.get(target, -1) for target in r.targets)
            if not r.official and self._answered.get(r.position, -1) < due:
                yield r

    def _lifted(self) -> Iterable[Position]:
        """Find what confirms nothing any more.

        An official report is lifted by police, or by two sectors that dispute
        it; any other by a dispute or a vouch.
        """
        against = {
            target: self._world.sectors(claims)
            for target, claims in self._open.items()
        }
        for r in chain(self.disputed, self.vouched):
            found = (against.get(target, ()) for target in r.targets)
            sectors = {*chain(*found)}
            if not r.official or "police" in sectors or len(sectors) > 1:
                yield r.position

    def disputing(self) -> list[Claim]:
        """Return the disputes that have effect."""
        targets = {target for r in self.overdue for target in r.targets}
        late = (self._late.get(target, ()) for target in targets)
        return [*chain(*self._open.values(), *late)]

    def upheld(self) -> list[Position]:
        """Return the answers that stand by a report that is disputed."""
        stands = (self._stands.get(r.position, ()) for r in self.disputed)
        return [*chain(*stands)]

    def positions(self) -> set[Position]:
        """Return what a verdict rests on: the reports, and what is here."""
        claims = chain(self.disputing(), *self._vouches.values())
        return {*self._at, *self.upheld(), *(c.position for c in claims)}

    def cleared(self) -> bool:
        """Tell whether two members of sectors that do not report vouch.

        They are of two sectors and controllers, and none clears an official
        report.
        """
        who = [r.who for r in self._at.values()]
        sectors = {w.sector for w in who}
        groups = {w.controller for w in who}
        for claims in self._vouches.values():
            voices = {
                (w.controller, w.sector)
                for w in (self._world.roster.authors[c.origin] for c in claims)
                if w.sector not in sectors and w.controller not in groups
            }
            pairs = combinations(voices, 2)
            if not any(a[0] != b[0] and a[1] != b[1] for a, b in pairs):
                return False
        return not any(r.official for r in self._at.values())
