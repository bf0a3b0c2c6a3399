"""Write events of what became red or green, what ends soon, what was undone.

Looked at after each round. What there is to do is an event when it is there
twice running, and another one when it is gone twice running: a log that is
behind for a moment is not worth a call.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import msgspec

from syncd.errors import Message
from syncd.indicator.statement import Retract
from syncd.node.context import Context
from syncd.node.serve import todo
from syncd.node.serve.member_state import subject
from syncd.node.serve.status import StatusReader
from syncd.node.upkeep.arrivals import Arrival
from syncd.roster import certificate
from syncd.store.events import of_message

DAY_S = 86_400
STEPS = (1, 7, 14)  # days ahead
OLD_S = 2 * DAY_S  # what was said before is history: a first sync is long


@dataclass(kw_only=True, eq=False)
class Alerts:
    """What was red at the last look, and what is written of it."""

    ctx: Context
    status_reader: StatusReader
    wake: Callable[[], None]

    def __post_init__(self) -> None:
        self._before: dict[str, Any] | None = None
        self._steps: dict[str, str] = {}

    async def look(self) -> None:
        """Write events of what is another than it was."""
        state = await self.status_reader.read()
        await self._todo(todo.of(state))
        await self._expiry()
        self.wake()

    async def _todo(self, found: Iterable[Message]) -> None:
        """Write what is to do, or no more, for the second look running."""
        book = self.ctx.own.events
        red = {" ".join(subject(m)): of_message(m) for m in found}
        before, self._before = self._before, red
        if before is None:
            return
        known = msgspec.json.decode(await book.reported("todo") or "{}")
        new = {k: v for k, v in red.items() if k in before and k not in known}
        kept = {k: v for k, v in known.items() if k in red or k in before}
        gone = [v for k, v in known.items() if k not in kept]
        await book.now("todo", _text(known | new), "todo", *new.values())
        await book.now("todo", _text(kept | new), "done", *gone)

    async def _expiry(self) -> None:
        """Write once of each roster and certificate that a step is reached."""
        roster, now = self.ctx.roster, self.ctx.now()
        ends = [("roster", roster.alliance, roster.expires)]
        ends += [
            ("certificate", m.id, certificate.expires(m.certificate))
            for m in roster.active()
        ]
        for code, whose, end in ends:
            left = end - now
            step = next((s for s in STEPS if left <= s * DAY_S), None)
            what, value = f"expiry/{code}/{whose}", f"{end}/{step}"
            if step is None or self._steps.get(what) == value:
                continue
            self._steps[what] = value
            details = {
                "code": code,
                "member": whose,
                "days": max(left, 0) // DAY_S,
                "expires": datetime.fromtimestamp(end, UTC).date().isoformat(),
            }
            await self.ctx.own.events.now(what, value, "expiry", details)

    async def arrived(self, page: Sequence[Arrival]) -> None:
        """Write of each log how many reports it took back of late."""
        day = datetime.fromtimestamp(self.ctx.now() - OLD_S, UTC).date()
        back = [
            (arrival.position, len(arrival.statement.ends))
            for arrival in page
            if isinstance(arrival.statement, Retract)
            and arrival.statement.on >= day.isoformat()
            and arrival.position[0] not in self.ctx.own_origins
        ]
        for origin, some in groupby(back, lambda item: item[0][0]):
            items = [*some]
            (_, first), (_, last) = items[0][0], items[-1][0]
            count = sum(n for _, n in items)
            details = {"origin": origin, "index": first, "n": count}
            await self.ctx.own.events.now(
                f"retract/{origin}", str(last), "retract", details
            )
            self.wake()


def _text(known: dict[str, Any]) -> str:
    return msgspec.json.encode(known, order="sorted").decode()
