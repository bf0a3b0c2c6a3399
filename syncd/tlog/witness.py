"""Witness: what to answer to somebody who wants a checkpoint cosigned.

The body of `add-checkpoint`, per https://c2sp.org/tlog-witness:

    old 256
    <base64 of a hash of the consistency proof>
    <base64 …>

    <the signed checkpoint>

`judge` decides; the caller stores the checkpoint by compare-and-swap on the
old size, durably, then cosigns, then answers: never in another order, or a
smaller tree may be cosigned after a larger one.
"""

from collections.abc import Sequence
from typing import NamedTuple

from syncd.errors import BrokenSourceError, MalformedError, UntrustedError
from syncd.tlog import checkpoint, growth, merkle, strict
from syncd.tlog import note as notes
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.key import VerifierKey

MAX_HASHES = 63
MAX_SIZE = 1 << 17  # bytes
SIZE_TYPE = "text/x.tlog.size"  # content type of a 409
TEXT = "text/plain; charset=utf-8"


class Request(NamedTuple):
    """A checkpoint, and why it follows from the last one."""

    old: int  # entries
    proof: Sequence[bytes]  # 32 bytes each
    note: notes.Note  # of `head`, not verified

    @property
    def head(self) -> Checkpoint:
        """What is to be cosigned."""
        return checkpoint.parse(self.note.text)

    def __bytes__(self) -> bytes:
        lines = (f"old {self.old}", *map(strict.encode, self.proof), "\n")
        return "\n".join(lines).encode() + bytes(self.note)


class Judgement(NamedTuple):
    """An answer: HTTP status, body, and what may be evidence.

    200: store the checkpoint, cosign it, answer with the lines. Whatever is
    wrong with a request, a checkpoint that its log `signed` is worth keeping.
    """

    status: int
    body: str
    signed: bytes = b""  # the checkpoint, if a key of the origin signed it

    @property
    def content_type(self) -> str:
        """Of the body."""
        return SIZE_TYPE if self.status == 409 else TEXT


def parse(raw: bytes) -> Request:
    """Read a body; `bytes(parse(raw)) == raw` for all accepted. Else 400.

    Raises:
        MalformedError: not such a body, or with more than 63 hashes.
    """
    head, _, signed = strict.text(raw, "witness", MAX_SIZE).partition("\n\n")
    first, *lines = head.split("\n")
    if not first.startswith("old "):
        raise MalformedError("witness: first line is not `old <size>`")
    old = strict.decimal(first[4:], "witness: old size")
    if len(lines) > MAX_HASHES:
        raise MalformedError("witness: {n} hashes", n=len(lines))
    proof = [strict.decode(line, "witness: hash", 32) for line in lines]
    note = notes.parse(signed.encode(), max_size=checkpoint.MAX_SIZE)
    checkpoint.parse(note.text)
    return Request(old, proof, note)


def judge(
    asked: Request,
    key: VerifierKey | None,
    size: int = 0,
    root: bytes | None = None,
) -> Judgement:
    """Return what to answer.

    `key` is the log key of that origin, None if we know no such origin;
    `size` and `root` are those of the checkpoint that we cosigned last, 0
    and None if we never did.
    """
    head, signed = asked.head, bytes(asked.note)
    if key is None:
        return Judgement(404, "witness: origin is not known here\n")
    try:
        checkpoint.open_(signed, key)
    except UntrustedError as e:
        return Judgement(403, f"{e}\n")
    if asked.old > head.size:
        return Judgement(
            400, f"witness: old size {asked.old} is above {head.size}\n"
        )
    if asked.old != size:
        return Judgement(409, f"{size}\n", signed)
    last = Checkpoint(head.origin, size, root or merkle.EMPTY_ROOT)
    shown = asked.proof
    if size.bit_count() == 1 and size < head.size:
        shown = last.root, *shown  # RFC 6962 leaves it out: it is known
    try:
        growth.hold(last, head, shown)
    except (BrokenSourceError, UntrustedError):
        why = f"proof: size {head.size} is not shown to extend {size}\n"
        return Judgement(422, why, signed)
    return Judgement(200, "", signed)
