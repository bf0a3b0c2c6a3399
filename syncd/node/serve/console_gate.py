"""Who may come into the console, and who is in."""

from dataclasses import dataclass

from syncd.node.context import Context
from syncd.node.serve.callers import as_caller
from syncd.store.bearer import PROXY
from syncd.store.sessions import Session
from syncd.web.routes import Caller


@dataclass(kw_only=True, eq=False)
class ConsoleGate:
    """Knows tokens, certificates and sessions."""

    ctx: Context

    def __post_init__(self) -> None:
        self.sessions = self.ctx.own.sessions
        self.sessions.idle_s = self.ctx.config.console.idle_s

    async def enter(
        self, secret: str, proof: str, staff: str
    ) -> Caller | None:
        """Return whose a token or ticket is, or the certificate that came.

        One of a house's proxy says by staff number who sits behind it.
        """
        bearers, found = self.ctx.own.bearers, None
        if secret:
            if not secret.startswith("certificate:"):  # which is no secret
                found = await bearers.check(secret)
            found = found or await self.sessions.take(secret)
        elif await self.is_proxy(proof):
            found = await bearers.of_staff(staff)
        else:
            found = await bearers.check(proof)
        return as_caller(found) if found and found.role != PROXY else None

    async def is_proxy(self, proof: str) -> bool:
        """Tell whether that certificate is the one of a house's proxy."""
        found = await self.ctx.own.bearers.check(proof)
        return found is not None and found.role == PROXY

    async def find(
        self, secret: str, *, used: bool
    ) -> tuple[Caller, Session] | None:
        """Return whose session it is."""
        found = await self.sessions.find(secret, used=used)
        return (as_caller(found.bearer), found) if found else None
