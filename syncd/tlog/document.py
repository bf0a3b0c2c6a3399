"""Documents: the notes that are no checkpoints.

A roster, a join request, a reply: each is a signed note of three lines,

    syncd/<what>/v1
    <alliance id: hex SHA-256 of line 3 of the alliance's first roster>
    <one canonical JSON object>

so that a signature says for which purpose and which alliance it was made.
The first roster names itself: its line 2 is the hash of its own line 3,
written here as alliance `None`. What the object holds is the reader's work.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from syncd import canonical
from syncd.errors import MalformedError, UntrustedError
from syncd.tlog import note as notes
from syncd.tlog import strict
from syncd.tlog.key import SigningKey, VerifierKey
from syncd.tlog.note import Note

MAX_SIZE = notes.MAX_SIZE  # bytes

_WHAT = re.compile(r"[a-z0-9-]+", re.ASCII)
_ALLIANCE = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Document:
    """The three lines, read; of which nothing is proven yet."""

    what: str
    alliance: str  # 64 hex digits
    value: dict[str, Any]

    def __str__(self) -> str:
        line = canonical.dumps(self.value).decode()
        return f"syncd/{self.what}/v1\n{self.alliance}\n{line}\n"


def name_of(value: dict[str, Any]) -> str:
    """Return the alliance id that a first roster `value` founds."""
    return hashlib.sha256(canonical.dumps(value)).hexdigest()


def parse(text: str, what: str) -> Document:
    """Read a note's text; `str(parse(text, what)) == text` if accepted.

    Raises:
        MalformedError: another kind of document, or not three such lines.
    """
    first, _, rest = text.partition("\n")
    if first != f"syncd/{what}/v1":
        raise MalformedError(f"document: line 1 is not syncd/{what}/v1")
    match rest.split("\n"):
        case [alliance, line, ""] if _ALLIANCE.fullmatch(alliance):
            value = canonical.loads(strict.utf8(line, "document"))
        case _:
            raise MalformedError(
                f"document: {what} is not three lines with an alliance id"
            )
    if not isinstance(value, dict):
        raise MalformedError(f"document: line 3 of {what} is not an object")
    return Document(what, alliance, value)


def sign(
    what: str,
    alliance_id: str | None,
    value: dict[str, Any],
    *keys: SigningKey,
) -> Note:
    """Return `value` as a document signed by each of `keys`.

    Alliance `None` founds one: its id is the hash of this value.

    Raises:
        MalformedError: the document would not be read back.
    """
    if not _WHAT.fullmatch(what):
        raise MalformedError(f"document: {what!r} names no kind of document")
    if alliance_id is None:
        alliance_id = name_of(value)
    text = str(Document(what, alliance_id, value))
    parse(text, what)
    return notes.sign(text, *keys)


def open_(
    raw: bytes,
    what: str,
    alliance_id: str | None,
    keys: Iterable[VerifierKey],
    threshold: int = 1,
    *,
    max_size: int = MAX_SIZE,
) -> tuple[dict[str, Any], tuple[VerifierKey, ...]]:
    """Return a document's object and those of `keys` that signed it.

    Alliance `None` wants a first roster, whose id is its own hash.

    Raises:
        MalformedError: not a document of that kind.
        UntrustedError: of another alliance, or signed by fewer than
            `threshold` different keys.
    """
    note = notes.parse(raw, max_size=max_size)
    document = parse(note.text, what)
    if alliance_id is None:
        alliance_id = name_of(document.value)
    if document.alliance != alliance_id:
        raise UntrustedError(
            f"document: {what} is of alliance {document.alliance[:16]}…"
        )
    signers = tuple(key for key, _ in notes.verify(note, keys))
    count = len({key.public for key in signers})  # one key, two names: once
    if count < threshold:
        raise UntrustedError(
            f"document: {what} has {count} signatures, want {threshold}"
        )
    return document.value, signers
