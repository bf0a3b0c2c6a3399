"""Write events of what became red or green, what ends soon, what was undone.

Looked at after each round. What there is to do is an event when it is there
twice running, and another one when it is gone twice running: a log that is
behind for a moment is not worth a call.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from syncd.errors import Message
from syncd.indicator import statement
from syncd.node.context import Context, part
from syncd.node.serve import todo
from syncd.node.serve.member_state import MemberState, subject
from syncd.node.serve.status import StatusReader
from syncd.node.upkeep.arrivals import Arrival
from syncd.store.events import of_message

DAY_S = 86_400
STEPS = (1, 7, 30, 60)  # days ahead
OLD_S = 2 * DAY_S  # what was said before is history: a first sync is long


@part
class Alerts:
    """What was red at the last look, and what is written of it."""

    ctx: Context
    status_reader: StatusReader

    def __post_init__(self) -> None:
        self._before: dict[str, Any] | None = None

    async def look(self) -> None:
        """Write events of what is another than it was."""
        state = await self.status_reader.read()
        await self._todo(todo.of(state))
        await self._expiry(state)

    async def _todo(self, found: Iterable[Message]) -> None:
        """Write what is to do, or no more, for the second look running."""
        book = self.ctx.own.events
        red = {subject(m): of_message(m) for m in found}
        before, self._before = self._before, red
        if before is None:
            return
        known = msgspec.json.decode(await book.reported("todo") or "{}")
        new = {k: v for k, v in red.items() if k in before and k not in known}
        kept = {k: v for k, v in known.items() if k in red or k in before}
        gone = [v for k, v in known.items() if k not in kept]
        await book.now("todo", _text(known | new), "todo", *new.values())
        await book.now("todo", _text(kept | new), "done", *gone)

    async def _expiry(self, state: MemberState) -> None:
        """Write once of each roster and certificate that a step is reached."""
        ends = [("roster", state.alliance, state.roster.expires)]
        ends += [
            ("certificate", m.member, m.certificate_ends)
            for m in state.members
            if m.certificate_ends is not None
        ]
        for code, whose, end in ends:
            days = max(end - state.now, 0) // DAY_S
            step = next((s for s in STEPS if end - state.now <= s * DAY_S), 0)
            if step:
                details = {
                    "code": code,
                    "member": whose,
                    "days": days,
                    "expires": statement.day_text(end // DAY_S),
                }
                await self.ctx.own.events.now(
                    *(f"expiry/{code}/{whose}", f"{end}/{step}", "expiry"),
                    details,
                )

    async def arrived(self, page: Sequence[Arrival]) -> None:
        """Write of a page of one log how many reports it took back of late."""
        old = statement.day_text((self.ctx.now() - OLD_S) // DAY_S)
        back = {
            arrival.position: len(what.ends)
            for arrival in page
            for what in (arrival.statement,)
            if isinstance(what, statement.Retract)
            and what.on >= old
            and what.reason != "test"
        }
        if back and page[0].position[0] not in self.ctx.own_origins:
            (origin, first), (_, last) = min(back), max(back)
            n = sum(back.values())
            details = {"origin": origin, "index": first, "n": n}
            await self.ctx.own.events.now(
                f"retract/{origin}", str(last), "retract", details
            )


def _text(known: dict[str, Any]) -> str:
    return msgspec.json.encode(known, order="sorted").decode()
