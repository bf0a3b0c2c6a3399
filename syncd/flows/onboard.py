"""Onboard: found an alliance, take members in, and follow its roster.

    founders' requests ── found ──> draft of version 1, sealed share files
    share file ── accept_share ──> a share that fits its pinned public share
    request, answer ── admit ──> draft with one more member
    a newer version claimed ── follow ──> trusted and kept, or a finding

Admins sign drafts where their keys are (`roster.drafts`); requests and
challenges are made where the member's keys are (`roster.join`).
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from msgspec import Meta

from syncd.errors import (
    ForkError,
    MalformedError,
    NewerError,
    RefusedError,
    SyncdError,
    UnavailableError,
    UntrustedError,
)
from syncd.flows.ports import Finding
from syncd.oprf import group, threshold
from syncd.roster import drafts, join, row, sealed
from syncd.roster.drafts import Founding
from syncd.roster.join import Request
from syncd.roster.roster import Epoch, Roster
from syncd.roster.row import Id, Positive, Row
from syncd.roster.terms import SUITE
from syncd.roster.terms import Share as PublicShare
from syncd.roster.trust import TrustedRoster

Rng = Callable[[int], bytes]  # n → n random bytes

SHARE = "share"
DEALT_KINDS = ("account", "phone")
if TYPE_CHECKING:
    DealtKind = str
else:
    DealtKind = Literal[DEALT_KINDS]
FOLLOW_S = 10.0  # for the claimant and k others, together
MOST_CLAIMS = 8  # unproven claims of one member that we look into


# ------------------------------------------------------------------ found


@dataclass(frozen=True, slots=True)
class ShareFile:
    """One share on its way to its holder, sealed to the holder's key."""

    member: str
    kind: str
    epoch: int
    raw: bytes


class ShareHeader(Row, frozen=True):
    """What a share file says in clear."""

    epoch: Positive
    generation: Positive
    index: Annotated[int, Meta(ge=1, le=255)]
    kind: DealtKind
    member: Id


@dataclass(frozen=True, slots=True)
class Founded:
    """A new alliance before its first signatures."""

    roster: Roster
    draft: bytes  # draft file of version 1, for the admins to sign
    shares: tuple[ShareFile, ...]

    @property
    def fingerprint(self) -> str:
        """Return what members pin: tell it by a second way."""
        return self.roster.hash


def found(
    plan: Founding, *, holders: Sequence[str], t: int, now: int, rng: Rng
) -> Founded:
    """Return version 1 and the sealed shares of its token keys, t of n.

    The keys of phone and account are drawn and shared out inside this call;
    only sealed shares and public values leave it, no key is ever returned,
    and the roster says `dealt`: for a moment one process could have known
    them. What Python cannot promise is that nothing is left in its memory:
    scalars are immutable bytes, copied by the interpreter and by libraries,
    and are freed, not overwritten. Run it in a process that ends right after,
    on a machine without swap and core dumps, or hold a ceremony instead.

    Raises:
        RefusedError: a holder is no founder, or too few of them for t.
        MalformedError: a draft that no reader would take.
    """
    draft = drafts.found(plan, now=now)
    order = sorted(set(holders))
    _check_holders(draft, order, t)
    secrets: list[tuple[Epoch, Mapping[int, bytes]]] = []
    for kind in DEALT_KINDS:
        dealt = threshold.deal(t, len(order), rng)
        epoch = Epoch(
            kind=kind,
            epoch=1,
            normal=plan.normal.get(kind, 1),
            t=t,
            public=dealt.public,
            held=tuple(
                PublicShare(index, member, dealt.public_shares[index])
                for index, member in enumerate(order, 1)
            ),
            generation=1,
            dealt=True,
            suite=SUITE,
        )
        draft = drafts.add_epoch(draft, epoch)
        secrets.append((epoch, dealt.shares))
    raw = drafts.write(draft)
    _, roster = drafts.read(raw)  # which now knows the alliance's id
    shares = tuple(
        _seal_share(roster, epoch, index, share)
        for epoch, dealt_shares in secrets
        for index, share in dealt_shares.items()
    )
    return Founded(roster, raw, shares)


