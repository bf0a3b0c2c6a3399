"""How much the roster lets other members evaluate."""

from dataclasses import dataclass

from syncd.errors import QuotaError
from syncd.flows.evaluation import Request
from syncd.node.context import Context
from syncd.node.serve.metrics import Metrics
from syncd.roster import quotas
from syncd.roster.terms import Epoch
from syncd.store.quota import Debit


@dataclass(frozen=True, slots=True)
class QuotaBook:
    """Implements `flows.evaluation.Debit` by the roster's limits."""

    ctx: Context
    metrics: Metrics

    async def debit(self, member: str, request: Request, epoch: Epoch) -> int:
        """Count a request durably before it is computed; return what is left.

        Raises:
            QuotaError: the member's hour or day is used up.
        """
        try:
            return await self.ctx.own.quotas.debit(
                Debit(
                    member=member,
                    key=f"{request.kind}/{request.epoch}",
                    purpose=request.purpose,
                    n=request.counted,
                    request=request.digest,
                    now=self.ctx.now(),
                    day=self.ctx.today(),
                    limits=quotas.limits(
                        self.ctx.roster, epoch, member, request.purpose
                    ),
                )
            )
        except QuotaError:
            self.metrics.denials.labels(member).inc()
            raise
