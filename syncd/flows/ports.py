"""Protocols of what the flows need: implemented by the edges, faked by tests."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import IntEnum
from typing import Annotated, Any, NamedTuple, Protocol, Self

import msgspec
from msgspec import Struct

from syncd.errors import Message
from syncd.indicator.absent import Range
from syncd.indicator.codec import Bundle as Bundle
from syncd.indicator.folding import Batch
from syncd.indicator.identifier import Identifier
from syncd.indicator.notation import Natural
from syncd.indicator.notation import Position as Position
from syncd.indicator.record import Fields
from syncd.shape import Form, Secret
from syncd.tlog import checkpoint
from syncd.tlog.merkle import Frontier
from syncd.tlog.note import SigningKey

Offload = Callable[..., Awaitable[Any]]
"""(work, *args) → what `work(*args)` returns or raises: a pure function is run
where it does not block the loop"""


async def at_once(work: Callable[..., Any], *args: Any) -> Any:
    """Do here what takes less time than another thread's turn."""
    return work(*args)


class Listed(msgspec.Struct, frozen=True):
    """What the alliance says of a customer, or said until it was cleared."""

    verdict: str  # none: it is cleared
    evidence: tuple[str, ...]
    roles: tuple[str, ...]
    positions: tuple[Position, ...]
    handling: str  # code: no_tip_off if any report asks for it
    since: int  # unix seconds: listed, or cleared


class Mute(msgspec.Struct, frozen=True):
    """Until when a thing to do is not shown, and who said so."""

    until: str  # day, not included
    by: str  # name of a bearer token
    at: int  # unix seconds
    why: str


class Given(Form):
    """What a holder evaluated for a member in an hour; of what, none knows."""

    hour: int  # unix seconds: its begin
    member: str
    key: str  # kind/epoch
    purpose: str
    n: int  # elements


class OwnHead(NamedTuple):
    """The tip of our own log as the database has it."""

    origin: str
    frontier: Frontier  # size and peaks; frontier.root() is signed in `note`
    note: bytes  # the signed checkpoint, log line only

    @classmethod
    def signed(cls, key: SigningKey, tree: Frontier = Frontier.EMPTY) -> Self:
        """Return a log's tip as its key signs it; before there are entries, too."""
        head = checkpoint.Checkpoint(key.name, tree.size, tree.root())
        return cls(key.name, tree, bytes(checkpoint.sign(head, key)))


class Published(Struct, frozen=True):
    """A vault row that an append publishes or ends, in its transaction."""

    vault_id: int
    index: int  # index of the statement in our own log
    token: bytes  # 16 bytes
    epoch: int
    ends: bool = False  # True: the statement retracts this row's report


class State(IntEnum):
    """Where a row of the vault is; up to PUBLISHED they are the live ones."""

    HELD = -1  # of an import that waits for a second person
    WAITING = 0
    PUBLISHED = 1
    ENDING = 2
    ENDED = 3


class VaultRow(Secret, frozen=True, kw_only=True):
    """What we say of a value, or of a token whose value we do not have."""

    id: int
    type: int = 1  # of the statement
    kind: str
    value: str = ""  # normal form
    token: bytes = b""  # once it is published, or where there is no value
    epoch: int = 0  # of that token
    fields: Fields  # as it will be public
    state: State = State.WAITING
    urgent: bool = False  # the other members are to hear of it at once
    position: Position | None = None  # of its statement
    ended_by: Position | None = None  # where its retract is
    reason: str = ""  # why it ends
    accepted_at: int = 0  # unix seconds
    import_id: int | None = None
    by: str = ""  # who handed it in
    again: str = ""
    # why it was reported though it was taken back
    elsewhere: str = ""  # another member took it back: MEMBER REASON


class Cosigned(NamedTuple):
    """The last checkpoint of one origin that one of our keys signed."""

    size: int  # entries
    root: bytes  # 32 bytes
    note: bytes  # the log's line and ours


class Access(Secret, frozen=True):
    """One item of one look-up, as it is recorded before the answer."""

    caller: str
    purpose: str  # a code of the vocabulary
    kind: str
    positions: Sequence[Position] | None  # None: a miss
    tokens: Sequence[bytes] = ()  # what was asked: only tags are kept
    reference: str = ""  # the caller's own file number
    action: str = ""  # code: what the answer advises
    handling: str = ""  # code: whether the person concerned may be told
    forms: Sequence[Identifier] = ()  # what was tried: never kept
    receipt: str = ""  # hex hash of what its asker gets to show it


class OwnLog(Protocol):
    """Our own log, in own.db. There is one writer: the daemon."""

    async def head(self) -> OwnHead:
        """Return the committed tip."""

    async def bundle(self, n: int) -> Bundle | None:
        """Return bundle `n` as committed (full or the partial tail)."""

    async def roots(self, first: int, last: int) -> list[bytes]:
        """Return the roots of full bundles first..last-1, in order."""

    async def append(
        self,
        old: OwnHead,
        new: OwnHead,
        bundles: Sequence[Bundle],
        published: Sequence[Published],
        *,
        done: Sequence[str] = (),
        sighted: Sequence[int] = (),
        effect: bool = False,
        erased: Sequence[Range] = (),
    ) -> None:
        """Commit bundles, tip and vault states in one transaction.

        `done` names statements that are written only once, such as one
        day's usage; `sighted` are the pending sightings now published. With
        an `effect`, others' first receipts of it are kept. Nothing is left of
        what is `erased`, but leaves and keyed hashes.

        Raises:
            StaleError: the tip is not `old` any more; nothing was written.
        """


