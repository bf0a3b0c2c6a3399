"""What each bearer token may look up in an hour.

The member's quota is one for all of its systems: a token has a share of it,
so that none uses up the others' part. What needs no holder has a limit too,
for it is recorded and kept. Counted in memory, since the start, over the
daemon and its local workers.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import field
from typing import Any

from syncd.errors import QuotaError, UnavailableError
from syncd.flows.lookup import OPEN
from syncd.node.context import Reading, part
from syncd.node.serve.shared_counts import HIT, KINDS, MISS, SharedCounts
from syncd.roster.terms import LOOKUP
from syncd.web.routes import Caller
from syncd.web.status_forms import BudgetLeft

MISSES = 1000  # for which nobody needs a hit before
TIMES = 4  # as many misses for a hit as before are nothing yet


@part
class Budgets:
    """Counts what each token looks up."""

    ctx: Reading
    metrics: Any  # `Metrics`, or what has them count elsewhere
    counts: SharedCounts = field(default_factory=SharedCounts)

    def most(self, kind: str) -> int:
        """Return how much of a kind one token may look up in an hour."""
        config = self.ctx.config.lookup
        if kind == OPEN:
            return config.token_urls
        quota = self.ctx.roster.quota(self.ctx.me, LOOKUP)
        return quota.hour * config.token_share // 100

    def spend(
        self, caller: Caller, items: Counter[str], more: Counter[str]
    ) -> None:
        """Count what a token asks for, by kind: all of it or nothing.

        What is `more` counts whatever is left: values are tried as several
        forms, of which the caller need not know.

        Raises:
            QuotaError: its items would be more than its share of the hour.
        """
        now = self.ctx.now()
        with self.counts.of(caller.id) as had:
            for kind, n in items.items():
                most = self.most(kind)
                left = max(most - had.used(now, kind), 0)
                if n <= left:
                    continue
                had.sum_up(kind, n)
                self.metrics.denied(kind, n)
                raise QuotaError(
                    "lookup: {n} more ({kind}) would pass the {most} of this"
                    " token in an hour; {left} are left",
                    hint="[lookup] token_share and token_urls in config.toml"
                    " say how much a token may",
                    retry_after_s=had.wait_s(now, kind, n - left),
                    left=left,
                    n=n,
                    kind=kind,
                    most=most,
                )
            for kind, n in (items + more).items():
                had.add(now, kind, n)

    def tally(self, caller: Caller, came: Counter[str]) -> None:
        """Count what was found for a token, which stops nobody."""
        misses, now = came["none"], self.ctx.now()
        hits = came.total() - misses - came["unknown"] - came["problem"]
        with suppress(UnavailableError), self.counts.of(caller.id) as had:
            for kind, n in ((MISS, misses), (HIT, hits)):
                had.add(now, kind, n)
                had.sum_up(kind, n)

    def fishing(self, token: int) -> tuple[int, int] | None:
        """Return misses and hits of a token's hour if it seems to try values.

        It has far more misses for a hit than it had since the start, or than
        MISSES where it had few.
        """
        now = self.ctx.now()
        with self.counts.of(token) as had:
            misses, hits = (had.used(now, kind) for kind in (MISS, HIT))
            before = had.since_start(MISS) - misses + MISSES
            found = had.since_start(HIT) - hits + 1
        most = TIMES * (hits + 1) * before
        return (misses, hits) if misses * found > most else None

    def left(self, caller: Caller) -> tuple[BudgetLeft, ...]:
        """Return what is left to a token."""
        now = self.ctx.now()
        with self.counts.of(caller.id) as had:
            return tuple(
                BudgetLeft(
                    kind=kind,
                    hour=most,
                    hour_left=max(most - used, 0),
                    refill_s=had.wait_s(now, kind) if used else 0,
                    denied=had.since_start(kind),
                )
                for kind in KINDS
                for most, used in ((self.most(kind), had.used(now, kind)),)
            )
