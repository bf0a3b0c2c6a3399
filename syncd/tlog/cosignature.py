r"""Cosignatures: somebody else's signature on a checkpoint, with a time.

Per https://c2sp.org/tlog-cosignature a line's body is

    timestamp (8 bytes, big-endian) ‖ signature

over, for type 04 (Ed25519), a header before the whole text of the note:

    cosignature/v1
    time 1767225600
    police.example/syncd/txwz/1
    300
    jqq3H3AToh5j0Rp/AebXLPS5xq/yjJtnq1DTLgyN1oQ=

and for type 06 (ML-DSA-44, empty context) the tree without its extensions:

    "subtree/v1\n\0" ‖ len8 cosigner ‖ u64 time ‖ len8 origin
                    ‖ u64 0 ‖ u64 size ‖ root (32 bytes)

It says: at `time` this was the largest consistent tree of that origin that I
had seen. Type 04 does not sign the cosigner's name, so a key has one name,
and what else its line means is bound to the key out of band. Time 0 (type 06
only) claims nothing about largest. Judging a time is the caller's work.
"""

import struct

from syncd.errors import MalformedError, UntrustedError, becoming
from syncd.tlog import strict
from syncd.tlog.key import (
    COSIGNATURE,
    MLDSA44,
    Signature,
    SigningKey,
    VerifierKey,
)

MAX_TIME = 2**63 - 1  # seconds since 1970
_TIME = struct.Struct(">Q")
_SIGNATURE_SIZE = {COSIGNATURE: 64, MLDSA44: 2420}  # bytes


def message(text: str, key: VerifierKey, timestamp: int) -> bytes:
    """Return the bytes that `key` signs to cosign `text` at `timestamp`.

    Raises:
        MalformedError: `text` is no checkpoint, or a name is too long.
    """
    # not checkpoint.parse: others' checkpoints may carry extension lines,
    # and checkpoint is built upon note, which is built upon this module
    lines = text.split("\n")
    if len(lines) < 4 or "" in lines[:-1] or lines[-1] != "":
        raise MalformedError("checkpoint: want origin, size, root lines")
    size = strict.decimal(lines[1], "checkpoint: size")
    root = strict.decode(lines[2], "checkpoint: root", 32)
    if key.algorithm == COSIGNATURE:
        signed = f"cosignature/v1\ntime {timestamp}\n{text}"
        return strict.utf8(signed, "checkpoint")
    who = b"subtree/v1\n\0" + _short(key.name) + _TIME.pack(timestamp)
    tree = _short(lines[0]) + _TIME.pack(0) + _TIME.pack(size) + root
    return who + tree


def cosign(text: str, key: SigningKey, timestamp: int) -> Signature:
    """Return the line by which `key` cosigns a checkpoint's `text`.

    The promise behind it (largest, consistent, stored first) is the caller's.

    Raises:
        MalformedError: `text` is no checkpoint, `key` no cosigner's key, or
            the time is outside 1..2^63-1.
    """
    if key.algorithm != COSIGNATURE:
        raise MalformedError("cosignature: key {name} signs notes only", key)
    if not 0 < timestamp <= MAX_TIME:
        raise MalformedError(
            "cosignature: time {time} out of range", time=timestamp
        )
    signature = key.raw_sign(message(text, key.verifier, timestamp))
    return key.line(_TIME.pack(timestamp) + signature)


def verify(text: str, key: VerifierKey, line: Signature) -> int:
    """Return the time at which `key` cosigned `text`, unix seconds.

    Raises:
        UntrustedError: the line is not that key's cosignature of that text.
    """
    want = _SIGNATURE_SIZE.get(key.algorithm)
    if want is None:
        raise UntrustedError("cosignature: key {name} signs notes only", key)
    if (line.name, line.key_id) != (key.name, key.key_id):
        raise UntrustedError("cosignature: not a line of {name}", key)
    if len(line.body) != _TIME.size + want:
        raise UntrustedError(
            "cosignature: line of {name} is {n} bytes", key, n=len(line.body)
        )
    (timestamp,) = _TIME.unpack_from(line.body)
    if timestamp > MAX_TIME:
        raise UntrustedError(
            "cosignature: time of {name} is above 2^63-1", key
        )
    with becoming("cosignature: of no checkpoint: {why}", UntrustedError):
        signed = message(text, key, timestamp)
    if not key.holds(signed, line.body[_TIME.size :]):
        raise UntrustedError(
            "cosignature: line of {name} does not verify", key
        )
    return int(timestamp)


def _short(text: str) -> bytes:
    raw = strict.utf8(text, "cosignature: name")
    if len(raw) > 255:
        raise MalformedError("cosignature: a name is {n} bytes", n=len(raw))
    return bytes((len(raw),)) + raw
