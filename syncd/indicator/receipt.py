"""Receipts of look-ups: who asked can show later that it did, and by when.

    hash = SHA-256(canonical JSON of a receipt without `salt` and `named`)
    commitment = SHA-256(salt ‖ kind ‖ ":" ‖ normal form)
    head = SHA-256(JSON of `named`)

An access record holds the hash, and an anchor in the member's log a head over
the records: so who has a receipt, all that the head is over, and that log with
its cosignatures sees that it was there by then. With the salt a number can be
found by trying them all; without, a receipt tells nothing of it.
"""

from collections.abc import Collection

import msgspec

from syncd.errors import MalformedError, becoming
from syncd.indicator.identifier import Identifier
from syncd.indicator.notation import Position
from syncd.shape import Form
from syncd.tlog.strict import sha256_hex

Named = tuple[int, str, str]  # id of a record, its hash, its receipt's or ""


class Receipt(Form, omit_defaults=True):
    """What a value was asked for, and what came of it; not which value."""

    origin: str  # the log that anchors it
    at: int  # unix seconds
    purpose: str
    verdict: str
    positions: tuple[Position, ...]  # what that rests on
    roster: int  # version
    commitment: str  # hex
    salt: str = ""  # hex; to be left out for who is not to learn the value
    named: tuple[Named, ...] = ()  # what the anchor's head is over

    @property
    def hash(self) -> str:
        """What the access record holds, in hex."""
        bare = msgspec.structs.replace(self, salt="", named=())
        return sha256_hex(msgspec.json.encode(bare, order="sorted"))


def parse(raw: bytes) -> Receipt:
    """Read a receipt, of which nothing is proven yet.

    Raises:
        MalformedError: it is none.
    """
    with becoming(
        "look-up receipt: {why}", MalformedError, msgspec.DecodeError
    ):
        return msgspec.json.decode(raw, type=Receipt)


def commitment(salt: str, value: Identifier) -> str:
    """Return what shows that it was this value, to who has it and the salt."""
    return sha256_hex(f"{salt}{value.kind}:{value.value}".encode())


def head(named: Collection[Named]) -> str:
    """Return what an anchor says of some records, "" of none."""
    return sha256_hex(msgspec.json.encode(named)) if named else ""
