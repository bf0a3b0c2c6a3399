"""A log as files, to the last byte: protocol.md 4 and 5."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .notes import Key, need, note, sha256

OPEN, CLOSED = 1, 0


@dataclass(frozen=True)
class Entry:
    """A leaf; of an open one salt and payload are here, too."""

    leaf: bytes
    payload: bytes | None

    @property
    def type(self) -> int:
        """Its type byte; 0 of what is no leaf."""
        good = len(self.leaf) == 34 and self.leaf[0] == 1
        return self.leaf[1] if good else 0


@dataclass(frozen=True)
class Log:
    """A log whose every byte is proven."""

    origin: str
    size: int
    root: bytes
    entries: list[Entry]
    signers: dict[str, int]  # beside the log itself: key names and times

    def root_at(self, size: int) -> bytes:
        """The root of the first so many entries."""
        return _root([sha256(b"\0" + e.leaf) for e in self.entries[:size]])


Fetch = Callable[[str], bytes]
"""path → the file, a payload bundle inflated"""


def directory(root: Path) -> Fetch:
    return lambda path: (root / path).read_bytes()


def read(fetch: Fetch, key: Key, cosigners: Iterable[Key] = ()) -> Log:
    """The log in these files, which `key` signed."""
    signed = note(fetch("checkpoint"))
    match = re.fullmatch(
        r"(.+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n", signed.text
    )
    need(match, "checkpoint: not three lines")
    assert match
    origin, size = match[1], int(match[2])
    root = base64.b64decode(match[3])
    need(origin == key.name, "checkpoint: of another log")
    need(signed.signed(key) is not None, "checkpoint: not signed")
    signers = {}
    for cosigner in cosigners:
        if time := signed.signed(cosigner):
            signers[cosigner.name] = time
    leaves = [
        leaf
        for n, width in _bundles(size)
        for leaf in _split(fetch("tile/entries/" + _name(n, width)), width)
    ]
    _tiles(fetch, leaves, root)
    entries = [
        _open(record, leaf, origin)
        for n, width in _bundles(size)
        for record, leaf in zip(
            _split(fetch("payload/" + _name(n, width)), width),
            leaves[256 * n :],
            strict=False,
        )
    ]
    return Log(origin, size, root, entries, signers)


def leaf(origin: str, type_: int, salt: bytes, payload: bytes) -> bytes:
    head = b"syncd-leaf-v1\0" + bytes([type_, len(origin)]) + origin.encode()
    return bytes([1, type_]) + sha256(head + salt + payload)


def payload_type(payload: bytes) -> int:
    """What the record of this payload is taken for until it is proven."""
    _, found, tail = payload.rpartition(b'"type":')
    match = re.match(rb"[1-9][0-9]{0,2}(?![0-9])", tail) if found else None
    number = int(match[0]) if match else 0
    return number if number < 256 else 0


def _open(record: bytes, committed: bytes, origin: str) -> Entry:
    if record[:1] == bytes([CLOSED]):
        need(record[1:] == committed, "record: another leaf")
        return Entry(committed, None)
    need(record[:1] == bytes([OPEN]) and len(record) >= 17, "record: form")
    salt, payload = record[1:17], record[17:]
    need(len(committed) == 34, "record: open, of no such leaf")
    rebuilt = leaf(origin, committed[1], salt, payload)
    need(rebuilt == committed, "record: another payload")
    return Entry(committed, payload)


def _bundles(size: int) -> Iterator[tuple[int, int]]:
    for n in range(0, size, 256):
        yield n // 256, min(256, size - n)


def _name(n: int, width: int) -> str:
    name = f"{n % 1000:03d}"
    while n := n // 1000:
        name = f"x{n % 1000:03d}/{name}"
    return name + (f".p/{width}" if width < 256 else "")


def _split(data: bytes, width: int) -> list[bytes]:
    """`width` items, each behind its length in two bytes."""
    items = []
    for _ in range(width):
        length = int.from_bytes(data[:2], "big")
        need(len(data) >= 2 + length, "bundle: too short")
        items.append(data[2 : 2 + length])
        data = data[2 + length :]
    need(not data, "bundle: too long")
    return items


def _tiles(fetch: Fetch, leaves: list[bytes], root: bytes) -> None:
    """Every tile of every level is what the leaves say; so is the root."""
    hashes = [sha256(b"\0" + entry) for entry in leaves]
    tree = hashes
    for level in range(64):
        for n, width in _bundles(len(tree)):
            path = f"tile/{level}/" + _name(n, width)
            want = b"".join(tree[256 * n : 256 * n + width])
            need(fetch(path) == want, f"{path}: not what was signed")
        tree = [
            _root(tree[n : n + 256]) for n in range(0, len(tree) - 255, 256)
        ]
        if not tree:
            break
    need(_root(hashes) == root, "checkpoint: another root")


def _root(hashes: list[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"")
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + _root(hashes[:split]) + _root(hashes[split:]))
