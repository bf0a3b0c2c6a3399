"""What people read of events, in the words of phrases.tsv."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from syncd.messages import catalogue, wire

# Ids, codes, origins and days; of digits never as many as a number has.
_CODES = re.compile(r"(?!.*\d{9})[\w.,: /-]*", re.ASCII)


def said(name: str, data: Mapping[str, Any]) -> str:
    """Return an event's sentence, with no more than ids, counts and days."""
    shown = {n: value for n in data if (value := plain(data[n])) is not None}
    why = wire.read({**data, "quoted": {}})
    words = defaultdict(lambda: "…", shown, why=catalogue.say(why))
    return catalogue.phrase("event", name).format_map(words)


def plain(value: object) -> int | str | None:
    """Return a value as it may leave; positions as `origin:index`."""
    if isinstance(value, list):
        position = [*map(type, value)] == [str, int]
        value = (":" if position else ", ").join(str(plain(v)) for v in value)
    if isinstance(value, int) or (
        isinstance(value, str) and _CODES.fullmatch(value)
    ):
        return value
    return None
