"""Write an event when a member's urgent news is merged.

A member says so with its poke, of its own log alone. Whoever calls everything
urgent is heard once in a while.
"""

from dataclasses import field

from syncd.node.context import Context, part

EACH_S = 600  # in which there is one event of a log


@part
class UrgentNews:
    """What was announced as urgent, and is not merged or not written yet."""

    ctx: Context
    _from: dict[str, int] = field(default_factory=dict, init=False)  # entries

    async def announce(self, origin: str, size: int) -> None:
        """Take a member's word that its log has urgent news below a size."""
        head = await self.ctx.mirror.head(origin)
        self._from.setdefault(origin, max(min(head.merged, size - 1), 0))
        await self.look()  # others may have brought it

    async def look(self) -> None:
        """Write what was announced and is due."""
        when = str(self.ctx.now() // EACH_S)
        for origin, first in [*self._from.items()]:
            n = (await self.ctx.mirror.head(origin)).merged - first
            details = {"origin": origin, "index": first, "n": n}
            if n > 0 and await self.ctx.own.events.now(
                f"urgent/{origin}", when, "urgent", details
            ):
                self._from.pop(origin, None)
