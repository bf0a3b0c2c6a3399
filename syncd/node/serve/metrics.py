"""Metrics, in a registry of the daemon's own.

What happens is counted as it happens; what is a state is read when somebody
asks. Labels are codes, member ids and origins: never a value.
"""

from collections import Counter as Tally
from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from syncd import tsv
from syncd.flows.ports import State
from syncd.node.serve.member_state import MemberState
from syncd.roster.quotas import HOUR_S

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


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

    lookups: Counter
    reports: Counter
    quota_denials: Counter
    budget_denials: Counter
    rounds: Counter
    pulls: Counter
    findings: Counter
    failures: Counter

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # What is looked up, and why, live: not for a member's auditors.
        self.inside = CollectorRegistry()
        self._gauges: dict[str, tuple[Gauge, list[str]]] = {}
        counters: dict[str, Counter] = {}
        for kind, name, words, text in tsv.rows("node/serve/metrics.tsv"):
            full, labels = f"syncd_{name}", words.split()
            to = self.inside if kind == "inside" else self.registry
            if kind == "gauge":
                gauge = Gauge(full, text, labels, registry=to)
                self._gauges[full] = gauge, labels
            else:
                counters[name] = Counter(full, text, labels, registry=to)
        vars(self).update(counters)
        self.lookup_seconds = Histogram(
            "syncd_lookup_seconds",
            "From a look-up's arrival to its answer.",
            buckets=SECONDS,
            registry=self.inside,
        )

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
        for gauge, named in self._gauges.values():
            if named:
                gauge.clear()  # an origin or member may have left
        for name, labels, value in samples(state):
            gauge, _ = self._gauges[name]
            (gauge.labels(*labels) if labels else gauge).set(value)
        more = generate_latest(self.inside) if inside else b""
        return generate_latest(self.registry) + more
