"""Publish what waits in the vault as signed statements in our log.

    rows                                     acknowledged, not yet public
    outputs  = await tokeniser.outputs(…)    t of n holders
    grown    = grow(head, tail, payloads)    leaves, bundles, new frontier
    await own.append(head, grown, …)         one transaction, then the mark

Whatever fails on the way leaves the rows waiting: the next run finishes
them. There is one writer; it holds `Writer.lock` for a whole append.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from syncd.errors import MalformedError
from syncd.flows import held
from syncd.flows.ports import (
    Bundle,
    Offload,
    OwnHead,
    OwnLog,
    Published,
    VaultRow,
)
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import codec, leaf, statement, token
from syncd.indicator.identifier import Identifier
from syncd.tlog import checkpoint
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE, Frontier
from syncd.tlog.note import SigningKey


def _effective(one: statement.Statement) -> bool:
    """Tell whether it is asked when each member followed; of drills, too."""
    return isinstance(
        one,
        statement.Retract
        | statement.Dispute
        | statement.Erase
        | statement.RosterAccepted,
    ) or getattr(one, "test", False)


def grow(
    origin: str,
    frontier: Frontier,
    tail: Sequence[leaf.Record],
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
    frontier = frontier.extend(codec.leaf_hashes(records[len(tail) :]))
    first = (frontier.size - len(records)) // BUNDLE
    return frontier, tuple(
        codec.bundled(n, records[at : at + BUNDLE])
        for n, at in enumerate(range(0, len(records), BUNDLE), first)
    )


@dataclass(kw_only=True, eq=False)
class Writer:
    """The only one who appends to our log."""

    own: OwnLog
    key: SigningKey  # the log key; its name is the origin
    offload: Offload
    rng: Callable[[int], bytes]  # fresh random bytes, for salts
    may_append: Callable[[], None]
    """raises RefusedError while we must not append: before the peers were
    asked, after a fork, with a clock astray"""

    def __post_init__(self) -> None:
        self.lock = asyncio.Lock()

    async def append(
        self,
        entries: Sequence[tuple[statement.Statement, Published | None]],
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
        said = [one for one, _ in entries]
        payloads = [(statement.type_of(s), statement.encode(s)) for s in said]
        async with self.lock:
            self.may_append()
            old = await self.own.head()
            size = old.frontier.size
            tail = list[leaf.Record]()
            if size % BUNDLE:
                last = await held.own(self.own, old).stored(size // BUNDLE)
                tail = codec.records(old.origin, last)
            salts = self.rng(16 * len(payloads))
            frontier, bundles = await self.offload(
                grow, old.origin, old.frontier, tail, payloads, salts
            )
            text = Checkpoint(old.origin, frontier.size, frontier.root())
            signed = bytes(checkpoint.sign(text, self.key))
            new = OwnHead(old.origin, frontier, signed)
            published = [
                replace(row, index=size + i)
                for i, (_, row) in enumerate(entries)
                if row
            ]
            await self.own.append(
                *(old, new, bundles, published),
                done=done,
                sighted=sighted,
                effect=any(map(_effective, said)),
                erased=[
                    (first, last, i)
                    for i, one in enumerate(said, size)
                    for first, last in getattr(one, "ranges", ())
                ],
            )
            return new


async def publish(
    rows: Sequence[VaultRow],
    tokeniser: Tokeniser,
    writer: Writer,
    *,
    today: str,
    timeout_s: float,
    epochs: Mapping[str, int] = {},  # the newest where none is named
) -> Sequence[VaultRow]:
    """Publish waiting rows; return those that are, with their tokens.

    A row of which no statement can be made holds up no other.

    Raises:
        UnavailableError: too few holders; the rows go on waiting.
        RefusedError: we must not append just now; likewise.
        MalformedError: no statement can be made of any of them.
    """
    # What is said of a token needs no holder, and waits for none.
    rows = [row for row in rows if not row.value] or rows
    kinds = {row.kind for row in rows}
    numbers = {k: epochs.get(k) or tokeniser.epoch(k).epoch for k in kinds}
    outputs = await tokeniser.outputs(
        [Identifier(row.kind, row.value) for row in rows if row.value],
        purpose="publish",
        timeout_s=timeout_s,
        epochs=numbers,
    )
    entries = []
    done = list[VaultRow]()
    flaw = ""
    for waits in rows:
        row, output = waits, b""
        if row.value:
            output = outputs[Identifier(row.kind, row.value)]
            short = token.token(output)
            row = replace(row, token=short, epoch=numbers[row.kind])
        try:
            made = entry(row, output, writer, today)
            statement.encode(made[0])
        except MalformedError:
            # What it complains of may hold what the row says: not shown.
            flaw = flaw or f"vault: row {row.id} makes no statement"
            continue
        entries.append(made)
        done.append(row)
    if not done:
        raise MalformedError(flaw, hint="retract it by its id")
    await writer.append(entries)
    return done


def entry(
    row: VaultRow, output: bytes, writer: Writer, on: str
) -> tuple[statement.Statement, Published]:
    """Return what a row with a token says, as written on a day."""
    made = statement.of(
        row.fields,
        know=token.know(output, writer.key.name).hex() if output else "",
        on=on,
        kind=row.kind,
        epoch=row.epoch,
        token=token.encode(row.token),
    )
    return made, Published(row.id, 0, row.token, row.epoch)


async def retract(
    rows: Sequence[VaultRow], writer: Writer, today: str
) -> None:
    """Write a retract for every row that is to end."""
    entries = [
        (
            statement.Retract(
                on=today,
                kind=row.kind,  # type: ignore[arg-type]
                epoch=row.epoch,
                token=token.encode(row.token),
                ends=(row.position[1],),
                reason=row.reason,
            ),
            Published(row.id, 0, row.token, row.epoch, ends=True),
        )
        for row in rows
        if row.position
    ]
    await writer.append(entries)
