"""Split a line of text into cells, for each format of text.

CSV is parsed by the standard library, strictly; the other formats by the
functions here.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from syncd.errors import MalformedError, UsageError
from syncd.lists import lines

_ONE = "\x1f"  # stands for a delimiter of several characters
_OWN = (
    r"(?i:localhost(?:\.localdomain)?|local|broadcasthost|0\.0\.0\.0"
    r"|ip6-(?:localhost|loopback|localnet|mcastprefix|all\w+))"
)
_ADDRESS = r"[\da-fA-F]*[.:][\da-fA-F.:]*(?:%\w+)?"
_NOWHERE = r"(?:0\.0\.0\.0|127(?:\.\d+){3}|::1?)"
# Lines of a hosts file: one that is the system's own, one that blocks.
OWN_LINE = rf"\s*{_ADDRESS}(?:\s+{_OWN})+\s*(?:#|$)"
_BLOCKING = rf"\s*{_NOWHERE}\s+(?:{_OWN}\s+)*([\w.-][^#]*)"
HOSTS = re.compile(f"{OWN_LINE}|{_BLOCKING}")

Cells = Sequence[str] | Mapping[str, str]


def separated(feed: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Return cells that a delimiter parts, by the rules of CSV."""
    if len(delimiter) > 1:
        feed = (text.replace(delimiter, _ONE) for text in feed)
        rows = separated(feed, _ONE)
        return ([c.replace(_ONE, delimiter) for c in row] for row in rows)
    return csv.reader(
        feed, delimiter=delimiter, strict=True, skipinitialspace=True
    )


def of_widths(widths: str) -> list[slice]:
    """Return the columns that `1-19,20-60` are; UsageError if it is none."""
    found = [*map(int, re.findall(r"\d+", widths))]
    if not re.fullmatch(r"(?:\d{1,5}-\d{1,5}(?:,(?!$)|$))*", widths) or any(
        not 0 < a <= b for a, b in pairwise(found)
    ):
        raise UsageError(
            "--widths {told}: want columns in order, as in 1-19,20-60",
            told=repr(widths),
        )
    return [slice(a - 1, b) for a, b in zip(*[iter(found)] * 2, strict=True)]


def cut(
    taken: Sequence[lines.Line], name: str, widths: Sequence[slice], _: str
) -> Cells:
    """Return the columns of the line that was taken, without their blanks.

    It may end early, where the blanks at its end were cut off.
    """
    raw = lines.gb18030(taken[-1], name)
    try:
        return [lines.decode(raw[at], "gb18030").strip() for at in widths]
    except UnicodeDecodeError:
        raise MalformedError("a column cuts a character") from None


def plain(text: str) -> Cells:
    """Return a line as its only cell."""
    return (text.removesuffix("\n"),)


def hosts(text: str) -> Cells:
    """Return the hosts that a line of a hosts file blocks, as one cell."""
    found = re.match(_BLOCKING, text)
    if not found:
        raise MalformedError(
            "no blocked host: want 0.0.0.0 or 127.0.0.1, then hosts"
        )
    return (found[1].strip(),)


def flat(text: str) -> Cells:
    """Return one JSON object of plain values as cells by their names."""
    try:
        pairs = json.loads(text, object_pairs_hook=tuple, parse_int=str)
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, tuple):
        raise MalformedError("no JSON object")
    found = {name: _scalar(name, value) for name, value in pairs}
    if len(found) < len(pairs):
        raise MalformedError("the object has a name twice")
    return found


def _scalar(name: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case list() if all(type(v) is str and ";" not in v for v in value):
            return ";".join(value)
    raise MalformedError("{name} is no text", name=repr(name)[:80])
