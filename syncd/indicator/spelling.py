"""Undo what copying and hiding do to numbers of any kind."""

import re
from collections.abc import Mapping
from typing import Any

from syncd.errors import MalformedError

# What copying brings along: blanks, dashes, joiners, and marks of direction
# that phones put around.
FOLD: dict[int, Any] = str.maketrans(
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u202f\u205f\u3000"
    "‐‑‒–—―−﹣－ー",
    " " * 16 + "-" * 10,
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2066\u2067\u2068\u2069\ufeff",
)
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
