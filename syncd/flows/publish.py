"""Publish: from a vault row that waits to a signed statement in our log.

    rows     = await vault.waiting(…)        acknowledged, not yet public
    outputs  = await tokeniser.outputs(…)    t of n holders
    grown    = grow(head, tail, payloads)    leaves, bundles, new frontier
    await own.append(head, grown, …)         one transaction, then the mark

Whatever fails on the way leaves the rows waiting: the next run finishes
them. There is one writer; it holds `Writer.lock` for a whole append.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, Protocol

import msgspec

from syncd.errors import DamagedError, MalformedError, UnavailableError
from syncd.flows import serve
from syncd.flows.ports import Bundle, Offload, OwnHead, OwnLog, Published
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import leaf, statement, token
from syncd.indicator.identifier import Identifier
from syncd.indicator.leaf import Record
from syncd.indicator.statement import Dispute, Report, Retract, Statement
from syncd.tlog import checkpoint, merkle
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE, Frontier
from syncd.tlog.note import SigningKey

REPORT, DISPUTE = 1, 3  # the types of what the vault keeps


class Row(Protocol):
    """One vault row that waits to be published or ended."""

    @property
    def id(self) -> int:
        """Its number in the vault."""
        ...

    @property
    def type(self) -> int:
        """1 report, 3 dispute."""
        ...

    @property
    def kind(self) -> str:
        """`phone`, `url` or `account`."""
        ...

    @property
    def value(self) -> str:
        """The normal form, never leaves this member; "": by token."""
        ...

    @property
    def token(self) -> bytes | None:
        """The token, where there is no value."""
        ...

    @property
    def epoch(self) -> int | None:
        """The epoch of that token."""
        ...

    @property
    def urgent(self) -> bool:
        """Whether the other members are to hear of it at once."""
        ...

    @property
    def fields(self) -> dict[str, Any]:
        """The statement's other fields, as they will be public."""
        ...


class Ending(Protocol):
    """One published vault row whose report is to be retracted."""

    @property
    def id(self) -> int:
        """Its number in the vault."""
        ...

    @property
    def kind(self) -> str:
        """`phone`, `url` or `account`."""
        ...

    @property
    def epoch(self) -> int:
        """The epoch that its token is of."""
        ...

    @property
    def token(self) -> bytes:
        """The token under which it was published."""
        ...

    @property
    def index(self) -> int:
        """Its statement's index in our log."""
        ...

    @property
    def reason(self) -> str:
        """Why it ends: a retract reason code."""
        ...


class Vault(Protocol):
    """Our own raw identifiers, and what is to be said of them."""

    async def waiting(self, limit: int, kinds: Sequence[str]) -> Sequence[Row]:
        """Return rows to publish: urgent ones first, then the oldest."""
        ...

    async def ending(self, limit: int) -> Sequence[Ending]:
        """Return rows whose reports are to be retracted, oldest first."""
        ...


def grow(
    origin: str,
    frontier: Frontier,
    tail: Sequence[Record],
    payloads: Sequence[tuple[int, bytes]],
    salts: bytes,
) -> tuple[Frontier, tuple[Bundle, ...]]:
    """Return the frontier and the bundles that new entries make.

    Args:
        origin: our log's name.
        frontier: of the log as it is.
        tail: the records of its last bundle, if that is partial.
        payloads: (type, payload) of each new entry.
        salts: 16 fresh random bytes for each.
    """
    records = list(tail)
    for i, (type_, payload) in enumerate(payloads):
        salt = salts[16 * i : 16 * i + 16]
        made = leaf.commit(origin, type_, salt, payload)
        records.append((made, salt, payload))
    frontier = frontier.extend(serve.leaf_hashes(records[len(tail) :]))
    first = (frontier.size - len(records)) // BUNDLE
    bundles = []
    for at in range(0, len(records), BUNDLE):
        part = records[at : at + BUNDLE]
        bundles.append(
            Bundle(
                first + at // BUNDLE,
                len(part),
                serve.deflate(part),
                merkle.root(serve.leaf_hashes(part)),
            )
        )
    return frontier, tuple(bundles)


