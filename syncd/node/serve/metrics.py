"""Metrics, in a registry of the daemon's own.

What happens is counted as it happens; what is a state is read when somebody
asks. Labels are codes, member ids and origins: never a value.
"""

from collections import Counter as Tally
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

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
                yield name, (*named,), value
    for log in state.logs:
        for what in ("known", "mirrored", "merged"):
            yield "log_entries", (log.origin, what), getattr(log, what)
    for kind in ("phone", "url", "account"):
        for of in State:
            rows = state.vault.get((kind, of), 0)
            yield "vault_rows", (kind, of.name.lower()), rows
    for left in state.quotas:
        labels = left.member, left.key, left.purpose
        if left.age_s < HOUR_S:
            yield "quota_left", labels, left.left
    for row in state.members:
        if row.state not in ("self", "removed"):
            yield "peer_failures", (row.member,), row.failures
            yield "peer_heard_seconds", (row.member,), row.heard_at or 0
    yield "cut_off", (), state.cut_off is not None
    yield "holders_needed", (), max((key.t for key in state.keys), default=0)
    yield "appending", (), state.follows or not state.appending


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
        for kind, name, words, _, text in ROWS:
            if kind == "counter":
                said = f"syncd_{name}", text, words.split()
                vars(self)[name] = Counter(*said, registry=self.registry)
        self.lookup_seconds = Histogram(
            "syncd_lookup_seconds",
            "From a look-up's arrival to its answer.",
            buckets=SECONDS,
            registry=self.registry,
        )

    def denied(self, kind: str, n: int) -> None:
        """Count items that a token's budget did not allow."""
        self.budget_denials.labels(kind).inc(n)

    def looked_up(self, came: Tally[str], purpose: str, took: float) -> None:
        """Count one look-up."""
        for verdict, n in came.items():
            self.lookups.labels(verdict, purpose).inc(n)
        self.lookup_seconds.observe(took)

    def scrape(self, state: MemberState) -> bytes:
        """Return all in Prometheus' text format, with this state."""
        gauges = {
            name: GaugeMetricFamily(f"syncd_{name}", text, None, words.split())
            for kind, name, words, _, text in ROWS
            if kind == "gauge"
        }
        for name, labels, value in samples(state):
            gauges[name].add_metric(labels, value)
        states: Any = SimpleNamespace(collect=gauges.values)
        return generate_latest(self.registry) + generate_latest(states)
