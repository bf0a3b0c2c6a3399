"""What each bearer token may look up in an hour.

The member's quota is one for all of its systems: a token has a share of it,
so that none uses up the others' part. What needs no holder has a limit too,
for it is recorded and kept. Counted in memory, since the start.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from syncd.errors import QuotaError, SyncdError
from syncd.flows.judge import Answer
from syncd.node.context import Reading
from syncd.node.serve.metrics import Metrics
from syncd.roster.quotas import HOUR_S, Window
from syncd.roster.terms import LOOKUP
from syncd.web import forms
from syncd.web.routes import Caller
from syncd.web.status_forms import BudgetLeft

OPEN = "url"  # what needs no holder: URLs, and what is asked by token
KINDS = ("phone", "account", OPEN)


@dataclass(kw_only=True, eq=False)
class Budgets:
    """Counts what each token looks up."""

    ctx: Reading
    metrics: Metrics

    def __post_init__(self) -> None:
        self._had: defaultdict[str, Window]
        self._had = defaultdict(lambda: Window(HOUR_S))
        self._denied = Counter[tuple[str, str]]()

    def most(self, kind: str) -> int:
        """Return how much of a kind one token may look up in an hour."""
        config = self.ctx.config.lookup
        if kind == OPEN:
            return config.token_urls
        quota = self.ctx.roster.quota(self.ctx.me, LOOKUP)
        return quota.hour * config.token_share // 100

    def spend(
        self, caller: Caller, items: Sequence[forms.Item | SyncdError]
    ) -> None:
        """Count what a token asks for, all of it or nothing.

        Raises:
            QuotaError: it would be more than its share of the hour.
        """
        now = self.ctx.now()
        counts = Counter(
            OPEN if item.token else item.kind
            for item in items
            if isinstance(item, forms.Item)
        )
        had = self._had[caller.name]
        for kind in KINDS:
            most, n = self.most(kind), counts[kind]
            left = max(most - had.used(now, kind.__eq__), 0)
            if n <= left:
                continue
            self._denied[caller.name, kind] += n
            self.metrics.budget_denials.labels(kind).inc(n)
            raise QuotaError(
                "lookup: {n} more ({kind}) would pass the {most} of this token "
                "in an hour; {left} are left",
                hint="[lookup] token_share and token_urls in config.toml say"
                " how much a token may",
                retry_after_s=had.wait_s(now, kind.__eq__, n - left),
                left=left,
                n=n,
                kind=kind,
                most=most,
            )
        for kind in KINDS:
            had.add(now, kind, counts[kind])

    def tried(self, caller: Caller, answers: Sequence[Answer]) -> None:
        """Count the further forms that values were tried as."""
        now, had = self.ctx.now(), self._had[caller.name]
        for answer in answers:
            for form in answer.forms[1:]:
                had.add(now, form.kind, 1)

    def left(self, caller: Caller) -> tuple[BudgetLeft, ...]:
        """Return what is left to a token."""
        now, had = self.ctx.now(), self._had[caller.name]
        return tuple(
            BudgetLeft(
                kind=kind,
                hour=most,
                hour_left=max(most - used, 0),
                refill_s=had.wait_s(now, kind.__eq__) if used else 0,
                denied=self._denied[caller.name, kind],
            )
            for kind in KINDS
            for most, used in ((self.most(kind), had.used(now, kind.__eq__)),)
        )
