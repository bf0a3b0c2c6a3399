"""Follow a peer's claim that it has a newer or another roster.

a version claimed ── follow ──> trusted and kept, or a finding
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from syncd.errors import (
    NOTHING,
    ForkError,
    Message,
    NewerError,
    SyncdError,
    UntrustedError,
)
from syncd.flows.ports import Finding
from syncd.grouped import cancelled
from syncd.roster.trust import TrustedRoster

FOLLOW_S = 10.0  # for the claimant and k others, together
MOST_CLAIMS = 8  # unproven claims of one member that we look into


class RosterSource(Protocol):
    """A peer, as far as following the roster needs one."""

    name: str

    async def roster(self, version: int) -> bytes:
        """Fetch one version of the roster's signed note.

        Raises:
            UnavailableError: no usable answer.
        """


class RosterClaims(Struct, eq=False):
    """Claims of newer or other rosters; each is looked into only once.

    A member may claim what it likes in every answer; after MOST_CLAIMS that
    led to nothing we look into no more of it until the roster moves on.
    """

    _trusted: TrustedRoster
    _keep: Callable[[int, bytes], None]
    """makes the next version's note durable"""
    _version: int = 0
    _unproven: dict[str, set[tuple[int, str]]] = {}
    # About the claim that is being followed, one at a time:
    _findings: list[Finding] = []
    _why: Message = NOTHING  # the last reason why an answer did not count

    def worth(self, claimant: str, version: int, hash_: str = "") -> bool:
        """Whether to follow this claim before serving another payload."""
        if version < 1 or not self._is_news(version, hash_):
            return False
        if self._version != self._trusted.version:
            self._version = self._trusted.version
            self._unproven.clear()
        known = self._unproven.get(claimant, set())
        return (version, hash_) not in known and len(known) < MOST_CLAIMS

    def _is_news(self, version: int, hash_: str) -> bool:
        """Whether a claim is beyond what we trust, or contradicts it."""
        if version > self._trusted.version:
            return True
        return bool(hash_) and self._trusted.hash(version) != hash_

    async def follow(
        self, version: int, peers: Sequence[RosterSource], hash_: str = ""
    ) -> list[Finding]:
        """Trust what leads to a version that `peers[0]` claims, or say why not.

        `peers` are the claimant and k others. Each is asked once for each
        version, all at the same time; the first answer that verifies counts,
        and is kept before it is trusted. A claim without a verifying chain is
        a finding about the claimant, and no error: what else goes on, goes on.

        Raises:
            StaleError: another note of a version that is new here is kept.
        """
        trusted, claimant = self._trusted, peers[0].name
        self._findings, self._why = [], NOTHING
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FOLLOW_S):
                if version <= trusted.version:
                    # only the claimant can show what contradicts ours
                    await self._step(version, peers[:1])
                while trusted.version < version:
                    if not await self._step(trusted.version + 1, peers):
                        break
        if not self._findings and self._is_news(version, hash_):
            problem = Message(
                "version {version} claimed, we hold {ours}: {why}",
                version=version,
                ours=trusted.version,
                why=self._why or Message("nobody had it in time"),
            )
            self._findings.append(
                Finding("roster_claim", claimant, None, problem)
            )
        if self._findings:
            self._unproven.setdefault(claimant, set()).add((version, hash_))
        return self._findings

    async def _step(self, version: int, peers: Sequence[RosterSource]) -> bool:
        """Ask all for one version; tell whether one answer verified."""
        asking = {
            asyncio.create_task(peer.roster(version)): peer for peer in peers
        }
        waiting = set(asking)
        try:
            while waiting:
                done, waiting = await asyncio.wait(
                    waiting, return_when=asyncio.FIRST_COMPLETED
                )
                # in the order asked: two that end together are no race
                for task in asking:
                    if task in done and self._took(
                        asking[task], version, task
                    ):
                        return True
            return False
        finally:
            await cancelled(asking)

    def _took(
        self, peer: RosterSource, version: int, task: asyncio.Task[bytes]
    ) -> bool:
        try:
            raw = task.result()
            found = self._trusted.examine(raw)
            if found.version != version:
                raise UntrustedError("gave version {n}", n=found.version)
        except (ForkError, NewerError) as e:
            fork = isinstance(e, ForkError)
            code = "roster_fork" if fork else "newer_software"
            self._findings.append(Finding(code, peer.name, None, e.text))
            return False
        except SyncdError as e:  # no roster, or not signed: ask others
            self._why = Message("{member}: {why}", member=peer.name, why=e)
            return False
        if found.version > self._trusted.version:
            self._keep(found.version, raw)
            self._trusted.update(raw)
        return True
