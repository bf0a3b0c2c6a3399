"""The verdict: what the alliance's policy makes of the claims on a value.

A pure function of claims, policy, who is who, and a day: it can be replayed
by anyone who has the same logs, and the order in which they arrived cannot
matter. The rules in plain words, and the table of cases that tests run, are
docs/verdict.md; the numbers below are those of its rules.

    1 only active reports count       4 confirmed   two independent, official
    2 evidence needs authority        5 disputed    all that remains is
    3 protected  never-list           6 suspected   whatever else is active

Rules 1 and 2 are `active`'s. Any member may say of one token what it likes, as
often as its day allows. So no step costs more than there are claims, and
positions in them.

A look-up tries several expressions or forms of one value. Their claims are
judged together: `claims` has one group per form, most specific first, and a
dispute, vouch or never-entry answers only reports of its own group or of a
later one.

What is protected is a rule on the value, `never`'s, not on a token: it comes
in as `never`, and is asked for anew by who replays a verdict.
"""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from syncd.indicator import active, vocabulary
from syncd.indicator.active import OFFICIAL, RELAYED, WEAK, Name, World
from syncd.indicator.claims import Claim
from syncd.indicator.never import NOBODY, PLANTED, PLANTED_DAYS, Guard
from syncd.indicator.notation import DAYS, Position
from syncd.indicator.policy import Policy, Reporter, lower
from syncd.indicator.reasons import REASONS
from syncd.indicator.statement import Answer, Dispute, Report, Vouch


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to make of a value, and why. Days are since 1970."""

    verdict: str  # code
    action: str  # code; "" where nothing is to be done
    unattended: str  # the action, up to the roster's ceiling
    reasons: tuple[str, ...]  # codes of REASONS
    positions: tuple[Position, ...] = ()  # what it rests on, sorted
    first_seen: int | None = None  # day, of the reports that count
    last_seen: int | None = None  # day
    expires: int | None = None  # first day on which none of them counts
    labels: tuple[str, ...] = ()  # codes, of the strongest report first
    roles: tuple[str, ...] = ()  # codes, likewise
    sectors: Mapping[str, int] = field(default_factory=dict)  # members each
    handling: str = "open"  # no_tip_off if any report asks for it


@dataclass(frozen=True, slots=True)
class _Report:
    """A report that counts."""

    claim: Claim
    report: Report
    level: int  # which form it is on: 0 is the most specific
    who: Reporter
    evidence: str  # what it is worth: rule 2
    ends: int  # first day on which it does not count

    @property
    def official(self) -> bool:
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
            self.claim.position,
        )


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What of the claims on a value bears on the verdict."""

    reports: list[_Report]  # the strongest first
    disputes: list[tuple[Claim, Dispute, int]]  # and its level
    vouches: list[tuple[Position, int]]  # (position, level)
    ended: list[str]  # reasons of the reports that do not count
    rests_on: set[Position]


def unknown(*reasons: str) -> Verdict:
    """Return the verdict on what could not be asked."""
    return Verdict("unknown", "", "", reasons)


def verdict(
    claims: Sequence[Sequence[Claim]],
    policy: Policy,
    reporters: Mapping[str, Reporter],
    day: int,
    *,
    contested: Collection[str] = frozenset(),
    bad_know: Collection[Position] = frozenset(),
    never: Guard = NOBODY,
    in_force: Iterable[Claim] = (),
) -> Verdict:
    """Judge a value by the claims on its forms, most specific first.

    Args:
        claims: per form of the value, the claims on it that stand.
        reporters: who writes each log; what is not in here has no effect.
        day: days since 1970, in the roster's zone.
        contested: origins whose log is forked.
        bad_know: positions of reports whose `know` does not fit the value.
        never: the forms that the never-list protects.
        in_force: claims on other tokens, that reports rest on.
    """
    world = World(policy, reporters, day, contested, bad_know)
    mine = {
        claim.position: (claim, level)
        for level, group in enumerate(claims)
        for claim in group
    }
    others = [c for c in in_force if c.position not in mine]
    found = _weigh(mine, others, world)

    # Rule 1, last sentence: nothing counts.
    if not found.reports:
        reasons = [*found.ended] or ["no_report"]
        if 0 in never.levels:
            reasons.append("never_listed")
        return _protected(never, found, world, reasons)

    # Rule 3: the never-list answers reports at its level and below.
    guard = min(never.levels, default=len(claims))
    left = [
        r
        for r in found.reports
        if r.level < guard or (r.level in never.pages and r.planted(day))
    ]
    if not left:
        return _protected(never, found, world, ["never_listed", *found.ended])
    if len(left) < len(found.reports):
        found.ended.append("never_listed")  # those on forms that it guards
    return _judge(left, found, world, mine)


