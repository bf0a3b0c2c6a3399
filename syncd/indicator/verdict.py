"""The verdict: what the alliance's policy makes of the claims on a value.

A pure function of claims, policy, who is who, and a day: it can be replayed
by anyone who has the same logs, and the order in which they arrived cannot
matter. The rules in plain words, and the table of cases that tests run, are
docs/verdict.md; the numbers below are those of its rules.

    1 only active reports count       4 confirmed   two independent, official
    2 evidence needs authority        5 disputed    all that remains is
    3 protected  never-list           6 suspected   whatever else is active

Any member may say of one token what it likes, as often as its day allows. So
no step here costs more than there are claims, and positions in them.

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
from typing import Final

from syncd.indicator import vocabulary
from syncd.indicator.claims import (
    ANSWER,
    DISPUTE,
    REASSIGNED,
    REPORT,
    VOUCH,
    Claim,
)
from syncd.indicator.never import NOBODY, PLANTED, PLANTED_DAYS, Guard
from syncd.indicator.policy import Policy, Reporter, lower
from syncd.indicator.statement import Position
from syncd.indicator.token import KIND_CODES, KIND_NAMES

AUTHORITY: Final[Mapping[str, frozenset[str]]] = {
    "police_case": frozenset({"police"}),
    "police_alert": frozenset({"police"}),
    "judgment": frozenset({"police", "justice"}),
    "official_list": frozenset({"police", "justice", "regulator"}),
    "bank_detection": frozenset({"bank", "payment"}),
    "carrier_detection": frozenset({"carrier"}),
    "platform_detection": frozenset({"platform", "security"}),
}  # evidence → sectors that can have it; the other classes are anyone's
OFFICIAL: Final = frozenset({"police_case", "judgment", "official_list"})
RELAYED: Final = "official_relay"  # the authority reports it itself
WEAK: Final = frozenset({"user_tag", "partner_feed", "predictive", RELAYED})

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "official_report": ("有权机关的正式上报", "an official report"),
    "two_independent": (
        "不同行业的两家独立上报",
        "two independent reports from different sectors",
    ),
    "one_group": ("仅一家机构上报", "reported by one institution only"),
    "not_independent": (
        "多家上报但不独立或不足以确认",
        "several reports, but not independent or not strong enough",
    ),
    "no_authority": (
        "上报方无权使用该证据类别，按用户标记处理",
        "evidence claimed without authority, read as user_tag",
    ),
    "contested": (
        "上报方日志存在分叉",
        "a reporter's log is forked",
    ),
    "spoofed": ("号码可能被冒用", "the number may have been spoofed"),
    "disputed": ("有未决异议", "an open dispute"),
    "disputed_by_police": ("公安提出异议", "disputed by police"),
    "report_stands": (
        "上报方复核后维持",
        "the reporter looked again and stands by it",
    ),
    "vouched": ("成员声明为官方所有", "vouched for as official"),
    "never_listed": ("列入保护名单", "on the never-list"),
    "no_report": ("无上报", "no report"),
    "annulled": ("上报方的历史记录已作废", "the reporter's past is annulled"),
    "test": ("演练数据", "a drill"),
    "bad_know": (
        "上报方未能证明掌握原始值",
        "the reporter did not show that it had the value",
    ),
    "not_yet": ("尚未生效", "seen on a later day"),
    "expired": ("已过期", "expired"),
    "withdrawn": ("上报方已撤销", "withdrawn by its reporter"),
    "reassigned": ("号码已二次放号", "the number has a new owner"),
    "basis_ended": ("所依据的信息已失效", "what it rested on has ended"),
}  # code → label in Chinese, in English; answers list them in this order


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
    level: int  # which form it is on: 0 is the most specific
    who: Reporter
    evidence: str  # what it is worth: rule 2
    ends: int  # first day on which it does not count
    contested: bool

    @property
    def official(self) -> bool:
        return self.evidence in OFFICIAL

    def planted(self, day: int) -> bool:
        """Tell whether it is of a page planted on a protected site."""
        return (
            PLANTED in self.claim.technique
            and day < self.claim.seen + PLANTED_DAYS
        )

    def strength(self) -> tuple[bool, bool, bool, int, Position]:
        """Return what sorts the strongest report first."""
        return (
            self.claim.spoofed,
            not self.official,
            self.evidence in WEAK,
            -self.claim.confidence,
            self.claim.position,
        )


@dataclass(frozen=True, slots=True)
class _World:
    """What a verdict is made from, besides the claims."""

    policy: Policy
    reporters: Mapping[str, Reporter]
    day: int
    contested: Collection[str]
    bad_know: Collection[Position]

    def speaks_for(self, claim: Claim, sector: str) -> bool:
        """Tell whether a claim has the authority of a sector."""
        who = self.reporters.get(claim.origin)
        return (
            who is not None
            and who.sector == sector
            and claim.origin not in self.contested
        )

    def open(self, claim: Claim) -> bool:
        """Tell whether a dispute or vouch stands today."""
        return claim.origin in self.reporters and self.day < claim.expires

    def vouches(self, claim: Claim) -> bool:
        """Tell whether a vouch has effect: of a forked log none has."""
        return self.open(claim) and claim.origin not in self.contested

    def sectors(self, disputes: Iterable[Claim]) -> frozenset[str]:
        """Return the sectors that dispute: a forked log speaks for none."""
        return frozenset(
            self.reporters[d.origin].sector
            for d in disputes
            if d.origin not in self.contested
        )

    def evidence(self, claim: Claim) -> str:
        """Return what a report's evidence is worth (rule 2)."""
        named = vocabulary.read("evidence", claim.evidence)
        if claim.origin in self.contested:
            return "user_tag"
        may = AUTHORITY.get(named)
        if may is None or self.reporters[claim.origin].sector in may:
            return named
        return "user_tag"

    def ends(self, claim: Claim) -> int:
        """Return the first day on which a report does not count any more."""
        kind = KIND_NAMES[claim.kind]
        cap = self.policy.cap(kind, self.evidence(claim))
        return min(claim.expires, claim.seen + cap)


