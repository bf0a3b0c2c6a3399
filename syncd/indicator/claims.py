r"""Claims: what a log says that still stands, one row each.

A claim is a statement and where it stands. Expiry needs no statement of its
own: `verdict` reads days. A row is `(token, index, key, record)`: 16 bytes;
the position's index in the log; `key = epoch * 4 + kind` (phone 1, url 2,
account 3); and the statement's other fields in one fixed encoding:

    record  report      0x01 ‖ flags ‖ confidence ‖ on ‖ seen ‖ expires
                             ‖ know (8) ‖ case (8, if flag 4) ‖ text
            dispute     0x03 ‖ on ‖ due ‖ expires ‖ text
            reassigned  0x05 ‖ on ‖ since
            answer      0x06 ‖ on ‖ text
            vouch       0x07 ‖ on ‖ expires ‖ text
    flags   1 spoofed, 2 test, 4 a case follows
    days    uint32, since 1970-01-01; all numbers big-endian
    text    ASCII words, one space between them:
            report      label role channel evidence handling techniques basis
            dispute     reason about
            answer      outcome reason about
            vouch       role
    lists   items with a comma between them; a position is origin:index;
            an absent code and an empty list are empty words

That is the order in which the structs declare them. Codes are written out,
not numbered, so a build with an older vocabulary has the same rows, and the
same digest:

    digest  Σ mod 2^256 of SHA-256("syncd-claim-v1\0" ‖ len8(origin) ‖ origin
              ‖ index (8) ‖ kind (1) ‖ epoch (8) ‖ token ‖ record)

It finds accidents, not liars. Expired claims count, ended ones do not.
"""

import hashlib
import struct
from collections.abc import Iterable
from typing import Any, Final, get_args

import msgspec

from syncd.errors import DamagedError, MalformedError
from syncd.indicator import notation, statement
from syncd.indicator import token as tokens
from syncd.indicator.notation import DAYS, Position, day_text
from syncd.indicator.statement import ClaimStatement

Row = tuple[bytes, int, int, bytes]  # (token, index, key, record)

REPORT: Final = 1
DISPUTE: Final = 3
ANSWER: Final = 6


def key(kind: int, epoch: int) -> int:
    """Return the one number that names a token key, `epoch * 4 + kind`."""
    return epoch * 4 + kind


def kind_epoch(key: int) -> tuple[int, int]:
    """Return (kind, epoch) of a `key`."""
    return key & 3, key >> 2


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A statement about a token that still stands, and where."""

    origin: str
    index: int
    said: ClaimStatement

    @property
    def position(self) -> Position:
        """The claim's id."""
        return self.origin, self.index

    @property
    def token(self) -> bytes:
        """What it is about, 16 bytes."""
        return tokens.decode(self.said.token)

    @classmethod
    def parse(cls, origin: str, row: Row) -> "Claim":
        """Read a row as a store keeps it; `claim.row()` writes it again.

        Raises:
            DamagedError: the record is not one that `merge.fold` wrote.
        """
        token, index, number, raw = row
        kind, epoch = kind_epoch(number)
        try:
            said = _parse(raw, tokens.KIND_NAMES[kind], epoch, token)
            again = record(said)
        except (
            *(struct.error, ValueError, IndexError, KeyError, TypeError),
            MalformedError,
        ) as e:
            raise DamagedError(
                "claim {index}: record does not parse", index=index
            ) from e
        if again != raw:
            raise DamagedError(
                "claim {index}: record is not canonical", index=index
            )
        return cls(origin, index, said)

    def row(self) -> Row:
        """Return the row that a store keeps."""
        said = self.said
        number = key(tokens.KIND_CODES[said.kind], said.epoch)
        return self.token, self.index, number, record(said)


# ---------------------------------------------------------------- digest


def digest(origin: str, rows: Iterable[Row]) -> int:
    """Return Σ of the rows' hashes, below 2^256.

    Sums add: the digest after a batch is the old one, plus that of the rows
    added, minus that of the rows removed, mod 2^256 (see `plus`, `minus`).
    """
    name = origin.encode("ascii")
    head = b"syncd-claim-v1\0" + bytes((len(name),)) + name
    sha256, pack, number = hashlib.sha256, _POSITION, int.from_bytes
    total = 0
    for token, index, k, record in rows:
        row = head + pack(index, k & 3, k >> 2) + token + record
        total += number(sha256(row).digest(), "big")
    return total % 2**256


