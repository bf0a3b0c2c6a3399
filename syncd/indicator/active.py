"""Active reports: rules 1 and 2 of a verdict.

    1 only active reports count       2 evidence needs authority

The rules in plain words are docs/verdict.md. Any member may say of one token
what it likes, as often as its day allows: no step here costs more than there
are claims, and positions in them.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from syncd import tsv
from syncd.indicator import vocabulary
from syncd.indicator.claims import Claim
from syncd.indicator.notation import DAYS, Position
from syncd.indicator.statement import (
    Answer,
    Dispute,
    Reassigned,
    Report,
    Vouch,
)
from syncd.roster.members import Member
from syncd.roster.roster import Roster

AUTHORITY = {  # evidence → sectors that can have it; else anyone's
    evidence: frozenset(sectors.split())
    for evidence, sectors in tsv.rows("indicator/authority.tsv")
}
OFFICIAL = frozenset({"police_case", "judgment", "official_list"})
RELAYED = "official_relay"  # the authority reports it itself
MOST_DUE_DAYS = 15  # from writing a dispute to its `due`
WEAK = frozenset({"user_tag", "partner_feed", "predictive", RELAYED})


def due(dispute: Dispute) -> int:
    """Return the day to answer by: nobody waits longer than is usual."""
    return min(DAYS[dispute.due], DAYS[dispute.on] + MOST_DUE_DAYS)


class World(Struct, frozen=True):
    """What a verdict is made from, besides the claims."""

    roster: Roster  # who writes each log, and the policy
    day: int  # days since 1970, in the roster's zone
    contested: Collection[str] = frozenset()  # origins whose log is forked
    bad_know: Collection[Position] = frozenset()
    # of claims whose `know` does not fit the value

    def speaks_for(self, claim: Claim, sector: str) -> bool:
        """Tell whether a claim has the authority of a sector."""
        who = self.roster.authors.get(claim.origin)
        return (
            who is not None
            and who.sector == sector
            and claim.origin not in self.contested
        )

    def has_effect(self, claim: Claim) -> bool:
        """Tell whether a claim beside reports can do anything to them.

        Nobody lifts a report on a value that he does not have: but whoever
        names reports answers these alone, and need not have it.
        """
        if claim.origin not in self.roster.authors:
            return False
        match claim.statement:
            case Dispute(about=about, know=know):
                return bool(about) or (
                    know != "" and claim.position not in self.bad_know
                )
            case Vouch(expires=expires) if not (
                self.open(expires) and claim.origin not in self.contested
            ):
                return False
            case Reassigned() | Vouch():
                return claim.position not in self.bad_know
        return True

    def open(self, expires: str) -> bool:
        """Tell whether a dispute or vouch has not expired."""
        return self.day < DAYS[expires]

    def sectors(self, disputes: Iterable[Claim]) -> frozenset[str]:
        """Return the sectors that dispute: a forked log speaks for none."""
        return frozenset(
            self.roster.authors[d.origin].sector
            for d in disputes
            if d.origin not in self.contested
        )

    def evidence(self, origin: str, report: Report) -> str:
        """Return what a report's evidence is worth (rule 2)."""
        if origin in self.contested or self.overclaims(origin, report):
            return "user_tag"
        return vocabulary.read("evidence", report.evidence)

    def official(self, origin: str, report: Report) -> bool:
        """Tell whether a report is an authority's act."""
        return self.evidence(origin, report) in OFFICIAL

    def overclaims(self, origin: str, report: Report) -> bool:
        """Tell whether evidence was claimed without its authority."""
        sector = self.roster.authors[origin].sector
        return sector not in AUTHORITY.get(report.evidence, {sector})

    def ends(self, origin: str, report: Report) -> int:
        """Return the first day on which a report does not count any more."""
        cap = self.roster.cap(report.kind, self.evidence(origin, report))
        return min(DAYS[report.expires], DAYS[report.seen] + cap)

    def same_member(self, claim: Claim, who: Member) -> bool:
        """Tell whether a claim is of a member, in whichever of its logs."""
        return self.roster.authors.get(claim.origin) is who