def unknown(*reasons: str) -> Verdict:
    """Return the verdict on what could not be asked."""
    return Verdict("unknown", "", "", reasons)


def unresolved(claims: Iterable[Claim]) -> list[Position]:
    """Return the basis positions whose reports are not among the claims.

    `verdict` wants the claims on *their* tokens as `standing`, and on those
    that they rest on in turn: fetch and ask again, until nothing new comes.
    """
    all_claims = list(claims)
    known = {claim.position for claim in all_claims}
    wanted = {p for claim in all_claims for p in claim.basis}
    return sorted(wanted - known)


def verdict(
    claims: Sequence[Sequence[Claim]],
    policy: Policy,
    reporters: Mapping[str, Reporter],
    day: int,
    *,
    contested: Collection[str] = frozenset(),
    bad_know: Collection[Position] = frozenset(),
    never: Guard = NOBODY,
    standing: Iterable[Claim] = (),
) -> Verdict:
    """Judge a value by the claims on its forms, most specific first.

    Args:
        claims: per form of the value, the claims on it that stand.
        policy: caps and actions.
        reporters: who writes each log; what is not in here has no effect.
        day: days since 1970, in the roster's zone.
        contested: origins whose log is forked.
        bad_know: positions of reports whose `know` does not fit the value.
        never: the forms that the never-list protects.
        standing: claims on other tokens, for `basis` (see `unresolved`).
    """
    world = _World(policy, reporters, day, contested, bad_know)
    mine = {
        claim.position: (claim, level)
        for level, group in enumerate(claims)
        for claim in group
    }
    others = [c for c in standing if c.position not in mine]
    every = [*(claim for claim, _ in mine.values()), *others]
    said = _said(every, world)
    lapsed = _lapsed(every, said, world)

    reports: list[_Report] = []
    disputes: list[tuple[Claim, int]] = []
    vouches: list[tuple[Claim, int]] = []
    ended: dict[str, None] = {}  # reasons, in order
    rests_on: set[Position] = set()
    first: dict[_Name, int] = {}  # day on which one was seen that has lapsed
    for position, (claim, level) in sorted(mine.items()):
        if claim.type == REPORT:
            if position in lapsed:
                why = lapsed[position]
                ended[why] = None
                name = _name(claim)
                if why == "withdrawn":
                    rests_on.update(said[name].withdrawn(claim))
                elif why == "reassigned":
                    first[name] = min(claim.seen, first.get(name, claim.seen))
            else:
                reports.append(
                    _Report(
                        claim,
                        level,
                        reporters[claim.origin],
                        world.evidence(claim),
                        world.ends(claim),
                        claim.origin in contested,
                    )
                )
        elif claim.type == DISPUTE and world.open(claim):
            disputes.append((claim, level))
        elif claim.type == VOUCH and world.vouches(claim):
            vouches.append((claim, level))
    reports.sort(key=_Report.strength)
    for name, seen in first.items():
        rests_on.update(said[name].moved_after(seen))

    # Rule 1, last sentence: nothing counts.
    if not reports:
        reasons = [*ended] or ["no_report"]
        if 0 in never.levels:
            reasons.append("never_listed")
        return _protected(never, vouches, world, reasons, rests_on)

    # Rule 3: the never-list answers reports at its level and below.
    guard = min(never.levels, default=len(claims))
    left = [
        r
        for r in reports
        if r.level < guard or (r.level in never.pages and r.planted(day))
    ]
    if not left:
        reasons = ["never_listed", *ended]
        return _protected(never, vouches, world, reasons, rests_on)

    if len(left) < len(reports):
        ended["never_listed"] = None  # those on the forms that it guards
    return _judge(left, disputes, vouches, world, [*ended], rests_on, mine)