class MirrorHead(Struct, frozen=True):
    """How far we hold another member's log (or have merged our own)."""

    origin: str
    frontier: Frontier  # of the mirrored prefix
    merged: int = 0  # entries whose claims we hold, ≤ mirrored
    note: bytes = b""  # largest signed checkpoint with size ≤ mirrored
    contested: bool = False  # a fork was seen: not advanced until decided
    missing: tuple[int, ...] = ()  # withheld indices in [merged, mirrored)

    @property
    def mirrored(self) -> int:
        """Entries verified against a signed checkpoint."""
        return self.frontier.size


class Finding(Struct, frozen=True):
    """Something a person should know: kept, shown in status, never lost."""

    code: str  # e.g. void, bad_know, fork, bad_holder, broken_source
    origin: str  # log or member concerned
    index: int | None  # entry concerned, if one
    detail: Message  # positions and sizes, never raw values or whole tokens


class Mirror(Protocol):
    """Our verified copies of other members' logs.

    A pull moves them, and what a roster decides of a fork.
    """

    async def head(self, origin: str) -> MirrorHead:
        """Return how far we are (size 0 if we never heard of it)."""

    async def bundle(self, origin: str, n: int) -> Bundle | None:
        """Return bundle `n` of a mirrored log, or None."""

    async def roots(self, origin: str, first: int, last: int) -> list[bytes]:
        """Return the roots of full bundles first..last-1, in order."""

    async def notes(self, origin: str) -> Mapping[int, bytes]:
        """Return the kept signed checkpoints by size."""

    async def advance(
        self,
        old: MirrorHead,
        new: MirrorHead,
        bundles: Sequence[Bundle],
        batch: Batch,
    ) -> None:
        """Move from `old` to `new` in one transaction with its claims.

        An entry that is void is a finding.

        Raises:
            StaleError: (mirrored, merged) is not `old`'s any more, or the
                origin was found to be forked.
        """

    async def erased(self, origin: str) -> Sequence[Range]:
        """Return the known erasures of a log: (from, to, by index)."""

    async def erase(self, origin: str, ranges: Sequence[Range]) -> None:
        """Act on erasures (from, to, by) that no entry of the log orders."""

    async def replace_bundle(self, origin: str, bundle: Bundle) -> None:
        """Put payloads into a bundle where they were withheld.

        Raises:
            StaleError: the bundle has grown meanwhile, or is not here.
        """

    async def keep_note(self, origin: str, size: int, note: bytes) -> None:
        """Keep a verified signed checkpoint that is ahead of `mirrored`."""

    async def contest(
        self, origin: str, notes: Sequence[bytes], finding: Finding
    ) -> None:
        """Freeze a forked origin, keeping both of its signed notes."""

    async def decide(
        self, old: MirrorHead, size: int, rejected: Sequence[bytes]
    ) -> None:
        """Hold only the first `size` entries of a log, uncontested.

        `rejected` are notes of its key that do not count any more: they are
        kept as evidence.

        Raises:
            StaleError: (mirrored, merged) is not `old`'s any more.
        """

    async def evidence(self, origin: str) -> Sequence[bytes]:
        """Return the notes of a log that contradict each other, or did."""


class Source(Protocol):
    """Somebody who serves a log: its owner, a mirror, a directory.

    Untrusted, like all below. It raises AbsentError for what it does not have, another UnavailableError when there is no usable answer,
    BrokenSourceError when there is one that cannot be right.
    """

    name: str  # who it is, for status and findings: a member id or a path

    async def files(
        self, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        """Fetch files of a log by their paths below its prefix, in order.

        All of one kind: its `checkpoint`, `tile/…`, `tile/entries/…`, or
        `payload/…` as gzip. Of payloads fewer than asked may come.
        """


class RosterHead(msgspec.Struct, frozen=True):
    """A roster that somebody has."""

    version: int
    hash: str


class Heads(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one peer says it has, as it is sent: hints until verified."""

    cursor: Annotated[str, msgspec.Meta(max_length=64)]
    """opaque; it comes back, to hear only of what changed since"""
    notes: tuple[str, ...]  # log-signed checkpoints, newest per origin
    receipts: tuple[str, ...]  # its `merged` notes for the asker's logs
    roster: RosterHead
    time: int  # its clock, unix seconds
    away: tuple[Natural, Natural] = (0, 0)
    """from when to when it will not answer as a holder (unix seconds)"""


class Holder(Protocol):
    """A holder of a share of a token key."""

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """POST an OPRF request; return the reply's bytes.

        Raises:
            QuotaError: the holder answered 429.
            UnavailableError: no usable answer in time.
        """
