"""The verdict: what the alliance's policy makes of the claims on a value.

A pure function of claims, policy, who is who, and a day: it can be replayed
by anyone who has the same logs, and the order in which they arrived cannot
matter. The rules in plain words, and the table of cases that tests run, are
docs/verdict.md; the numbers below are those of its rules.

    1 only active reports count       4 confirmed   two independent, official
    2 evidence needs authority        5 disputed    all that remains is
    3 protected  never-list           6 suspected   whatever else is active

A look-up tries several expressions or forms of one value. Their claims are
judged together: `claims` has one group per form, most specific first, and a
dispute, vouch or never-entry answers only reports of its own group or of a
later one.
"""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
WEAK: Final = frozenset({"user_tag", "partner_feed", "predictive"})

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
    never: Collection[int] = frozenset(),
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
        never: the forms, by number, that are on the never-list.
        standing: claims on other tokens, for `basis` (see `unresolved`).
    """
    world = _World(policy, reporters, day, contested, bad_know)
    mine = {
        claim.position: (claim, level)
        for level, group in enumerate(claims)
        for claim in group
    }
    others = [c for c in standing if c.position not in mine]
    lapsed = _lapsed([*(claim for claim, _ in mine.values()), *others], world)

    reports: list[_Report] = []
    disputes: list[tuple[Claim, int]] = []
    vouches: list[tuple[Claim, int]] = []
    ended: dict[str, None] = {}  # reasons, in order
    rests_on: set[Position] = set()
    for position, (claim, level) in sorted(mine.items()):
        if claim.type == REPORT:
            if position in lapsed:
                why, by = lapsed[position]
                ended[why] = None
                rests_on.update(by)
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

    # Rule 1, last sentence: nothing counts.
    if not reports:
        reasons = [*ended] or ["no_report"]
        if never:
            reasons.append("never_listed")
        if vouches:
            reasons.append("vouched")
            rests_on.update(claim.position for claim, _ in vouches)
        found = "protected" if never or vouches else "none"
        return _answer(found, "", world, reasons, rests_on, [])

    # Rule 3: the never-list answers reports at its level and below.
    guard = min(never, default=len(claims))
    left = [r for r in reports if r.level < guard]
    if not left:
        rests_on.update(claim.position for claim, _ in vouches)
        reasons = ["never_listed", *(["vouched"] if vouches else []), *ended]
        return _answer("protected", "", world, reasons, rests_on, [])

    if len(left) < len(reports):
        ended["never_listed"] = None  # those on the forms that it guards
    return _judge(left, disputes, vouches, world, [*ended], rests_on, mine)


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
    disputed_by = {
        r.claim.position: [d for d, level in disputes if _covers(d, level, r)]
        for r in reports
    }
    vouched_by = {
        r.claim.position: [v for v, level in vouches if level <= r.level]
        for r in reports
    }
    disputed = [r for r in reports if disputed_by[r.claim.position]]
    vouched = [r for r in reports if vouched_by[r.claim.position]]

    # Rule 4: what would confirm, and what of it is not lifted.
    real = [r for r in reports if not r.claim.spoofed]
    official = [r for r in real if r.official]
    firm = [
        r for r in official if not _lifts(disputed_by[r.claim.position], world)
    ]
    pair = _independent(real)
    firm_pair = pair and _independent(
        [
            r
            for r in real
            if not disputed_by[r.claim.position]
            and not vouched_by[r.claim.position]
        ]
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

    for r in reports:
        at = r.claim.position
        rests_on.add(at)
        rests_on.update(c.position for c in disputed_by[at])
        rests_on.update(c.position for c in vouched_by[at])
    police = any(
        world.speaks_for(d, "police")
        for r in disputed
        for d in disputed_by[r.claim.position]
    )
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


def _lapsed(
    claims: Sequence[Claim], world: _World
) -> dict[Position, tuple[str, tuple[Position, ...]]]:
    """Return why each report that does not count does not, and by whom.

    A report that names a `basis` counts while some report that it rests on
    counts. That is the least fixed point: whatever cannot be traced to a
    report of own knowledge does not stand, so two reports that rest on each
    other do not hold each other up, nor does one that rests on what we do
    not have.
    """
    lapsed: dict[Position, tuple[str, tuple[Position, ...]]] = {}
    by_token: dict[tuple[int, int, bytes], list[Claim]] = {}
    for claim in claims:
        if claim.type != REPORT:
            name = (claim.kind, claim.epoch, claim.token)
            by_token.setdefault(name, []).append(claim)
    counts: set[Position] = set()
    waiting: list[Claim] = []
    for claim in claims:
        if claim.type != REPORT:
            continue
        name = (claim.kind, claim.epoch, claim.token)
        why = _lapse(claim, by_token.get(name, ()), world)
        if why[0]:
            lapsed[claim.position] = why
        elif claim.basis:
            waiting.append(claim)
        else:
            counts.add(claim.position)
    while True:
        held = [c for c in waiting if not counts.isdisjoint(c.basis)]
        if not held:
            break
        counts.update(c.position for c in held)
        waiting = [c for c in waiting if c.position not in counts]
    for claim in waiting:
        lapsed[claim.position] = ("basis_ended", ())
    return lapsed


def _lapse(
    report: Claim, beside: Sequence[Claim], world: _World
) -> tuple[str, tuple[Position, ...]]:
    """Return why a report does not count, "" if only its basis can say."""
    who = world.reporters.get(report.origin)
    if who is None:
        return "annulled", ()
    if report.test:
        return "test", ()
    if report.position in world.bad_know:
        return "bad_know", ()
    if world.day < report.seen:
        return "not_yet", ()
    if world.day >= world.ends(report):
        return "expired", ()
    answers = tuple(
        c.position
        for c in beside
        if c.type == ANSWER
        and c.outcome == "report_withdrawn"
        and report.position in c.about
        and _same_member(c, who, world)
    )
    if answers:
        return "withdrawn", answers
    moved = tuple(
        c.position
        for c in beside
        if c.type == REASSIGNED
        and c.kind == KIND_CODES["phone"]
        and report.seen < c.since <= world.day
        and world.speaks_for(c, "carrier")
        and not _refused(c, beside, world)
    )
    if moved:
        return "reassigned", moved
    return "", ()


def _same_member(claim: Claim, who: Reporter, world: _World) -> bool:
    other = world.reporters.get(claim.origin)
    return other is not None and other.member == who.member


def _refused(moved: Claim, beside: Sequence[Claim], world: _World) -> bool:
    """Tell whether police dispute a carrier's `reassigned` by position."""
    return any(
        c.type == DISPUTE
        and moved.position in c.about
        and world.open(c)
        and world.speaks_for(c, "police")
        for c in beside
    )


# ------------------------------------------------------- rules 2, 4 and 5


def _covers(dispute: Claim, level: int, report: _Report) -> bool:
    return level <= report.level and (
        not dispute.about or report.claim.position in dispute.about
    )


def _lifts(disputes: Sequence[Claim], world: _World) -> bool:
    """Tell whether disputes lift an official report (rule 4)."""
    sectors = {
        world.reporters[d.origin].sector
        for d in disputes
        if d.origin not in world.contested
    }
    return "police" in sectors or len(sectors) >= 2


def _independent(reports: Sequence[_Report]) -> bool:
    """Tell whether two of the reports confirm each other (rule 4)."""
    voices = {
        (r.who.group, r.who.sector, r.evidence in WEAK)
        for r in reports
        if not r.claim.basis and not r.contested
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
    return [
        claim.position
        for claim, _ in mine.values()
        if claim.type == ANSWER
        and claim.outcome == "report_stands"
        and any(
            r.claim.position in claim.about
            and r.claim.token == claim.token
            and _same_member(claim, r.who, world)
            for r in disputed
        )
    ]
