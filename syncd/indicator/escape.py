"""Percent-escapes as Safe Browsing's documents have them."""

import re

_UNSAFE = re.compile(rb"[\x00-\x20\x7f-\xff#%]")
_HEX = re.compile(rb"[0-9A-Fa-f]{2}", re.ASCII)


def undo(raw: bytes) -> bytes:
    """Undo percent-escapes until none is left, in linear time.

    Two escapes never overlap, so every order of undoing them ends alike;
    going pass by pass would let "%252525…" cost the square of its length.
    """
    start = raw.find(b"%")
    if start < 0:
        return raw
    done = bytearray(raw[:start])
    for byte in raw[start:]:
        done.append(byte)
        # An undone byte may itself end an escape that began before it.
        while (
            len(done) > 2
            and done[-3] == 0x25
            and _HEX.fullmatch(done, len(done) - 2)
        ):
            done[-3:] = bytes((int(done[-2:], 16),))
    return bytes(done)


def redo(raw: bytes) -> str:
    """Escape what a canonical URL bears only escaped, in upper-case hex."""
    return _UNSAFE.sub(lambda m: b"%%%02X" % m[0][0], raw).decode()
