"""Take in reports and lists, and say what became of them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from syncd import canonical
from syncd.errors import MalformedError, SyncdError
from syncd.flows import report
from syncd.flows.draft import NewReport
from syncd.flows.own_lists import plain_text
from syncd.flows.report import Rules
from syncd.indicator import token
from syncd.indicator.identifier import Identifier
from syncd.node.context import Context, checked_day
from syncd.node.publish.elsewhere_notes import ElsewhereNotes
from syncd.node.serve import shown
from syncd.node.serve.metrics import Metrics
from syncd.roster.row import HEX32
from syncd.store import gone
from syncd.store.imports import ImportMark, Refused
from syncd.store.vault import (
    Accepted,
    Query,
    State,
    Submission,
)
from syncd.web import forms, problem, report_forms
from syncd.web.routes import OPERATORS, Caller, route

LONGEST_AGAIN = 200  # characters
AT_ONCE = 500  # drafts read in one go: others get the processor in between


@dataclass(kw_only=True, eq=False)
class Intake:
    """Keeps reports and imports; answers `/v1/reports` and `/v1/imports`."""

    ctx: Context
    metrics: Metrics
    rules: Callable[[], Rules]  # what drafts are checked against just now
    wake: Callable[[], None]  # has it published what waits
    elsewhere: ElsewhereNotes

    # --------------------------------------------------------- reporting

    @route("POST", "/v1/reports", OPERATORS, "hand in reports", status=202)
    async def take_reports(
        self, caller: Caller, wanted: report_forms.ReportsCall
    ) -> report_forms.ReportsTaken:
        """Keep what is right among the drafts; durable on return."""
        drafts, step = wanted.reports, wanted.import_
        if step is None and not drafts:
            raise MalformedError("reports: want at least one")
        again = plain_text("again", wanted.again, LONGEST_AGAIN)
        if step is not None:
            _check(step, len(drafts))
            await self.ctx.own.imports.state(step.id)
        context = self.rules()
        prepared: list[NewReport | SyncdError] = []
        for at in range(0, len(drafts), AT_ONCE):
            prepared += await self.ctx.offload(
                report.each,
                report.prepare,
                drafts[at : at + AT_ONCE],
                context,
            )
        raws = [d.value if isinstance(d, forms.Draft) else "" for d in drafts]
        good = [p for p in prepared if isinstance(p, NewReport)]
        outcomes = await self.ctx.own.vault.accept(
            good,
            None if step is None else _mark(step, prepared, raws),
            Submission(caller.name, context.today, wanted.refresh, again),
        )
        elsewhere = await self._note_elsewhere(good, outcomes)
        kept = (
            shown.outcome(came, p.notices, elsewhere)
            for p, came in zip(good, outcomes, strict=True)
        )
        taken = shown.taken(report_forms.ReportsTaken, prepared, kept)
        count = Counter(item.state for item in taken.items)
        for state, n in count.items():
            self.metrics.reports.labels(state).inc(n)
        if count["accepted"] or any(p.urgent for p in good):
            self.wake()
        return taken

    async def _note_elsewhere(
        self, kept: Sequence[NewReport], outcomes: Sequence[shown.Outcome]
    ) -> Mapping[int, str]:
        """Return of URLs that are new who else took them back, and why."""
        epoch = self.ctx.roster.epoch("url")
        urls = {
            came.id: p.value
            for p, came in zip(kept, outcomes, strict=True)
            if (p.kind, p.type) == ("url", 1) and isinstance(came, Accepted)
        }
        if epoch is None or not urls:
            return {}
        tokens = await self.ctx.offload(_tokens, urls)
        return await self.elsewhere.note("url", epoch.epoch, tokens)

    @route("GET", "/v1/reports", OPERATORS, "list reports with their values")
    async def page(
        self, wanted: report_forms.ReportQuery
    ) -> report_forms.VaultPage:
        """Return rows of the vault, newest first."""
        asked = msgspec.structs.asdict(wanted)
        return await self.reports(report_forms.ReportSearch(**asked))

    @route(
        *("POST", "/v1/reports/search", OPERATORS),
        "list reports about a value",
    )
    async def reports(
        self, wanted: report_forms.ReportSearch
    ) -> report_forms.VaultPage:
        """Return rows of the vault, newest first, about a value if it says."""
        found = report.forms_to_find(
            wanted.kind,
            wanted.value,
            region=wanted.region or self.ctx.config.member.region,
            scheme=wanted.scheme,
        )
        list_id = 0
        if wanted.list:
            list_id = await self.ctx.own.imports.list_id(wanted.list)
        rows, more = await self.ctx.own.vault.page(
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
                list_id=list_id,
                seen=(
                    checked_day("seen_from", wanted.seen_from),
                    checked_day("seen_to", wanted.seen_to),
                ),
                accepted=(
                    self.ctx.begins("accepted_from", wanted.accepted_from),
                    self.ctx.begins("accepted_to", wanted.accepted_to, 1),
                ),
            )
        )
        return report_forms.VaultPage(
            items=tuple(map(shown.vault_item, rows)), next=more
        )

    # ------------------------------------------------- files, in steps

    @route("POST", "/v1/imports", OPERATORS, "begin or resume an import")
    async def begin_import(
        self, caller: Caller, wanted: report_forms.ImportBegin
    ) -> report_forms.ImportStatus:
        """Begin an import or find it again.

        It is known by its file, list and options; one that has ended begins
        anew.
        """
        if not HEX32.fullmatch(wanted.file):
            raise MalformedError("import: file is not 32 bytes in hex")
        most = report_forms.LONGEST_NAME
        if max(len(wanted.name), len(wanted.list)) > most:
            raise MalformedError(
                "import: a name is above {most} characters", most=most
            )
        known_by = canonical.dumps(
            [wanted.file, wanted.size, wanted.list, wanted.options]
        )
        state, _ = await self.ctx.own.imports.begin(
            hashlib.sha256(known_by).digest(),
            *(wanted.size, wanted.name, wanted.list, caller.name),
            anew=wanted.anew,
        )
        return shown.status(state)

    @route("POST", "/v1/imports/{id}/finish", OPERATORS, "end an import")
    async def finish_import(
        self, id_: int, how: report_forms.ImportEnd
    ) -> report_forms.ImportStatus:
        """End an import."""
        await self.ctx.own.imports.state(id_)
        await gone.finish(
            self.ctx.own.database,
            id_,
            gone.Ending(
                self.ctx.own.clock(),
                self.rules().today,
                how.complete,
                how.gone == "retract",
                how.gone_at_most,
            ),
        )
        state = await self.ctx.own.imports.state(id_)
        if state.dropped:
            self.wake()
        return shown.status(state)

    @route("GET", "/v1/imports", OPERATORS, "list imports")
    async def imports(
        self, wanted: report_forms.ImportQuery
    ) -> report_forms.ImportPage:
        """Return imports, newest first; of one list, or of all."""
        limit = wanted.limit
        found = await self.ctx.own.imports.history(
            wanted.before, limit, wanted.list
        )
        return report_forms.ImportPage(
            items=tuple(map(shown.status, found)),
            next=found[-1].id if len(found) == limit else 0,
        )

    @route("GET", "/v1/imports/{id}", OPERATORS, "read one import")
    async def import_state(self, id_: int) -> report_forms.ImportStatus:
        """Return one import."""
        state = await self.ctx.own.imports.state(id_)
        standing = await self.ctx.own.imports.in_force(id_)
        return msgspec.structs.replace(shown.status(state), standing=standing)

    @route(
        *("GET", "/v1/imports/{id}/refused", OPERATORS),
        "read the rows that an import refused",
    )
    async def refused_rows(
        self, id_: int, wanted: report_forms.RefusedQuery
    ) -> report_forms.RefusedPage:
        """Return refused rows of an import behind a row."""
        await self.ctx.own.imports.state(id_)
        rows, more = await self.ctx.own.imports.refused(
            id_, wanted.after or -1
        )
        header = [shown.cells(row.cells) for row in rows if not row.row]
        return report_forms.RefusedPage(
            items=tuple(
                report_forms.RefusedItem(
                    row=row.row,
                    problem=shown.problem(row.why),
                    cells=shown.cells(row.cells),
                )
                for row in rows
                if row.row
            ),
            header=header[0] if header else (),
            next=rows[-1].row if more else 0,
        )

    @route(
        *("POST", "/v1/imports/{id}/refused", OPERATORS),
        "keep the cells of refused rows",
    )
    async def keep_cells(
        self, id_: int, cells: report_forms.RefusedCells
    ) -> report_forms.Kept:
        """Keep the cells of refused rows, sealed."""
        await self.ctx.own.imports.state(id_)
        rows = [(row, msgspec.json.encode(some)) for row, some in cells.rows]
        if cells.header:
            rows.append((0, msgspec.json.encode(cells.header)))
        await self.ctx.own.imports.keep_cells(id_, rows)
        return report_forms.Kept(kept=len(cells.rows))


def _tokens(urls: Mapping[int, str]) -> Mapping[int, bytes]:
    return {
        id_: token.token(token.url_output(Identifier("url", value)))
        for id_, value in urls.items()
    }


def _check(step: report_forms.ImportStep, count: int) -> None:
    if len(step.rows) not in (0, count):
        raise MalformedError("import: want a row for each report")
    if not HEX32.fullmatch(step.prefix):
        raise MalformedError("import: prefix is not 32 bytes in hex")
    numbers = (*step.rows, *(one.row for one in step.refused))
    before = not step.rows and step.row < count  # they would begin at none
    if step.old_offset > step.offset or before or not all(numbers):
        raise MalformedError("import: an offset or row that cannot be")


def _mark(
    step: report_forms.ImportStep,
    prepared: Sequence[NewReport | SyncdError],
    raws: Sequence[str],
) -> ImportMark:
    """Return a step with all rows that are refused in it."""
    numbers = step.rows or range(step.row - len(raws) + 1, step.row + 1)
    refused = [
        Refused(one.row, msgspec.json.encode(one.problem), one.value)
        for one in step.refused
    ]
    refused += [
        Refused(number, msgspec.json.encode(problem.of(one)), raw)
        for number, one, raw in zip(numbers, prepared, raws, strict=True)
        if isinstance(one, SyncdError)
    ]
    return ImportMark(
        *(step.id, step.old_offset, step.offset, step.row),
        bytes.fromhex(step.prefix),
        sorted(refused, key=lambda one: one.row),
    )
