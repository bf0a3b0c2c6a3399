"""Proofs of one entry, for offline use.

The file, per https://c2sp.org/tlog-proof, with any number of hash lines:

    c2sp.org/tlog-proof@v1
    extra <base64>                  optional; nobody signed it
    index 34
    <base64 of the leaf's sibling>
    <base64 …>

    <the signed checkpoint, with its cosignatures, as it is>

The entry itself is not in it: the reader has that, and asks if it was logged.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from syncd.errors import MalformedError, UntrustedError
from syncd.tlog import checkpoint, cosignature, merkle, strict
from syncd.tlog import note as notes
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.key import ED25519, VerifierKey
from syncd.tlog.note import Note

MAX_HASHES = 63
MAX_SIZE = 1 << 20  # bytes

_FIRST = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """That some entry is in a signed tree; nothing of it is proven yet."""

    index: int
    hashes: tuple[bytes, ...]  # 32 bytes each, the leaf's sibling first
    note: Note  # the signed checkpoint
    extra: bytes = b""  # not authenticated

    def __bytes__(self) -> bytes:
        lines = [_FIRST]
        if self.extra:
            lines.append(f"extra {strict.encode(self.extra)}")
        lines.append(f"index {self.index}")
        lines += map(strict.encode, self.hashes)
        lines.append("\n")
        return "\n".join(lines).encode() + bytes(self.note)


def parse(raw: bytes) -> Proof:
    """Read a proof; `bytes(parse(raw)) == raw` for all accepted.

    Raises:
        MalformedError: not a proof, or one of more than 63 hashes.
    """
    if len(raw) > MAX_SIZE:
        raise MalformedError(
            "proof: {n} bytes, at most {most}", n=len(raw), most=MAX_SIZE
        )
    head, _, signed = raw.partition(b"\n\n")
    try:
        first, *lines = head.decode().split("\n")
    except UnicodeDecodeError as e:
        raise MalformedError("proof: not UTF-8") from e
    if first != _FIRST:
        raise MalformedError("proof: first line is not {want}", want=_FIRST)
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = strict.decode(lines.pop(0)[6:], "proof: extra")
        if not extra:
            raise MalformedError("proof: extra is empty")
    if not lines or not lines[0].startswith("index "):
        raise MalformedError("proof: no index line")
    index = strict.decimal(lines.pop(0)[6:], "proof: index")
    if len(lines) > MAX_HASHES:
        raise MalformedError("proof: {n} hashes", n=len(lines))
    hashes = tuple(strict.decode(line, "proof: hash", 32) for line in lines)
    return Proof(
        index, hashes, notes.parse(signed, max_size=checkpoint.MAX_SIZE), extra
    )


def verify(
    proof: Proof,
    entry: bytes,
    log: VerifierKey,
    cosigners: Iterable[VerifierKey] = (),
    quorum: int = 0,
) -> tuple[Checkpoint, dict[VerifierKey, int]]:
    """Prove that `entry` is number `proof.index` of the log of `log`.

    Return the checkpoint, and who of `cosigners` cosigned it when (unix
    seconds).

    Raises:
        MalformedError: the signed text is no checkpoint.
        UntrustedError: not signed by the log, cosigned by fewer than
            `quorum` different keys, or the entry is not shown to be there.
    """
    head, note = checkpoint.open_(bytes(proof.note), log)
    seen = {}
    for key, line in notes.verify(note, (log, *cosigners)):
        if key.algorithm != ED25519:
            seen[key] = cosignature.verify(note.text, key, line)
    count = len({key.public for key in seen})  # one key, two names: once
    if count < quorum:
        raise UntrustedError(
            "proof: {n} cosignatures, want {quorum}", n=count, quorum=quorum
        )
    leaf = merkle.leaf_hash(entry)
    merkle.verify_inclusion(
        leaf, proof.index, head.size, proof.hashes, head.root
    )
    return head, seen
