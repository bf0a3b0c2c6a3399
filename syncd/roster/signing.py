"""Signing: how admins put their lines under a draft file, each anywhere.

    file ── sign ──> file ── merge, with others' copies ──> complete

The text of the file never changes; it may go round by mail or memory stick.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from syncd.errors import RefusedError, UntrustedError
from syncd.roster import drafts
from syncd.roster.roster import Roster
from syncd.tlog import note
from syncd.tlog.note import Signature, VerifierKey


class Signer(Protocol):
    """An admin's key, wherever it lies."""

    @property
    def verifier(self) -> VerifierKey:
        """Return its public half."""

    def sign(self, text: str) -> Signature:
        """Return its line under a note's `text`."""


class SignedDraft(NamedTuple):
    """How far one version's admins have signed."""

    version: int  # whose admins these are
    threshold: int
    have: tuple[str, ...]  # names
    missing: tuple[str, ...]  # names; `wanted` of them are enough

    @property
    def wanted(self) -> int:
        """How many more must sign."""
        return max(0, self.threshold - len(self.have))


def sign(raw: bytes, key: Signer, current: Roster | None = None) -> bytes:
    """Return the draft file with one more signature.

    Raises:
        RefusedError: `key` is no admin's of the draft or of `current`, or
            the draft does not follow `current`.
    """
    signed, draft = drafts.read(raw)
    _check_follows(draft, current)
    known = set(draft.admins.values())
    if current is not None:
        known |= set(current.admins.values())
    if key.verifier not in known:
        raise RefusedError(
            "roster: {name} is no admin of version {version} or of the "
            "one before",
            key.verifier,
            version=draft.version,
        )
    return bytes(note.add(signed, key.sign(signed.text)))


def merge(*raws: bytes) -> bytes:
    """Return one file with the signatures of several copies of a draft.

    Raises:
        RefusedError: they are not copies of one draft.
    """
    first, *others = [drafts.read(raw)[0] for raw in raws]
    for other in others:
        if other.text != first.text:
            raise RefusedError("roster: these are drafts of different texts")
        first = note.add(first, *other.signatures)
    return bytes(first)


def signatures(
    raw: bytes, current: Roster | None = None
) -> Sequence[SignedDraft]:
    """Return who signed and who may, for the draft and for `current`.

    Raises:
        UntrustedError: an admin's line that does not verify.
        RefusedError: the draft does not follow `current`.
    """
    signed, draft = drafts.read(raw)
    _check_follows(draft, current)
    bodies = [draft] if current is None else [current, draft]
    keys = {key for body in bodies for key in body.admins.values()}
    known = {(key.name, key.key_id) for key in keys}
    have = set[bytes]()
    if any((s.name, s.key_id) in known for s in signed.signatures):
        have = {key.public for key, _ in note.verify(signed, keys)}
    return tuple(
        SignedDraft(
            body.version,
            body.threshold,
            *(
                tuple(n for n, key in admins if (key.public in have) is signed)
                for signed in (True, False)
            ),
        )
        for body in bodies
        for admins in (sorted(body.admins.items()),)
    )


def signers(raw: bytes) -> SignedDraft:
    """Return which of the admins that a roster or draft names signed it.

    So much can be said of a file alone: whether *these* admins are ours, only
    the chain from the pinned version tells.

    Raises:
        UntrustedError: a line does not verify, or none is of those admins.
    """
    (found,) = signatures(raw)
    if drafts.read(raw)[0].signatures and not found.have:
        raise UntrustedError("note: no signature of a known key")
    return found


def _check_follows(draft: Roster, current: Roster | None) -> None:
    if current is not None and (draft.id, draft.version, draft.previous) != (
        current.id,
        current.version + 1,
        current.hash,
    ):
        raise RefusedError(
            "roster: the draft does not follow version {version}", current
        )
