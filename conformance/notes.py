"""Canonical JSON, keys, signed notes, cosignatures: protocol.md 1-3 and 5."""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import curve

Json = Any
NAME = re.compile(r"[a-z0-9.-]+(/[a-z0-9._-]+)+")
SIGNED, COSIGNED = 1, 4  # the types of keys


class WrongError(Exception):
    """What was read is not what the documents say it must be."""


def need(fact: object, why: str) -> None:
    if not fact:
        raise WrongError(why)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def unbase64(text: str) -> bytes:
    """Strict: one spelling for each value."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WrongError(f"base64: {error}") from error
    need(base64.b64encode(data).decode() == text, "base64: another spelling")
    return data


# -- canonical JSON -----------------------------------------------------


def decode(data: bytes) -> Json:
    """The value whose one spelling these bytes are."""

    def refuse(text: str) -> Json:
        raise WrongError(f"json: {text} is no integer")

    try:
        value = json.loads(
            data.decode(), parse_float=refuse, parse_constant=refuse
        )
        again = encode(value)
    except (ValueError, RecursionError) as error:
        raise WrongError(f"json: {error}") from error
    need(again == data, "json: not canonical")
    return value


def encode(value: Json) -> bytes:
    _check(value, 32)
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()


def _check(value: Json, depth: int) -> None:
    if isinstance(value, dict):
        need(all(key.isascii() for key in value), "json: a key not in ASCII")
        value = [*value.values()]
    if isinstance(value, list):
        need(depth > 0, "json: too deep")
        for item in value:
            _check(item, depth - 1)
    elif isinstance(value, int):
        need(0 <= value < 2**53, "json: a number out of range")
    else:
        need(isinstance(value, str), "json: null")


# -- keys and notes -----------------------------------------------------


@dataclass(frozen=True)
class Key:
    """A public key with its name."""

    name: str
    type: int
    public: bytes

    @property
    def id(self) -> bytes:
        tail = bytes([self.type]) + self.public
        return sha256(self.name.encode() + b"\n" + tail)[:4]

    def verify(self, signature: bytes, message: bytes) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(
                signature, message
            )
        except InvalidSignature as error:
            raise WrongError(f"{self.name}: wrong signature") from error


@cache
def vkey(text: str) -> Key:
    """`<name>+<id>+<base64 of type and public key>`."""
    parts = text.split("+", 2)
    need(len(parts) == 3, "vkey: not three parts")
    body = unbase64(parts[2])
    key = Key(parts[0], body[0] if body else 0, body[1:])
    need(NAME.fullmatch(key.name) and len(key.name) <= 100, "vkey: its name")
    need(key.id.hex() == parts[1], "vkey: another id")
    if key.type in (SIGNED, COSIGNED):
        need(len(key.public) == 32, "vkey: its length")
        need(not curve.small_order(key.public), "vkey: of small order")
    return key


@dataclass(frozen=True)
class Note:
    """A signed text: `lines` are (name, key ID, body)."""

    text: str
    lines: tuple[tuple[str, bytes, bytes], ...]

    def signed(self, key: Key) -> int | None:
        """When `key` signed it; None if it did not.

        Of two lines of one key the first is meant. A key of type 01 says no
        time: 0. Of a type that we do not know (06, say) any line is ignored.
        """
        for name, key_id, body in self.lines:
            if (name, key_id) != (key.name, key.id):
                continue
            if key.type == SIGNED:
                key.verify(body, self.text.encode())
                return 0
            if key.type != COSIGNED:
                continue
            time = int.from_bytes(body[:8], "big")
            need(time < 2**63, f"{key.name}: a time out of range")
            head = f"cosignature/v1\ntime {time}\n"
            key.verify(body[8:], (head + self.text).encode())
            return time
        return None


def note(data: bytes) -> Note:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise WrongError("note: no UTF-8") from error
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", text), "note: control")
    head, gap, tail = text.rpartition("\n\n")
    need(gap and tail.endswith("\n"), "note: no signature")
    rows = tail[:-1].split("\n")
    need(1 <= len(rows) <= 100, "note: too many lines")
    lines = []
    for row in rows:
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", row)
        if match is None:
            raise WrongError("note: a line that is no signature")
        body = unbase64(match[2])
        need(len(body) > 4, "note: a line without a body")
        lines.append((match[1], body[:4], body[4:]))
    return Note(head + "\n", tuple(lines))


def document(text: str, what: str) -> tuple[str, Json]:
    """The alliance id and the object of a document."""
    lines = text.split("\n")
    need(len(lines) == 4 and lines[3] == "", "document: not three lines")
    need(lines[0] == f"syncd/{what}/v1", f"document: no {what}")
    need(re.fullmatch("[0-9a-f]{64}", lines[1]), "document: alliance id")
    value = decode(lines[2].encode())
    need(isinstance(value, dict), "document: no object")
    return lines[1], value
