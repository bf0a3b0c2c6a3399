"""Write the events that no transaction of own.db writes.

How far another's log is held and merged, what merging found, which roster is
in force: each is written where it happens, and again by `all` at a start, so
that what a crash swallowed is written late and nothing twice.

That it has urgent news a member says with its poke, of its own log alone.
Whoever calls everything urgent is heard once in a while.
"""

import asyncio

import structlog

from syncd.flows.ports import Finding, MirrorHead
from syncd.node.context import Context, part
from syncd.node.serve.metrics import Metrics
from syncd.store.events import of_finding

log = structlog.get_logger("syncd.node")

PAGE = 1000  # findings of a merge that are read in one go
EACH_S = 600  # in which there is one event of a log's urgent news


@part
class EventWriter:
    """Puts states into the events, each once."""

    ctx: Context
    metrics: Metrics

    def __post_init__(self) -> None:
        self._lock = asyncio.Lock()
        self._book = self.ctx.own.events
        self._mirror = self.ctx.mirror
        # Entries from where a log has news that are not merged or written yet:
        self._urgent: dict[str, int] = {}

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
                alike: dict[tuple[str, str], list[Finding]] = {}
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
                    self.metrics.findings.labels(code).inc(count)
