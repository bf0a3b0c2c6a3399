"""Keep, log and count findings, and write their events."""

from syncd.errors import (
    MalformedError,
    Message,
    RefusedError,
    UnavailableError,
    UntrustedError,
)
from syncd.flows import evaluation, evidence
from syncd.flows.ports import Finding, Offload
from syncd.node.context import log, part
from syncd.node.home import Home
from syncd.node.serve.metrics import Metrics
from syncd.store import evidence_files
from syncd.store.events import of_finding


@part
class FindingsBook:
    """Keeps findings, and evidence against bad holders."""

    home: Home
    metrics: Metrics
    offload: Offload

    async def report(self, *findings: Finding, once: bool = False) -> None:
        """Keep findings, and say so; `once`: but those that are known."""
        if not findings:
            return
        news = await self.home.own.record(findings, once=once)
        for finding in news if once else findings:
            log.warning("finding", **of_finding(finding))
            self.metrics.findings.labels(finding.code).inc()

    async def accuse(
        self, member: str, why: Message, *exchanges: evaluation.Exchange
    ) -> None:
        """Report a bad holder, and keep what proves it to others."""
        held = evidence.Evidence(member, exchanges)
        rosters = [self.home.trusted.current]
        try:
            await self.offload(evidence.judge, held, rosters)
            kept = await self.offload(
                evidence_files.keep, self.home.path, member, bytes(held)
            )
        except (MalformedError, RefusedError, UntrustedError) as e:
            log.info("no evidence", member=member, why=str(e))
        except UnavailableError as e:
            log.warning("evidence is not kept", why=str(e))
        else:
            why = (
                Message("{why}; evidence/{file}", why=why, file=kept)
                if kept
                else Message("{why}; more evidence of it", why=why)
            )
        await self.report(Finding("bad_holder", member, None, why))
