r"""Tokens: what stands for an identifier in the alliance.

    identifier ── OPRF (phone, account) or SHA-512 (url) ──► output, 64 bytes
    token = output[0:16]      16 bytes; travels in every indicator statement
    know  = HMAC-SHA-256(output[16:48], "syncd-know-v1\0" ‖ origin)[:8]

`know` says "I had the value, not just the token": who looks the value up
can compute it for each reporter, who copied a token from another's log
cannot. This module knows no group arithmetic: outputs are `oprf`'s work.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.errors import MalformedError

if TYPE_CHECKING:  # the parsers behind it are not needed to know its shape
    from syncd.indicator.identifier import Identifier

TOKEN_SIZE = 16  # bytes
TOKEN_CHARS = 22  # its base64url spelling, unpadded
OUTPUT_SIZE = 64  # bytes
KNOW_SIZE = 8  # bytes

KIND_CODES = {"phone": 1, "url": 2, "account": 3}
KIND_NAMES = {code: name for name, code in KIND_CODES.items()}

# base64url → base64; every other byte → one that the strict decoder refuses
_TO_BASE64 = bytes(
    c
    if c < 128 and chr(c).isalnum()
    else {ord("-"): ord("+"), ord("_"): ord("/")}.get(c, ord("!"))
    for c in range(256)
)


def oprf_input(identifier: "Identifier") -> bytes:
    r"""Return what is blinded: `"syncd-oprf-v1\0" ‖ kind ‖ 0x00 ‖ value`."""
    return (
        b"syncd-oprf-v1\0"
        + identifier.kind.encode()
        + b"\0"
        + identifier.value.encode()
    )


def url_output(identifier: "Identifier") -> bytes:
    r"""Return a URL's 64-byte output, SHA-512(`"syncd-url-v1\0" ‖ value`).

    URLs are public addresses, not secrets: whoever has a list of URLs can
    find them among the tokens, and the documents say so.
    """
    value = identifier.value.encode()
    return hashlib.sha512(b"syncd-url-v1\0" + value).digest()


def token(output: bytes) -> bytes:
    """Return the 16-byte token of a 64-byte output."""
    if len(output) != OUTPUT_SIZE:
        raise MalformedError("token: output is {n} bytes", n=len(output))
    return output[:TOKEN_SIZE]


def know(output: bytes, origin: str) -> bytes:
    """Return the 8 bytes by which `origin` shows that it had the value."""
    token(output)  # refuses what is none
    message = b"syncd-know-v1\0" + origin.encode("ascii")
    digest: bytes = hmac.digest(output[16:48], message, "sha256")
    return digest[:KNOW_SIZE]


def encode(token: bytes) -> str:
    """Return a token's 22 characters; `decode` turns them back."""
    if len(token) != TOKEN_SIZE:
        raise MalformedError(
            "token: {n} bytes, want {want}", n=len(token), want=TOKEN_SIZE
        )
    return base64.urlsafe_b64encode(token)[:TOKEN_CHARS].decode()


def decode(text: str) -> bytes:
    """Read a token; `encode(decode(text)) == text` for every text accepted.

    Raises:
        MalformedError: not `[A-Za-z0-9_-]{21}[AQgw]`.
    """
    found = decode_many([text.encode("ascii", "replace")])
    if found is None:
        raise MalformedError(
            "token: {n} characters that are no token", n=len(text)
        )
    return found[0]


def decode_many(texts: Sequence[bytes]) -> list[bytes] | None:
    """Read many tokens in one go; None if any of them is not one."""
    if set(map(len, texts)) != {TOKEN_CHARS}:
        return [] if not texts else None
    # "AA" after each makes 24 characters, 18 bytes: the token, then its
    # spare bits and twelve zeros
    raw = (b"AA".join(texts) + b"AA").translate(_TO_BASE64)
    try:
        wide = binascii.a2b_base64(raw, strict_mode=True)
    except binascii.Error:
        return None
    if wide[16::18].strip(b"\0"):
        return None
    return [wide[at : at + 16] for at in range(0, len(wide), 18)]