class Writer:
    """The one hand that appends to our log."""

    def __init__(
        self,
        *,
        own: OwnLog,
        key: SigningKey,
        offload: Offload,
        rng: Callable[[int], bytes],
        may_append: Callable[[], None],
    ) -> None:
        """Take the parts.

        Args:
            own: our log.
            key: the log key; its name is the origin.
            offload: runs pure work elsewhere.
            rng: fresh random bytes, for salts.
            may_append: raises RefusedError while we must not append: before
                the peers were asked, after a fork, with a clock astray.
        """
        self._own = own
        self._key = key
        self._offload = offload
        self._rng = rng
        self._may_append = may_append
        self._lock = asyncio.Lock()

    async def append(
        self,
        entries: Sequence[tuple[Statement, Published | None]],
        *,
        done: Sequence[str] = (),
        sighted: Sequence[int] = (),
    ) -> OwnHead:
        """Append statements in order; durable and released on return.

        A `Published` has index 0 here and gets its statement's index; for
        `done` and `sighted` see `OwnLog.append`.

        Raises:
            RefusedError: we must not append just now.
            DamagedError: our own last bundle is missing.
        """
        payloads = [
            (statement.type_of(said), statement.encode(said))
            for said, _ in entries
        ]
        async with self._lock:
            self._may_append()
            old = await self._own.head()
            size = old.frontier.size
            tail: list[Record] = []
            if size % BUNDLE:
                bundle = await self._own.bundle(size // BUNDLE)
                if bundle is None:
                    raise DamagedError(
                        f"log: {old.origin}: bundle {size // BUNDLE} is missing"
                    )
                tail = serve.records(old.origin, bundle)
            frontier, bundles = await self._offload(
                grow,
                old.origin,
                old.frontier,
                tail,
                payloads,
                self._rng(16 * len(payloads)),
            )
            text = Checkpoint(old.origin, frontier.size, frontier.root())
            signed = bytes(checkpoint.sign(text, self._key))
            new = OwnHead(old.origin, frontier, signed)
            published = [
                replace(row, index=size + i)
                for i, (_, row) in enumerate(entries)
                if row is not None
            ]
            await self._own.append(
                old, new, bundles, published, done=done, sighted=sighted
            )
            return new


async def publish(
    *,
    vault: Vault,
    tokeniser: Tokeniser,
    writer: Writer,
    origin: str,
    today: str,
    kinds: Sequence[str],
    limit: int,
    timeout_s: float,
    types: Collection[int] = (REPORT, DISPUTE),
) -> Sequence[Row]:
    """Publish up to `limit` waiting rows of `kinds`, and return them.

    A row of which no statement can be made holds up no other.

    Raises:
        UnavailableError: too few holders; the rows go on waiting.
        RefusedError: we must not append just now; likewise.
        MalformedError: no statement can be made of any of them.
    """
    waiting = await vault.waiting(limit, kinds)
    rows = [row for row in waiting if row.type in types]
    if not rows:
        return rows
    # What is said of a token needs no holder, and waits for none.
    rows = [row for row in rows if not row.value] or rows
    epochs = {row.kind: tokeniser.epoch(row.kind).epoch for row in rows}
    wanted = [Identifier(row.kind, row.value) for row in rows if row.value]
    outputs = (
        await tokeniser.outputs(wanted, purpose="publish", timeout_s=timeout_s)
        if wanted
        else {}
    )
    for kind, epoch in epochs.items():
        if tokeniser.epoch(kind).epoch != epoch:
            # Nobody can say of which key the outputs are.
            raise UnavailableError(
                f"oprf: {kind}: the token key has changed meanwhile"
            )
    entries = []
    done: list[Row] = []
    flaw = ""
    for row in rows:
        output, short, epoch = b"", row.token or b"", row.epoch or 0
        if row.value:
            output = outputs[Identifier(row.kind, row.value)]
            short, epoch = token.token(output), epochs[row.kind]
        try:
            said = _statement(row, today, epoch, short, output, origin)
            statement.encode(said)
        except (MalformedError, msgspec.ValidationError):
            # What it complains of may hold what the row says: not told.
            flaw = flaw or f"vault: row {row.id} makes no statement"
            continue
        entries.append((said, Published(row.id, 0, short, epoch)))
        done.append(row)
    if not done:
        raise MalformedError(flaw, hint="retract it by its id")
    await writer.append(entries)
    return done


def _statement(
    row: Row, today: str, epoch: int, short: bytes, output: bytes, origin: str
) -> Statement:
    about = {
        "on": today,
        "kind": row.kind,
        "epoch": epoch,
        "token": token.encode(short),
    }
    if row.type == DISPUTE:
        return msgspec.convert({"type": 3, **about, **row.fields}, Dispute)
    know = token.know(output, origin).hex()
    return msgspec.convert(
        {"type": 1, **about, **row.fields, "know": know}, Report
    )


async def retract(
    *, vault: Vault, writer: Writer, today: str, limit: int
) -> int:
    """Write a retract for every row that is to end; return how many."""
    rows = await vault.ending(limit)
    if not rows:
        return 0
    entries = []
    for row in rows:
        said = Retract(
            on=today,
            kind=row.kind,  # type: ignore[arg-type]
            epoch=row.epoch,
            token=token.encode(row.token),
            ends=(row.index,),
            reason=row.reason,
        )
        done = Published(row.id, 0, row.token, row.epoch, ends=True)
        entries.append((said, done))
    await writer.append(entries)
    return len(rows)