def _weigh(
    mine: Mapping[Position, tuple[Claim, int]],
    others: Iterable[Claim],
    world: World,
) -> _Weighed:
    """Return what counts (rules 1 and 2), and why the rest does not."""
    every = [*(claim for claim, _ in mine.values()), *others]
    beside = active.beside(every, world)
    lapsed = active.lapsed(every, beside, world)
    found = _Weighed([], [], [], [], set())
    first: dict[Name, int] = {}  # day on which one was seen that has lapsed
    for position, (claim, level) in sorted(mine.items()):
        match claim.statement:
            case Report() as item if why := lapsed.get(position):
                found.ended.append(why)
                name, seen = active.name(claim), DAYS[item.seen]
                if why == "withdrawn":
                    found.rests_on.update(beside[name].withdrawn(claim))
                elif why == "reassigned":
                    first[name] = min(seen, first.get(name, seen))
            case Report() as item:
                found.reports.append(
                    _Report(
                        *(claim, item, level, world.reporters[claim.origin]),
                        world.evidence(claim.origin, item),
                        world.ends(claim.origin, item),
                    )
                )
            case Dispute() as item if world.open(claim, item.expires):
                found.disputes.append((claim, item, level))
            case Vouch(expires=expires):
                # Of a forked log no vouch has effect.
                forked = claim.origin in world.contested
                if world.open(claim, expires) and not forked:
                    found.vouches.append((position, level))
            case _:
                pass
    found.reports.sort(key=_Report.strength)
    for name, seen in first.items():
        found.rests_on.update(beside[name].moved_after(seen))
    return found


def _protected(
    never: Guard, found: _Weighed, world: World, reasons: list[str]
) -> Verdict:
    """Answer where no report is left: `protected`, or `none`."""
    if found.vouches:
        reasons.append("vouched")
        found.rests_on.update(position for position, _ in found.vouches)
    word = "protected" if 0 in never.levels or found.vouches else "none"
    return _answer(word, "", world, reasons, found.rests_on, [])


class _Case:
    """Reports that count, and what disputes and vouches say of them."""

    def __init__(
        self, reports: Sequence[_Report], found: _Weighed, world: World
    ) -> None:
        levels = {r.level for r in reports}
        self.at = {r.claim.position: r.level for r in reports}
        self.general = {  # disputes of all reports on a form
            level: [
                claim
                for claim, dispute, of in found.disputes
                if not dispute.about and of <= level
            ]
            for level in levels
        }
        self.named: dict[Position, list[Claim]] = {p: [] for p in self.at}
        for claim, dispute, of in found.disputes:
            for position in dispute.about:
                if of <= self.at.get(position, -1):
                    self.named[position].append(claim)
        self.vouching = {
            level: [p for p, of in found.vouches if of <= level]
            for level in levels
        }
        self.reports = reports
        self.disputed = [r for r in reports if self.is_disputed(r)]
        self.vouched = [r for r in reports if self.vouching[r.level]]
        self.real = [r for r in reports if not r.report.spoofed]
        self.official = [r for r in self.real if r.official]
        self.pair = _independent(self.real, world)
        self.single = len({r.who.group for r in reports}) == 1

    def is_disputed(self, r: _Report) -> bool:
        """Tell whether a dispute answers a report."""
        return bool(self.general[r.level] or self.named[r.claim.position])


