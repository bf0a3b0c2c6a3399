r"""Claims: what a log says that still stands, one row each.

A claim is a statement and where it stands. Expiry needs no statement of its
own: `verdict` reads days. A row is `(token, index, key, record)`: 16 bytes;
the position's index in the log; `key = epoch * 4 + kind` (phone 1, url 2,
account 3); and the statement's other fields in one fixed encoding:

    record  report      0x01 ‖ flags ‖ confidence ‖ on ‖ seen ‖ expires
                             ‖ know (8) ‖ case (8, if flag 4) ‖ text
            dispute     0x03 ‖ flags ‖ on ‖ due ‖ expires
                             ‖ know (8, if flag 1) ‖ text
            reassigned  0x05 ‖ on ‖ since ‖ know (8)
            answer      0x06 ‖ on ‖ text
            vouch       0x07 ‖ on ‖ expires ‖ know (8) ‖ text
    flags   report      1 spoofed, 2 test, 4 a case follows
            dispute     1 know follows
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
from typing import Any, get_args

import msgspec

from syncd.errors import DamagedError, MalformedError
from syncd.indicator import notation, statement
from syncd.indicator import token as tokens
from syncd.indicator.statement import ClaimStatement

Row = tuple[bytes, int, int, bytes]  # (token, index, key, record)

REPORT = 1
DISPUTE = 3
REASSIGNED = 5
ANSWER = 6
VOUCH = 7


def key(kind: int, epoch: int) -> int:
    """Return the one number that names a token key, `epoch * 4 + kind`."""
    return epoch * 4 + kind


def about(content: statement.Indicator | ClaimStatement) -> tuple[bytes, int]:
    """Return the token, and the `key`, of what is said of one."""
    number = key(tokens.KIND_CODES[content.kind], content.epoch)
    return tokens.decode(content.token), number


def kind_epoch(key: int) -> tuple[int, int]:
    """Return (kind, epoch) of a `key`."""
    return key & 3, key >> 2


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A statement about a token that still stands, and where."""

    origin: str
    index: int
    statement: ClaimStatement

    @property
    def position(self) -> notation.Position:
        """The claim's id."""
        return self.origin, self.index

    @property
    def token(self) -> bytes:
        """What it is about, 16 bytes."""
        return tokens.decode(self.statement.token)

    @classmethod
    def parse(
        cls, origin: str, token: bytes, index: int, key: int, raw: bytes
    ) -> "Claim":
        """Read a row as a store keeps it; `claim.row()` writes it again.

        Raises:
            DamagedError: the record is not one that `folding.fold` wrote.
        """
        kind, epoch = kind_epoch(key)
        try:
            content = _parse(raw, tokens.KIND_NAMES[kind], epoch, token)
        except (
            *(struct.error, ValueError, IndexError, KeyError),
            MalformedError,
        ) as e:
            raise DamagedError(
                "claim {index}: record does not parse", index=index
            ) from e
        return cls(origin, index, content)

    def row(self) -> Row:
        """Return the row that a store keeps."""
        token, number = about(self.statement)
        return token, self.index, number, record(self.statement)


def digest(origin: str, rows: Iterable[Row]) -> int:
    """Return Σ of the rows' hashes, below 2^256.

    Sums add: the digest after a batch is the old one, plus that of the rows
    added, minus that of the rows removed, mod 2^256. It is shown and stored as
    32 bytes, big-endian.
    """
    name = origin.encode("ascii")
    head = b"syncd-claim-v1\0" + bytes((len(name),)) + name
    sha256, pack, number = hashlib.sha256, _POSITION, int.from_bytes
    total = 0
    for token, index, k, record in rows:
        row = head + pack(index, k & 3, k >> 2) + token + record
        total += number(sha256(row).digest())
    return total % 2**256


_POSITION = struct.Struct(">QBQ").pack


class _Layout:
    """In which order a claim statement's fields stand in its record."""

    def __init__(self, made: type[ClaimStatement]) -> None:
        found = notation.forms(made)

        def named(*names: str) -> list[str]:
            return [name for name, form in found.items() if form.name in names]

        self.made = made
        maybe = [name for name in named("hex") if found[name].optional]
        self.hexes = [n for n in named("hex") if n not in maybe] + maybe
        self.flags = named("flag") + maybe
        self.numbers = named("percent")
        self.days = sorted(named("day"), key=lambda name: name != "on")
        self.words = named("code", "codes", "positions")
        self.sets = [
            (self.words.index(name), _codes if name in codes else _positions)
            for codes in [named("codes")]
            for name in codes + named("positions")
        ]
        octets = bool(self.flags) + len(self.numbers)
        self.head = struct.Struct(f">B{octets}B{len(self.days)}I")
        self.names = (*self.numbers, *self.days, *self.words)
        self.flagged = [
            {n: bool(bits >> i & 1) for i, n in enumerate(self.flags)}
            for bits in range(1 << len(self.flags))
        ]  # by the byte of flags


def _codes(word: str) -> tuple[str, ...]:
    return tuple(word.split(",")) if word else ()


def _positions(word: str) -> tuple[notation.Position, ...]:
    found = []
    for item in word.split(",") if word else ():
        origin, index = item.rsplit(":", 1)
        found.append((origin, int(index)))
        if index != str(int(index)):
            raise ValueError("index")
    return tuple(found)


_LAYOUTS = {
    statement.type_of(made): _Layout(made) for made in get_args(ClaimStatement)
}


def record(content: ClaimStatement) -> bytes:
    """Return a statement's own fields in their one encoding."""
    type_ = statement.type_of(content)
    layout = _LAYOUTS[type_]
    values = [type_]
    if layout.flags:
        bits = [bool(getattr(content, name)) for name in layout.flags]
        values.append(sum([bit << n for n, bit in enumerate(bits)]))
    values += [getattr(content, name) for name in layout.numbers]
    values += [notation.DAYS[getattr(content, name)] for name in layout.days]
    hexes = "".join([getattr(content, name) for name in layout.hexes])
    words = [getattr(content, name) for name in layout.words]
    for at, _ in layout.sets:
        words[at] = ",".join(
            v if isinstance(v, str) else f"{v[0]}:{v[1]}" for v in words[at]
        )
    text = " ".join(words).encode("ascii")
    return layout.head.pack(*values) + bytes.fromhex(hexes) + text


def _parse(raw: bytes, kind: str, epoch: int, token: bytes) -> ClaimStatement:
    """Read a record; one that `record` would write otherwise is no record."""
    layout = _LAYOUTS[raw[0]]
    values: list[Any] = [*layout.head.unpack_from(raw)[1:]]
    fields: dict[str, Any] = {}
    if layout.flags:
        fields.update(layout.flagged[values.pop(0)])
    for n in range(len(layout.numbers), len(values)):
        values[n] = notation.day_text(values[n])
    at = layout.head.size
    for name in layout.hexes:
        size = 8 if fields.get(name, True) else 0
        fields[name] = raw[at : at + size].hex()
        at += size
    text = raw[at:].decode("ascii")
    words: list[Any] = text.split(" ") if text or layout.words else []
    for n, read in layout.sets:
        words[n] = read(words[n])
    fields.update(zip(layout.names, values + words, strict=True))
    return layout.made(
        kind=kind,  # type: ignore[arg-type]
        epoch=epoch,
        token=tokens.encode(token),
        **fields,
    )