def _protected(
    never: Guard,
    vouches: list[tuple[Claim, int]],
    world: _World,
    reasons: list[str],
    rests_on: set[Position],
) -> Verdict:
    """Answer where no report is left: `protected`, or `none`."""
    if vouches:
        reasons.append("vouched")
        rests_on.update(claim.position for claim, _ in vouches)
    found = "protected" if 0 in never.levels or vouches else "none"
    return _answer(found, "", world, reasons, rests_on, [])


def _judge(
    reports: list[_Report],
    disputes: list[tuple[Claim, int]],
    vouches: list[tuple[Claim, int]],
    world: _World,
    ended: list[str],
    rests_on: set[Position],
    mine: Mapping[Position, tuple[Claim, int]],
) -> Verdict:
    """Apply rules 4 to 6 to reports that count, of which there are some."""
    levels = {r.level for r in reports}
    at = {r.claim.position: r.level for r in reports}
    general = {  # disputes of all reports on a form
        level: [d for d, of in disputes if not d.about and of <= level]
        for level in levels
    }
    named: dict[Position, list[Claim]] = {position: [] for position in at}
    for dispute, of in disputes:
        for position in dispute.about:
            if position in at and of <= at[position]:
                named[position].append(dispute)
    vouching = {
        level: [v for v, of in vouches if of <= level] for level in levels
    }

    def is_disputed(r: _Report) -> bool:
        return bool(general[r.level] or named[r.claim.position])

    disputed = [r for r in reports if is_disputed(r)]
    vouched = [r for r in reports if vouching[r.level]]

    # Rule 4: what would confirm, and what of it is not lifted.
    real = [r for r in reports if not r.claim.spoofed]
    official = [r for r in real if r.official]
    against = {level: world.sectors(general[level]) for level in levels}
    firm = [
        r
        for r in official
        if not _lifts(
            against[r.level] | world.sectors(named[r.claim.position])
        )
    ]
    pair = _independent(real)
    firm_pair = pair and _independent(
        [r for r in real if not (is_disputed(r) or vouching[r.level])]
    )
    policy = world.policy
    if firm or firm_pair:
        found = "confirmed"
        action = policy.official if firm else policy.confirmed
    elif official or pair or len(disputed) == len(reports):  # rules 4, 5
        found = "disputed"
        action = policy.disputed_vouched if vouched else policy.disputed
    elif (
        len(vouched) == len(reports)
        and not any(r.official for r in reports)
        and len({r.who.group for r in reports}) == 1
    ):
        found, action = "protected", ""
    else:
        found, action = "suspected", policy.suspected
    if not real:
        action = lower(action, policy.spoofed)

    disputing = [*chain(*general.values()), *chain(*named.values())]
    rests_on.update(at)
    rests_on.update(d.position for d in disputing)
    rests_on.update(v.position for v in chain(*vouching.values()))
    police = any(world.speaks_for(d, "police") for d in disputing)
    upheld = _upheld(disputed, mine, world)
    rests_on.update(upheld)
    groups = {r.who.group for r in reports}
    single = len(groups) == 1
    checks = (
        ("official_report", bool(official)),
        ("two_independent", pair),
        ("one_group", single and not official),
        ("not_independent", not (single or pair or official)),
        ("no_authority", any(_overclaims(r) for r in reports)),
        ("contested", any(r.contested for r in reports)),
        ("spoofed", len(real) < len(reports)),
        ("disputed", bool(disputed)),
        ("disputed_by_police", police),
        ("report_stands", bool(upheld)),
        ("vouched", bool(vouched)),
    )
    reasons = [code for code, holds in checks if holds] + ended
    return _answer(found, action, world, reasons, rests_on, reports)


