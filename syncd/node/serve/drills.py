"""The service behind `/v1/audit/drills`: how soon the others follow.

Two reports of values that nobody has, an urgent and a normal one. Nothing is
kept of them but what is kept of any: rows of the vault, and others' first
receipts of either end.
"""

import secrets

import msgspec

from syncd.errors import RefusedError
from syncd.flows.ports import VaultRow
from syncd.messages import wire
from syncd.node.context import Context, part
from syncd.node.serve.intake import Intake
from syncd.node.serve.local_service import LocalService
from syncd.store.vault import Query
from syncd.web.audit_forms import Drill
from syncd.web.forms import Draft, Items
from syncd.web.report_forms import ReportsCall, Retraction
from syncd.web.routes import AUDITORS, HANDED_IN, Caller, route

VALUES = "normal.drill.example/", "urgent.drill.example/"


@part
class Drills:
    """Takes the steps of drills, and says how they were followed."""

    ctx: Context
    intake: Intake
    local_service: LocalService

    @route("GET /v1/audit/drills", AUDITORS, "read how drills were followed")
    async def drills(self) -> Items[Drill]:
        """Return all steps, newest first, as long as receipts are kept."""
        rows = await self._rows()
        return Items(items=tuple([s for r in rows for s in await self._of(r)]))

    @route("POST /v1/audit/drills", HANDED_IN, "take a drill's next step")
    async def step(self, caller: Caller) -> Items[Drill]:
        """Take back what stands; else report an urgent and a normal in turn."""
        last = next(iter(await self._rows()), None)
        if last and not last.reason:
            ends = Retraction(ids=(last.id,), reason="test")
            await self.local_service.retract(caller, ends)
            return await self.drills()
        urgent = not (last and last.urgent)
        draft = Draft(
            kind="url",
            value=VALUES[urgent],
            label="other",
            role="phishing_host",
            evidence="test_call",
            case=secrets.token_hex(8),  # what an earlier one left is another's
            test=True,
            urgent=urgent,
        )
        call = ReportsCall(reports=(draft,))
        [item] = (await self.intake.take_reports(caller, call)).items
        if item.problem:
            raise RefusedError(wire.read(msgspec.to_builtins(item.problem)))
        return await self.drills()

    async def _rows(self) -> list[VaultRow]:
        values = [("url", value) for value in VALUES]
        since = self.ctx.now() - self.ctx.config.access.days * 86_400
        asked = Query(values=values, accepted=(since, 0), limit=1000)
        rows = await self.ctx.own.vault.page(asked)
        return [row for row in rows if getattr(row.fields, "test", False)]

    async def _of(self, row: VaultRow) -> list[Drill]:
        """Return the steps of a drill; seconds are by our clock."""
        book, roster = self.ctx.own.cosigned, self.ctx.roster
        steps = [("report", row.position, row.accepted_at)]
        if row.reason:
            at = row.ended_by
            since = await book.effect_at(*at) if at else 0
            steps.insert(0, ("retract", at, since))
        others = {one.id for one in roster.active()} - {self.ctx.me}
        made = []
        for type_, at, since in steps:
            had = {
                member.id: one.at - since
                for one in (await book.first_receipts(*at) if at else ())
                if (member := roster.by_key_name(one.signer))
            }
            late = tuple(sorted(others - had.keys()))
            made.append(
                Drill(
                    urgent=row.urgent,
                    type=type_,
                    at=since,
                    followed=had,
                    late=late,
                )
            )
        return made
