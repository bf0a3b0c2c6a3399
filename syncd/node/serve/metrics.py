"""Metrics, in a registry of the daemon's own.

What happens is counted as it happens; what is a state is read when somebody
asks. Labels are codes, member ids and origins: never a value.
"""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from syncd.flows.ports import State
from syncd.node.serve.member_state import MemberState
from syncd.roster.quotas import HOUR_S

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


ORIGIN, MEMBER, TARGET = ("origin",), ("member",), ("target",)
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {  # help, labels
    "syncd_log_entries": (
        "Entries of a log: known, mirrored, merged.",
        ("origin", "state"),
    ),
    "syncd_log_lag_entries": (
        "Entries that are known and not merged.",
        ORIGIN,
    ),
    "syncd_log_contested": ("1 for a log that is forked.", ORIGIN),
    "syncd_log_missing_payloads": ("Payloads that nobody serves.", ORIGIN),
    "syncd_own_log_entries": ("Entries of our own log.", ()),
    "syncd_receipt_entries": (
        "Entries of our log that a member has merged.",
        MEMBER,
    ),
    "syncd_vault_rows": ("Rows of the vault.", ("kind", "state")),
    "syncd_quota_left": (
        "Evaluations that a holder last said are left to us.",
        ("member", "key", "purpose"),
    ),
    "syncd_quota_refused": (
        "Elements that a holder refused us since the start.",
        ("member", "key", "purpose"),
    ),
    "syncd_holder_up": (
        "1 for a holder that answered when it was last asked for anything.",
        MEMBER,
    ),
    "syncd_peer_failures": (
        "Rounds in a row in which a member did not tell its heads.",
        MEMBER,
    ),
    "syncd_peer_heard_seconds": (
        "When a member was heard of last, unix seconds; 0: not since start.",
        MEMBER,
    ),
    "syncd_certificate_ends_seconds": (
        "When a member's certificate ends by its own date, unix seconds.",
        MEMBER,
    ),
    "syncd_cut_off": ("1 while no other member answers us.", ()),
    "syncd_notify_failures": ("Failures in a row of a target.", TARGET),
    "syncd_notify_waiting": ("What a target is still to be told.", TARGET),
    "syncd_notify_dropped": ("What a target was never told.", TARGET),
    "syncd_holders_needed": ("Holders that the largest quorum needs.", ()),
    "syncd_appending": ("1 while we may append to our log.", ()),
    "syncd_roster_version": ("Version of the roster in force.", ()),
    "syncd_roster_expires_seconds": (
        "When the roster expires, unix seconds.",
        (),
    ),
    "syncd_clock_skew_seconds": (
        "Median of the others' clocks minus ours.",
        (),
    ),
}


def samples(
    state: MemberState,
) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Yield of each gauge its labels and its value in a state."""
    for log in state.logs:
        name = log.origin
        for what in ("known", "mirrored", "merged"):
            yield "syncd_log_entries", (name, what), getattr(log, what)
        yield "syncd_log_lag_entries", (name,), log.lag
        yield "syncd_log_contested", (name,), log.contested
        yield "syncd_log_missing_payloads", (name,), log.missing
    yield "syncd_own_log_entries", (), state.log.size
    for receipt in state.receipts:
        yield "syncd_receipt_entries", (receipt.member,), receipt.size
    for kind in ("phone", "url", "account"):
        for of in State:
            rows = state.vault.get((kind, of), 0)
            yield "syncd_vault_rows", (kind, of.name.lower()), rows
    for holder in state.holders:
        yield "syncd_holder_up", (holder.member,), holder.up
    for left in state.quotas:
        labels = left.member, left.key, left.purpose
        if left.age_s < HOUR_S:
            yield "syncd_quota_left", labels, left.left
        yield "syncd_quota_refused", labels, left.denied
    for row in state.members:
        who = (row.member,)
        if row.certificate_ends is not None:
            yield "syncd_certificate_ends_seconds", who, row.certificate_ends
        if row.state not in ("self", "removed"):
            yield "syncd_peer_failures", who, row.failures
            yield "syncd_peer_heard_seconds", who, row.heard_at or 0
    yield "syncd_cut_off", (), state.cut_off is not None
    for target in state.notify:
        for what in ("failures", "waiting", "dropped"):
            n = getattr(target, what)
            yield f"syncd_notify_{what}", (target.target,), n
    needed = max((key.t for key in state.keys), default=0)
    yield "syncd_holders_needed", (), needed
    yield "syncd_appending", (), state.follows or not state.appending
    yield "syncd_roster_version", (), state.roster.version
    yield "syncd_roster_expires_seconds", (), state.roster.expires
    yield "syncd_clock_skew_seconds", (), state.skew_s


class Metrics:
    """What this member counts, and its states as gauges."""

    def __init__(self) -> None:
        self.registry = to = CollectorRegistry()
        # What is looked up, and why, live: not for a member's auditors.
        self.inside = CollectorRegistry()
        self.lookups = Counter(
            "syncd_lookups",
            "Items looked up.",
            ("verdict", "purpose"),
            registry=self.inside,
        )
        self.lookup_seconds = Histogram(
            "syncd_lookup_seconds",
            "From a look-up's arrival to its answer.",
            buckets=SECONDS,
            registry=self.inside,
        )
        self.reports = self._count("reports", "Reports handed in.", "state")
        self.denials = self._count(
            "quota_denials",
            "OPRF requests that we refused as a holder.",
            "member",
        )
        self.budget_denials = self._count(
            "budget_denials",
            "Items that a token's budget did not allow.",
            "kind",
        )
        self.rounds = self._count(
            "rounds", "Rounds of questions to other members, begun."
        )
        self.pulls = self._count(
            "pulls",
            "Times that a log was mirrored, merged or cosigned further.",
            "origin",
        )
        self.findings = self._count(
            "findings", "Findings made since the start.", "code"
        )
        self.failures = self._count(
            "failures", "What failed and is tried again, by what.", "what"
        )
        self._gauges = {
            name: Gauge(name, text, labels, registry=to)
            for name, (text, labels) in GAUGES.items()
        }

    def _count(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"syncd_{name}", text, labels, registry=self.registry)

    def names(self) -> Iterator[str]:
        """Yield the name of every metric, for the documents."""
        for registry in (self.registry, self.inside):
            for family in registry.collect():
                yield family.name

    def denied(self, kind: str, n: int) -> None:
        """Count items that a token's budget did not allow."""
        self.budget_denials.labels(kind).inc(n)

    def looked_up(
        self, verdicts: Tally[str], purpose: str, seconds: float
    ) -> None:
        """Count one look-up."""
        for verdict, n in verdicts.items():
            self.lookups.labels(verdict, purpose).inc(n)
        self.lookup_seconds.observe(seconds)

    def scrape(self, state: MemberState, *, inside: bool = True) -> bytes:
        """Return all in Prometheus' text format, with this state.

        `inside`: also what was looked up, and why.
        """
        for name, (_, labels) in GAUGES.items():
            if labels:
                self._gauges[name].clear()  # an origin or member may have left
        for name, labels, value in samples(state):
            gauge = self._gauges[name]
            (gauge.labels(*labels) if labels else gauge).set(value)
        more = generate_latest(self.inside) if inside else b""
        return generate_latest(self.registry) + more
