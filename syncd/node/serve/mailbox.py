"""The mailbox of ceremonies that a member keeps for the others."""

import asyncio

from syncd.errors import QuotaError, RefusedError
from syncd.flows import ceremony_note
from syncd.node.ceremonies import DIRECTORY, Folder
from syncd.node.context import Context

MOST = 32  # notes of one member
DAY_S = 86_400


class Mailbox(Folder):
    """Notes of holders for each other; each holder puts its own, once."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx.home.path / DIRECTORY)
        self._ctx = ctx

    async def take(self, caller: str, name: str, raw: bytes) -> None:
        """Keep a note of the caller's; the same again changes nothing.

        Raises:
            RefusedError: it is somebody else's, or the caller has no part in
                that run.
            QuotaError: the caller has too many here.
            StaleError: another one of that name is here.
            MalformedError, UntrustedError: as `ceremony_note.read_as`.
        """
        said = ceremony_note.read_as(name, raw, self._ctx.roster)
        if caller != said.member or caller not in said.plan.members:
            raise RefusedError(
                "ceremony: {name} is not for {member} to put",
                name=name,
                member=caller,
            )
        self.prune(self._ctx.now())
        its = [n for n in self.names() if n.endswith(f".{caller}")]
        if len(its) >= MOST and name not in its:
            raise QuotaError("ceremony: too many notes", retry_after_s=DAY_S)
        await asyncio.to_thread(self.put, name, raw)