def _check_holders(draft: Roster, order: Sequence[str], t: int) -> None:
    for id_ in order:
        if draft.member(id_) is None:
            raise RefusedError(f"found: holder {id_} is no founder")
    if not 2 <= t <= len(order) or len(order) < 3:
        raise RefusedError(
            f"found: {t} of {len(order)} holders, want 2 of 3 at least",
            hint="name three or more holders and a threshold of two or more",
        )


def _seal_share(
    roster: Roster, epoch: Epoch, index: int, share: bytes
) -> ShareFile:
    id_, _ = epoch.shares[index]
    header = ShareHeader(
        epoch.epoch, epoch.generation, index, epoch.kind, id_
    ).to_json()
    raw = sealed.seal(
        SHARE, roster.id, header, share, roster.known(id_).keys.seal
    )
    return ShareFile(id_, epoch.kind, epoch.epoch, raw)


# ----------------------------------------------------------- accept a share


@dataclass(frozen=True, slots=True)
class Share:
    """A share that fits the public share that the roster pins."""

    kind: str
    epoch: int
    generation: int
    index: int
    secret: bytes = field(repr=False)  # 32 bytes, a scalar


def accept_share(
    raw: bytes, roster: Roster, member: str, seal_private: bytes
) -> Share:
    """Open a share file and check what is in it.

    Raises:
        MalformedError: not a share file.
        UntrustedError: sealed to another key, of another alliance, for
            another member, not of the roster's key, or not the share that
            the roster pins.
    """
    opened = sealed.open_(raw, SHARE, seal_private)
    if opened.alliance != roster.id:
        raise UntrustedError(
            f"share: of alliance {opened.alliance[:16]}…, not ours"
        )
    header = row.read(ShareHeader, opened.header, SHARE)
    if header.member != member:
        raise UntrustedError(f"share: for {header.member}, not for {member}")
    share = Share(
        header.kind,
        header.epoch,
        header.generation,
        header.index,
        opened.secret,
    )
    epoch = roster.epoch(share.kind, share.epoch)
    if epoch is None or epoch.generation != share.generation:
        raise UntrustedError(
            f"share: of {share.kind} epoch {share.epoch}, generation"
            f" {share.generation}, which the roster does not have"
        )
    if epoch.index(member) != share.index:
        raise UntrustedError(
            f"share: index {share.index} is not {member}'s in the roster"
        )
    check_epoch(epoch)
    check_share(epoch, share.index, share.secret)
    return share


def check_epoch(epoch: Epoch) -> None:
    """Check that an epoch's public shares are those of its public key.

    Raises:
        UntrustedError: they are not.
    """
    publics = {index: key for index, (_, key) in epoch.shares.items()}
    try:
        threshold.check_shares(epoch.public, epoch.t, publics)
    except MalformedError as e:
        raise UntrustedError(
            f"share: {epoch.kind} epoch {epoch.epoch} has no proper key"
        ) from e


def check_share(epoch: Epoch, index: int, secret: bytes) -> None:
    """Check that a share is the one that the roster pins at `index`.

    Raises:
        UntrustedError: it is not.
    """
    try:
        public = group.multiply_base(secret)
    except MalformedError as e:
        raise UntrustedError("share: not a scalar") from e
    if public != epoch.shares[index][1]:
        raise UntrustedError(
            f"share: {index} of {epoch.kind} epoch {epoch.epoch} does not"
            " fit the public share in the roster"
        )


# ------------------------------------------------------------------ admit


class Handshake(Protocol):
    """Somebody who can knock at a newcomer's peer door."""

    async def pin(self, url: str) -> str:
        """Return the pin of the TLS key that answered at `url`.

        Raises:
            UnavailableError: nobody answered.
        """
        ...


@dataclass(frozen=True, slots=True)
class Admitted:
    """A draft with one more member, and what was seen on the way."""

    draft: Roster
    reached: str = ""  # URL at which the TLS key answered; "" if none did


