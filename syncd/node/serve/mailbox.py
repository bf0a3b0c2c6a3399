"""The mailbox of ceremonies that a member keeps for the others."""

import asyncio

from syncd import canonical
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

    def get(self, name: str) -> bytes | None:
        """Return a note, if it is here; of no name, the names of all."""
        return super().get(name) if name else canonical.dumps(self.names())

    async def take(self, caller: str, name: str, raw: bytes) -> None:
        """Keep a note of the caller's for two weeks; again changes nothing.

        Raises:
            RefusedError: it is somebody else's.
            QuotaError: the caller has too many here.
            StaleError: another one of that name is here.
            As `ceremony_note.read`.
        """
        if caller != ceremony_note.read(name, raw, self._ctx.roster).member:
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
