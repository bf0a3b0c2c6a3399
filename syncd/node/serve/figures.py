"""Answer what was: members by day, the logs' figures by month, events."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from syncd.indicator import statement
from syncd.messages.wire import WireMessage
from syncd.node.context import Context
from syncd.store.history import KEPT_DAYS, STATES
from syncd.store.log_figures import Figure
from syncd.web import figure_forms as forms
from syncd.web.routes import EVERYBODY, route

NEWEST = 20  # events
RESTED = 20  # times what counting took, before it is counted anew


@dataclass(eq=False)
class FigureService:
    """Reads the book of days, and counts what is merged."""

    ctx: Context
    _counting: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _of: Any = field(default=None, init=False)  # merged sizes
    _found: Counter[Figure] = field(default_factory=Counter, init=False)
    _at: int = field(default=0, init=False)  # unix seconds
    _until: float = field(default=0.0, init=False)  # steady seconds

    @route("GET", "/v1/history", EVERYBODY, "read how members were seen")
    async def history(self) -> forms.History:
        """Return 90 days of each active member, and the newest events."""
        today = statement.day(self.ctx.today())
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
                one = forms.BadDay(day=text(day), state=STATES[state], why=why)
                bad.append(one)
        _, last = await self.ctx.own.events.bounds()
        newest = await self.ctx.own.events.page(last - NEWEST + 1, NEWEST)
        events = tuple(
            forms.EventItem(
                cursor=f"{e.number}.{e.at}", event=e.name, at=e.at, data=e.data
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

    @route("GET", "/v1/figures", EVERYBODY, "count what all logs say")
    async def figures(self, wanted: forms.FiguresQuery) -> forms.Figures:
        """Return what all merged logs say by month, member and label.

        Counted anew once something was merged, but of the time a twentieth
        at most is spent on it: `as_of` says when it was.
        """
        rows: dict[tuple[str, str, str], Counter[str]] = {}
        for (month, origin, label, what), n in (await self._count()).items():
            if wanted.from_ <= month <= (wanted.to or month):
                found = self.ctx.roster.by_origin(origin)
                key = month, found[0].id if found else origin, label
                rows.setdefault(key, Counter())[what] += n
        items = (
            forms.FigureRow(month=month, member=member, label=label, **count)
            for (month, member, label), count in sorted(rows.items())
        )
        return forms.Figures(as_of=self._at, items=tuple(items))

    async def _count(self) -> Counter[Figure]:
        async with self._counting:
            mirror, begun = self.ctx.mirror, time.monotonic()
            sizes = await mirror.sizes(), mirror.cuts
            if self._of != sizes and begun >= self._until:
                self._at, self._of = self.ctx.now(), sizes
                self._found = await mirror.figures()
                ended = time.monotonic()
                self._until = ended + RESTED * (ended - begun)
            return self._found
