"""Verifies a C2SP log by the specs alone: what syncd is, it does not know.

Reads what https://c2sp.org/tlog-tiles serves under a prefix, and nothing
that is not asked for there: no payloads. It recomputes every tile of the
log's size from the entries and compares all bytes.

    python conformance/c2sp_verifier.py DIRECTORY VKEY

What it cannot notice, by the specs: a change in a signature line of a key
that it was not given (such lines are ignored), and set spare bits in the
base64 of a signature line, which then decodes to the same bytes.
"""

import base64
import binascii
import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Fetch = Callable[[str], bytes]  # path below the log's prefix → the file
WIDE = 256  # hashes of a full tile, entries of a full bundle
HASH = 32  # bytes
MAX_NOTE = 1 << 20  # bytes
MAX_LINES = 100  # signature lines; at least 16 must be accepted


class Refused(Exception):
    """The log is not what its key signed, or not in the form of the specs."""


def need(holds: bool, why: str) -> None:
    if not holds:
        raise Refused(why)


# ------------------------------------------------------------ signed-note


def unbase64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as e:
        raise Refused(f"{what}: not base64") from e


def parse_vkey(vkey: str) -> tuple[str, bytes, bytes]:
    """Return name, key ID and Ed25519 public key."""
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    typed = unbase64(encoded, "vkey")
    need(valid_name(name), "vkey: name")
    need(len(typed) == 33 and typed[0] == 1, "vkey: not an Ed25519 key")
    digest = hashlib.sha256(name.encode() + b"\n" + typed).digest()
    need(key_id == digest[:4].hex(), "vkey: another key ID")
    return name, digest[:4], typed[1:]


def valid_name(name: str) -> bool:
    return bool(name) and not re.search(r"[\s+]", name)


def open_note(raw: bytes, vkey: str) -> str:
    """Return a note's text, signed by `vkey`."""
    need(len(raw) <= MAX_NOTE, "note: too large")
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Refused("note: not UTF-8") from e
    odd = re.search(r"[\x00-\x09\x0b-\x1f]", whole)
    need(odd is None, "note: control character")
    at = whole.rfind("\n\n")
    need(at > 0 and whole.endswith("\n"), "note: no signatures")
    text, lines = whole[: at + 1], whole[at + 2 : -1].split("\n")
    need(len(lines) <= MAX_LINES, "note: too many lines")
    name, key_id, public = parse_vkey(vkey)
    signed = False
    for line in lines:
        match = re.fullmatch("— ([^ ]+) ([^ ]+)", line)
        if match is None:
            raise Refused("note: signature line")
        need(valid_name(match[1]), "note: name")
        body = unbase64(match[2], "note: signature")
        need(len(body) >= 5, "note: short signature")
        if match[1] != name or body[:4] != key_id:
            continue  # of another key: to be ignored
        try:
            key = Ed25519PublicKey.from_public_bytes(public)
            key.verify(body[4:], text.encode())
        except InvalidSignature as e:
            raise Refused("note: signature does not verify") from e
        signed = True
    need(signed, "note: not signed by the key")
    return text


# -------------------------------------------------------- tlog-checkpoint


def parse_checkpoint(text: str) -> tuple[str, int, bytes]:
    """Return origin, size and root."""
    lines = text.split("\n")
    need(len(lines) >= 4 and lines[-1] == "", "checkpoint: lines")
    need("" not in lines[:-1], "checkpoint: empty line")
    origin, size, root = lines[:3]
    decimal = re.fullmatch(r"0|[1-9][0-9]*", size, re.ASCII)
    need(decimal is not None and int(size) < 2**63, "checkpoint: size")
    digest = unbase64(root, "checkpoint: root")
    need(len(digest) == HASH, "checkpoint: root")
    return origin, int(size), digest


# --------------------------------------------------------------- RFC 6962


def tree_hash(hashes: list[bytes]) -> bytes:
    """Return MTH by its definition: split at the power of two below n."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    k = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = tree_hash(hashes[:k]), tree_hash(hashes[k:])
    return hashlib.sha256(b"\1" + left + right).digest()


# ------------------------------------------------------------- tlog-tiles


def number(n: int) -> str:
    digits = f"{n % 1000:03d}"
    while n := n // 1000:
        digits = f"x{n % 1000:03d}/{digits}"
    return digits


def cut(total: int) -> list[tuple[int, int]]:
    """Return (number, width) of the tiles over so many hashes."""
    full, rest = divmod(total, WIDE)
    return [(n, WIDE) for n in range(full)] + [(full, rest)] * (rest > 0)


def path(prefix: str, n: int, width: int) -> str:
    tail = "" if width == WIDE else f".p/{width}"
    return f"{prefix}/{number(n)}{tail}"


def split_bundle(raw: bytes, width: int, name: str) -> list[bytes]:
    entries, at = [], 0
    for _ in range(width):
        need(at + 2 <= len(raw), f"{name}: short")
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        need(end <= len(raw), f"{name}: short")
        entries.append(raw[at + 2 : end])
        at = end
    need(at == len(raw), f"{name}: bytes after the last entry")
    return entries


def verify(fetch: Fetch, vkey: str) -> tuple[str, int, bytes]:
    """Return origin, size and root of a log, every tile of it verified."""
    origin, size, root = parse_checkpoint(open_note(fetch("checkpoint"), vkey))
    need(origin == vkey.partition("+")[0], "checkpoint: another origin")
    leaves: list[bytes] = []
    for n, width in cut(size):
        name = path("tile/entries", n, width)
        leaves += [
            hashlib.sha256(b"\0" + entry).digest()
            for entry in split_bundle(fetch(name), width, name)
        ]
    need(tree_hash(leaves) == root, "checkpoint: another root")
    row, level = leaves, 0
    while row:
        for n, width in cut(len(row)):
            name = path(f"tile/{level}", n, width)
            want = b"".join(row[n * WIDE : n * WIDE + width])
            need(fetch(name) == want, f"{name}: other hashes")
        whole = range(0, len(row) // WIDE * WIDE, WIDE)
        row = [tree_hash(row[at : at + WIDE]) for at in whole]
        level += 1
    return origin, size, root


def directory(root: Path) -> Fetch:
    """Return what reads a log's files from a directory."""

    def fetch(name: str) -> bytes:
        try:
            return (root / name).read_bytes()
        except OSError as e:
            raise Refused(f"{name}: {e.strerror}") from e

    return fetch


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print("usage: c2sp_verifier.py LOG VKEY", file=sys.stderr)
        sys.exit(2)
    try:
        print(*verify(directory(Path(sys.argv[1])), sys.argv[2])[:2])
    except Refused as refusal:
        sys.exit(f"refused: {refusal}")
