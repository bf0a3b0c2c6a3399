"""Answer what was: members by day, the logs' figures by month, events."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from syncd.grouped import Grouped
from syncd.indicator import statement
from syncd.messages.wire import WireMessage
from syncd.node.context import Context, part
from syncd.node.serve.shown import shown
from syncd.store.history import KEPT_DAYS, STATES
from syncd.web import status_forms as forms
from syncd.web.routes import EVERYBODY, route

NEWEST = 20  # events
MOMENT_S = 0.1  # in which figures are anew, or those of before are given
RESTED = 20  # times what counting took, before it is counted anew


@part
class FigureService:
    """Reads the book of days, and counts what is merged."""

    ctx: Context

    def __post_init__(self) -> None:
        self._counting = Grouped(self._count)
        self._found = forms.Figures(as_of=0, items=())
        self._of: Any = None  # merged sizes
        self._until = 0.0  # steady seconds

    @route("GET /v1/history", EVERYBODY, "read how members were seen")
    async def history(self) -> forms.History:
        """Return 90 days of each active member, and the newest events."""
        today = self.ctx.day
        since, text = today - KEPT_DAYS + 1, statement.day_text
        found = {
            m.id: (["."] * KEPT_DAYS, list[forms.BadDay]())
            for m in self.ctx.roster.active()
        }
        for member, day, state, raw in await self.ctx.own.history.since(since):
            if member not in found or day > today:
                continue
            line, bad = found[member]
            line[day - since] = STATES[state][0]
            if state:
                why = msgspec.json.decode(raw, type=WireMessage)
                bad.append(
                    forms.BadDay(day=text(day), state=STATES[state], why=why)
                )
        _, last = await self.ctx.own.events.bounds()
        newest = await self.ctx.own.events.page(last - NEWEST + 1, NEWEST)
        events = tuple(
            shown(
                forms.EventItem, e, cursor=f"{e.number}.{e.at}", event=e.name
            )
            for e in reversed(newest)
        )
        return forms.History(
            until=text(today),
            members={
                member: forms.MemberDays(line="".join(line), bad=bad)
                for member, (line, bad) in found.items()
            },
            events=events,
        )

    @route("GET /v1/figures", EVERYBODY, "count what all logs say")
    async def figures(self, wanted: forms.FiguresQuery) -> forms.Figures:
        """Return what all merged logs say by month, member and label.

        Counted anew once something was merged, but nobody waits for that for
        long, and of the time a twentieth at most is spent on it: `as_of`
        says when it was, 0 that it is being counted for the first time.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._counting.submit(None), MOMENT_S)
        first, last = wanted.from_, wanted.to or "9999"
        items = (r for r in self._found.items if first <= r.month <= last)
        return forms.Figures(as_of=self._found.as_of, items=tuple(items))

    async def _count(self, callers: Sequence[None]) -> Sequence[None]:
        """Count anew, if something was merged and it is time to."""
        mirror, begun = self.ctx.mirror, time.monotonic()
        sizes = await mirror.sizes(), mirror.cuts
        if self._of != sizes and begun >= self._until:
            now = self.ctx.now()
            found = await mirror.figures(self.ctx.roster.owner)
            items = tuple(
                forms.FigureRow(month=month, member=member, label=label, **n)
                for (month, member, label), n in sorted(found.items())
            )
            self._found = forms.Figures(as_of=now, items=items)
            ended, self._of = time.monotonic(), sizes
            self._until = ended + RESTED * (ended - begun)
        return callers
