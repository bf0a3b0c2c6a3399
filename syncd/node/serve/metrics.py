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

from syncd.node.serve.state import State
from syncd.store import vault

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What this member counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.lookups = Counter(
            "syncd_lookups",
            "Items looked up.",
            ("verdict", "purpose"),
            registry=self.registry,
        )
        self.lookup_seconds = Histogram(
            "syncd_lookup_seconds",
            "From a look-up's arrival to its answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.reports = Counter(
            "syncd_reports",
            "Reports handed in at the own door.",
            ("state",),
            registry=self.registry,
        )
        self.denials = Counter(
            "syncd_quota_denials",
            "OPRF requests that we refused as a holder.",
            ("member",),
            registry=self.registry,
        )
        self.rounds = Counter(
            "syncd_rounds",
            "Rounds of questions to other members.",
            registry=self.registry,
        )
        self.pulls = Counter(
            "syncd_pulls",
            "Pulls of a log that ended.",
            ("origin",),
            registry=self.registry,
        )
        self.findings = Counter(
            "syncd_findings",
            "Findings made since the start.",
            ("code",),
            registry=self.registry,
        )
        self.failures = Counter(
            "syncd_failures",
            "What failed and is tried again, by what it was.",
            ("what",),
            registry=self.registry,
        )
        self._entries = Gauge(
            "syncd_log_entries",
            "Entries of a log: known, mirrored, merged.",
            ("origin", "state"),
            registry=self.registry,
        )
        self._lag = Gauge(
            "syncd_log_lag_entries",
            "Entries that are known and not merged.",
            ("origin",),
            registry=self.registry,
        )
        self._contested = Gauge(
            "syncd_log_contested",
            "1 for a log that is forked.",
            ("origin",),
            registry=self.registry,
        )
        self._missing = Gauge(
            "syncd_log_missing_payloads",
            "Payloads that nobody serves.",
            ("origin",),
            registry=self.registry,
        )
        self._receipt = Gauge(
            "syncd_receipt_entries",
            "Entries of our log that a member has merged.",
            ("member",),
            registry=self.registry,
        )
        self._vault = Gauge(
            "syncd_vault_rows",
            "Rows of the vault.",
            ("kind", "state"),
            registry=self.registry,
        )
        self._holder = Gauge(
            "syncd_holder_up",
            "1 for a holder that last answered.",
            ("member",),
            registry=self.registry,
        )
        self._peer = Gauge(
            "syncd_peer_failures",
            "Failures in a row of a member's door.",
            ("member",),
            registry=self.registry,
        )
        self._appending = Gauge(
            "syncd_appending",
            "1 while we may append to our log.",
            registry=self.registry,
        )
        self._roster = Gauge(
            "syncd_roster_version",
            "Version of the roster in force.",
            registry=self.registry,
        )
        self._expires = Gauge(
            "syncd_roster_expires_seconds",
            "When the roster expires, unix seconds.",
            registry=self.registry,
        )
        self._skew = Gauge(
            "syncd_clock_skew_seconds",
            "Median of the others' clocks minus ours.",
            registry=self.registry,
        )

    def names(self) -> Iterator[str]:
        """Yield the name of every metric, for the documents."""
        for family in self.registry.collect():
            yield family.name

    def looked_up(
        self, verdicts: Tally[str], purpose: str, seconds: float
    ) -> None:
        """Count one look-up."""
        for verdict, n in verdicts.items():
            self.lookups.labels(verdict, purpose).inc(n)
        self.lookup_seconds.observe(seconds)

    def scrape(self, state: State) -> bytes:
        """Return everything in Prometheus' text format, with this state."""
        for gauge in (
            *(self._entries, self._lag, self._contested, self._missing),
            *(self._receipt, self._holder, self._peer),
        ):
            gauge.clear()  # an origin may have left, or a member
        for log in state.logs:
            name = log.origin
            self._entries.labels(name, "known").set(log.known)
            self._entries.labels(name, "mirrored").set(log.mirrored)
            self._entries.labels(name, "merged").set(log.merged)
            self._lag.labels(name).set(log.lag)
            self._contested.labels(name).set(log.contested)
            self._missing.labels(name).set(log.missing)
        for receipt in state.receipts:
            self._receipt.labels(receipt.member).set(receipt.size)
        for kind in ("phone", "url", "account"):
            for of in vault.State:
                n = state.vault.get((kind, of), 0)
                self._vault.labels(kind, of.name.lower()).set(n)
        for holder in state.holders:
            self._holder.labels(holder.member).set(holder.up)
        for member, failures in state.failures.items():
            self._peer.labels(member).set(failures)
        self._appending.set(not state.appending)
        self._roster.set(state.roster.version)
        self._expires.set(state.roster.expires)
        self._skew.set(state.skew_s)
        return generate_latest(self.registry)
