"""Numbers of which somebody hid a part: 138****8009, 622202XXXXXX1234."""

import re
from typing import Final

HINT: Final = "give the whole number: what is left could be many people's"
_MASKED: Final = re.compile(
    r"\+?\d[\d ()-]*(?:[*＊•●]+|[xX×]{3,})[\d xX×*＊•●-]*", re.ASCII
)


def is_masked(text: str) -> bool:
    """Tell whether signs stand in a number where digits were."""
    return bool(_MASKED.fullmatch(text.strip()))
