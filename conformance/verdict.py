"""From claims to a verdict: verdict.md."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations

from .notes import Json

REPORT, DISPUTE, REASSIGNED, ANSWER, VOUCH = 1, 3, 5, 6, 7
ACTIONS = ["", *["label", "warn", "verify", "delay", "restrict", "hold"]]
AUTHORITY = {
    "police_case": {"police"},
    "police_alert": {"police"},
    "judgment": {"police", "justice"},
    "official_list": {"police", "justice", "regulator"},
    "bank_detection": {"bank", "payment"},
    "carrier_detection": {"carrier"},
    "platform_detection": {"platform", "security"},
}
ANYONES = {"victim_report", "test_call", "honeypot"}
WEAK = {"user_tag", "partner_feed", "predictive", "official_relay"}
OFFICIAL = {"police_case", "judgment", "official_list"}
REASONS = [
    "official_report",
    "two_independent",
    "one_group",
    "not_independent",
    "no_authority",
    "contested",
    "spoofed",
    "disputed",
    "disputed_by_police",
    "overdue",
    "report_stands",
    "vouched",
    "never_listed",
    "no_report",
    "annulled",
    "test",
    "bad_know",
    "not_yet",
    "expired",
    "withdrawn",
    "reassigned",
    "basis_ended",
]  # in the order in which they are given

Position = tuple[str, int]


@dataclass(frozen=True)
class Author:
    """Whose log it is, as the roster has it, and whether it has forked."""

    member: str
    sector: str
    group: str  # the member's id where the roster names none
    annulled: bool = False
    contested: bool = False

    def speaks_for(self, sector: str) -> bool:
        return self.sector == sector and not self.contested


@dataclass(frozen=True)
class Claim:
    """A claim on a form of the value; 0 is the most specific form."""

    position: Position
    author: Author
    body: Json
    form: int = 0

    @property
    def type(self) -> int:
        return int(self.body["type"])

    @property
    def token(self) -> tuple[str, int, str]:
        return self.body["kind"], self.body["epoch"], self.body["token"]

    @property
    def evidence(self) -> str:
        """What it is worth, by the authority of its author."""
        named: str = self.body["evidence"]
        if self.author.contested or self.overclaims:
            return "user_tag"
        return named if named in {*AUTHORITY, *ANYONES, *WEAK} else "user_tag"

    @property
    def overclaims(self) -> bool:
        may = AUTHORITY.get(self.body["evidence"])
        return may is not None and self.author.sector not in may

    @property
    def official(self) -> bool:
        return self.evidence in OFFICIAL

    def names(self, other: "Claim", field: str) -> bool:
        return list(other.position) in self.body.get(field, [])

    def day(self, field: str) -> date:
        return date.fromisoformat(self.body[field])


@dataclass(frozen=True)
class Rules:
    """What the roster and the day say, and what is known of the value."""

    day: date
    caps: list[Json]
    policy: Mapping[str, str]
    never: frozenset[int] = frozenset()  # its forms that are protected
    bad_know: frozenset[Position] = frozenset()
    pages: frozenset[int] = frozenset()  # of them, where a planted page counts


@dataclass
class Verdict:
    word: str
    reasons: set[str] = field(default_factory=set)
    action: str = ""
    unattended: str = ""

    def ordered(self) -> list[str]:
        return sorted(self.reasons, key=REASONS.index)


def judge(
    claims: Iterable[Claim], rules: Rules, elsewhere: Iterable[Claim] = ()
) -> Verdict:
    """The verdict on a value, from the claims on all its forms.

    `elsewhere` are the claims on the tokens of what reports rest on, and of
    what that rests on in turn.
    """
    here = {c.position: c for c in claims}
    ended = _ended({c.position: c for c in elsewhere} | here, rules)
    mine = [c for c in here.values() if _counts(c, rules)]
    active = [c for c in mine if c.type == REPORT and c.position not in ended]
    vouches = [
        c
        for c in mine
        if c.type == VOUCH and _open(c, rules) and not c.author.contested
    ]
    dropped = {ended[p] for p in here if p in ended}

    # Rule 1: nothing counts. Rule 3: the never-list answers all that does.
    left = [
        c
        for c in active
        if not any(n <= c.form for n in rules.never)
        or (
            c.form in rules.pages
            and "compromised" in c.body.get("technique", [])
            and rules.day < c.day("seen") + timedelta(days=14)
        )
    ]
    if not left:
        reasons = set(dropped)
        if vouches:
            reasons |= {"vouched"}
        if 0 in rules.never or active:
            reasons |= {"never_listed"}
        if not active and not dropped:
            reasons |= {"no_report"}
        return Verdict(
            "protected" if vouches or 0 in rules.never else "none", reasons
        )

    against = {
        c.position: [
            d
            for d in mine
            if _disputes(d, c)
            and (_open(d, rules) or _overdue(d, c, mine, rules))
        ]
        for c in left
    }
    vouching = [[v for v in vouches if v.form <= c.form] for c in left]
    vouched = {c.position for c, by in zip(left, vouching, strict=True) if by}
    disputed = [c for c in left if against[c.position]]
    reporting = [c.author for c in left]

    def cleared(vouches: list[Claim]) -> bool:
        fresh = [
            v.author
            for v in vouches
            if v.author.sector not in {a.sector for a in reporting}
            and v.author.group not in {a.group for a in reporting}
        ]
        return any(_apart(*pair) for pair in combinations(fresh, 2))

    def lifted(c: Claim) -> bool:
        if not c.official:
            return bool(against[c.position]) or c.position in vouched
        sectors = {
            d.author.sector
            for d in against[c.position]
            if not d.author.contested
        }
        return "police" in sectors or len(sectors) > 1

    shown = [c for c in left if "spoofed" not in c.body]
    official = [c for c in shown if c.official]
    pairs = [p for p in combinations(shown, 2) if _independent(*p)]
    groups = {c.author.group for c in left}
    policy = rules.policy
    action = ""
    if any(not lifted(c) for c in official):
        word, action = "confirmed", policy["official"]
    elif any(not lifted(a) and not lifted(b) for a, b in pairs):
        word, action = "confirmed", policy["confirmed"]
    elif not (official or pairs or all(map(lifted, left))):
        word, action = "suspected", policy["suspected"]
    elif (
        not (official or pairs or any(c.official for c in left))
        and len(disputed) < len(left)
        and all(map(cleared, vouching))
    ):
        word = "protected"
    else:
        word = "disputed"
        action = policy["disputed_vouched" if vouched else "disputed"]
    if not shown:
        action = _milder(action, policy["spoofed"])

    given = {
        "official_report": official,
        "two_independent": pairs,
        "one_group": len(groups) == 1 and not official,
        "not_independent": len(groups) > 1 and not official and not pairs,
        "no_authority": any(c.overclaims for c in left),
        "contested": any(c.author.contested for c in left),
        "spoofed": len(shown) < len(left),
        "disputed": disputed,
        "disputed_by_police": any(
            d.author.speaks_for("police")
            for those in against.values()
            for d in those
        ),
        "overdue": any(
            _overdue(d, c, mine, rules)
            for c in left
            for d in against[c.position]
        ),
        "report_stands": any(
            _answers(a, c, "report_stands") for a in mine for c in disputed
        ),
        "vouched": vouched,
        "never_listed": len(left) < len(active),
    }
    reasons = dropped | {name for name, holds in given.items() if holds}
    return Verdict(word, reasons, action, _milder(action, policy["ceiling"]))


def _ended(
    everything: Mapping[Position, Claim], rules: Rules
) -> dict[Position, str]:
    """Why each report that does not count does not."""
    reports = {p: c for p, c in everything.items() if c.type == REPORT}
    others = [c for c in everything.values() if c.type != REPORT]
    ended = {
        p: why for p, c in reports.items() if (why := _why(c, others, rules))
    }
    # The least set: own knowledge, or something that it rests on counts.
    counts: set[Position] = set()
    while True:
        more = {
            p
            for p, c in reports.items()
            if p not in ended and p not in counts
            if "basis" not in c.body
            or any(tuple(basis) in counts for basis in c.body["basis"])
        }
        if not more:
            break
        counts |= more
    return {p: "basis_ended" for p in reports if p not in counts} | ended


def _why(c: Claim, others: Iterable[Claim], rules: Rules) -> str:
    """The first reason for which a report does not count, but its basis."""
    beside = [o for o in others if o.token == c.token]
    until = min((c.day("expires") - c.day("seen")).days, _cap(c, rules.caps))
    if c.author.annulled:
        return "annulled"
    if "test" in c.body:
        return "test"
    if c.position in rules.bad_know:
        return "bad_know"
    if rules.day < c.day("seen"):
        return "not_yet"
    if (rules.day - c.day("seen")).days >= until:
        return "expired"
    if any(
        _answers(a, c, "report_withdrawn")
        or (c.official and a.author.speaks_for("police") and _ends(a, c))
        for a in beside
    ):
        return "withdrawn"
    if not c.official and any(
        r.type == REASSIGNED
        and r.body["kind"] == "phone"
        and r.author.speaks_for("carrier")
        and _counts(r, rules)
        and c.day("seen") < r.day("since") <= rules.day
        and not any(
            d.type == DISPUTE
            and d.names(r, "about")
            and d.author.speaks_for("police")
            and not d.author.annulled
            and _open(d, rules)
            for d in beside
        )
        for r in beside
    ):
        return "reassigned"
    return ""


def _cap(c: Claim, caps: list[Json]) -> int:
    """The closest row's days: of both, of the evidence, of the kind."""
    days = {
        (row.get("kind"), row.get("evidence")): row["days"] for row in caps
    }
    kind, worth = c.body["kind"], c.evidence
    names = (kind, worth), (None, worth), (kind, None)
    return next(int(days[name]) for name in names if name in days)


