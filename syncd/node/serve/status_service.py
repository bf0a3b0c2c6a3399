"""The service behind the status: what is wrong, what to do, what is muted."""

import asyncio
import contextlib
from dataclasses import dataclass

from syncd.errors import MalformedError, RefusedError, SyncdError
from syncd.indicator import notation
from syncd.messages import wire
from syncd.node.context import Context
from syncd.node.serve import todo
from syncd.node.serve.member_state import appending, subject
from syncd.node.serve.metrics import Metrics
from syncd.node.serve.status import StatusReader
from syncd.store import mutes as store
from syncd.web import status_forms
from syncd.web.service_ports import Caller
from syncd.web.status_forms import Mute, MuteResult


@dataclass(kw_only=True, eq=False)
class StatusService:
    """Says how this member is doing, and mutes what can wait."""

    ctx: Context
    reader: StatusReader
    counts: Metrics

    def __post_init__(self) -> None:
        self._digesting = asyncio.Lock()

    async def status(self, *, digests: bool) -> status_forms.Status:
        """Return how we are doing; digests for one caller at a time.

        They are computed from all rows, in the threads that look-ups need.
        """
        async with self._digesting if digests else contextlib.nullcontext():
            return await self.reader.status(digests=digests)

    async def mute(self, caller: Caller, wanted: Mute) -> MuteResult:
        """Show a thing to do no more until a day.

        Raises:
            MalformedError: `until` is no day.
            RefusedError: nothing to do has that code.
        """
        if not notation.is_day(wanted.until):
            raise MalformedError("until: want a day as YYYY-MM-DD")
        found = {
            subject(message, why=True)
            for message in todo.of(await self.reader.read())
            if wire.code(message) == wanted.code
        }
        if not found:
            raise RefusedError(
                "mute: nothing that is to do has that code",
                hint="syncd status shows what is to do, --json with its codes",
            )
        now, why = self.ctx.now(), wanted.why.strip()
        mute = store.Mute(wanted.until, caller.name, now, why)
        await self.ctx.own.mutes.put(found, mute)
        return MuteResult(count=len(found))

    async def metrics(self, caller: Caller) -> bytes:
        """Return the metrics in Prometheus' text format.

        An auditor gets no counts of look-ups by purpose and verdict.
        """
        state = await self.reader.read()
        return self.counts.scrape(state, inside=caller.role != "auditor")

    async def ready(self) -> status_forms.Ready:
        """Tell whether look-ups can be answered: the databases answer."""
        try:
            await self.ctx.own.log.head()
            await self.ctx.mirror.head(self.ctx.origin)
        except SyncdError as e:
            return status_forms.Ready(
                ready=False, appending=False, why=wire.of(e.text)
            )
        shown = appending(self.reader.appending())
        cut_off = self.reader.cut_off()
        return status_forms.Ready(
            ready=True,
            appending=shown.ok,
            cut_off=cut_off is not None,
            why=shown.why or (cut_off.why if cut_off else None),
        )
