"""Check what a dispute of ours is about before it is kept.

A dispute of what nobody reports answers nothing; one of our own report says
that we are wrong, which a retraction says and ends. Both are told while they
can be mended, as far as our mirror knows what others report.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from syncd.errors import RefusedError, SyncdError
from syncd.flows.draft import DisputeDraft
from syncd.flows.ports import Access, State, VaultRow
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import identifier, token
from syncd.indicator.claims import REPORT, Claim
from syncd.indicator.identifier import Identifier
from syncd.indicator.statement import Report
from syncd.node.context import Context
from syncd.node.serve.lookups import Claims
from syncd.web.routes import Caller

PURPOSE = "appeal"  # of the evaluations, and of the access that is recorded
SHOWN = 3  # reports of ours that a hint names


class DisputeSubject(NamedTuple):
    """What a dispute names: forms of a value, or a token."""

    forms: Sequence[Identifier]
    tokens: Sequence[bytes]
    epoch: int


@dataclass(frozen=True, slots=True)
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
        what: DisputeSubject | None = None
        with contextlib.suppress(SyncdError):
            what = await self._what(draft)
        if draft.about:
            await self._check_positions(caller, draft, what)
        if what is None:  # holders are missing: it waits for them anyhow
            return False
        if draft.about:
            return True
        code, today = token.KIND_CODES[draft.kind], self.ctx.today()
        found = await self.claims.claims(what.tokens, code, what.epoch)
        reports = [
            c
            for group in found.values()
            for c in group
            if isinstance(c.statement, Report) and c.statement.expires > today
        ]
        await self._record(caller, draft.kind, reports, what.tokens)
        if any(claim.origin != self.ctx.origin for claim in reports):
            return True
        ours = [f"--position {c.origin}:{c.index}" for c in reports]
        if not ours:
            rows = await self._waiting(draft, what)
            ours = [f"--id {row.id}" for row in rows]
        if ours:
            _refuse_own(ours)
        if not draft.yes:
            raise RefusedError(
                "dispute: nobody reports that, as far as we know",
                hint="look at the value again; to dispute it nevertheless, say"
                " --yes (by HTTP `yes`)",
            )
        return True

    async def _check_positions(
        self, caller: Caller, draft: DisputeDraft, what: DisputeSubject | None
    ) -> None:
        """Refuse positions of ours, and where no report on that stands."""
        found = {
            at: claim
            for at, claim in (
                await self.claims.in_force_at(draft.about)
            ).items()
            if isinstance(claim.statement, Report)
            and (what is None or claim.token in what.tokens)
        }
        shorts = what.tokens if what else ()
        await self._record(caller, draft.kind, [*found.values()], shorts)
        ours = [at for at in draft.about if at[0] == self.ctx.origin]
        if ours:
            _refuse_own(["--position {}:{}".format(*at) for at in ours])
        none = [at for at in draft.about if at not in found]
        if none and not draft.yes:
            raise RefusedError(
                "about: no report on that stands at {position}, as far as we"
                " know",
                hint="look at the position again; to dispute it nevertheless,"
                " say --yes (by HTTP `yes`)",
                position="{}:{}".format(*none[0]),
            )

    async def _what(self, draft: DisputeDraft) -> DisputeSubject:
        """Return what is named; of a value all that a look-up would try."""
        if draft.token:
            return DisputeSubject((), [token.decode(draft.token)], draft.epoch)
        tried = identifier.for_lookup(
            draft.kind,
            draft.value,
            region=draft.region or self.ctx.config.member.region,
            scheme=draft.scheme,
        )
        epoch = self.ctx.roster.epoch(draft.kind)
        outputs = await self.tokeniser.outputs(
            tried,
            purpose=PURPOSE,
            timeout_s=self.ctx.config.lookup.deadline_ms / 1000,
        )
        shorts = [token.token(outputs[form]) for form in tried]
        return DisputeSubject(tried, shorts, epoch.epoch if epoch else 0)

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

    async def _waiting(
        self, draft: DisputeDraft, what: DisputeSubject
    ) -> list[VaultRow]:
        """Return reports of ours that are not in the mirror yet."""
        vault = self.ctx.own.vault
        rows = [
            row
            for form in what.forms
            for row in await vault.find_value(form.kind, form.value)
        ]
        if draft.token:
            [short] = what.tokens
            rows += await vault.find_token(draft.kind, what.epoch, short)
        return [
            row
            for row in rows
            if row.type == REPORT and row.state == State.WAITING
        ]


def _refuse_own(named: Sequence[str]) -> None:
    raise RefusedError(
        "dispute: {n} reports of our own are what is disputed",
        hint="retract them instead: syncd report retract --reason CODE {named}",
        n=len(named),
        named=" ".join(named[:SHOWN]),
    )