def _open(c: Claim, rules: Rules) -> bool:
    return rules.day < c.day("expires")


def _counts(c: Claim, rules: Rules) -> bool:
    """Not annulled, and whoever wrote it showed what he must know."""
    if c.author.annulled:
        return False
    if c.type not in {DISPUTE, REASSIGNED, VOUCH} or "about" in c.body:
        return True
    return "know" in c.body and c.position not in rules.bad_know


def _disputes(d: Claim, c: Claim) -> bool:
    return (
        d.type == DISPUTE
        and d.form <= c.form
        and ("about" not in d.body or d.names(c, "about"))
    )


def _overdue(d: Claim, c: Claim, mine: list[Claim], rules: Rules) -> bool:
    due = min(d.day("due"), d.day("on") + timedelta(days=15))
    answers = (
        a for a in mine if _answers(a, c) and a.day("on") >= d.day("on")
    )
    return not c.official and rules.day > due and not any(answers)


def _answers(a: Claim, report: Claim, outcome: str = "") -> bool:
    return a.author.member == report.author.member and _ends(
        a, report, outcome
    )


def _ends(a: Claim, report: Claim, outcome: str = "report_withdrawn") -> bool:
    return (
        a.type == ANSWER
        and outcome in {"", a.body["outcome"]}
        and a.token == report.token
        and a.names(report, "about")
    )


def _apart(a: Author, b: Author) -> bool:
    return a.group != b.group and a.sector != b.sector


def _independent(a: Claim, b: Claim) -> bool:
    worth = {a.evidence, b.evidence}
    return (
        _apart(a.author, b.author)
        and not any(c.author.contested or "basis" in c.body for c in (a, b))
        and not (worth <= WEAK or "official_relay" in worth)
    )


def _milder(a: str, b: str) -> str:
    return min(a, b, key=ACTIONS.index)
