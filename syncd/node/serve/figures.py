"""Answer what was: members by day, the logs' figures by month, events.

How each member was seen on each day is kept as the rounds have seen it:

    heard    it told its heads, or asked us something
    lag      and entries of its were not merged, for a reason
    silent   it did not answer three times in a row; we: nobody answered us
    forked   its log has two histories

A day is as the worst that was seen of it; nobody asked on one that is not
there. What is known of it already is not written.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from syncd.errors import NOTHING, Message
from syncd.grouped import Grouped
from syncd.indicator import statement
from syncd.messages.wire import WireMessage
from syncd.node.context import Context, part
from syncd.node.follow.peer_choice import SILENT
from syncd.node.follow.rounds import Rounds
from syncd.node.serve.shown import shown
from syncd.store.history import KEPT_DAYS, STATES
from syncd.web import status_forms as forms
from syncd.web.routes import EVERYBODY, route

NEWEST = 20  # events
MOMENT_S = 0.1  # in which figures are anew, or those of before are given
HEARD, LAG, NO_ANSWER, FORKED = range(len(STATES))
RESTED = 20  # times what counting took, before it is counted anew


@part
class FigureService:
    """Reads the book of days, and counts what is merged."""

    ctx: Context
    rounds: Rounds  # what they last saw of each member

    def __post_init__(self) -> None:
        self._counting = Grouped(self._count)
        self._found = forms.Figures(as_of=0, items=())
        self._of: Any = None  # merged sizes
        self._until = 0.0  # steady seconds

    async def keep(self) -> None:
        """Keep what is news of this day, in one transaction."""
        own, day = self.ctx.own.history, self.ctx.day
        mirror = self.ctx.mirror
        found = self._seen(await mirror.contested(), await mirror.sizes())
        known = {m: state for m, _, state, _ in await own.since(day)}
        news = [one for one in found if one[1] > known.get(one[0], -1)]
        if news:
            await own.add(day, news)

    def _seen(
        self, contested: frozenset[str], sizes: dict[str, tuple[int, int]]
    ) -> Iterator[tuple[str, int, Message]]:
        ctx, rounds, today = self.ctx, self.rounds, self.ctx.today()
        for member in ctx.roster.active():
            log = rounds.logs.state(member.origin)
            peer = rounds.peer_choice.states.get(member.id)
            if member.origin in contested:
                yield member.id, FORKED, log.why
            elif member.id == ctx.me:
                alone = rounds.contact.cut_off()
                yield member.id, NO_ANSWER if alone else HEARD, alone
            elif peer and peer.failures >= SILENT:
                yield member.id, NO_ANSWER, peer.why
            elif peer and ctx.day_of(peer.heard_at) == today:
                _, merged = sizes.get(member.origin, (0, 0))
                why = log.why if log.known > merged else NOTHING
                yield member.id, LAG if why else HEARD, why

    @route("GET /v1/history", EVERYBODY, "read how members were seen")
    async def history(self) -> forms.History:
        """Return 90 days of each active member, and the newest events."""
        own, today = self.ctx.own, self.ctx.day
        since, text = today - KEPT_DAYS + 1, statement.day_text
        found = {
            m.id: (["."] * KEPT_DAYS, list[forms.BadDay]())
            for m in self.ctx.roster.active()
        }
        for member, day, state, raw in await own.history.since(since):
            if member not in found or day > today:
                continue
            line, bad = found[member]
            line[day - since] = STATES[state][0]
            if state:
                why = msgspec.json.decode(raw, type=WireMessage)
                bad.append(
                    forms.BadDay(day=text(day), state=STATES[state], why=why)
                )
        _, last = await own.events.bounds()
        newest = await own.events.page(last - NEWEST + 1, NEWEST)
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
