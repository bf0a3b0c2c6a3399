"""How much the roster lets other members evaluate."""

from dataclasses import dataclass

from syncd.errors import QuotaError
from syncd.flows.evaluation import PURPOSES_OF_BULK, Request
from syncd.indicator import vocabulary
from syncd.node.context import Context
from syncd.node.serve.metrics import Metrics
from syncd.roster.roster import Roster
from syncd.roster.terms import ALL, LOOKUP
from syncd.store.quota import Debit, Limit

HOUR_S = 3600
DAY_S = 86_400

_LOOKUPS = frozenset(vocabulary.FACETS["purpose"]) - PURPOSES_OF_BULK


@dataclass(frozen=True, slots=True)
class QuotaBook:
    """Implements `flows.evaluation.Debit` by the roster's limits."""

    ctx: Context
    metrics: Metrics

    async def debit(self, member: str, request: Request) -> None:
        """Count a request durably before it is computed.

        Raises:
            QuotaError: the member's hour or day is used up.
        """
        try:
            await self.ctx.own.quotas.debit(
                Debit(
                    member=member,
                    key=f"{request.kind}/{request.epoch}",
                    purpose=request.purpose,
                    n=request.counted,
                    request=request.digest,
                    now=self.ctx.now(),
                    day=self.ctx.today(),
                    limits=_limits(self.ctx.roster, member, request.purpose),
                )
            )
        except QuotaError:
            self.metrics.denials.labels(member).inc()
            raise


def _limits(roster: Roster, member: str, purpose: str) -> tuple[Limit, ...]:
    """Return what the roster lets a member evaluate, in all and for this."""
    rows: list[tuple[str, frozenset[str] | None]] = [(ALL, None)]
    if purpose in PURPOSES_OF_BULK:
        rows.append((purpose, frozenset({purpose})))
    else:
        rows.append((LOOKUP, _LOOKUPS))
        rows.append((purpose, frozenset({purpose})))
    return tuple(
        Limit(most, window, purposes)
        for name, purposes in rows
        for quota in (roster.quota(member, name),)
        for most, window in ((quota.hour, HOUR_S), (quota.day, DAY_S))
    )
