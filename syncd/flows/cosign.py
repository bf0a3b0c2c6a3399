"""Cosign checkpoints of logs that we have seen or merged.

Two keys, two meanings. `seen` is a C2SP witness: consistent, and the largest
that we know. `merged` is a receipt: we hold every payload below that size,
or its right erasure, and our claims include it. Neither ever signs a smaller
tree than before, and each line is durable before anybody may read it.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple, Protocol

from syncd.errors import ForkError, MalformedError, StaleError
from syncd.flows import held
from syncd.flows.ports import Cosigned, Mirror
from syncd.tlog import checkpoint, cosignature, note, witness
from syncd.tlog.note import SigningKey, VerifierKey
from syncd.tlog.witness import Judgement


class CosignBook(Protocol):
    """Remembers what we cosigned; durable before it returns."""

    async def cosigned(self, role: str, origin: str) -> Cosigned | None:
        """Return the last one by our `seen` or `merged` key, or None."""

    async def cosign(
        self, role: str, origin: str, old: Cosigned | None, new: Cosigned
    ) -> None:
        """Replace `old` by `new`; durable on return.

        Raises:
            StaleError: the last one is not `old`, or `new` is smaller.
            ForkError: the same size with another root.
        """


class Cosigner(NamedTuple):
    """Cosigns what we hold of one log."""

    mirror: Mirror
    log_key: VerifierKey  # bears the log's name
    book: CosignBook
    now: int  # unix seconds
    rejected: Collection[str] = ()
    """texts that the roster has decided against"""

    async def seen(self, key: SigningKey) -> Cosigned | None:
        """Sign the largest checkpoint that we mirror, if new.

        Raises:
            ForkError, StaleError: as `sign`.
        """
        head = await self.mirror.head(self.log_key.name)
        if head.contested or not head.note:
            return None
        root_of = held.copy(self.mirror, head).root_at
        return await self.sign("seen", head.note, key, root_of)

    async def merged(self, key: SigningKey) -> Cosigned | None:
        """Sign the largest signed checkpoint that our merge covers, if new.

        Raises:
            ForkError: it is signed, and not what we merged.
            StaleError: as `sign`.
        """
        head = await self.mirror.head(self.log_key.name)
        notes = await self.mirror.notes(head.origin)
        covered = [n for n in notes if n <= head.merged]
        if head.contested or not covered:
            return None
        raw = notes[max(covered)]
        signed, _ = checkpoint.open_(raw, self.log_key)
        mine = held.copy(self.mirror, head)
        # A note may have been kept as news before its entries were seen.
        await mine.check(signed)
        return await self.sign("merged", raw, key, mine.root_at)

    async def sign(
        self,
        role: str,
        raw: bytes,
        key: SigningKey,
        root_of: Callable[[int], Awaitable[bytes]],
    ) -> Cosigned | None:
        """Cosign a checkpoint that we verified ourselves; None if it is no news.

        `root_of` gives the roots of the tree that we hold, which the
        checkpoint is of. What we signed last may have come another way:
        through the witness API, or before the mirror was fetched anew. It
        may also be one of the texts `rejected` since: then the branch that
        the roster chose is signed from the first larger size on.

        Raises:
            ForkError: it does not extend what we signed before.
            StaleError: somebody else signed meanwhile.
        """
        head, signed = checkpoint.open_(raw, self.log_key)
        old = await self.book.cosigned(role, head.origin)
        left = old and note.parse(old.note).text in self.rejected
        if old and head.size <= old.size:
            if head.size == old.size and head.root != old.root and not left:
                raise ForkError(
                    "cosign: {origin}: another root at size {size}", head
                )
            return None
        if old and not left and await root_of(old.size) != old.root:
            raise ForkError(
                "cosign: {origin}: size {size} does not extend size "
                "{old_size}, which we signed",
                head,
                old_size=old.size,
            )
        line = cosignature.cosign(signed.text, key, self.now)
        both = note.add(bare(signed, self.log_key), line)
        new = Cosigned(head.size, head.root, bytes(both))
        await self.book.cosign(role, head.origin, old, new)
        return new


async def witness_checkpoint(
    body: bytes,
    *,
    log_keys: dict[str, VerifierKey],
    key: SigningKey,
    book: CosignBook,
    now: int,
) -> Judgement:
    """Judge a witness request as C2SP tlog-witness says, and cosign.

    Source: C2SP tlog-witness, add-checkpoint.
    """
    try:
        asked = witness.parse(body)
    except MalformedError as e:
        return Judgement(400, f"{e}\n")
    head = asked.head
    log_key = log_keys.get(head.origin)
    last = await book.cosigned("seen", head.origin)
    size, root = (last.size, last.root) if last else (0, None)
    judged = witness.judge(asked, log_key, size, root)
    if judged.status != 200 or log_key is None:
        return judged
    line = cosignature.cosign(asked.note.text, key, now)
    both = note.add(bare(asked.note, log_key), line)
    new = Cosigned(head.size, head.root, bytes(both))
    try:
        await book.cosign("seen", head.origin, last, new)
    except StaleError:
        again = await book.cosigned("seen", head.origin)
        return Judgement(409, f"{again.size if again else 0}\n", judged.signed)
    return judged._replace(body=f"{line}\n")


def bare(signed: note.Note, log_key: VerifierKey) -> note.Note:
    """Return a checkpoint with its log's own line and no other."""
    lines = [
        s
        for s in signed.signatures
        if (s.name, s.key_id) == (log_key.name, log_key.key_id)
    ]
    return note.Note(signed.text, tuple(lines[:1]))