Name = tuple[str, int, str]  # (kind, epoch, token)


def name(claim: Claim) -> Name:
    """Return what tells two tokens apart."""
    return claim.statement.kind, claim.statement.epoch, claim.statement.token


class Beside:
    """What is said of one token that may end reports on it."""

    def __init__(self, claims: Iterable[Claim], world: World) -> None:
        """Take the claims on the token."""
        self._world = world
        self._answers = dict[Position, list[Claim]]()
        moved = list[tuple[Position, int]]()
        refused = set[Position]()  # what police dispute by position
        for c in claims:
            match c.statement:
                case Answer(outcome="report_withdrawn", about=about):
                    for position in about:
                        self._answers.setdefault(position, []).append(c)
                case Reassigned(kind="phone", since=since):
                    if world.speaks_for(c, "carrier") and world.has_effect(c):
                        moved.append((c.position, DAYS[since]))
                case Dispute(about=about, expires=expires):
                    if world.speaks_for(c, "police"):
                        refused.update(about if world.open(expires) else ())
        self._moved = [
            (position, since)
            for position, since in moved
            if since <= world.day and position not in refused
        ]
        self._last = max((since for _, since in self._moved), default=0)

    def withdrawn(self, claim: Claim, *, official: bool) -> list[Position]:
        """Return the answers that take a report back.

        They are its author's, and police's if the report is official.
        """
        who = self._world.roster.authors[claim.origin]
        return [
            c.position
            for c in self._answers.get(claim.position, ())
            if self._world.same_member(c, who)
            or (official and self._world.speaks_for(c, "police"))
        ]

    def moved(self, seen: int) -> bool:
        """Tell whether the number has had a new owner since a day."""
        return seen < self._last

    def moved_after(self, seen: int) -> list[Position]:
        """Return what says that it has had one since a day."""
        return [position for position, since in self._moved if seen < since]


def beside(claims: Iterable[Claim], world: World) -> dict[Name, Beside]:
    """Return what is said of each token that the claims are about."""
    by_token = dict[Name, list[Claim]]()
    for claim in claims:
        by_token.setdefault(name(claim), []).append(claim)
    return {key: Beside(some, world) for key, some in by_token.items()}


def lapsed(
    claims: Iterable[Claim], by_name: Mapping[Name, Beside], world: World
) -> dict[Position, str]:
    """Return why each report that does not count does not.

    A report that names a `basis` counts while some report that it rests on
    counts. That is the least fixed point: whatever cannot be traced to a
    report of own knowledge does not stand, so two reports that rest on each
    other do not hold each other up, nor does one that rests on what we do
    not have.
    """
    found = dict[Position, str]()
    counts = list[Position]()  # those whose dependents are still to be held
    resting = dict[Position, list[Position]]()  # on a report: which others
    for claim in claims:
        report = claim.statement
        if not isinstance(report, Report):
            continue
        why = _why(claim, report, by_name[name(claim)], world)
        if why:
            found[claim.position] = why
        elif report.basis:
            found[claim.position] = "basis_ended"  # unless it is held
            for position in report.basis:
                resting.setdefault(position, []).append(claim.position)
        else:
            counts.append(claim.position)
    while counts:
        held = resting.pop(counts.pop(), ())
        counts += [position for position in held if found.pop(position, "")]
    return found


def _why(claim: Claim, report: Report, near: Beside, world: World) -> str:
    """Return why a report does not count, "" if only its basis can say."""
    if claim.origin not in world.roster.authors:
        return "annulled"
    if report.test:
        return "test"
    if claim.position in world.bad_know:
        return "bad_know"
    if world.day < DAYS[report.seen]:
        return "not_yet"
    if world.day >= world.ends(claim.origin, report):
        return "expired"
    official = world.official(claim.origin, report)
    if near.withdrawn(claim, official=official):
        return "withdrawn"
    if near.moved(DAYS[report.seen]) and not official:
        return "reassigned"
    return ""