async def admit(
    draft: Roster,
    asked: Request,
    secret: bytes,
    answer: bytes,
    *,
    handshake: Handshake | None = None,
) -> Admitted:
    """Take in who answered the challenge; knock at its door if we can.

    A door that cannot be reached yet is no fault: the TLS key has signed the
    request already.

    Raises:
        UntrustedError: a wrong answer, or another TLS key at its door.
        RefusedError: what `drafts.admit` refuses.
    """
    applicant = join.proven(asked, secret, answer)
    after = drafts.admit(draft, applicant)
    if handshake is None:
        return Admitted(after)
    for url in asked.urls:
        try:
            pin = await handshake.pin(url)
        except UnavailableError:
            continue
        if pin != asked.keys.tls:
            raise UntrustedError(
                f"join: another TLS key than {asked.id}'s answers at {url}"
            )
        return Admitted(after, reached=url)
    return Admitted(after)


# ----------------------------------------------------------------- follow


class RosterSource(Protocol):
    """A peer, as far as following the roster needs one."""

    name: str

    async def roster(self, version: int) -> bytes:
        """Fetch one version of the roster's signed note.

        Raises:
            UnavailableError: no usable answer.
        """
        ...


class RosterStore(Protocol):
    """Where accepted versions are kept."""

    def put(self, version: int, raw: bytes) -> None:
        """Keep the next version's note; durable on return."""
        ...


@dataclass(frozen=True, slots=True)
class Followed:
    """What following a claim came to."""

    before: int  # version
    after: int  # version; never less
    findings: tuple[Finding, ...] = ()
    forks: tuple[bytes, ...] = ()  # well-signed notes that contradict ours

    @property
    def proven(self) -> bool:
        """Whether the claim had a chain that verifies."""
        return not self.findings


class Claims:
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
) -> Followed:
    """Bring `trusted` up to a version that `peers[0]` claims, or say why not.

    `peers` are the claimant and k others. Each is asked once for each
    version, all at the same time; the first answer that verifies counts, and
    is kept before it is trusted. A claim without a verifying chain is a
    finding about the claimant, and no error: what else goes on, goes on.

    Raises:
        StaleError: the store has another note of a version that is new here.
    """
    before = trusted.version
    chase = _Chase(trusted, store)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            if claimed_version <= before:
                # only the claimant can show what contradicts ours
                await chase.step(claimed_version, peers[:1])
            while trusted.version < claimed_version:
                if not await chase.step(trusted.version + 1, peers):
                    break
    findings = list(chase.findings)
    if (
        peers
        and not findings
        and _is_news(trusted, claimed_version, claimed_hash)
    ):
        why = chase.why or "nobody had it in time"
        findings.append(
            Finding(
                "roster_claim",
                peers[0].name,
                None,
                f"version {claimed_version} claimed, we hold"
                f" {trusted.version}: {why}",
            )
        )
    return Followed(
        before, trusted.version, tuple(findings), tuple(chase.forks)
    )


def _is_news(trusted: TrustedRoster, version: int, hash_: str) -> bool:
    """Whether a claim is beyond what we trust, or contradicts it."""
    if version > trusted.version:
        return True
    return bool(hash_) and trusted.hash(version) != hash_


class _Chase:
    """One claim being followed."""

    def __init__(self, trusted: TrustedRoster, store: RosterStore) -> None:
        self.trusted = trusted
        self.store = store
        self.findings: list[Finding] = []
        self.forks: list[bytes] = []
        self.why = ""  # the last reason why an answer did not count

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
            self.why = f"{peer.name}: {e}"
            return False
        try:
            found = self.trusted.examine(raw)
        except ForkError as e:
            self.forks.append(raw)
            self._found("roster_fork", peer, str(e))
            return False
        except NewerError as e:
            self._found("newer_software", peer, str(e))
            return False
        except SyncdError as e:  # not a roster, or not signed: ask others
            self.why = f"{peer.name}: {e}"
            return False
        if found.version != version:
            self.why = f"{peer.name}: gave version {found.version}"
            return False
        if found.version > self.trusted.version:
            self.store.put(found.version, raw)
            self.trusted.update(raw)
        return True

    def _found(self, code: str, peer: RosterSource, detail: str) -> None:
        self.findings.append(Finding(code, peer.name, None, detail))
