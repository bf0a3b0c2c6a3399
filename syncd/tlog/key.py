"""Keys of signed notes, public and secret, and the lines they make.

A verifier key is written, per https://c2sp.org/signed-note,

    <name>+<8 hex digits of the key ID>+<base64 of type byte ‖ public key>

and a signature line `— <name> <base64 of key ID ‖ body>`. The key ID is an
index, SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4], and proves nothing. What
the types sign is `note`'s and `cosignature`'s work: here is only the
cryptography, over bytes.
"""

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from syncd.errors import MalformedError, RefusedError
from syncd.tlog import strict

ED25519 = 0x01  # over the text
COSIGNATURE = 0x04  # Ed25519 cosignature/v1
MLDSA44 = 0x06  # ML-DSA-44 cosignature: read, never made

PUBLIC_SIZE = {ED25519: 32, COSIGNATURE: 32, MLDSA44: 1312}  # bytes
SEED_SIZE = 32  # bytes
MAX_NAME = 100  # bytes, of a name of ours

_NAME = re.compile(r"[^\x00-\x20\s+\ud800-\udfff]+")  # no space, no plus
_OURS = re.compile(r"[a-z0-9.-]+(/[a-z0-9._-]+)+", re.ASCII)
_FIELD = 2**255 - 19
_SMALL_ORDER = {  # y of the eight points whose order divides 8
    0,
    1,
    _FIELD - 1,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
}
_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)


def is_name(text: str) -> bool:
    """Tell whether C2SP allows `text` as the name of a key."""
    return _NAME.fullmatch(text) is not None


def is_ours(text: str) -> bool:
    """Tell whether `text` may be an origin or key name in an alliance."""
    return len(text) <= MAX_NAME and _OURS.fullmatch(text) is not None


class Signature(NamedTuple):
    """One signature line: `— <name> <base64 of key ID ‖ body>`."""

    name: str
    key_id: bytes  # 4 bytes
    body: bytes  # what it means is the key type's matter

    def __str__(self) -> str:
        return f"— {self.name} {strict.encode(self.key_id + self.body)}"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under its name; `str(key)` is the vkey.

    Raises:
        MalformedError: a name, type or length that cannot be, or an Ed25519
            key of small order.
    """

    name: str
    algorithm: int  # type byte: ED25519, COSIGNATURE or MLDSA44
    public: bytes
    key_id: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise MalformedError("key: name is empty or has a space or plus")
        want = PUBLIC_SIZE.get(self.algorithm)
        if want is None:
            raise MalformedError("key: type {algorithm:#04x} is unknown", self)
        if len(self.public) != want:
            size = len(self.public)
            raise MalformedError("key: public key is {size} bytes", size=size)
        # Under such a key a signature fits many messages: it proves nothing.
        y = int.from_bytes(self.public, "little") & (2**255 - 1)
        if self.algorithm != MLDSA44 and y % _FIELD in _SMALL_ORDER:
            raise MalformedError("key: public key is of small order")
        digest = hashlib.sha256(self.name.encode() + b"\n" + self._typed())
        object.__setattr__(self, "key_id", digest.digest()[:4])

    def __str__(self) -> str:
        public = strict.encode(self._typed())
        return f"{self.name}+{self.key_id.hex()}+{public}"

    def _typed(self) -> bytes:
        return bytes((self.algorithm,)) + self.public

    @property
    def checkable(self) -> bool:
        """Whether this machine can check what it signs."""
        return self.algorithm != MLDSA44 or _has_mldsa()

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over exactly `message` is this key's."""
        public: Ed25519PublicKey | MLDSA44PublicKey
        try:
            if self.algorithm == MLDSA44:
                public = MLDSA44PublicKey.from_public_bytes(self.public)
            else:
                public = Ed25519PublicKey.from_public_bytes(self.public)
            public.verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@cache
def _has_mldsa() -> bool:
    try:
        MLDSA44PublicKey.from_public_bytes(bytes(PUBLIC_SIZE[MLDSA44]))
    except UnsupportedAlgorithm:  # of the OpenSSL that is here
        return False
    return True


def parse_vkey(text: str) -> VerifierKey:
    """Read a vkey; `str(parse_vkey(text)) == text` for all accepted.

    Raises:
        MalformedError: not a vkey, its ID is not its own, or another type.
    """
    parts = text.split("+", 2)  # base64 may hold a plus of its own
    if len(parts) != 3:
        raise MalformedError("key: want <name>+<id>+<base64>")
    name, key_id, encoded = parts
    if not _ID.fullmatch(key_id):
        raise MalformedError("key: ID is not 8 lower-case hex digits")
    typed = strict.decode(encoded, "key")
    if not typed:
        raise MalformedError("key: public key is empty")
    key = VerifierKey(name, typed[0], typed[1:])
    if (made := key.key_id.hex()) != key_id:
        raise MalformedError(
            "key: ID is {id}, the key makes {other}", id=key_id, other=made
        )
    return key


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret key under its name. Its repr never shows the seed.

    Raises:
        MalformedError: a name, type or length that cannot be.
    """

    name: str
    algorithm: int  # type byte: ED25519 or COSIGNATURE
    seed: bytes = field(repr=False)  # 32 bytes, RFC 8032
    verifier: VerifierKey = field(init=False, repr=False, compare=False)
    _secret: Ed25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.algorithm not in (ED25519, COSIGNATURE):
            raise MalformedError("key: type {algorithm:#04x} is unknown", self)
        if len(self.seed) != SEED_SIZE:
            raise MalformedError("key: seed is {n} bytes", n=len(self.seed))
        secret = Ed25519PrivateKey.from_private_bytes(self.seed)
        public = secret.public_key().public_bytes_raw()
        verifier = VerifierKey(self.name, self.algorithm, public)
        object.__setattr__(self, "verifier", verifier)
        object.__setattr__(self, "_secret", secret)

    def raw_sign(self, message: bytes) -> bytes:
        """Return the bare signature over `message`."""
        return self._secret.sign(message)

    def line(self, body: bytes) -> Signature:
        """Return `body` as a signature line of this key."""
        return Signature(self.name, self.verifier.key_id, body)

    def sign(self, text: str) -> Signature:
        """Return this key's line under a note's `text` (type 01 only).

        Raises:
            RefusedError: the key signs cosignatures, see `cosignature`.
        """
        if self.algorithm != ED25519:
            raise RefusedError(
                "note: key {member} signs cosignatures, not notes",
                member=self.name,
            )
        return self.line(self.raw_sign(text.encode()))
