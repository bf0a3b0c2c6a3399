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


ROWS = [*tsv.rows("node/serve/metrics.tsv")]


def samples(
    state: MemberState,
) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Yield of each gauge its labels and its value in a state."""
    for _, name, words, place, _ in ROWS:
        where, _, what = place.rpartition(".")
        found = getattr(state, where) if where else state
        for row in found if isinstance(found, tuple) else (found,):
            if (value := getattr(row, what, None)) is not None:
                named = (str(getattr(row, label)) for label in words.split())
                yield f"syncd_{name}", (*named,), value
    for log in state.logs:
        for what in ("known", "mirrored", "merged"):
            yield "syncd_log_entries", (log.origin, what), getattr(log, what)
    for kind in ("phone", "url", "account"):
        for of in State:
            rows = state.vault.get((kind, of), 0)
            yield "syncd_vault_rows", (kind, of.name.lower()), rows
    for left in state.quotas:
        labels = left.member, left.key, left.purpose
        if left.age_s < HOUR_S:
            yield "syncd_quota_left", labels, left.left
    for row in state.members:
        if row.state not in ("self", "removed"):
            yield "syncd_peer_failures", (row.member,), row.failures
            yield "syncd_peer_heard_seconds", (row.member,), row.heard_at or 0
    yield "syncd_cut_off", (), state.cut_off is not None
    needed = max((key.t for key in state.keys), default=0)
    yield "syncd_holders_needed", (), needed
    yield "syncd_appending", (), state.follows or not state.appending


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
        for kind, name, words, _, text in ROWS:
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