def _answer(
    found: str,
    action: str,
    world: _World,
    reasons: Iterable[str],
    rests_on: Iterable[Position],
    reports: Sequence[_Report],
) -> Verdict:
    seen = [r.claim.seen for r in reports]
    members = {r.who.member: r.who.sector for r in reports}
    sectors: dict[str, int] = {}
    for sector in sorted(members.values()):
        sectors[sector] = sectors.get(sector, 0) + 1
    quiet = any(
        vocabulary.read("handling", r.claim.handling) == "no_tip_off"
        for r in reports
    )
    said = frozenset(reasons)
    labels = [vocabulary.read("label", r.claim.label) for r in reports]
    roles = [r.claim.role for r in reports]
    return Verdict(
        verdict=found,
        action=action,
        unattended=lower(action, world.policy.ceiling),
        reasons=tuple(code for code in REASONS if code in said),
        positions=tuple(sorted(rests_on)),
        first_seen=min(seen, default=None),
        last_seen=max(seen, default=None),
        expires=max((r.ends for r in reports), default=None),
        labels=tuple(dict.fromkeys(labels)),
        roles=tuple(dict.fromkeys(roles)),
        sectors=sectors,
        handling="no_tip_off" if quiet else "open",
    )


# ----------------------------------------------------- rule 1: what counts


_Name = tuple[int, int, bytes]  # (kind, epoch, token)


def _name(claim: Claim) -> _Name:
    return claim.kind, claim.epoch, claim.token


class _Said:
    """What is said of one token that may end reports on it."""

    def __init__(self, beside: Iterable[Claim], world: _World) -> None:
        """Take the claims on the token."""
        self._world = world
        self._answers: dict[Position, list[Claim]] = {}
        moved: list[Claim] = []
        refused: set[Position] = set()  # what police dispute by position
        for c in beside:
            if c.type == ANSWER and c.outcome == "report_withdrawn":
                for position in c.about:
                    self._answers.setdefault(position, []).append(c)
            elif c.type == REASSIGNED and world.speaks_for(c, "carrier"):
                moved.append(c)
            elif c.type == DISPUTE and world.speaks_for(c, "police"):
                refused.update(c.about if world.open(c) else ())
        self._moved = [
            c
            for c in moved
            if c.kind == KIND_CODES["phone"]
            and c.since <= world.day
            and c.position not in refused
        ]
        self._last = max((c.since for c in self._moved), default=0)

    def withdrawn(self, report: Claim) -> list[Position]:
        """Return its author's answers that take a report back."""
        who = self._world.reporters[report.origin]
        return [
            c.position
            for c in self._answers.get(report.position, ())
            if _same_member(c, who, self._world)
        ]

    def moved(self, report: Claim) -> bool:
        """Tell whether the number has had a new owner since."""
        return report.seen < self._last

    def moved_after(self, seen: int) -> list[Position]:
        """Return what says that it has had one since a day."""
        return [c.position for c in self._moved if seen < c.since]


