"""Whose a bearer token is."""

from dataclasses import dataclass

from syncd.indicator import statement
from syncd.node.context import Reading
from syncd.web.routes import Caller


@dataclass(kw_only=True, eq=False)
class Callers:
    """Knows who asks."""

    ctx: Reading

    async def caller(self, bearer: str) -> Caller | None:
        """Return whose token that is, or None."""
        found = await self.ctx.own.bearers.check(bearer)
        return Caller(found.name, found.role, found.id) if found else None

    async def revoked(self, bearer: str) -> str:
        """Return the day (UTC) on which a token was revoked, or ""."""
        at = await self.ctx.own.bearers.revoked_at(bearer)
        return statement.day_text(at // 86_400) if at is not None else ""
