"""The verdict: what the alliance's policy makes of the claims on a value.

A pure function of claims, roster and a day: it can be replayed
by anyone who has the same logs, and the order in which they arrived cannot
matter. The rules in plain words, and the table of cases that tests run, are
docs/verdict.md; the numbers below are those of its rules.

    1 only active reports count       4 confirmed   two independent, official
    2 evidence needs authority        5 disputed    all that remains is
    3 protected  never-list           6 suspected   whatever else is active

Rules 1 and 2 are `active`'s, what objects to a report is `objections`'. Any member may say of one token what it likes, as
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
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from syncd.indicator import active, vocabulary
from syncd.indicator.active import RELAYED, WEAK, Name, World
from syncd.indicator.claims import Claim
from syncd.indicator.never import NOBODY, Guard
from syncd.indicator.notation import DAYS, Position
from syncd.indicator.objections import CountedReport, Objections
from syncd.indicator.statement import Report, Vouch
from syncd.roster.terms import lower

REASONS = vocabulary.FACETS["verdict_reason"]  # in order of an answer
QUIET_DAYS = 90  # after `seen`, of one report's no_tip_off


class Verdict(msgspec.Struct, frozen=True):
    """What to make of a value, and why. Days are since 1970."""

    verdict: str  # code
    action: str  # code; "" where nothing is to be done
    unattended: str  # the action, up to the roster's ceiling
    reasons: tuple[str, ...]  # codes
    positions: tuple[Position, ...] = ()  # what it rests on, sorted
    first_seen: int | None = None  # day, of the reports that count
    last_seen: int | None = None  # day
    expires: int | None = None  # first day on which none of them counts
    labels: tuple[str, ...] = ()  # codes, of the strongest report first
    roles: tuple[str, ...] = ()  # codes, likewise
    sectors: dict[str, int] = {}  # members each
    handling: str = "open"  # no_tip_off while a report asks for it


class _Weighed(NamedTuple):
    """What of the claims on a value bears on the verdict."""

    reports: list[CountedReport]  # the strongest first
    beside: list[tuple[Claim, int]]  # what else has effect, and its level
    ended: list[str]  # reasons of the reports that do not count
    rests_on: set[Position]


def unknown(*reasons: str) -> Verdict:
    """Return the verdict on what could not be asked."""
    return Verdict("unknown", "", "", reasons)


def verdict(
    claims: Sequence[Sequence[Claim]],
    world: World,
    *,
    never: Guard = NOBODY,
    in_force: Iterable[Claim] = (),
) -> Verdict:
    """Judge a value by the claims on its forms, most specific first.

    Args:
        claims: per form of the value, the claims on it that stand.
        never: the forms that the never-list protects.
        in_force: claims on other tokens, that reports rest on.
    """
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
        if r.level < guard or (r.level in never.pages and r.planted(world.day))
    ]
    if not left:
        return _protected(never, found, world, ["never_listed", *found.ended])
    if len(left) < len(found.reports):
        found.ended.append("never_listed")  # those on forms that it guards
    return _judge(left, found, world)


def _weigh(
    mine: Mapping[Position, tuple[Claim, int]],
    others: Iterable[Claim],
    world: World,
) -> _Weighed:
    """Return what counts (rules 1 and 2), and why the rest does not."""
    every = [*(claim for claim, _ in mine.values()), *others]
    beside = active.beside(every, world)
    lapsed = active.lapsed(every, beside, world)
    found, authors = _Weighed([], [], [], set()), world.roster.authors
    first = dict[Name, int]()  # day on which one was seen that has lapsed
    for position, (claim, level) in sorted(mine.items()):
        match claim.statement:
            case Report() as item if why := lapsed.get(position):
                found.ended.append(why)
                name, seen = active.name(claim), DAYS[item.seen]
                if why == "withdrawn":
                    official = world.official(claim.origin, item)
                    found.rests_on.update(
                        beside[name].withdrawn(claim, official=official)
                    )
                elif why == "reassigned":
                    first[name] = min(seen, first.get(name, seen))
            case Report() as item:
                found.reports.append(
                    CountedReport(
                        *(claim, item, level, authors[claim.origin]),
                        world.evidence(claim.origin, item),
                        world.ends(claim.origin, item),
                    )
                )
            case _ if world.has_effect(claim):
                found.beside.append((claim, level))
    found.reports.sort(key=CountedReport.strength)
    for name, seen in first.items():
        found.rests_on.update(beside[name].moved_after(seen))
    return found


def _protected(
    never: Guard, found: _Weighed, world: World, reasons: list[str]
) -> Verdict:
    """Answer where no report is left: `protected`, or `none`."""
    vouches = {
        claim.position
        for claim, _ in found.beside
        if isinstance(claim.statement, Vouch)
    }
    if vouches:
        reasons.append("vouched")
        found.rests_on.update(vouches)
    word = "protected" if 0 in never.levels or vouches else "none"
    return _answer(word, "", world, reasons, found.rests_on, [])


def _judge(
    reports: Sequence[CountedReport], found: _Weighed, world: World
) -> Verdict:
    """Apply rules 4 to 6 to reports that count, of which there are some."""
    against = Objections(reports, found.beside, world)
    real = [r for r in reports if not r.report.spoofed]
    official = any(r.official for r in real)
    pair = _independent(real, world)
    word, action = _word(reports, against, world, strong=official or pair)
    if not real:
        action = lower(action, world.roster.policy.spoofed)
    single = len({r.who.controller for r in reports}) == 1
    checks = {
        "official_report": official,
        "two_independent": pair,
        "one_group": single and not official,
        "not_independent": not (single or pair or official),
        "no_authority": any(
            world.overclaims(r.claim.origin, r.report) for r in reports
        ),
        "contested": any(r.claim.origin in world.contested for r in reports),
        "spoofed": len(real) < len(reports),
        "disputed": against.disputed,
        "disputed_by_police": any(
            world.speaks_for(d, "police") for d in against.disputing()
        ),
        "overdue": against.overdue,
        "report_stands": against.upheld(),
        "vouched": against.vouched,
    }
    reasons = [code for code in checks if checks[code]] + found.ended
    rests_on = found.rests_on | against.positions()
    return _answer(word, action, world, reasons, rests_on, reports)


def _word(
    reports: Sequence[CountedReport],
    against: Objections,
    world: World,
    *,
    strong: bool,
) -> tuple[str, str]:
    """Return the verdict and what to do, by rules 4 to 6.

    They are `strong` if they would confirm it, were nothing said against them.
    """
    policy, lifted = world.roster.policy, against.lifted
    firm = [
        r for r in reports if not r.report.spoofed and r.position not in lifted
    ]
    if any(r.official for r in firm):
        return "confirmed", policy.official
    if _independent(firm, world):
        return "confirmed", policy.confirmed
    if not strong:
        count = len(reports)
        if len(lifted) < count:
            return "suspected", policy.suspected
        if len(against.disputed) < count and against.cleared():
            return "protected", ""
    return "disputed", (
        policy.disputed_vouched if against.vouched else policy.disputed
    )


def _answer(
    found: str,
    action: str,
    world: World,
    reasons: Iterable[str],
    rests_on: Iterable[Position],
    reports: Sequence[CountedReport],
) -> Verdict:
    seen = [DAYS[r.report.seen] for r in reports]
    members = {r.who.id: r.who.sector for r in reports}
    quiet = any(
        vocabulary.read("handling", r.report.handling) == "no_tip_off"
        and world.day < DAYS[r.report.seen] + QUIET_DAYS
        for r in reports
    )
    known = frozenset(reasons)
    labels = (vocabulary.read("label", r.report.label) for r in reports)
    return Verdict(
        verdict=found,
        action=action,
        unattended=lower(action, world.roster.policy.ceiling),
        reasons=tuple(code for code in REASONS if code in known),
        positions=tuple(sorted(rests_on)),
        first_seen=min(seen, default=None),
        last_seen=max(seen, default=None),
        expires=max((r.ends for r in reports), default=None),
        labels=tuple(dict.fromkeys(labels)),
        roles=tuple(dict.fromkeys(r.report.role for r in reports)),
        sectors=dict(Counter(sorted(members.values()))),
        handling="no_tip_off" if quiet else "open",
    )


def _independent(reports: Sequence[CountedReport], world: World) -> bool:
    """Tell whether two of the reports confirm each other (rule 4)."""
    voices = {
        (r.who.controller, r.who.sector, r.evidence in WEAK)
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