def _said(claims: Iterable[Claim], world: _World) -> dict[_Name, _Said]:
    """Return what is said of each token that the claims are about."""
    by_token: dict[_Name, list[Claim]] = {}
    for claim in claims:
        by_token.setdefault(_name(claim), []).append(claim)
    return {name: _Said(beside, world) for name, beside in by_token.items()}


def _lapsed(
    claims: Iterable[Claim], said: Mapping[_Name, _Said], world: _World
) -> dict[Position, str]:
    """Return why each report that does not count does not.

    A report that names a `basis` counts while some report that it rests on
    counts. That is the least fixed point: whatever cannot be traced to a
    report of own knowledge does not stand, so two reports that rest on each
    other do not hold each other up, nor does one that rests on what we do
    not have.
    """
    lapsed: dict[Position, str] = {}
    counts: list[Position] = []  # those whose dependents are still to be held
    resting: dict[Position, list[Position]] = {}  # on a report: which others
    for claim in claims:
        if claim.type != REPORT:
            continue
        why = _lapse(claim, said[_name(claim)], world)
        if why:
            lapsed[claim.position] = why
        elif claim.basis:
            lapsed[claim.position] = "basis_ended"  # unless it is held
            for position in claim.basis:
                resting.setdefault(position, []).append(claim.position)
        else:
            counts.append(claim.position)
    while counts:
        held = resting.pop(counts.pop(), ())
        counts += [position for position in held if lapsed.pop(position, "")]
    return lapsed


def _lapse(report: Claim, said: _Said, world: _World) -> str:
    """Return why a report does not count, "" if only its basis can say."""
    if report.origin not in world.reporters:
        return "annulled"
    if report.test:
        return "test"
    if report.position in world.bad_know:
        return "bad_know"
    if world.day < report.seen:
        return "not_yet"
    if world.day >= world.ends(report):
        return "expired"
    if said.withdrawn(report):
        return "withdrawn"
    if said.moved(report):
        return "reassigned"
    return ""


def _same_member(claim: Claim, who: Reporter, world: _World) -> bool:
    other = world.reporters.get(claim.origin)
    return other is not None and other.member == who.member


# ------------------------------------------------------- rules 2, 4 and 5


def _lifts(sectors: Collection[str]) -> bool:
    """Tell whether these sectors' disputes lift an official report."""
    return "police" in sectors or len(sectors) >= 2


def _independent(reports: Sequence[_Report]) -> bool:
    """Tell whether two of the reports confirm each other (rule 4)."""
    voices = {
        (r.who.group, r.who.sector, r.evidence in WEAK)
        for r in reports
        if not (r.claim.basis or r.contested or r.evidence == RELAYED)
    }
    return any(
        a[0] != b[0] and a[1] != b[1] and not (a[2] and b[2])
        for a, b in itertools.combinations(voices, 2)
    )


def _overclaims(report: _Report) -> bool:
    """Tell whether evidence was claimed without its sector's authority."""
    may = AUTHORITY.get(report.claim.evidence)
    return may is not None and report.who.sector not in may


def _upheld(
    disputed: Sequence[_Report],
    mine: Mapping[Position, tuple[Claim, int]],
    world: _World,
) -> list[Position]:
    """Return the answers that stand by a report that is disputed."""
    by_position = {r.claim.position: r for r in disputed}
    return [
        claim.position
        for claim, _ in mine.values()
        if claim.type == ANSWER
        and claim.outcome == "report_stands"
        and any(
            r.claim.token == claim.token and _same_member(claim, r.who, world)
            for r in map(by_position.get, claim.about)
            if r is not None
        )
    ]
