"""Whose a bearer token is."""

from syncd.indicator import statement
from syncd.store.bearer import Bearers
from syncd.web.routes import Caller


async def whose(bearers: Bearers, bearer: str) -> Caller | str:
    """Return whose token that is; else the day (UTC) of its end, or ""."""
    if found := await bearers.check(bearer):
        return Caller.of(found)
    at = await bearers.revoked_at(bearer)
    return "" if at is None else statement.day_text(at // 86_400)
