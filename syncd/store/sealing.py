"""How values are sealed on our disk, and found again by keyed hashes.

Sealing is AES-256-GCM under a random nonce; a hash is HMAC-SHA-256, cut to
16 bytes, under another key of the same root. The key does not live in the
database.
"""

import hmac
import os
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from syncd.errors import DamagedError

MAC_SIZE = 16  # bytes
NONCE_SIZE = 12  # bytes
KEY_SIZE = 32  # bytes


class Box:
    """AES-256-GCM under random nonces."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Return nonce ‖ ciphertext ‖ tag."""
        nonce = os.urandom(NONCE_SIZE)
        return nonce + self._aead.encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return the plain bytes.

        Raises:
            DamagedError: not sealed by this key in this context.
        """
        try:
            return self._aead.decrypt(
                sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], context
            )
        except (InvalidTag, ValueError) as e:
            raise DamagedError("vault: a row does not open") from e


class VaultCipher(Box):
    """A box, and HMAC-SHA-256 under another key of the same root."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise DamagedError("vault: key is {n} bytes", n=len(key))
        super().__init__(hmac.digest(key, b"syncd-vault-seal-v1", "sha256"))
        self._root = key
        mac_key = hmac.digest(key, b"syncd-vault-mac-v1", "sha256")
        # Copied, with its key already in it: a third of hmac.digest's time.
        self._mac = HMAC(mac_key, SHA256())

    def derived(self, name: str) -> bytes:
        """Return a key of its own for a part, by which no other is opened."""
        info = b"syncd-vault-derived-v1\0" + name.encode()
        return HKDFExpand(SHA256(), KEY_SIZE, info).derive(self._root)

    def seal_json(self, value: object, *of: object) -> bytes:
        """Seal a value as JSON; it opens as that of the same, and no other."""
        return self.seal(msgspec.json.encode(value), _bound(of))

    def open_json(self, sealed: bytes, form: Any, *of: object) -> Any:
        """Return a value of a form.

        Raises:
            DamagedError: not sealed by this key, or as that of another.
        """
        return msgspec.json.decode(self.open(sealed, _bound(of)), type=form)

    def mac(self, message: bytes) -> bytes:
        """Return the first 16 bytes of the HMAC."""
        mac = self._mac.copy()
        mac.update(message)
        return mac.finalize()[:MAC_SIZE]

    def hash_of(self, what: str, *parts: str | int | bytes) -> bytes:
        """Return what something is found by: `what` it is, and of what.

        A part that may hold a zero byte comes last.
        """
        raw = (p if isinstance(p, bytes) else str(p).encode() for p in parts)
        return self.mac(b"\0".join((what.encode(), *raw)))

    def cell_hash(self, cell: str) -> bytes:
        """Return 8 bytes by which a list's own cell is known again."""
        return self.hash_of("raw", cell.strip())[:8]


def _bound(of: tuple[object, ...]) -> bytes:
    """Return what a value is sealed in: moved to another's place it is damaged."""
    return b"syncd-sealed-v1\0" + msgspec.json.encode(of)
