"""Peers: one client per member, remade when the roster moves."""

import asyncio
from collections.abc import Callable

from syncd import pinning
from syncd.config import Exchange
from syncd.errors import RefusedError
from syncd.peer.client import Limits, PeerClient
from syncd.roster.keys import MemberKeys
from syncd.roster.roster import Member, Roster


class Peers:
    """The clients of the other members' peer doors."""

    def __init__(
        self,
        *,
        me: str,
        roster: Callable[[], Roster],
        keys: MemberKeys,
        exchange: Exchange,
    ) -> None:
        self.client: Callable[..., PeerClient] = PeerClient
        self._me = me
        self._roster = roster
        self._keys = keys
        self._limits = Limits(
            connect_s=exchange.connect_timeout_s,
            idle_s=exchange.read_timeout_s,
            total_s=exchange.request_timeout_s,
        )
        self._clients: dict[str, tuple[Member, PeerClient]] = {}

    def get(self, member: str) -> PeerClient:
        """Return the client of an active member.

        Raises:
            RefusedError: the roster has no such active member.
        """
        found = self._roster().member(member)
        if found is None or not found.active:
            raise RefusedError(f"peer: {member} is no active member")
        known = self._clients.get(member)
        if known is None:
            client = self._make(found)
            self._clients[member] = (found, client)
            return client
        return known[1]

    def _make(self, member: Member) -> PeerClient:
        return self.client(
            member.id,
            member.urls,
            tls=pinning.client_context(
                self.shown(), self._keys.tls_pem, member.keys.tls
            ),
            own_origins=frozenset(g.origin for g in member.generations),
            limits=self._limits,
        )

    def shown(self) -> bytes:
        """Return the certificate (DER) that others know us by."""
        mine = self._roster().member(self._me)
        return mine.certificate if mine else self._keys.certificate

    def anchors(self) -> list[bytes]:
        """Return the certificates (DER) that our door admits just now."""
        roster = self._roster()
        members = [m.certificate for m in roster.active() if m.id != self._me]
        return [*members, *(a.certificate for a in roster.auditors)]

    async def refresh(self) -> None:
        """Forget the clients of members that the roster has changed."""
        roster = self._roster()
        old = [
            (name, client)
            for name, (member, client) in self._clients.items()
            if roster.member(name) != member
        ]
        for name, _ in old:
            del self._clients[name]
        await asyncio.gather(*(client.close() for _, client in old))

    async def close(self) -> None:
        """Close all connections."""
        clients = [client for _, client in self._clients.values()]
        self._clients.clear()
        await asyncio.gather(*(client.close() for client in clients))
