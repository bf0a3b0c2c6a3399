"""Undo what copying and hiding do to numbers of any kind."""

import re
from typing import Final

# What copying brings along: blanks, dashes, joiners, and marks of direction
# that phones put around.
FOLD: Final = {
    **dict.fromkeys(map(ord, "\u00a0\u1680\u202f\u205f\u3000"), " "),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹣－ー"), "-"),
    **dict.fromkeys(range(0x200B, 0x2010), None),
    **dict.fromkeys(range(0x202A, 0x202F), None),
    **dict.fromkeys(range(0x2066, 0x206A), None),
    **dict.fromkeys([0x00AD, 0x2060, 0xFEFF], None),
}
MASKED_HINT: Final = (
    "give the whole number: what is left could be many people's"
)
_MASKED: Final = re.compile(
    r"\+?\d[\d ()-]*(?:[*＊•●]+|[xX×]{3,})[\d xX×*＊•●-]*", re.ASCII
)


def is_masked(text: str) -> bool:
    """Tell whether signs stand in a number where digits were: 138****8009."""
    return bool(_MASKED.fullmatch(text.strip()))
