"""Write an event when a member's urgent news is merged.

A member says so with its poke, of its own log alone. Whoever calls everything
urgent is heard once in a while.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from syncd.node.context import Context

QUIET_S = 600  # between two events of one log


@dataclass(kw_only=True, eq=False)
class UrgentNews:
    """What was announced as urgent, and is not merged or not written yet."""

    ctx: Context
    wake: Callable[[], None]
    _from: dict[str, int] = field(default_factory=dict, init=False)  # entries
    _last: dict[str, int] = field(default_factory=dict, init=False)  # seconds

    async def announce(self, member: str, size: int) -> None:
        """Take a member's word that its log has urgent news below a size."""
        known = self.ctx.roster.member(member)
        if known is None or not size:
            return
        head = await self.ctx.mirror.head(known.origin)
        self._from.setdefault(known.origin, min(head.merged, size - 1))
        await self.grown(known.origin)  # others may have brought it

    async def look(self) -> None:
        """Write what was announced and is due."""
        for origin in [*self._from]:
            await self.grown(origin)

    async def grown(self, origin: str) -> None:
        """Write of a log that has grown what was announced of it."""
        now, first = self.ctx.now(), self._from.get(origin)
        if first is None or now < self._last.get(origin, 0) + QUIET_S:
            return
        merged = (await self.ctx.mirror.head(origin)).merged
        if merged > first and self._from.pop(origin, None) is not None:
            self._last[origin] = now
            details = {"origin": origin, "index": first, "n": merged - first}
            await self.ctx.own.events.now(
                f"urgent/{origin}", str(merged), "urgent", details
            )
            self.wake()
