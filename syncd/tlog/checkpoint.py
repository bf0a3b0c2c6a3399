"""Checkpoints: the signed heads of a log.

A checkpoint's text, per https://c2sp.org/tlog-checkpoint, looks like this:

    police.example/syncd/txwz/1
    923748
    nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=

Three lines: origin, tree size in entries, root hash in base64. Extension
lines may follow; syncd writes none and rejects them. Signatures are `note`'s
work, consistency is `growth`'s. Two checkpoints are the same if origin, size
and root are: never compare notes.
"""

from typing import NamedTuple

from syncd.errors import MalformedError, UntrustedError
from syncd.tlog import note as notes
from syncd.tlog import strict
from syncd.tlog.key import SigningKey, VerifierKey, is_name
from syncd.tlog.merkle import HASH_SIZE

MAX_SIZE = 1 << 16  # bytes of a checkpoint with its cosignatures


class Checkpoint(NamedTuple):
    """A log's claim: "my first `size` entries hash to `root`"."""

    origin: str
    size: int  # entries, 0 for an empty log
    root: bytes  # 32 bytes, RFC 6962 tree hash

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{strict.encode(self.root)}\n"


def parse(text: str) -> Checkpoint:
    """Read a checkpoint; `str(parse(text)) == text` for every text accepted.

    Raises:
        MalformedError: `text` is not exactly three well-formed lines.
    """
    match text.split("\n"):
        case [origin, size, root, ""] if is_name(origin):
            return Checkpoint(
                origin,
                strict.decimal(size, "checkpoint: size"),
                strict.decode(root, "checkpoint: root", HASH_SIZE),
            )
        case _:
            raise MalformedError("checkpoint: want origin, size, root lines")


def open_(raw: bytes, key: VerifierKey) -> tuple[Checkpoint, notes.Note]:
    """Return what the log of `key` signed, and the note with all its lines.

    Other lines are not checked: pass the note to `note.verify` for those.

    Raises:
        MalformedError: not a note, or its text is no checkpoint.
        UntrustedError: not signed by `key`, or of another origin than the
            key's name.
    """
    note = notes.parse(raw, max_size=MAX_SIZE)
    notes.verify(note, (key,))
    head = parse(note.text)
    if head.origin != key.name:
        raise UntrustedError(
            "checkpoint: {name} signed for origin {origin}",
            key,
            origin=head.origin[:100],
        )
    return head, note


def read(raw: bytes) -> Checkpoint:
    """Return what a note says whose lines were verified before."""
    return parse(notes.parse(raw).text)


def size_of(raw: bytes) -> int:
    """Return the size in a checkpoint that was verified before, 0 for none."""
    return int(raw.split(b"\n", 2)[1]) if raw else 0


def sign(head: Checkpoint, key: SigningKey) -> notes.Note:
    """Return the note by which a log signs its head.

    Raises:
        MalformedError: the head would not be read back.
        UntrustedError: the key is another origin's.
    """
    if key.name != head.origin:
        raise UntrustedError(
            "checkpoint: {name} cannot sign for origin {origin}",
            key,
            origin=head.origin,
        )
    text = str(head)
    parse(text)
    return notes.sign(text, key)
