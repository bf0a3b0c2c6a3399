"""Take in reports and lists, and say what became of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from syncd import shape
from syncd.errors import (
    MalformedError,
    MissingError,
    PendingError,
    RefusedError,
    SyncdError,
)
from syncd.flows import report
from syncd.flows.draft import NewReport, RawValue
from syncd.flows.own_lists import plain_text
from syncd.flows.ports import State
from syncd.flows.report import Rules
from syncd.flows.review import Change
from syncd.flows.submission import (
    ImportBegin,
    ImportEnd,
    ImportStatus,
    Outcome,
    Submission,
)
from syncd.indicator import token
from syncd.indicator.identifier import Identifier
from syncd.node.context import Context, part
from syncd.node.publish.publisher import note_elsewhere
from syncd.node.serve import shown
from syncd.node.serve.metrics import Metrics
from syncd.node.serve.review_service import LISTED, Review, drafted
from syncd.store import gone
from syncd.store.imports import Refused
from syncd.store.vault import Query
from syncd.web import forms, problem, report_forms
from syncd.web.routes import HANDED_IN, OPERATORS, Caller, route

BETWEEN_S = 5.0  # after a step: publishing would hold up those that follow
AT_ONCE = 500  # drafts read in one go: others get the processor in between


@part
class Intake:
    """Keeps reports and imports; answers `/v1/reports` and `/v1/imports`."""

    ctx: Context
    metrics: Metrics
    rules: Callable[[], Rules]  # what drafts are checked against just now
    wake: Callable[[], None]  # has it published what waits
    review: Review  # holds what a second person is to see
    _waking = False

    # --------------------------------------------------------- reporting

    @route("POST /v1/reports", HANDED_IN, "hand in reports", status=202)
    async def take_reports(
        self, caller: Caller, wanted: report_forms.ReportsCall
    ) -> report_forms.ReportsTaken:
        """Keep what is right among the drafts; durable on return."""
        drafts: Sequence[forms.Draft | SyncdError] = wanted.reports
        step = wanted.import_
        if step is None and not drafts:
            raise MalformedError("reports: want at least one")
        again = plain_text("again", wanted.again)
        if step is not None:
            _check(step, len(drafts))
            await self.ctx.own.imports.state(step.id)
        context = self.rules()
        prepared = list[NewReport | SyncdError]()
        for at in range(0, len(drafts), AT_ONCE):
            prepared += await self.ctx.offload(
                report.each, report.prepare, drafts[at : at + AT_ONCE], context
            )
        good = await self._once_a_day(prepared)
        urgent = any(p.urgent for p in good)
        if step is None and not all(p.test for p in good):
            body, said = drafted(wanted, "reports", prepared)
            await self.review.ask(
                caller, "POST /v1/reports", body, said, note=urgent
            )
        outcomes = await self.ctx.own.vault.accept(
            good,
            step,
            Submission(
                *(caller.name, context.today, wanted.refresh, again),
                held=step is not None and await self.review.in_force(),
            ),
            _refused(step, prepared, drafts) if step else (),
        )
        outcomes = await self._note_elsewhere(good, outcomes)
        taken = shown.taken(report_forms.ReportsTaken, prepared, outcomes)
        for one, p in zip(taken.items, prepared, strict=True):
            if not getattr(p, "test", False):
                self.metrics.reports.labels(one.state).inc()
        if urgent or (taken.accepted and step is None):
            self.wake()
        elif taken.accepted and not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_later(BETWEEN_S, self._wake)
        return taken

    async def _once_a_day(
        self, prepared: list[NewReport | SyncdError]
    ) -> list[NewReport]:
        """Return what is good: of drills an urgent and a normal one a day."""
        for at, p in enumerate(prepared):
            if (
                isinstance(p, NewReport)
                and p.test
                and not await self.ctx.own.events.now(
                    f"drill/{p.urgent}", self.ctx.today(), ""
                )
            ):
                prepared[at] = RefusedError(
                    "report: today's drill was, an urgent and a normal one"
                )
        return [p for p in prepared if isinstance(p, NewReport)]

    async def _note_elsewhere(
        self, kept: Sequence[NewReport], outcomes: Sequence[Outcome]
    ) -> list[Outcome]:
        """Return outcomes; of new URLs with who else took them back, and why."""
        epoch = self.ctx.roster.epoch("url")
        urls = {
            came.id: p.value
            for p, came in zip(kept, outcomes, strict=True)
            if (p.kind, p.type, came.state) == ("url", 1, "accepted")
        }
        if epoch is None or not urls:
            return [*outcomes]
        notes = await note_elsewhere(
            self.ctx, "url", epoch.epoch, await self.ctx.offload(_tokens, urls)
        )
        return [
            replace(one, elsewhere=notes[one.id])
            if one.state == "accepted" and one.id in notes
            else one
            for one in outcomes
        ]

    @route(
        "POST /v1/reports/search", OPERATORS, "list reports with their values"
    )
    async def reports(
        self, wanted: report_forms.ReportSearch
    ) -> forms.Page[report_forms.VaultItem]:
        """Return rows of the vault, newest first, about a value if it says."""
        value, ours = shape.part(RawValue, wanted), self.ctx.config.member
        found = value.read(report.forms_to_find, ours.region)
        own = self.ctx.own
        rows = await own.vault.page(
            Query(
                before=wanted.before,
                limit=wanted.limit,
                states=(State[wanted.state.upper()],) if wanted.state else (),
                type=shown.NUMBERS.get(wanted.type, 0),
                kind=wanted.kind,
                values=[(f.kind, f.value) for f in found],
                label=wanted.label,
                caller=wanted.by,
                import_id=wanted.import_,
                list_id=await own.imports.list_id(wanted.list)
                if wanted.list
                else 0,
                accepted=(
                    self.ctx.begins("accepted_from", wanted.accepted_from),
                    self.ctx.begins("accepted_to", wanted.accepted_to, 1),
                ),
            )
        )
        return forms.paged(rows, wanted.limit, map(shown.vault_item, rows))

    @route(
        "POST /v1/reports/{id}/value", OPERATORS, "see the value of a report"
    )
    async def value(
        self, caller: Caller, id_: int, wanted: report_forms.ValueCall
    ) -> report_forms.VaultValue:
        """Return the value of a row of the vault; recorded like a look-up."""
        rows = await self.ctx.own.vault.page(Query(ids=[id_]))
        if not rows or not rows[0].value:
            raise MissingError("report: no value is kept under that id")
        return await shown.unmasked(self.ctx, caller, wanted, rows[0])

    # ------------------------------------------------- files, in steps

    @route("POST /v1/imports", OPERATORS, "begin or resume an import")
    async def begin_import(
        self, caller: Caller, wanted: ImportBegin
    ) -> ImportStatus:
        """Begin an import or find it again."""
        return await self.ctx.own.imports.begin(wanted, caller.name)

    @route("POST /v1/imports/{id}/finish", HANDED_IN, "end an import")
    async def finish_import(
        self, caller: Caller, id_: int, how: ImportEnd
    ) -> ImportStatus:
        """End an import, or have it wait as a whole for a second person."""
        own, today = self.ctx.own, self.rules().today
        state = await own.imports.state(id_)
        if not state.finished and caller.shown is None:
            said = await own.pending.close_import(id_, how)
            if most := how.gone_at_most or 0:
                said += (Change("report", "", gone.REASON, -most),)
            try:
                left = await self.review.ask(
                    *(caller, "POST /v1/imports/{id}/finish", how, said),
                    list=state.list,
                    import_=id_,
                    rows=tuple((await own.vault.of_import(id_))[:LISTED]),
                )
            except PendingError as e:
                return replace(state, pending=e.id)
            if how.gone_at_most is None:
                how = replace(how, gone_at_most=left)
        await own.pending.release_import(id_)
        await gone.finish(own.database, id_, how, own.clock(), today)
        state = await own.imports.state(id_)
        self._wake()
        return state

    def _wake(self) -> None:
        self._waking = False
        self.wake()

    @route("GET /v1/imports", OPERATORS, "list imports")
    async def imports(
        self, wanted: report_forms.ImportQuery
    ) -> forms.Page[ImportStatus]:
        """Return imports, newest first; of one list, or of all."""
        found = await self.ctx.own.imports.history(
            wanted.before, wanted.limit, wanted.list
        )
        return forms.paged(found, wanted.limit, await self._held(*found))

    @route("GET /v1/imports/{id}", OPERATORS, "read one import")
    async def import_state(self, id_: int) -> ImportStatus:
        """Return one import."""
        [state] = await self._held(await self.ctx.own.imports.state(id_))
        return state

    async def _held(self, *found: ImportStatus) -> tuple[ImportStatus, ...]:
        """Return imports, with what they wait for."""
        waits = await self.ctx.own.pending.page(("waiting",))
        of = {one.import_: one.id for one in waits}
        return tuple(replace(one, pending=of.get(one.id, 0)) for one in found)

    @route(
        "GET /v1/imports/{id}/refused",
        OPERATORS,
        "read the rows that an import refused",
    )
    async def refused_rows(
        self, id_: int, wanted: report_forms.RefusedQuery
    ) -> forms.Page[report_forms.RefusedItem]:
        """Return refused rows of an import behind a row."""
        await self.ctx.own.imports.state(id_)
        rows, more = await self.ctx.own.imports.refused(id_, wanted.after)
        read = msgspec.json.decode
        items = [
            report_forms.RefusedItem(
                row=row.row,
                problem=read(row.why, type=forms.Problem),
                cells=read(row.cells or b"{}", type=dict[str, str]),
            )
            for row in rows
        ]
        return forms.Page(items=tuple(items), next=rows[-1].row if more else 0)

    @route(
        "POST /v1/imports/{id}/refused",
        OPERATORS,
        "keep the cells of refused rows",
    )
    async def keep_cells(
        self, id_: int, cells: report_forms.RefusedCells
    ) -> report_forms.Kept:
        """Keep the cells of refused rows, sealed."""
        await self.ctx.own.imports.state(id_)
        rows = [(row, msgspec.json.encode(some)) for row, some in cells.rows]
        await self.ctx.own.imports.keep_cells(id_, rows)
        return report_forms.Kept(kept=len(rows))


def _tokens(urls: Mapping[int, str]) -> Mapping[int, bytes]:
    return {
        id_: token.token(token.url_output(Identifier("url", value)))
        for id_, value in urls.items()
    }


def _check(step: report_forms.ImportStep, count: int) -> None:
    if len(step.rows) not in (0, count):
        raise MalformedError("import: want a row for each report")
    numbers = (*step.rows, *(one.row for one in step.refused))
    before = not step.rows and step.row < count  # they would begin at none
    if step.old_offset > step.offset or before or not all(numbers):
        raise MalformedError("import: an offset or row that cannot be")


def _refused(
    step: report_forms.ImportStep,
    prepared: Sequence[NewReport | SyncdError],
    drafts: Sequence[forms.Draft | SyncdError],
) -> list[Refused]:
    """Return all rows that are refused in a step."""
    numbers = step.rows or range(step.row - len(drafts) + 1, step.row + 1)
    refused = [
        Refused(one.row, msgspec.json.encode(one.problem), one.value)
        for one in step.refused
    ]
    refused += [
        Refused(
            number,
            msgspec.json.encode(problem.of(one)),
            getattr(draft, "value", ""),
        )
        for number, one, draft in zip(numbers, prepared, drafts, strict=True)
        if isinstance(one, SyncdError)
    ]
    return sorted(refused, key=lambda one: one.row)
