"""Cells: what one line says, or several that quotes hold together.

`Feed` gives lines to whatever parses them, one row at a time. CSV is parsed
by the standard library, strictly; the other formats by the functions here.
"""

import csv
import ipaddress
import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from operator import methodcaller
from typing import Any

from syncd.errors import MalformedError, UsageError
from syncd.lists import lines
from syncd.lists.rows import Flawed

MAX_LINES = 100  # that one quoted cell may run over
_ONE = "\x1f"  # stands for a delimiter of several characters
_UNSURE = re.compile("[\ue000-\uf8ff\ufffd]")  # of private use, or lost
_OWN = re.compile(
    r"localhost(?:\.localdomain)?|local|broadcasthost|0\.0\.0\.0"
    r"|ip6-(?:localhost|loopback|localnet|mcastprefix|all\w+)"
)

Cells = Sequence[str] | Mapping[str, str]


class Feed:
    """Lines in order, as a parser takes them; they may be put back."""

    def __init__(
        self, fresh: Iterator[lines.Line], passes: Callable[[str], bool]
    ) -> None:
        self._fresh, self._passes = fresh, passes
        self._back: deque[lines.Line] = deque()
        self.taken: list[lines.Line] = []  # of the row that is being read
        self.passed = False  # it is no row: blank, or a comment

    def __iter__(self) -> "Feed":
        return self

    def __next__(self) -> str:
        """Return the next line; stop where a row must not go on."""
        line = self._back.popleft() if self._back else next(self._fresh)
        self.taken.append(line)
        if len(self.taken) == 1:
            self.passed = not line.problem and self._passes(line.text)
            return "" if line.problem or self.passed else line.text + "\n"
        long = line.end - self.taken[0].end > lines.MAX_LINE
        if line.problem or long or len(self.taken) > MAX_LINES:
            raise StopIteration
        return line.text + "\n"

    def fault(self) -> MalformedError:
        """Return why a row is no CSV; its later lines will come again."""
        first, *more = self.taken
        self._back.extendleft(reversed(more))
        self.taken = [first]
        if more or first.text.count('"') % 2:
            return MalformedError("a quote is opened and not closed")
        if "\r" in first.text:
            return MalformedError("holds a carriage return")
        return MalformedError("text behind a closing quote")


def separated(feed: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Return cells that a delimiter parts, by the rules of CSV."""
    if several := len(delimiter) > 1:
        # `map` goes on after an error, where a generator would have ended.
        feed = map(methodcaller("replace", delimiter, _ONE), feed)
    rows = csv.reader(
        feed,
        delimiter=_ONE if several else delimiter,
        strict=True,
        skipinitialspace=True,
    )
    return map(partial(_restored, delimiter), rows) if several else rows


def _restored(delimiter: str, cells: list[str]) -> list[str]:
    return [cell.replace(_ONE, delimiter) for cell in cells]


def of_widths(told: str) -> list[slice]:
    """Return the columns that `1-19,20-60` are; UsageError if it is none."""
    found = [*map(int, re.findall(r"\d+", told))]
    if not re.fullmatch(r"\d{1,5}-\d{1,5}(?:,\d{1,5}-\d{1,5})*", told) or any(
        not 0 < a <= b for a, b in pairwise(found)
    ):
        raise UsageError(
            "--widths {told}: want columns in order, as in 1-19,20-60",
            told=repr(told),
        )
    return [slice(a - 1, b) for a, b in zip(*[iter(found)] * 2, strict=True)]


def cut(feed: Feed, name: str, widths: Sequence[slice], _: str) -> Cells:
    """Return the columns of the line that was fed, without their blanks.

    It may end early, where the blanks at its end were cut off.
    """
    raw = lines.gb18030(feed.taken[-1], name)
    try:
        return [lines.decode(raw[at], "gb18030").strip() for at in widths]
    except UnicodeDecodeError:
        raise MalformedError("a column cuts a character") from None


def plain(text: str) -> Cells:
    """Return a line as its only cell."""
    return (text.removesuffix("\n"),)


def hosts(text: str) -> Cells:
    """Return the hosts of a line, or nothing if they are the system's own."""
    address, *names = text.split("#", 1)[0].split() or [""]
    theirs = [name for name in names if not _OWN.fullmatch(name.lower())]
    try:
        where = ipaddress.ip_address(address if theirs else "::")
        if names and (where.is_unspecified or where.is_loopback):
            return (" ".join(theirs),) if theirs else ()
    except ValueError:
        pass
    raise MalformedError(
        "no blocked host: want 0.0.0.0 or 127.0.0.1, then hosts"
    )


def flat(text: str) -> dict[str, str]:
    """Return one JSON object of plain values as cells by their names."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_int=str)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise MalformedError("no JSON object")
    return {name: _scalar(name, value) for name, value in found.items()}


def _scalar(name: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case [*several] if all(
            isinstance(one, str) and ";" not in one for one in several
        ):
            return ";".join(several)
    raise MalformedError("{name} is no text", name=repr(name)[:80])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError("the object has a name twice")
    return found


def marked(text: str, cells: Sequence[str]) -> Sequence[str]:
    """Return cells of which those that others see otherwise say so."""
    return [*map(_mark, cells)] if _UNSURE.search(text) else cells


def _mark(cell: str) -> str:
    found = _UNSURE.search(cell)
    if not found:
        return cell
    why = MalformedError(
        "holds U+{code}, which is lost or of private use",
        code=f"{ord(found[0]):04X}",
    )
    return Flawed(cell, why)
