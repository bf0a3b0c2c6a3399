"""Signed notes: a text and the lines of those who signed it.

The wire form, per https://c2sp.org/signed-note:

    This is the text. It ends with a newline.

    — police.example/syncd/txwz/1 Kw0oelR0B+OXmuFF...
    — bank.example/syncd/txwz/seen 7YsTVwAAAABpVbkB...

The last empty line separates; text above it may hold empty lines of its own.
`parse` checks form only; who signed is known after `verify`. A note's
identity is its text, never its bytes: lines come, go and change order.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from syncd.errors import MalformedError, UntrustedError
from syncd.tlog import cosignature, strict
from syncd.tlog.key import COSIGNATURE as COSIGNATURE
from syncd.tlog.key import ED25519 as ED25519
from syncd.tlog.key import MLDSA44 as MLDSA44
from syncd.tlog.key import Signature as Signature
from syncd.tlog.key import SigningKey as SigningKey
from syncd.tlog.key import VerifierKey as VerifierKey
from syncd.tlog.key import is_name
from syncd.tlog.key import parse_vkey as parse_vkey

MAX_SIZE = 1 << 20  # bytes; an ML-DSA line alone is 3.3 kB
MAX_SIGNATURES = 100  # the number at which Go's x/mod gives up

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "— "


class Note(NamedTuple):
    """A text and its signature lines, of which nothing is proven yet."""

    text: str  # ends with a newline
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        lines = "".join(f"{line}\n" for line in self.signatures)
        return f"{self.text}\n{lines}".encode()


def parse(
    raw: bytes, *, max_size: int = MAX_SIZE, unsigned: bool = False
) -> Note:
    """Read a note; `bytes(parse(raw)) == raw` for all accepted.

    Raises:
        MalformedError: not a note, larger than `max_size` bytes, with more
            than 100 lines, or with none where it may not be `unsigned`.
    """
    whole = strict.text(raw, "note", max_size)
    if _CONTROL.search(whole):
        raise MalformedError("note: holds a control character")
    text, separator, block = whole.rpartition("\n\n")
    if not separator:
        raise MalformedError("note: no empty line before the signatures")
    *lines, last = block.split("\n")
    if last or not (lines or unsigned):
        raise MalformedError("note: no signature line, or no final newline")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedError("note: {n} signature lines", n=len(lines))
    return Note(text + "\n", tuple(_parse_line(line) for line in lines))


def verify(
    note: Note, keys: Iterable[VerifierKey]
) -> tuple[tuple[VerifierKey, Signature], ...]:
    """Return the lines that some of `keys` signed, each key once, in order.

    Lines of other keys are ignored: anybody may add one. A later line of a
    key that was counted already is ignored as well, as x/mod does.

    Raises:
        UntrustedError: a known key's line does not verify, no line is a
            known key's, or two of `keys` share name and ID.
    """
    known = dict[tuple[str, bytes], VerifierKey]()
    for key in keys:
        if not key.checkable:
            continue  # as if nobody knew it
        if known.setdefault((key.name, key.key_id), key) != key:
            raise UntrustedError("note: two keys {name} with one ID", key)
    verified = dict[tuple[str, bytes], tuple[VerifierKey, Signature]]()
    for line in note.signatures:
        at = (line.name, line.key_id)
        if at in known and at not in verified:
            key = known[at]
            if key.algorithm != ED25519:
                cosignature.verify(note.text, key, line)
            elif not key.holds(note.text.encode(), line.body):
                raise UntrustedError(
                    "note: line of {name} does not verify", key
                )
            verified[at] = key, line
    if not verified:
        raise UntrustedError("note: no signature of a known key")
    return tuple(verified.values())


def by_another(note: Note, key: VerifierKey) -> bool:
    """Tell whether a line bears a key's name, and is another key's."""
    there = {line.key_id for line in note.signatures if line.name == key.name}
    return bool(there - {key.key_id})


def sign(text: str, *keys: SigningKey) -> Note:
    """Return `text` as a note signed by each of `keys` (type 01).

    Raises:
        MalformedError: `text` would not be read back, or `keys` is empty.
    """
    if not text.endswith("\n") or _CONTROL.search(text):
        raise MalformedError(
            "note: text holds a control character or lacks its final newline"
        )
    strict.utf8(text, "note: text")
    if not keys:
        raise MalformedError("note: nobody signs")
    return Note(text, tuple(key.sign(text) for key in keys))


def add(note: Note, *signatures: Signature) -> Note:
    """Return the note with more lines below; a repeated one is left out."""
    merged = dict.fromkeys((*note.signatures, *signatures))
    return Note(note.text, tuple(merged))


def _parse_line(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not (line.startswith(_DASH) and space and is_name(name)):
        raise MalformedError("note: want lines `— <name> <base64>`")
    raw = strict.decode(encoded, "note: signature")
    if len(raw) < 5:
        raise MalformedError("note: signature is {n} bytes", n=len(raw))
    return Signature(name, raw[:4], raw[4:])
