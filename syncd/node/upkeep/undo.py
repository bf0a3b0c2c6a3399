"""What we did on a listing is looked at again when the listing ends.

An access record names the positions that its answer rested on. When one of
them ends, or something speaks against it, and the claims on its token advise
no more than a warning now, whoever asked is to check and lift: an appeal of
the cause `ended`. Expiry by date needs none: the answer said until when.
"""

import math
from collections.abc import Mapping
from typing import Any

from syncd.flows import basis
from syncd.flows.appeal import Appeal
from syncd.flows.basis import Key, claims_on
from syncd.flows.ports import Position
from syncd.indicator.statement import (
    Answer,
    Dispute,
    Reassigned,
    Report,
    Retract,
    Vouch,
)
from syncd.node.context import Context, part
from syncd.node.upkeep.arrivals import Page
from syncd.node.upkeep.never_list import NeverList
from syncd.roster import terms
from syncd.store.access import AccessRow

DAY_S = 86_400
DAYS = 180  # that a look-up is looked at again
LEAST = "verify"  # the mildest action that is a measure
_AT_ONCE = 256  # positions searched for in one query


def is_measure(action: str) -> bool:
    """Tell whether an action holds somebody up."""
    return terms.lower(action, LEAST) == LEAST


@part
class Undo:
    """Finds what is to be looked at again; idle where nobody looked up."""

    ctx: Context
    claims: Any  # `serve.lookups.Claims`
    never: NeverList

    async def arrived(self, page: Page) -> None:
        """Keep what is to be looked at again by what was merged."""
        if not await self.ctx.own.access.page(limit=1):
            return
        ended, rows = await self._ended(page), dict[int, AccessRow]()
        places = [*ended]
        for at in range(0, len(places), _AT_ONCE):
            rows |= await self._measures(positions=places[at : at + _AT_ONCE])
        await self._look_again(rows, ended)

    async def by_roster(self) -> None:
        """Do the same by each roster, for the logs whose past it annuls."""
        roster, events = self.ctx.roster, self.ctx.own.events
        if await events.reported("undo/roster") == str(roster.version):
            return
        gone = {
            log.origin
            for member in roster.members
            if member.annulled
            for log in member.generations
        }
        if gone:
            rows = await self._measures()
            of_gone = {
                n: row
                for n, row in rows.items()
                if any(origin in gone for origin, _ in row.positions or ())
            }
            await self._look_again(of_gone, {})
        await events.now("undo/roster", str(roster.version), "")

    async def _measures(self, **wanted: Any) -> dict[int, AccessRow]:
        since = self.ctx.now() - DAYS * DAY_S
        found = self.ctx.own.access.found(since=since, **wanted)
        return {r.id: r async for r in found if is_measure(r.action)}

    async def _look_again(
        self, rows: Mapping[int, AccessRow], ended: Mapping[Position, Key]
    ) -> None:
        """Keep those of some look-ups on which no measure is advised now."""
        on = {p for row in rows.values() for p in row.positions or ()}
        held = await self.claims.claims_at([*on])
        key_of = {p: basis.key(claim) for p, claim in held.items()}
        key_of |= ended
        keys = {key_of[p] for p in on & key_of.keys()}
        found = await self.claims.verdicts(
            [*keys], None, self.never.tokens, math.inf
        )
        still = {key for key, (_, what) in found.items() if is_measure(what)}
        gone = on - {p for p, key in key_of.items() if key in still}
        await self.ctx.own.appeals.add(
            [
                Appeal(
                    cause="ended",
                    by=row.caller,
                    access_id=row.id,
                    purpose=row.purpose,
                    measure=row.action,
                    received_at=self.ctx.now(),
                    reference=row.reference,
                    positions=row.positions or (),
                )
                for row in rows.values()
                if gone.issuperset(row.positions or ())
            ]
        )

    async def _ended(self, page: Page) -> dict[Position, Key]:
        """Return the positions that may count no more, with their tokens."""
        ended = dict[Position, Key]()
        spoken = set[Key]()
        for arrival in page:
            origin, key = arrival.position[0], arrival.key
            match arrival.statement:
                case Retract(ends=ends):
                    ended |= {(origin, index): key for index in ends}
                case Answer(outcome="report_withdrawn", about=about):
                    ended |= dict.fromkeys(about, key)
                case Dispute() | Reassigned() | Vouch():
                    spoken.add(key)
                case _:
                    pass
        for key, group in (await claims_on(spoken, self.claims)).items():
            ended |= {
                c.position: key
                for c in group
                if isinstance(c.statement, Report)
            }
        return ended
