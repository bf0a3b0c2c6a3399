"""Keep the newest roster that its admins signed."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable

import structlog

from syncd.errors import MalformedError, SyncdError, UntrustedError
from syncd.flows.claimed_roster import RosterClaims
from syncd.indicator.statement import RosterAccepted
from syncd.node.context import Context, part
from syncd.node.follow.peers import Peers
from syncd.roster import drafts, signing
from syncd.roster.roster import Roster

log = structlog.get_logger("syncd.roster")

ALSO_ASK = 3  # members besides the one that claims a newer version
FORGIVE_S = 3600.0  # after which a claim without a chain may be made again


@part
class RosterKeeper:
    """The newest roster that we trust, and how it moves."""

    ctx: Context
    peers: Peers
    accepted: Callable[[], Awaitable[None]]  # called after each new one

    def __post_init__(self) -> None:
        self._trusted = self.ctx.home.trusted
        self._forgive()
        self._lock = asyncio.Lock()
        self.settled = asyncio.Event()  # no newer version is being fetched
        self.settled.set()

    def _forgive(self) -> None:
        """Let claims without a chain be made again."""
        self._claims = RosterClaims(self._trusted, self.ctx.home.rosters.put)
        self._since = time.monotonic()

    async def publish(self, raw: bytes) -> Roster:
        """Take a version from our own admin; say of what signatures it lacks.

        Raises:
            As `TrustedRoster.examine`; StaleError as the files do.
        """
        async with self._lock:
            before = self._trusted.version
            try:
                found = self._trusted.examine(raw)
            except (MalformedError, UntrustedError):
                await self._ask_signatures(raw)
                raise
            if found.version > before:
                self.ctx.home.rosters.put(found.version, raw)
                self._trusted.update(raw)
                await self.moved(before)
        return self.ctx.roster

    async def _ask_signatures(self, raw: bytes) -> None:
        """Write that a draft of the next version lacks signatures, if it is one."""
        with contextlib.suppress(SyncdError):
            wanted = max(
                s.wanted for s in signing.signatures(raw, self.ctx.roster)
            )
            draft = drafts.read(raw)[1]
            if wanted:
                await self.ctx.own.events.now(
                    "draft",
                    f"{draft.hash}/{wanted}",
                    "draft",
                    {"version": draft.version, "n": wanted},
                )

    async def member_accepted(
        self, origin: str, accepted: Iterable[RosterAccepted]
    ) -> None:
        """Look into rosters that a log says its member accepted.

        The newest first: it brings those before it. What a member that has
        left says is no claim of a member.
        """
        found = self.ctx.roster.by_origin(origin)
        if found is None or not found[0].active:
            return
        claims = {(one.version, one.hash_) for one in accepted}
        for version, hash_ in sorted(claims, reverse=True):
            await self.follow(version, hash_, found[0].id)

    async def follow(self, version: int, hash_: str, claimant: str) -> None:
        """Look into a member's claim of a newer version, once.

        Whether that is news, or contradicts what we trust, is seen here;
        what is wrong with it is a finding.
        """
        # It may have been the network's fault that nobody could show it.
        if time.monotonic() - self._since > FORGIVE_S:
            self._forgive()
        try:
            if self._claims.worth(claimant, version, hash_):
                async with self._lock:
                    await self._follow(version, hash_, claimant)
        except SyncdError as e:
            await self.ctx.found("roster", claimant, e.text)

    async def _follow(self, version: int, hash_: str, claimant: str) -> None:
        if not self._claims.worth(claimant, version, hash_):
            return  # another has shown it meanwhile
        self.settled.clear()
        try:
            others = [m for m in self.ctx.others if m != claimant]
            secrets.SystemRandom().shuffle(others)
            peers = [self.peers.get(m) for m in [claimant, *others[:ALSO_ASK]]]
            before = self._trusted.version
            found = await self._claims.follow(version, peers, hash_)
            await self.ctx.report(*found)
            if self._trusted.version > before:
                await self.moved(before)
        finally:
            self.settled.set()

    async def moved(self, before: int) -> None:
        """Let everybody know that there is a newer one than `before`."""
        roster = self.ctx.roster
        log.info(
            "roster accepted",
            before=before,
            version=roster.version,
            hash=roster.hash[:16],
            members=len(roster.active()),
        )
        await self.accepted()
