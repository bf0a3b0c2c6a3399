"""Undo what copying and hiding do to numbers of any kind."""

import re
from collections.abc import Mapping
from typing import Any

from syncd.errors import MalformedError

# What copying brings along: blanks, dashes, joiners, and marks of direction
# that phones put around.
FOLD = {
    **dict.fromkeys(map(ord, "\u00a0\u1680\u202f\u205f\u3000"), " "),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹣－ー"), "-"),
    **dict.fromkeys(range(0x200B, 0x2010), None),
    **dict.fromkeys(range(0x202A, 0x202F), None),
    **dict.fromkeys(range(0x2066, 0x206A), None),
    **dict.fromkeys([0x00AD, 0x2060, 0xFEFF], None),
}
_MASKED = re.compile(
    r"\+?\d[\d ()-]*(?:[*＊•●]+|[xX×]{3,})[\d xX×*＊•●-]*", re.ASCII
)


def check_size(raw: str, most: int) -> None:
    """Refuse what is longer than any spelling."""
    if len(raw) > most:
        raise MalformedError(
            "value: {n} characters, at most {most}", n=len(raw), most=most
        )


def folded(raw: str, fold: Mapping[int, Any], most: int) -> str:
    """Return a text as `fold` has it, without blanks at its ends; not ""."""
    check_size(raw, most)
    text = (raw if raw.isascii() else raw.translate(fold)).strip()
    if not text:
        raise MalformedError("value: empty")
    return text


def check_unmasked(text: str) -> None:
    """Refuse signs in a number where digits were: 138****8009."""
    if _MASKED.fullmatch(text.strip()):
        raise MalformedError("value: a part of it is hidden")
