"""Rosters: follow the newest one that its admins signed."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

import structlog

from syncd.flows import onboard
from syncd.flows.ports import Finding
from syncd.peer.client import PeerClient
from syncd.roster.roster import Roster
from syncd.roster.trust import TrustedRoster
from syncd.store.roster_files import RosterFiles

log = structlog.get_logger("syncd.roster")

ALSO_ASK = 3  # members besides the one that claims a newer version
FORGIVE_S = 3600.0  # after which a claim without a chain may be made again


class RosterKeeper:
    """The newest roster that we trust, and how it moves."""

    def __init__(
        self,
        *,
        me: str,
        trusted: TrustedRoster,
        files: RosterFiles,
        peers: Callable[[str], PeerClient],
        accepted: Callable[[], Awaitable[None]],
        report: Callable[[Finding], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._me = me
        self._trusted = trusted
        self._files = files
        self._peers = peers
        self._accepted = accepted
        self._report = report
        self._claims = onboard.Claims(trusted)
        self._clock = clock
        self._since = clock()  # when claims were last forgiven
        self._lock = asyncio.Lock()
        self.settled = asyncio.Event()  # no newer version is being fetched
        self.settled.set()

    @property
    def current(self) -> Roster:
        """The newest roster that we trust."""
        return self._trusted.current

    async def publish(self, raw: bytes) -> Roster:
        """Take a version from our own admin.

        Raises:
            As `TrustedRoster.examine`; StaleError as the files do.
        """
        async with self._lock:
            before = self._trusted.version
            found = self._trusted.examine(raw)
            if found.version > before:
                self._files.put(found.version, raw)
                self._trusted.update(raw)
                await self._moved(before)
        return self.current

    async def follow(self, version: int, hash_: str, claimant: str) -> None:
        """Look into a member's claim of a newer version, once."""
        # It may have been the network's fault that nobody could show it.
        if self._clock() - self._since > FORGIVE_S:
            self._since = self._clock()
            self._claims = onboard.Claims(self._trusted)
        if not self._claims.worth(claimant, version, hash_):
            return
        async with self._lock:
            if not self._claims.worth(claimant, version, hash_):
                return
            self.settled.clear()
            try:
                await self._follow(version, hash_, claimant)
            finally:
                self.settled.set()

    async def _follow(self, version: int, hash_: str, claimant: str) -> None:
        others = [
            m.id
            for m in self.current.active()
            if m.id not in (self._me, claimant)
        ]
        secrets.SystemRandom().shuffle(others)
        asked = [claimant, *others[:ALSO_ASK]]
        before = self._trusted.version
        done = await onboard.follow(
            version,
            [self._peers(m) for m in asked],
            self._trusted,
            self._files,
            claimed_hash=hash_,
        )
        for finding in done.findings:
            await self._report(finding)
        if not done.proven:
            self._claims.unproven(claimant, version, hash_)
        if done.after > before:
            await self._moved(before)

    async def _moved(self, before: int) -> None:
        roster = self.current
        log.info(
            "roster accepted",
            before=before,
            version=roster.version,
            hash=roster.hash[:16],
            members=len(roster.active()),
        )
        await self._accepted()
