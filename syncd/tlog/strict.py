"""Decimals, base64 and text with one spelling each.

`int()` takes "１０", "1_0" and " 10"; base64 decoders skip strange characters
or ignore spare bits. What is signed must not have two spellings, so all of
tlog reads its numbers and bytes here.
"""

import binascii
import hashlib
import re

from syncd.errors import MalformedError

MAX_DECIMAL = 2**63 - 1  # what a C2SP implementation must be able to hold

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)  # no sign, no leading 0


def decimal(text: str, what: str, limit: int = MAX_DECIMAL) -> int:
    """Read 0..limit; `str(decimal(text, ...)) == text`.

    Raises:
        MalformedError: `text` is not a decimal in its one spelling.
    """
    if not _DECIMAL.fullmatch(text):
        raise MalformedError(
            "{what}: {text} is not a plain decimal",
            what=what,
            text=repr(text[:24]),
        )
    value = int(text)
    if value > limit:
        raise MalformedError(
            "{what}: {n} is above {most}", what=what, n=value, most=limit
        )
    return value


def encode(raw: bytes) -> str:
    """Return standard base64, padded, on one line."""
    return binascii.b2a_base64(raw, newline=False).decode()


def decode(text: str, what: str, size: int | None = None) -> bytes:
    """Read standard base64 of `size` bytes; `encode(decode(text)) == text`.

    Raises:
        MalformedError: another spelling, or another size.
    """
    try:
        raw = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError as e:
        raise MalformedError("{what}: not standard base64", what=what) from e
    if encode(raw) != text:  # spare bits are set
        raise MalformedError("{what}: base64 is not canonical", what=what)
    if size is not None and len(raw) != size:
        raise MalformedError(
            "{what}: {n} bytes, want {size}", what=what, n=len(raw), size=size
        )
    return raw


def sha256_hex(raw: bytes) -> str:
    """Return the SHA-256 of bytes, as hex digits."""
    return hashlib.sha256(raw).hexdigest()


def utf8(text: str, what: str) -> bytes:
    """Return `text` as bytes.

    Raises:
        MalformedError: it holds a lone surrogate, which is no character.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as e:
        raise MalformedError("{what}: not Unicode text", what=what) from e


def text(raw: bytes, what: str, limit: int) -> str:
    """Read UTF-8 of at most `limit` bytes.

    Raises:
        MalformedError: it is longer, or no UTF-8.
    """
    if (n := len(raw)) > limit:
        raise MalformedError(
            "{what}: {n} bytes, at most {most}", what=what, n=n, most=limit
        )
    try:
        return raw.decode()
    except UnicodeDecodeError as e:
        raise MalformedError("{what}: not UTF-8", what=what) from e