def digests(origin: str, rows: Iterable[Row]) -> dict[int, int]:
    """Return the digest of each key (kind and epoch) that has rows."""
    grouped: dict[int, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[2], []).append(row)
    return {k: digest(origin, group) for k, group in grouped.items()}


def plus(a: int, b: int) -> int:
    """Return the digest of two disjoint sets of rows together."""
    return (a + b) % 2**256


def digest_bytes(value: int) -> bytes:
    """Return a digest as it is shown and stored: 32 bytes, big-endian."""
    return value.to_bytes(32, "big")


# --------------------------------------------------------------- records

_POSITION: Final = struct.Struct(">QBQ").pack
_HEX_SIZE: Final = 8  # bytes of each


class _Layout:
    """In which order a claim statement's fields stand in its record."""

    def __init__(self, said: type[ClaimStatement]) -> None:
        found = notation.forms(said)

        def named(*names: str) -> list[str]:
            return [name for name, form in found.items() if form.name in names]

        self.said = said
        hexes = named("hex")
        self.maybe = [name for name in hexes if found[name].optional]
        self.hexes = [n for n in hexes if n not in self.maybe] + self.maybe
        self.flags = named("flag") + self.maybe
        self.numbers = named("percent")
        self.days = sorted(named("day"), key=lambda name: name != "on")
        self.words = [
            (name, found[name].name)
            for name in named("code", "codes", "positions")
        ]
        octets = bool(self.flags) + len(self.numbers)
        self.head = struct.Struct(f">B{octets}B{len(self.days)}I")


_LAYOUTS: Final = {
    statement.type_of(said): _Layout(said) for said in get_args(ClaimStatement)
}


def record(said: ClaimStatement) -> bytes:
    """Return a statement's own fields in their one encoding."""
    type_ = statement.type_of(said)
    layout = _LAYOUTS[type_]
    values = [type_]
    if layout.flags:
        bits = (bool(getattr(said, name)) for name in layout.flags)
        values.append(sum(bit << n for n, bit in enumerate(bits)))
    values += [getattr(said, name) for name in layout.numbers]
    values += [DAYS[getattr(said, name)] for name in layout.days]
    hexes = "".join([getattr(said, name) for name in layout.hexes])
    text = " ".join([_word(getattr(said, name)) for name, _ in layout.words])
    head = layout.head.pack(*values)
    return head + bytes.fromhex(hexes) + text.encode("ascii")


def _word(value: str | tuple[str | Position, ...]) -> str:
    if isinstance(value, str):
        return value
    return ",".join(
        v if isinstance(v, str) else f"{v[0]}:{v[1]}" for v in value
    )


def _parse(raw: bytes, kind: str, epoch: int, token: bytes) -> ClaimStatement:
    layout = _LAYOUTS[raw[0]]
    _, *values = layout.head.unpack_from(raw)
    fields: dict[str, Any] = {}
    if layout.flags:
        bits = values.pop(0)
        fields = {n: bool(bits >> i & 1) for i, n in enumerate(layout.flags)}
    days = values[len(layout.numbers) :]
    fields |= zip(layout.numbers, values, strict=False)
    fields |= zip(layout.days, map(day_text, days), strict=True)
    at = layout.head.size
    for name in layout.hexes:
        size = _HEX_SIZE if fields.get(name, True) else 0
        fields[name] = raw[at : at + size].hex()
        at += size
    words = raw[at:].decode("ascii").split(" ") if layout.words else []
    for (name, form), word in zip(layout.words, words, strict=True):
        fields[name] = word if form == "code" else _items(form, word)
    return layout.said(
        kind=kind,  # type: ignore[arg-type]
        epoch=epoch,
        token=tokens.encode(token),
        **fields,
    )


def _items(form: str, word: str) -> tuple[Any, ...]:
    items = word.split(",") if word else []
    if form == "codes":
        return tuple(items)
    pairs = (item.rsplit(":", 1) for item in items)
    return tuple((origin, int(index)) for origin, index in pairs)
