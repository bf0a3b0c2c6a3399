"""Check what a dispute of ours is about before it is kept.

A dispute of what nobody reports answers nothing; one of our own report says
that we are wrong, which a retraction says and ends. Both are told while they
can be mended, as far as our mirror knows what others report.
"""

import contextlib
from collections.abc import Mapping, Sequence

from syncd import shape
from syncd.errors import RefusedError, SyncdError
from syncd.flows.basis import claims_on
from syncd.flows.draft import DisputeDraft, RawValue
from syncd.flows.judge import epoch_of
from syncd.flows.ports import Access, State
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import identifier, token
from syncd.indicator.claims import REPORT, Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.statement import Report
from syncd.node.context import Context, part
from syncd.node.serve.lookups import Claims
from syncd.web.routes import Caller

PURPOSE = "appeal"  # of the evaluations, and of the access that is recorded
SHOWN = 3  # reports of ours that a hint names


@part
class DisputeCheck:
    """Finds out whether a dispute has something to answer."""

    ctx: Context
    claims: Claims  # what the alliance says of a token
    tokeniser: Tokeniser

    async def check(self, caller: Caller, draft: DisputeDraft) -> bool:
        """Refuse a dispute that answers nothing; False: it is not known.

        Raises:
            RefusedError: it is about a report of ours, or about none at all
                and the draft does not say `yes`.
        """
        forms: Mapping[Identifier, bytes] = {}
        if draft.token:
            tokens = [token.decode(draft.token)]
        else:
            with contextlib.suppress(SyncdError):
                forms = await self._forms(draft)
            tokens = [*forms.values()]
        if draft.about:
            await self._check_positions(caller, draft, tokens)
        elif tokens:
            await self._check_value(caller, draft, forms)
        return bool(tokens)  # else holders are missing: it waits for them

    async def _check_value(
        self,
        caller: Caller,
        draft: DisputeDraft,
        forms: Mapping[Identifier, bytes],
    ) -> None:
        """Refuse what we report, and what nobody does."""
        kind, today = draft.kind, self.ctx.today()
        epoch = epoch_of(self.ctx.roster, kind)
        keys = [(kind, epoch, short) for short in forms.values()]
        reports = [
            c
            for group in (await claims_on(keys, self.claims)).values()
            for c in group
            if isinstance(c.statement, Report) and c.statement.expires > today
        ]
        await self._record(caller, kind, reports, [*forms.values()])
        if any(claim.origin != self.ctx.origin for claim in reports):
            return
        ours = [f"--position {c.origin}:{c.index}" for c in reports]
        vault = self.ctx.own.vault
        if not ours:  # what is not in the mirror yet
            ours = [
                f"--id {row.id}"
                for form in forms
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
        there = await self.claims.in_force_at(draft.about)
        found = [
            at
            for at, claim in there.items()
            if isinstance(claim.statement, Report)
            and (not tokens or claim.token in tokens)
        ]
        await self._record(
            caller, draft.kind, [there[at] for at in found], tokens
        )
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

    async def _forms(self, draft: DisputeDraft) -> Mapping[Identifier, bytes]:
        """Return all that a look-up would try, and the token of each."""
        value, ours = shape.part(RawValue, draft), self.ctx.config.member
        tried = value.read(identifier.for_lookup, ours.region)
        outputs = await self.tokeniser.outputs(
            tried,
            purpose=PURPOSE,
            timeout_s=self.ctx.config.lookup.deadline_ms / 1000,
        )
        return {form: token.token(outputs[form]) for form in tried}

    async def _record(
        self,
        caller: Caller,
        kind: str,
        reports: Sequence[Claim],
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
