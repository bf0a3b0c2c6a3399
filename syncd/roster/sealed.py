"""Files for one reader: sealed with HPKE to a member's seal key.

    syncd/<what>/v1
    <alliance id>
    {…header…,"sealed":"<base64 of enc ‖ ciphertext>"}

HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
AES-128-GCM, one message. `info` is the whole file without `sealed`, so a
ciphertext opens under its own header only. Nobody signs such a file: what it
brings is proven by its content (a share against its public share, a
challenge by the answer). The ephemeral key comes from the library's own
randomness, not from an argument; a test cannot fix the bytes, and need not.
"""

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from syncd.errors import MalformedError, UntrustedError, becoming
from syncd.tlog import document, strict
from syncd.tlog.document import Document

MAX_SIZE = 16 << 10  # bytes of a sealed file

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


def seal(
    what: str,
    alliance: str,
    header: Mapping[str, Any],
    secret: bytes,
    public: str,
) -> bytes:
    """Return the file that only the owner of `public` (hex) can open.

    Raises:
        MalformedError: `public` is no X25519 key.
    """
    info = str(Document(what, alliance, dict(header))).encode()
    with becoming(
        "{what}: no key to seal to", MalformedError, ValueError, what=what
    ):
        key = x25519.X25519PublicKey.from_public_bytes(bytes.fromhex(public))
        sealed = _SUITE.encrypt(secret, key, info)
    value = {**header, "sealed": strict.encode(sealed)}
    return str(Document(what, alliance, value)).encode()


def open_(raw: bytes, what: str, private: bytes) -> tuple[Document, bytes]:
    """Open a file with the seal key's 32 private bytes.

    Returns it without what was sealed, and that.

    Raises:
        MalformedError: not a sealed file of that kind.
        UntrustedError: sealed to another key, or changed on its way.
    """
    found = document.parse(strict.text(raw, what, MAX_SIZE), what)
    sealed = found.value.pop("sealed", None)
    if not isinstance(sealed, str):
        raise MalformedError("{what}: nothing sealed in it", what=what)
    info = str(found).encode()
    key = x25519.X25519PrivateKey.from_private_bytes(private)
    with becoming(
        "{what}: does not open: for another key, or changed",
        UntrustedError,
        InvalidTag,
        ValueError,
        what=what,
    ):
        secret = _SUITE.decrypt(strict.decode(sealed, what), key, info)
    return found, secret