def _judge(
    reports: list[_Report],
    found: _Weighed,
    world: World,
    mine: Mapping[Position, tuple[Claim, int]],
) -> Verdict:
    """Apply rules 4 to 6 to reports that count, of which there are some."""
    case = _Case(reports, found, world)
    word, action = _word(case, world)
    if not case.real:
        action = lower(action, world.policy.spoofed)

    disputing = [*chain(*case.general.values(), *case.named.values())]
    upheld = _upheld(case.disputed, mine, world)
    rests_on = found.rests_on | {*case.at, *chain(*case.vouching.values())}
    rests_on.update((d.position for d in disputing), upheld)
    official, pair, single = bool(case.official), case.pair, case.single
    checks = (
        ("official_report", official),
        ("two_independent", pair),
        ("one_group", single and not official),
        ("not_independent", not (single or pair or official)),
        (
            "no_authority",
            any(world.overclaims(r.claim.origin, r.report) for r in reports),
        ),
        ("contested", any(r.claim.origin in world.contested for r in reports)),
        ("spoofed", len(case.real) < len(reports)),
        ("disputed", bool(case.disputed)),
        (
            "disputed_by_police",
            any(world.speaks_for(d, "police") for d in disputing),
        ),
        ("report_stands", bool(upheld)),
        ("vouched", bool(case.vouched)),
    )
    reasons = [code for code, holds in checks if holds] + found.ended
    return _answer(word, action, world, reasons, rests_on, reports)


def _word(case: _Case, world: World) -> tuple[str, str]:
    """Return the verdict and what to do, by rules 4 to 6."""
    policy = world.policy
    # Rule 4: what would confirm, and what of it is not lifted.
    against = {level: world.sectors(d) for level, d in case.general.items()}
    for r in case.official:
        named = world.sectors(case.named[r.claim.position])
        sectors = against[r.level] | named
        if "police" not in sectors and len(sectors) < 2:  # it is not lifted
            return "confirmed", policy.official
    firm = [
        r
        for r in case.real
        if not (case.is_disputed(r) or case.vouching[r.level])
    ]
    if case.pair and _independent(firm, world):
        return "confirmed", policy.confirmed
    count = len(case.reports)
    if case.official or case.pair or len(case.disputed) == count:  # rules 4, 5
        return "disputed", (
            policy.disputed_vouched if case.vouched else policy.disputed
        )
    if (
        len(case.vouched) == count
        and case.single
        and not any(r.official for r in case.reports)
    ):
        return "protected", ""
    return "suspected", policy.suspected


def _answer(
    found: str,
    action: str,
    world: World,
    reasons: Iterable[str],
    rests_on: Iterable[Position],
    reports: Sequence[_Report],
) -> Verdict:
    seen = [DAYS[r.report.seen] for r in reports]
    members = {r.who.member: r.who.sector for r in reports}
    sectors: dict[str, int] = {}
    for sector in sorted(members.values()):
        sectors[sector] = sectors.get(sector, 0) + 1
    quiet = any(
        vocabulary.read("handling", r.report.handling) == "no_tip_off"
        for r in reports
    )
    known = frozenset(reasons)
    labels = [vocabulary.read("label", r.report.label) for r in reports]
    roles = [r.report.role for r in reports]
    return Verdict(
        verdict=found,
        action=action,
        unattended=lower(action, world.policy.ceiling),
        reasons=tuple(code for code in REASONS if code in known),
        positions=tuple(sorted(rests_on)),
        first_seen=min(seen, default=None),
        last_seen=max(seen, default=None),
        expires=max((r.ends for r in reports), default=None),
        labels=tuple(dict.fromkeys(labels)),
        roles=tuple(dict.fromkeys(roles)),
        sectors=sectors,
        handling="no_tip_off" if quiet else "open",
    )


def _independent(reports: Sequence[_Report], world: World) -> bool:
    """Tell whether two of the reports confirm each other (rule 4)."""
    voices = {
        (r.who.group, r.who.sector, r.evidence in WEAK)
        for r in reports
        if not (
            r.report.basis
            or r.claim.origin in world.contested
            or r.evidence == RELAYED
        )
    }
    return any(
        a[0] != b[0] and a[1] != b[1] and not (a[2] and b[2])
        for a, b in itertools.combinations(voices, 2)
    )


def _upheld(
    disputed: Sequence[_Report],
    mine: Mapping[Position, tuple[Claim, int]],
    world: World,
) -> list[Position]:
    """Return the answers that stand by a report that is disputed."""
    by_position = {r.claim.position: r for r in disputed}
    found = []
    for claim, _ in mine.values():
        one = claim.statement
        if isinstance(one, Answer) and one.outcome == "report_stands":
            about = filter(None, map(by_position.get, one.about))
            if any(
                r.report.token == one.token and world.same_member(claim, r.who)
                for r in about
            ):
                found.append(claim.position)
    return found
