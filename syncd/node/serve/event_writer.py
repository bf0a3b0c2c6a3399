"""Write the events that no transaction of own.db writes.

What became red or green, ends soon or was undone: looked at after each round.
What there is to do is an event when it is there twice running, and another one
when it is gone twice running: a log that is behind for a moment is not worth a
call.

How far another's log is held and merged, what merging found, which roster is
in force: each is written where it happens, and again by `all` at a start, so
that what a crash swallowed is written late and nothing twice.

That it has urgent news a member says with its poke, of its own log alone.
Whoever calls everything urgent is heard once in a while.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from syncd.errors import Message
from syncd.flows.ports import Finding, MirrorHead
from syncd.indicator import statement
from syncd.node.context import Context, log, part
from syncd.node.serve import todo
from syncd.node.serve.member_state import MemberState, subject
from syncd.node.serve.status import StatusReader
from syncd.node.upkeep.arrivals import Page
from syncd.store.events import of_finding, of_message

PAGE = 1000  # findings of a merge that are read in one go
EACH_S = 600  # in which there is one event of a log's urgent news
DAY_S = 86_400
STEPS = (1, 7, 30, 60)  # days ahead
OLD_S = 2 * DAY_S  # what was said before is history: a first sync is long


@part
class EventWriter:
    """Puts states into the events, each once."""

    ctx: Context
    status_reader: StatusReader

    def __post_init__(self) -> None:
        self._lock = asyncio.Lock()
        self._book = self.ctx.own.events
        self._mirror = self.ctx.mirror
        # Entries from where a log has news that are not merged or written yet:
        self._urgent = dict[str, int]()
        self._red: dict[str, Any] | None = None  # at the last look

    async def all(self) -> None:
        """Tell what the last run did not come to tell."""
        await self.roster()
        for head in await self._mirror.heads():
            if head.origin != self.ctx.origin:
                await self._head(head)
        await self._findings()

    async def roster(self) -> None:
        """Tell which roster is in force."""
        roster = self.ctx.roster
        details = {"hash": roster.hash, "version": roster.version}
        await self._book.now("roster", roster.hash, "roster", details)

    async def log(self, origin: str) -> None:
        """Tell how far a log is held and merged, and what that found."""
        await self._head(await self._mirror.head(origin))
        await self._findings()
        await self.urgent()

    async def announce(self, origin: str, size: int) -> None:
        """Take a member's word that its log has urgent news below a size."""
        merged = (await self._mirror.head(origin)).merged
        self._urgent.setdefault(origin, max(min(merged, size - 1), 0))
        await self.urgent()  # others may have brought it

    async def urgent(self) -> None:
        """Tell of urgent news that was announced, is merged and due."""
        when = str(self.ctx.now() // EACH_S)
        for origin, first in [*self._urgent.items()]:
            n = (await self._mirror.head(origin)).merged - first
            details = {"origin": origin, "index": first, "n": n}
            if n > 0 and await self._book.now(
                f"urgent/{origin}", when, "urgent", details
            ):
                self._urgent.pop(origin, None)

    async def _head(self, head: MirrorHead) -> None:
        names = "merged", "mirrored", "origin"
        details = {name: getattr(head, name) for name in names}
        value = f"{head.merged}/{head.mirrored}"
        await self._book.now(f"log/{head.origin}", value, "log", details)

    async def _findings(self) -> None:
        """Tell of what merging found: mirror.db keeps it with what it merged.

        A log may be void from end to end. So of one kind in one log the
        first is written, and how many came together.
        """
        async with self._lock:
            last = int(await self._book.reported("finding") or "0")
            if not await self._mirror.findings_after(last - 1, 1):
                last = 0  # mirror.db was made anew
            while page := await self._mirror.findings_after(last, PAGE):
                last = page[-1][0]
                alike = dict[tuple[str, str], list[Finding]]()
                for _, found in page:
                    key = (found.code, found.origin)
                    alike.setdefault(key, []).append(found)
                details = [
                    {**of_finding(some[0]), "count": len(some)}
                    for some in alike.values()
                ]
                await self._book.now("finding", str(last), "finding", *details)
                for one in details:
                    log.warning("finding", **one)
                    code, count = one["code"], one["count"]
                    self.status_reader.metrics.findings.labels(code).inc(count)

    # ------------------------------------------------- looked at each round

    async def look(self) -> None:
        """Write events of what is another than it was."""
        state = await self.status_reader.read()
        await self._todo(todo.of(state))
        await self._expiry(state)

    async def _todo(self, found: Iterable[Message]) -> None:
        """Write what is to do, or no more, for the second look running."""
        book = self._book
        red = {subject(m): of_message(m) for m in found}
        before, self._red = self._red, red
        if before is None:
            return
        known = msgspec.json.decode(await book.reported("todo") or "{}")
        new = {k: v for k, v in red.items() if k in before and k not in known}
        kept = {k: v for k, v in known.items() if k in red or k in before}
        gone = [v for k, v in known.items() if k not in kept]
        await book.now("todo", _sorted(known | new), "todo", *new.values())
        await book.now("todo", _sorted(kept | new), "done", *gone)

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
                await self._book.now(
                    *(f"expiry/{code}/{whose}", f"{end}/{step}", "expiry"),
                    details,
                )

    async def arrived(self, page: Page) -> None:
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
            await self._book.now(
                f"retract/{origin}", str(last), "retract", details
            )


def _sorted(known: dict[str, Any]) -> str:
    return msgspec.json.encode(known, order="sorted").decode()
