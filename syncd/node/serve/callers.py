"""Whose a bearer token is."""

from dataclasses import dataclass

from syncd.indicator import statement
from syncd.node.context import Reading
from syncd.store.bearer import Bearer
from syncd.web.routes import Caller


def as_caller(found: Bearer) -> Caller:
    """Return who calls with it."""
    return Caller(
        *(found.name, found.role, found.id), found.staff, found.person
    )


@dataclass(kw_only=True, eq=False)
class Callers:
    """Knows who asks."""

    ctx: Reading

    async def caller(self, bearer: str) -> Caller | None:
        """Return whose token that is, or None."""
        found = await self.ctx.own.bearers.check(bearer)
        return as_caller(found) if found else None

    async def revoked(self, bearer: str) -> str:
        """Return the day (UTC) on which a token was revoked, or ""."""
        at = await self.ctx.own.bearers.revoked_at(bearer)
        return statement.day_text(at // 86_400) if at is not None else ""
