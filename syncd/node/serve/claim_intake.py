"""Take in disputes, answers, vouches and reassigned numbers.

A dispute of what nobody reports answers nothing; one of our own report says
that we are wrong, which a retraction says and ends. Both are told while they
can be mended, as far as our mirror knows what others report.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from msgspec.structs import replace

from syncd import shape
from syncd.errors import RefusedError, SyncdError
from syncd.flows import claim, report
from syncd.flows.basis import Key, claims_on
from syncd.flows.dispute_state import DisputeState
from syncd.flows.draft import (
    AnswerDraft,
    DisputeDraft,
    NewReport,
    RawValue,
    ReassignedDraft,
    VouchDraft,
)
from syncd.flows.ports import Access, Position, State
from syncd.flows.report import Rules
from syncd.flows.review import Change
from syncd.flows.submission import Outcome, Submission
from syncd.indicator.claims import REPORT, Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.statement import Report
from syncd.node.context import Context, part
from syncd.node.serve import shown
from syncd.node.serve.local_service import LocalService
from syncd.node.serve.lookups import Claims, Lookups
from syncd.node.serve.review_service import Review, drafted
from syncd.node.upkeep.disputes import Disputes
from syncd.web import claim_forms, forms
from syncd.web.report_forms import ReportsTaken, Retraction
from syncd.web.routes import HANDED_IN, OPERATORS, READERS, Caller, route

WITHDRAWN = "report_withdrawn"
UPHELD = "appeal_upheld"  # why a report ends that an answer withdraws
PURPOSE = "appeal"  # of the evaluations, and of the access that is recorded
SHOWN = 3  # reports of ours that a hint names


@part
class ClaimIntake:
    """Keeps what is said of others' reports, and of our own values."""

    ctx: Context
    rules: Callable[[], Rules]  # what drafts are checked against just now
    wake: Callable[[], None]  # has it published what waits
    claims: Claims
    lookups: Lookups
    disputes: Disputes  # how those stand that concern us
    local_service: LocalService  # retracts
    review: Review  # holds what a second person is to see

    @route(
        "POST /v1/disputes", OPERATORS, "dispute others' reports", status=202
    )
    async def dispute(
        self, caller: Caller, draft: DisputeDraft
    ) -> claim_forms.Disputed:
        """Keep a dispute; durable on return, and published soon after."""
        kept = await self.ctx.offload(claim.prepare, draft, self.rules())
        checked = await self._check(caller, draft)
        [outcome] = await self._accept(caller, [kept])
        return claim_forms.Disputed(id=outcome.id, unchecked=not checked)

    @route("GET /v1/disputes", READERS, "list disputes against us, and ours")
    async def listed(
        self, wanted: claim_forms.DisputeQuery
    ) -> forms.Items[DisputeState]:
        """Return disputes against us and ours, the first due first."""
        found = tuple(
            one
            for one in await self.disputes.states()
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
            by_index = self.ctx.own.vault.by_index
            found = [await by_index(*c.position) for c in reports]
            await self.review.ask(
                *(caller, "POST /v1/answers", draft),
                [Change("report", "", UPHELD, -len(reports))],
                note=True,
                rows=tuple(row.id for row in found if row),
                about=draft.dispute,
            )
        kept = await self.ctx.offload(
            claim.prepare_answer, draft, reports, self.rules()
        )
        [outcome] = await self._accept(caller, [kept])
        n, retracting = len(reports), 0
        if draft.outcome == WITHDRAWN:
            ended = await self.local_service.retract(
                replace(caller, shown=n),
                Retraction(
                    reason=UPHELD, positions=tuple(c.position for c in reports)
                ),
            )
            retracting = ended.retracting
        return claim_forms.Answered(
            id=outcome.id, reports=n, retracting=retracting
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
        return await self._owners(caller, wanted, "POST /v1/reassignments")

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
            for one in await self.disputes.states()
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

    # ------------------------------------- what a dispute has to answer

    async def _check(self, caller: Caller, draft: DisputeDraft) -> bool:
        """Refuse a dispute that answers nothing; False: it is not known.

        Raises:
            RefusedError: it is about a report of ours, or about none at all
                and the draft does not say `yes`.
        """
        keys: Mapping[Key, Identifier] = {}
        with contextlib.suppress(SyncdError):
            value = shape.part(RawValue, draft)
            keys = await self.lookups.tokens(value, PURPOSE)
        if draft.about:
            await self._check_positions(caller, draft, [t for *_, t in keys])
        elif keys:
            await self._check_value(caller, draft, keys)
        return bool(keys)  # else holders are missing: it waits for them

    async def _check_value(
        self,
        caller: Caller,
        draft: DisputeDraft,
        keys: Mapping[Key, Identifier],
    ) -> None:
        """Refuse what we report, and what nobody does."""
        kind, today = draft.kind, self.ctx.today()
        reports = [
            c
            for c in chain(*(await claims_on(keys, self.claims)).values())
            if isinstance(c.statement, Report) and c.statement.expires > today
        ]
        await self._record(caller, kind, reports, [t for *_, t in keys])
        if any(claim.origin != self.ctx.origin for claim in reports):
            return
        ours = [f"--position {c.origin}:{c.index}" for c in reports]
        vault = self.ctx.own.vault
        if not ours:  # what is not in the mirror yet
            ours = [
                f"--id {row.id}"
                for form in dict.fromkeys(keys.values())
                for row in await vault.find_value(form.kind, form.value)
                if row.type == REPORT and row.state == State.WAITING
            ]
        if ours:
            _refuse_own(ours)
        if not draft.yes:
            raise RefusedError(
                "dispute: nobody reports that, as far as we know"
            )

    async def _check_positions(
        self, caller: Caller, draft: DisputeDraft, tokens: Sequence[bytes]
    ) -> None:
        """Refuse positions of ours, and where no report on that stands."""
        found = {
            at: claim
            for at, claim in (
                await self.claims.in_force_at(draft.about)
            ).items()
            if isinstance(claim.statement, Report)
            and (not tokens or claim.token in tokens)
        }
        await self._record(caller, draft.kind, found.values(), tokens)
        ours = [at for at in draft.about if at[0] == self.ctx.origin]
        if ours:
            _refuse_own(["--position {}:{}".format(*at) for at in ours])
        none = [at for at in draft.about if at not in found]
        if none and not draft.yes:
            raise RefusedError(
                "about: no report on that stands at {position}, as far as we"
                " know",
                position="{}:{}".format(*none[0]),
            )

    async def _record(
        self,
        caller: Caller,
        kind: str,
        reports: Iterable[Claim],
        tokens: Sequence[bytes],
    ) -> None:
        """Keep that somebody learnt who reports it: it was a look-up."""
        hit = [claim.position for claim in reports] or None
        await self.ctx.own.access.record(
            [Access(caller.name, PURPOSE, kind, hit, tokens)]
        )


def _refuse_own(named: Sequence[str]) -> None:
    raise RefusedError(
        "dispute: {n} reports of our own are what is disputed",
        n=len(named),
        named=" ".join(named[:SHOWN]),
    )
