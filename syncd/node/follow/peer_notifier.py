"""Notify other members by `/poke` that our log has grown."""

import asyncio
from collections.abc import Sequence

import structlog

from syncd.errors import SyncdError
from syncd.node.context import Context, part
from syncd.node.follow.peers import Peers

log = structlog.get_logger("syncd.exchange")

POKES_AT_ONCE = 16


@part
class PeerNotifier:
    """What others were notified of our log, and what they are still to hear."""

    ctx: Context
    peers: Peers

    def __post_init__(self) -> None:
        self._poking, self._urgent = set[str](), set[str]()
        self._news = dict[str, bytes]()
        self._gate = asyncio.Semaphore(POKES_AT_ONCE)
        self._down_gate = asyncio.Semaphore(POKES_AT_ONCE)
        self._notified = self.ctx.own.log.released()  # last

    async def notify_some(self) -> None:
        """Poke some members if our log has grown since others were notified.

        Else it might be rounds until the first happens to ask us.
        """
        raw = self.ctx.own.log.released()
        if raw == self._notified or not self.ctx.config.exchange.poke:
            return
        self._notified = raw
        some = self.peers.peer_choice.draw(self.ctx.others)
        await self._poke_these(some, raw)

    async def notify_all(self, *, urgent: bool = False) -> None:
        """Poke all members; of an urgent report they are to tell somebody."""
        self._notified = raw = self.ctx.own.log.released()
        if urgent:
            self._urgent.update(self.ctx.others)
        log.info("poked", members=await self._poke_these(self.ctx.others, raw))

    async def _poke_these(self, members: Sequence[str], raw: bytes) -> int:
        """Poke some; return how many heard.

        A member that is being notified already hears of this one next.
        """
        self._news.update(dict.fromkeys(members, raw))
        idle = [m for m in members if m not in self._poking]
        self._poking.update(idle)
        return sum(await asyncio.gather(*map(self._poke, idle)))

    async def _poke(self, member: str) -> bool:
        """Tell one member the newest, and what became newest meanwhile."""
        # Who did not answer lately does not keep the others waiting.
        down = self.peers.peer_choice.state(member).failures > 0
        try:
            async with self._down_gate if down else self._gate:
                while raw := self._news.pop(member, b""):
                    urgent = member in self._urgent
                    self._urgent.discard(member)
                    await self.peers.get(member).poke(raw, urgent=urgent)
        except SyncdError as e:
            log.info("poke failed", peer=member, why=str(e))
            return False
        finally:
            self._poking.discard(member)
        return True
