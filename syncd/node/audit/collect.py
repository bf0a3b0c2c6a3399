"""Make an audit bundle over the network, by an auditor's own key.

Whoever answers, nothing of it is believed here but whom it is asked of: the
chain of rosters is verified from the fingerprint, and each member by its pin.
One request after the other, or nearly: members have other work to do.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from syncd import canonical, pinning
from syncd.audit import bundle
from syncd.audit.bundle import About, Writer
from syncd.errors import (
    AbsentError,
    QuotaError,
    UnavailableError,
    UntrustedError,
)
from syncd.flows import log_files
from syncd.node.audit import complete
from syncd.peer.client import MAX_ROSTER, PeerClient
from syncd.peer.transport import Wanted
from syncd.roster.members import Member
from syncd.roster.roster import Roster
from syncd.roster.trust import TrustedRoster
from syncd.tlog import checkpoint, note

AT_ONCE = (
    16  # files asked for together, of which a member sends a few at a time
)
TRIES = 5  # of a request for which a member has no time


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Who asks, and where all of it goes."""

    certificate: bytes  # the auditor's, DER
    key_pem: bytes
    fingerprint: str
    made: Writer
    now: int  # unix seconds
    progress: Callable[[int, int], None] = lambda *_: None

    async def run(self, addresses: Sequence[str]) -> str:
        """Collect what the members at some addresses hold; return its name.

        Raises:
            UntrustedError: a roster is not the fingerprint's, or nobody at an
                address is in it.
            UnavailableError: one does not answer.
        """
        pins: list[str] = []
        notes = list[bytes]()
        for address in addresses:
            async with self._first(address, pins) as stranger:
                notes = max(notes, await _rosters(stranger), key=len)
        roster = TrustedRoster(self.fingerprint, *notes).current
        members = [
            self._named(roster, a, p)
            for a, p in zip(addresses, pins, strict=True)
        ]
        complete.rosters(self.made, roster, notes)
        clients = [self._client(member) for member in members]
        try:
            origins = roster.origins()
            for n, origin in enumerate(origins):
                self.progress(n, len(origins))
                await self._log(origin, clients)
        finally:
            await asyncio.gather(*(client.close() for client in clients))
        sources = sorted({member.id for member in members})
        about = About(alliance=roster.id, at=self.now, sources=(*sources,))
        return self.made.finish(about)

    @asynccontextmanager
    async def _first(
        self, address: str, pins: list[str]
    ) -> AsyncIterator[PeerClient]:
        """Ask whoever is at an address, and note its pin."""
        seen = set[str]()

        def admits(pin: str | None) -> bool:
            seen.add(pin or "")
            return len(seen) == 1

        tls = pinning.client_context(
            self.certificate, self.key_pem, admits=admits
        )
        client = PeerClient(
            address, [address], tls=tls, own_origins=frozenset()
        )
        try:
            yield client
        finally:
            await client.close()
        pins += seen

    @staticmethod
    def _named(roster: Roster, address: str, pin: str) -> Member:
        member = roster.by_tls.get(pin)
        if member is None:
            raise UntrustedError(
                "{address}: whoever answers there is not in the roster",
                address=address,
            )
        return member

    def _client(self, member: Member) -> PeerClient:
        tls = pinning.client_context(
            self.certificate, self.key_pem, member.keys.tls
        )
        own = frozenset(g.origin for g in member.generations)
        return PeerClient(member.id, member.urls, tls=tls, own_origins=own)

    async def _log(self, origin: str, clients: Sequence[PeerClient]) -> None:
        """Take a log from who has most of it, and all signed notes of it."""
        where = bundle.log_directory(origin)
        heads = [(await _one(c, origin, "checkpoint"), c) for c in clients]
        raw, client = max(heads, key=lambda h: checkpoint.size_of(h[0]))
        if not raw:
            return
        for found, _ in heads:
            if found != raw:
                self._note(found)
        for one in clients:
            page = 0
            while body := await _one(one, origin, f"notes/{page}"):
                for text in canonical.loads(body):
                    self._note(str(text).encode())
                page += 1
        paths = [*log_files.layout(checkpoint.size_of(raw), audit=True)][1:]
        for at in range(0, len(paths), AT_ONCE):
            some = paths[at : at + AT_ONCE]
            for path, body in zip(
                some, await _files(client, origin, some), strict=True
            ):
                self.made.add(f"{where}/{path}", body)
        self.made.add(f"{where}/checkpoint", raw)

    def _note(self, raw: bytes) -> None:
        """Keep a signed note beside its log; of no log at all, nowhere."""
        if raw:
            head = checkpoint.parse(note.parse(raw).text)
            self.made.add(bundle.note_path(head.origin, head.size, raw), raw)


async def _rosters(client: PeerClient) -> list[bytes]:
    found = list[bytes]()
    while True:
        wanted = Wanted(f"/roster/{len(found) + 1}", MAX_ROSTER)
        try:
            found.append(await client.get(wanted))
        except AbsentError:
            return found


async def _one(client: PeerClient, origin: str, path: str) -> bytes:
    """Return a file of a log, b"" if a member has none such."""
    try:
        (raw,) = await _files(client, origin, [path])
    except AbsentError:
        return b""
    return raw


async def _files(
    client: PeerClient, origin: str, paths: Sequence[str]
) -> Sequence[bytes]:
    """Fetch files; wait and ask again where a member has no time."""
    for attempt in range(1, TRIES):
        try:
            return await client.files(origin, paths)
        except AbsentError:
            raise
        except (QuotaError, UnavailableError):
            await asyncio.sleep(attempt)
    return await client.files(origin, paths)
