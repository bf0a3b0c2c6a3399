r"""Leaves and records: the 34 bytes in the log, and what opens them.

    leaf    0x01 ‖ type ‖ C                                       34 bytes
    C       SHA-256("syncd-leaf-v1\0" ‖ type ‖ len8(origin) ‖ origin
                    ‖ salt ‖ payload)

    record  uint16 length ‖ body, up to 256 of them to a payload bundle
    body    0x01 ‖ salt ‖ payload      salt 16 bytes
            0x00 ‖ leaf                erased, or not for you

A leaf opens in one log, at one type, only. The tree outlives a payload that
had to be erased, because it was built on the leaf alone.

An open record does not carry its type: `type_of` reads it from the payload,
and for every statement that is not void that is the leaf's type byte. Where
a writer committed to another one, the root does not match; then the leaves
themselves are fetched (`tile/entries`) and given to `open_bundle`.

In the core a record is a plain tuple `(leaf, salt, payload)`, with an empty
salt if the payload is not here. This module checks form and commitment:
what a payload says is `statement`'s work, roots are `tlog`'s.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from syncd.errors import BrokenSourceError, MalformedError
from syncd.tlog import tiles

Record = tuple[bytes, bytes, bytes]  # (leaf, salt or b"", payload or b"")

FORMAT = 1  # the newest statement format that this build implements
LEAF_SIZE = 34  # bytes
SALT_SIZE = 16  # bytes
MAX_BODY = 0xFFFF  # bytes, what uint16 can say

INDICATOR_TYPES = range(1, 8)  # about a token; erasable
SEALED_TYPES = range(8, 16)  # payload for a named audience only
DEFINED_TYPES = frozenset({*range(1, 10), *range(16, 21)})  # format 1

_LABEL = b"syncd-leaf-v1\0"
_OPEN = 1
_CLOSED = 0
_TYPE_KEY = b'"type":'
_TYPE = re.compile(_TYPE_KEY + rb"([1-9][0-9]{0,2})(?![0-9])")
_PLAIN = SALT_SIZE + 9  # bytes of a body that ends in one of these
_TAILS = {b'"type":%d}' % n: n for n in range(1, 10)}  # 9 bytes each


def commit(origin: str, type_: int, salt: bytes, payload: bytes) -> bytes:
    """Return the 34-byte leaf that commits `origin` to `payload`."""
    if len(salt) != SALT_SIZE:
        raise MalformedError("leaf: salt is {n} bytes", n=len(salt))
    digest = hashlib.sha256(_prefix(origin, type_) + salt + payload).digest()
    return bytes((1, type_)) + digest


def type_of(payload: bytes) -> int:
    """Return the type that a payload names, 0 if it names none.

    That is the 1–3 digits, 1..255, after the last `"type":`. In canonical
    JSON a quote inside of a string is escaped, so those bytes are a key.
    """
    if known := _TAILS.get(payload[-9:]):
        return known
    found = _TYPE.match(payload, max(payload.rfind(_TYPE_KEY), 0))
    number = int(found[1]) if found else 0
    return number if number <= 255 else 0


def is_void(leaf: bytes) -> bool:
    """Tell whether a leaf is void by itself: then `0x00 ‖ leaf` is all of it."""
    return (
        len(leaf) != LEAF_SIZE or leaf[0] != 1 or leaf[1] not in DEFINED_TYPES
    )


def encode_records(records: Iterable[Record]) -> bytes:
    """Return a payload bundle: the records one after the other.

    Raises:
        MalformedError: a body is longer than uint16 can say.
    """
    return tiles.encode_bundle(
        b"\x01" + salt + payload if salt else b"\x00" + leaf
        for leaf, salt, payload in records
    )


def close(record: Record) -> Record:
    """Return the record without what opens it: erased, or not for them."""
    return record[0], b"", b""


def for_audit(records: Iterable[Record]) -> list[Record]:
    """Return what an auditor may see: types below 16 closed."""
    return [
        close(record) if record[0][1:2] and record[0][1] < 16 else record
        for record in records
    ]


def split_records(raw: bytes, width: int) -> list[Record]:
    """Cut a payload bundle into exactly `width` records, leaves not rebuilt.

    An open record has an empty leaf here: `open_bundle` rebuilds it.

    Raises:
        MalformedError: not `width` records to the last byte.
    """
    bodies = tiles.split_bundle(raw, width)
    return [_record(n, body) for n, body in enumerate(bodies)]


def _record(n: int, body: bytes) -> Record:
    if not body:
        raise MalformedError("bundle: record {n} is empty", n=n)
    if body[0] == _CLOSED:
        return body[1:], b"", b""
    if body[0] != _OPEN:
        raise MalformedError(
            "bundle: record {n} begins with {form}", n=n, form=body[0]
        )
    end = 1 + SALT_SIZE
    if len(body) < end:
        raise MalformedError("bundle: record {n} has no whole salt", n=n)
    return b"", body[1:end], body[end:]


def open_bundle(
    origin: str, raw: bytes, width: int, leaves: Sequence[bytes] | None = None
) -> list[Record]:
    """Cut a payload bundle and rebuild the leaf of every open record.

    Without `leaves`, types are read from the payloads, and the result is as
    good as the root that it hashes to. With `leaves` (of an entry bundle
    that is verified), each record must open its own.

    Raises:
        MalformedError: not `width` records to the last byte.
        BrokenSourceError: a record is not that of its leaf.
    """
    if leaves is not None:
        return _open_known(origin, split_records(raw, width), leaves)
    heads, sha256 = _heads(origin), hashlib.sha256
    records: list[Record] = []
    for n, body in enumerate(tiles.split_bundle(raw, width)):
        head = heads.get(body[-9:])
        if head and body[0] == _OPEN and len(body) > _PLAIN:
            opened = body[1:]
            leaf = head[0] + sha256(head[1] + opened).digest()
            records.append((leaf, opened[:SALT_SIZE], opened[SALT_SIZE:]))
        else:  # closed, or its payload ends in no known type
            leaf, salt, payload = _record(n, body)
            if salt:
                leaf = commit(origin, type_of(payload), salt, payload)
            records.append((leaf, salt, payload))
    return records


def _open_known(
    origin: str, split: Sequence[Record], leaves: Sequence[bytes]
) -> list[Record]:
    if len(leaves) != len(split):
        raise MalformedError(
            "bundle: {n} leaves for {width}", n=len(leaves), width=len(split)
        )
    records: list[Record] = []
    for n, (record, leaf) in enumerate(zip(split, leaves, strict=True)):
        closed, salt, payload = record
        if salt:
            if len(leaf) != LEAF_SIZE or (
                commit(origin, leaf[1], salt, payload) != leaf
            ):
                raise BrokenSourceError(
                    "bundle: record {n} is not its leaf's", n=n
                )
        elif closed != leaf:
            raise BrokenSourceError("bundle: record {n} has another leaf", n=n)
        records.append((leaf, salt, payload))
    return records


@lru_cache(4096)  # a log has few, each in many records
def _prefix(origin: str, type_: int) -> bytes:
    name = origin.encode("ascii")
    if not 1 <= len(name) <= 100:
        raise MalformedError("leaf: origin is {n} bytes", n=len(name))
    return _LABEL + bytes((type_, len(name))) + name


@lru_cache(64)
def _heads(origin: str) -> dict[bytes, tuple[bytes, bytes]]:
    """Return how a leaf begins, and what is hashed first, by payloads' ends."""
    return {
        tail: (bytes((1, type_)), _prefix(origin, type_))
        for tail, type_ in _TAILS.items()
    }
