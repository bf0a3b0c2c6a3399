"""Take in disputes, answers, vouches and reassigned numbers."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from syncd.errors import MalformedError, RefusedError, SyncdError
from syncd.flows import claim, report
from syncd.flows.dispute_state import DisputeState
from syncd.flows.draft import (
    AnswerDraft,
    NewReport,
    ReassignedDraft,
    VouchDraft,
)
from syncd.flows.ports import Position
from syncd.flows.report import Rules
from syncd.flows.review import Change
from syncd.flows.submission import Outcome, Submission
from syncd.indicator.claims import Claim
from syncd.indicator.statement import Report
from syncd.node.context import Context, part
from syncd.node.serve import shown
from syncd.node.serve.dispute_check import DisputeCheck
from syncd.node.serve.local_service import LocalService
from syncd.node.serve.lookups import Claims
from syncd.node.serve.review_service import Review, drafted
from syncd.node.upkeep.disputes import Disputes
from syncd.web import claim_forms, forms
from syncd.web.report_forms import ReportsTaken, Retraction
from syncd.web.routes import HANDED_IN, OPERATORS, READERS, Caller, route

WITHDRAWN = "report_withdrawn"
UPHELD = "appeal_upheld"  # why a report ends that an answer withdraws


@part
class ClaimIntake:
    """Keeps what is said of others' reports, and of our own values."""

    ctx: Context
    rules: Callable[[], Rules]  # what drafts are checked against just now
    wake: Callable[[], None]  # has it published what waits
    claims: Claims
    dispute_check: DisputeCheck
    disputed: Disputes  # how those stand that concern us
    local_service: LocalService  # retracts
    review: Review  # holds what a second person is to see

    @route(
        "POST /v1/disputes", OPERATORS, "dispute others' reports", status=202
    )
    async def dispute(
        self, caller: Caller, draft: forms.DisputeDraft
    ) -> claim_forms.Disputed:
        """Keep a dispute; durable on return, and published soon after."""
        if bool(draft.value) == bool(draft.token):
            raise MalformedError("dispute: want a value, or a token and epoch")
        kept = await self.ctx.offload(claim.prepare, draft, self.rules())
        checked = await self.dispute_check.check(caller, draft)
        [outcome] = await self._accept(caller, [kept])
        return claim_forms.Disputed(id=outcome.id, unchecked=not checked)

    @route("GET /v1/disputes", READERS, "list disputes against us, and ours")
    async def disputes(
        self, wanted: claim_forms.DisputeQuery
    ) -> forms.Items[DisputeState]:
        """Return disputes against us and ours, the first due first."""
        found = tuple(
            one
            for one in await self.disputed.states()
            if wanted.side in ("", one.side)
            and wanted.state in ("", one.state)
        )
        return forms.Items(items=found[: wanted.limit])

    @route(
        "POST /v1/answers",
        HANDED_IN,
        "answer a dispute against us",
        status=202,
    )
    async def answer(
        self, caller: Caller, draft: AnswerDraft
    ) -> claim_forms.Answered:
        """Keep an answer on reports of ours; one that withdraws ends them."""
        reports = await self._disputed(draft.dispute)
        if draft.outcome == WITHDRAWN:
            said = Change("report", "", UPHELD, -len(reports))
            own = self.ctx.own.vault
            found = [await own.by_index(*c.position) for c in reports]
            await self.review.ask(
                *(caller, "POST /v1/answers", draft, [said]),
                note=True,
                rows=tuple(row.id for row in found if row),
                about=draft.dispute,
            )
        kept = await self.ctx.offload(
            claim.prepare_answer, draft, reports, self.rules()
        )
        [outcome] = await self._accept(caller, [kept])
        retracting = 0
        if draft.outcome == WITHDRAWN:
            ended = Retraction(
                reason=UPHELD, positions=tuple(c.position for c in reports)
            )
            agreed = replace(caller, shown=len(reports))
            its = await self.local_service.retract(agreed, ended)
            retracting = its.retracting
        return claim_forms.Answered(
            id=outcome.id, reports=len(reports), retracting=retracting
        )

    @route("POST /v1/vouches", HANDED_IN, "vouch for our own", status=202)
    async def vouch(
        self,
        caller: Caller,
        wanted: claim_forms.Vouches[VouchDraft | SyncdError],
    ) -> ReportsTaken:
        """Keep vouches; durable on return."""
        return await self._owners(caller, wanted, "POST /v1/vouches")

    @route(
        "POST /v1/reassignments",
        HANDED_IN,
        "say that numbers have a new owner",
        status=202,
    )
    async def reassign(
        self,
        caller: Caller,
        wanted: claim_forms.Reassignments[ReassignedDraft | SyncdError],
    ) -> ReportsTaken:
        """Keep that numbers have new owners; durable on return."""
        call = "POST /v1/reassignments"
        return await self._owners(caller, wanted, call)

    async def _owners(
        self, caller: Caller, wanted: Any, call: str
    ) -> ReportsTaken:
        [field] = wanted.__struct_fields__
        prepared: list[NewReport | SyncdError] = await self.ctx.offload(
            report.each, claim.prepare, getattr(wanted, field), self.rules()
        )
        body, said = drafted(wanted, field, prepared)
        await self.review.ask(caller, call, body, said)
        good = [p for p in prepared if isinstance(p, NewReport)]
        outcomes = await self._accept(caller, good)
        return shown.taken(ReportsTaken, prepared, outcomes)

    async def _accept(
        self, caller: Caller, kept: Sequence[NewReport]
    ) -> list[Outcome]:
        how = Submission(caller.name, self.ctx.today())
        outcomes = await self.ctx.own.vault.accept(kept, how=how)
        if any(came.state == "accepted" for came in outcomes):
            self.wake()
        return outcomes

    async def _disputed(self, dispute: Position) -> list[Claim]:
        """Return the reports of ours that another's dispute is about.

        Raises:
            RefusedError: there is none.
        """
        about = [
            report.position
            for one in await self.disputed.states()
            if one.position == dispute and not one.by_us
            for report in one.reports
        ]
        found = await self.claims.in_force_at(about)
        reports = [
            c for c in found.values() if isinstance(c.statement, Report)
        ]
        if not reports:
            raise RefusedError(
                "answer: {position} is no dispute of a report of ours that"
                " stands",
                position="{}:{}".format(*dispute),
            )
        return reports
