"""Follow a peer's claim that it has a newer or another roster.

a version claimed ── follow ──> trusted and kept, or a finding
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from syncd.errors import NOTHING, ForkError, Message, NewerError, SyncdError
from syncd.flows.ports import Finding
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


class RosterStore(Protocol):
    """Where accepted versions are kept."""

    def put(self, version: int, raw: bytes) -> None:
        """Keep the next version's note; durable on return."""


@dataclass(frozen=True, slots=True)
class FollowResult:
    """What following a claim came to."""

    before: int  # version
    after: int  # version; never less
    findings: tuple[Finding, ...] = ()
    forks: tuple[bytes, ...] = ()  # well-signed notes that contradict ours

    @property
    def proven(self) -> bool:
        """Whether the claim had a chain that verifies."""
        return not self.findings


class RosterClaims:
    """Which claims were looked into already, so that each is only once.

    A member may claim what it likes in every answer; after MOST_CLAIMS that
    led to nothing we look into no more of it until the roster moves on.
    """

    def __init__(self, trusted: TrustedRoster) -> None:
        self._trusted = trusted
        self._version = 0
        self._unproven: dict[str, set[tuple[int, str]]] = {}

    def worth(self, claimant: str, version: int, hash_: str = "") -> bool:
        """Whether to follow this claim before serving another payload."""
        if version < 1 or not _is_news(self._trusted, version, hash_):
            return False
        if self._version != self._trusted.version:
            self._version = self._trusted.version
            self._unproven.clear()
        known = self._unproven.get(claimant, set())
        return (version, hash_) not in known and len(known) < MOST_CLAIMS

    def unproven(self, claimant: str, version: int, hash_: str = "") -> None:
        """Remember a claim that had no chain."""
        self._unproven.setdefault(claimant, set()).add((version, hash_))


async def follow(
    claimed_version: int,
    peers: Sequence[RosterSource],
    trusted: TrustedRoster,
    store: RosterStore,
    *,
    claimed_hash: str = "",
    within_s: float = FOLLOW_S,
) -> FollowResult:
    """Bring `trusted` up to a version that `peers[0]` claims, or say why not.

    `peers` are the claimant and k others. Each is asked once for each
    version, all at the same time; the first answer that verifies counts, and
    is kept before it is trusted. A claim without a verifying chain is a
    finding about the claimant, and no error: what else goes on, goes on.

    Raises:
        StaleError: the store has another note of a version that is new here.
    """
    before = trusted.version
    chase = _FollowUp(trusted, store)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            if claimed_version <= before:
                # only the claimant can show what contradicts ours
                await chase.step(claimed_version, peers[:1])
            while trusted.version < claimed_version:
                if not await chase.step(trusted.version + 1, peers):
                    break
    findings = chase.findings
    news = _is_news(trusted, claimed_version, claimed_hash)
    if peers and not findings and news:
        problem = Message(
            "version {version} claimed, we hold {ours}: {why}",
            version=claimed_version,
            ours=trusted.version,
            why=chase.why or Message("nobody had it in time"),
        )
        findings.append(Finding("roster_claim", peers[0].name, None, problem))
    return FollowResult(
        before, trusted.version, tuple(findings), tuple(chase.forks)
    )


def _is_news(trusted: TrustedRoster, version: int, hash_: str) -> bool:
    """Whether a claim is beyond what we trust, or contradicts it."""
    if version > trusted.version:
        return True
    return bool(hash_) and trusted.hash(version) != hash_


class _FollowUp:
    """One claim being followed."""

    def __init__(self, trusted: TrustedRoster, store: RosterStore) -> None:
        self.trusted = trusted
        self.store = store
        self.findings: list[Finding] = []
        self.forks: list[bytes] = []
        self.why = NOTHING  # the last reason why an answer did not count

    async def step(self, version: int, peers: Sequence[RosterSource]) -> bool:
        """Ask all for one version; tell whether one answer verified."""
        asking = {
            asyncio.ensure_future(peer.roster(version)): peer for peer in peers
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
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    def _took(
        self, peer: RosterSource, version: int, task: "asyncio.Future[bytes]"
    ) -> bool:
        try:
            raw = task.result()
        except SyncdError as e:
            self.why = Message("{member}: {why}", member=peer.name, why=e)
            return False
        try:
            found = self.trusted.examine(raw)
        except ForkError as e:
            self.forks.append(raw)
            self._found("roster_fork", peer, e.text)
            return False
        except NewerError as e:
            self._found("newer_software", peer, e.text)
            return False
        except SyncdError as e:  # not a roster, or not signed: ask others
            self.why = Message("{member}: {why}", member=peer.name, why=e)
            return False
        if found.version != version:
            self.why = Message(
                "{member}: gave version {version}",
                member=peer.name,
                version=found.version,
            )
            return False
        if found.version > self.trusted.version:
            self.store.put(found.version, raw)
            self.trusted.update(raw)
        return True

    def _found(self, code: str, peer: RosterSource, detail: Message) -> None:
        self.findings.append(Finding(code, peer.name, None, detail))
