"""Notice what lifts reports: of ours, and by whom too often.

Of what was merged only disputes, vouches and reassigned are looked at, by
token: whether their `know` is right is seen only by who has the value.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from syncd.errors import Message
from syncd.flows.basis import claims_on
from syncd.flows.ports import Finding, Position
from syncd.indicator import statement
from syncd.indicator.statement import Dispute, Reassigned, Report, Vouch
from syncd.node.context import Context, part
from syncd.node.serve.lookups import Claims
from syncd.node.upkeep.arrivals import Arrival
from syncd.store.published import ALL, HITS

WINDOW_DAYS = 7
SHOWN = 50  # events of one page, and reports in each


@part
class Lifts:
    """Looks at disputes, vouches and reassigned of others."""

    ctx: Context
    claims: Claims
    _day: dict[str, str] = field(default_factory=dict, init=False)  # newest

    async def came(self, page: Sequence[Arrival]) -> None:
        """Tell of a page of one log what it lifts of ours; count it."""
        ours = self.ctx.own_origins
        if not page or page[0].position[0] in ours:
            return
        hits = await self._hits(page)
        await self._count(page, hits)
        lifted = {
            by: mine[:SHOWN]
            for by, reports in hits.items()
            if (mine := [at for at in reports if at[0] in ours])
        }
        if lifted:
            lifting = [one for one in page if one.position in lifted]
            await self._tell(lifting, lifted)

    async def _hits(
        self, page: Sequence[Arrival]
    ) -> Mapping[Position, Sequence[Position]]:
        """Return which reports of others each statement may lift."""
        its = self._logs_of(page[0].position[0])
        some = [
            arrival
            for arrival in page
            if isinstance(arrival.statement, Dispute | Reassigned | Vouch)
        ]
        claims = await claims_on((one.key for one in some), self.claims)
        hits = {}
        for arrival in some:
            about = getattr(arrival.statement, "about", ())
            if reports := [
                claim.position
                for claim in claims.get(arrival.key, ())
                if isinstance(claim.statement, Report)
                and claim.origin not in its
                and (not about or claim.position in about)
            ]:
                hits[arrival.position] = reports
        return hits

    def _logs_of(self, origin: str) -> list[str]:
        """Return the logs of whose a log is, of all generations."""
        found = self.ctx.roster.by_origin(origin)
        return [g.origin for g in found[0].generations] if found else [origin]

    async def _tell(
        self,
        lifting: Sequence[Arrival],
        lifted: Mapping[Position, Sequence[Position]],
    ) -> None:
        """Write an event of each that changed the verdict on ours."""
        (origin, first), (_, last) = lifting[0].position, lifting[-1].position
        sizes = await self.ctx.mirror.sizes()
        merged = {o: n for o, (_, n) in sizes.items()}
        keys = [*dict.fromkeys(arrival.key for arrival in lifting)]
        before, after = [
            await self.claims.verdicts(keys, {**merged, origin: n})
            for n in (first, last + 1)
        ]
        events: list[dict[str, Any]] = [
            {
                "origin": origin,
                "index": arrival.position[1],
                "code": statement.NAMES[statement.type_of(arrival.statement)],
                "kind": arrival.statement.kind,
                "reports": lifted[arrival.position],
                "before": before[arrival.key][0],
                "after": after[arrival.key][0],
            }
            for arrival in lifting
            if before[arrival.key] != after[arrival.key]
        ]
        if len(events) > SHOWN:
            events[SHOWN - 1] |= {"n": len(events) - SHOWN + 1}
        if events:
            await self.ctx.own.events.now(
                f"lift/{origin}", str(last), "lift", *events[:SHOWN]
            )

    async def _count(
        self,
        page: Sequence[Arrival],
        hits: Mapping[Position, Sequence[Position]],
    ) -> None:
        """Count by day what a log says, and what of it lifts.

        A day is the newest that the log has said: so nobody gets away with
        days of long ago, and a first sync counts as it would have then.
        """
        origin, book = page[0].position[0], self.ctx.own.published
        today = self.ctx.today()
        day = self._day.get(origin) or await book.newest(origin)
        counts: Counter[tuple[str, str, str]] = Counter()
        last: dict[str, Position] = {}  # that lifted, by day
        for arrival in page:
            day = max(day, min(arrival.statement.on, today))
            counts[day, origin, ALL] += 1
            if isinstance(arrival.statement, Report):
                kind, epoch, _ = arrival.key
                counts[day, origin, f"{kind}/{epoch}"] += 1
            if arrival.position in hits:
                counts[day, origin, HITS] += 1
                last[day] = arrival.position
        self._day[origin] = day
        await book.add(counts)
        for when, position in last.items():
            await self._judge(when, position)

    async def _judge(self, day: str, position: Position) -> None:
        """Write a finding if a member lifts too often, once a day."""
        logs = self._logs_of(position[0])
        first = statement.day_text(
            max(statement.day(day) - WINDOW_DAYS + 1, 0)
        )
        sums = await self.ctx.own.published.sums(logs, first, day, ALL, HITS)
        limits = self.ctx.roster.limits
        if sums[HITS] <= limits.lifts or (
            sums[HITS] * 100 <= limits.lift_percent * sums[ALL]
        ):
            return
        why = Message(
            "{n} of its {count} statements of a week dispute, vouch or"
            " reassign what others report",
            n=sums[HITS],
            count=sums[ALL],
        )
        if await self.ctx.own.events.now(
            f"lifts_too_often/{logs[0]}", day, ""
        ):
            await self.ctx.report(Finding("lifts_too_often", *position, why))
