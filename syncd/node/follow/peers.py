"""One client per member, made anew when the roster changes."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable

from syncd import pinning
from syncd.errors import RefusedError
from syncd.node.context import Context, part
from syncd.node.follow.peer_choice import PeerChoice
from syncd.node.home import pending_tls
from syncd.peer.client import PeerClient
from syncd.roster.members import Member


@part
class Peers:
    """The clients of the other members' peer APIs."""

    ctx: Context
    peer_choice: PeerChoice  # hears of each answer, and what it cost
    client: Callable[..., PeerClient] = PeerClient

    def __post_init__(self) -> None:
        self._shown = b""  # the certificate that the clients show
        self._clients: dict[str, tuple[Member, PeerClient]] = {}

    def get(self, member: str) -> PeerClient:
        """Return the client of an active member.

        Raises:
            RefusedError: the roster has no such active member.
        """
        found = self.ctx.roster.member(member)
        if found is None or not found.active:
            raise RefusedError(
                "peer: {member} is no active member", member=member
            )
        if member not in self._clients:
            self._clients[member] = (found, self._make(found))
        return self._clients[member][1]

    def _make(self, member: Member) -> PeerClient:
        pin, exchange = member.keys.tls, self.ctx.config.exchange
        self._shown = self.shown()

        def tls_next() -> ssl.SSLContext | None:
            pair = pending_tls(self.ctx.home.ring)
            return pinning.client_context(*pair, pin) if pair else None

        return self.client(
            member.id,
            member.urls,
            tls=pinning.client_context(
                self._shown, self.ctx.home.keys.tls_pem, pin
            ),
            tls_next=tls_next,
            own_origins=frozenset({member.origin}),
            listed=lambda: self._listed(member),
            heard=lambda: self.peer_choice.heard(member.id, self.ctx.now()),
            slow=lambda s: self.peer_choice.charge(
                member.id, s, time.monotonic()
            ),
            idle_s=exchange.read_timeout_s,
            total_s=exchange.request_timeout_s,
        )

    def _listed(self, member: Member) -> bool:
        """Tell whether the roster of this moment has a member with that pin.

        A pull in flight, for example, holds its client while a new roster is
        being accepted, and the next request already is refused.
        """
        found = self.ctx.roster.by_tls.get(member.keys.tls)
        return found is not None and found.id == member.id

    def shown(self) -> bytes:
        """Return the certificate (DER) that others know us by."""
        mine = self.ctx.us
        return mine.certificate if mine else self.ctx.home.keys.certificate

    def anchors(self) -> list[bytes]:
        """Return the certificates (DER) that our peer API admits just now."""
        roster = self.ctx.roster
        members = [
            m.certificate for m in roster.active() if m.id != self.ctx.me
        ]
        return [*members, *(a.certificate for a in roster.auditors)]

    async def refresh(self) -> None:
        """Forget the clients of members that the roster has changed.

        All of them, if it is we ourselves whose certificate has changed.
        """
        roster, shown = self.ctx.roster, self.shown()
        await self.close(
            name
            for name, (member, _) in self._clients.items()
            if roster.member(name) != member or shown != self._shown
        )

    async def close(self, names: Iterable[str] | None = None) -> None:
        """Close the connections to some members, or all of them."""
        gone = [*(self._clients if names is None else names)]
        old = [self._clients.pop(name)[1] for name in gone]
        await asyncio.gather(*(client.close() for client in old))
