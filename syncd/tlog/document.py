"""Documents: the notes that are no checkpoints.

A roster, a join request, a reply: each is a signed note of three lines,

    syncd/<what>/v1
    <alliance id: hex SHA-256 of line 3 of the alliance's first roster>
    <one canonical JSON object>

so that a signature says for which purpose and which alliance it was made.
The first roster names itself: its line 2 is the hash of its own line 3. What
the object holds, and how many must have signed a roster, is the reader's work.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from syncd import canonical
from syncd.errors import MalformedError, UntrustedError
from syncd.tlog import note as notes
from syncd.tlog import strict
from syncd.tlog.key import SigningKey, VerifierKey

MAX_SIZE = notes.MAX_SIZE  # bytes

_ALLIANCE = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Document(NamedTuple):
    """The three lines, read; of which nothing is proven yet."""

    what: str
    alliance: str  # 64 hex digits
    value: dict[str, Any]

    def __str__(self) -> str:
        line = canonical.dumps(self.value).decode()
        return f"syncd/{self.what}/v1\n{self.alliance}\n{line}\n"


def parse(text: str, what: str) -> Document:
    """Read a note's text; `str(parse(text, what)) == text` if accepted.

    Raises:
        MalformedError: another kind of document, or not three such lines.
    """
    first, _, rest = text.partition("\n")
    if first != f"syncd/{what}/v1":
        raise MalformedError(
            "document: line 1 is not syncd/{what}/v1", what=what
        )
    match rest.split("\n"):
        case [alliance, line, ""] if _ALLIANCE.fullmatch(alliance):
            value = canonical.loads(strict.utf8(line, "document"))
        case _:
            raise MalformedError(
                "document: {what} is not three lines with an alliance id",
                what=what,
            )
    if not isinstance(value, dict):
        raise MalformedError(
            "document: line 3 of {what} is not an object", what=what
        )
    return Document(what, alliance, value)


def sign(
    what: str, alliance_id: str, value: dict[str, Any], *keys: SigningKey
) -> notes.Note:
    """Return `value` as a document signed by each of `keys`.

    Raises:
        MalformedError: the document would not be read back.
    """
    text = str(Document(what, alliance_id, value))
    parse(text, what)
    return notes.sign(text, *keys)


def open_(
    raw: bytes,
    what: str,
    alliance_id: str,
    keys: Iterable[VerifierKey],
    *,
    max_size: int = MAX_SIZE,
) -> dict[str, Any]:
    """Return the object of a document that one of `keys` signed.

    Raises:
        MalformedError: not a document of that kind.
        UntrustedError: of another alliance, or signed by none of them.
    """
    note = notes.parse(raw, max_size=max_size)
    document = parse(note.text, what)
    if document.alliance != alliance_id:
        raise UntrustedError(
            "document: {what} is of alliance {alliance}…",
            what=what,
            alliance=document.alliance[:16],
        )
    notes.verify(note, keys)
    return document.value
