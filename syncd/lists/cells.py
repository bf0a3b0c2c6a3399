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
from syncd.lists.lines import Line
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
        self, fresh: Iterator[Line], passes: Callable[[str], bool]
    ) -> None:
        self._fresh, self._passes = fresh, passes
        self._back: deque[Line] = deque()
        self.taken: list[Line] = []  # of the row that is being read
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
        if "\r" in first.text and '"' not in first.text:
            return MalformedError("holds a carriage return")
        if more or first.text.count('"') % 2:
            return MalformedError("a quote is opened and not closed")
        return MalformedError("text behind a closing quote")


def separated(feed: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Return cells that a delimiter parts, by the rules of CSV."""
    single = len(delimiter) == 1
    # `map` goes on after an error, where a generator would have ended.
    rows: Iterator[list[str]] = csv.reader(
        feed
        if single
        else map(methodcaller("replace", delimiter, _ONE), feed),
        delimiter=delimiter if single else _ONE,
        strict=True,
        skipinitialspace=True,
    )
    return rows if single else map(partial(_restored, delimiter), rows)


def _restored(delimiter: str, cells: list[str]) -> list[str]:
    return [cell.replace(_ONE, delimiter) for cell in cells]


def plain(text: str) -> Cells:
    """Return a line as its only cell."""
    return (text.removesuffix("\n"),)


def of_widths(told: str) -> list[tuple[int, int]]:
    """Return where columns begin and end, bytes from 0.

    Raises:
        UsageError: they are no ranges such as 1-19,20-60, in their order.
    """
    found = re.findall(r"(\d{1,5})-(\d{1,5})(?:,|$)", told)
    at = [(int(begin) - 1, int(end)) for begin, end in found]
    edges = [edge for column in at for edge in column]
    if (
        ",".join(map("-".join, found)) != told
        or any(a >= b for a, b in at)
        or any(a > b for a, b in pairwise([0, *edges]))
    ):
        raise UsageError(
            "--widths {told}: want columns in order, as in 1-19,20-60",
            told=repr(told),
        )
    return at


def cut(
    feed: Feed, name: str, widths: Sequence[tuple[int, int]], _: str
) -> Cells:
    """Return the columns of the line that was fed, without blanks.

    A line may end early, as where blanks at its end were cut off.

    Raises:
        MalformedError: a column begins or ends inside a character.
    """
    found = []
    raw = lines.gb18030(feed.taken[-1], name)
    for begin, end in widths:
        try:
            found.append(lines.decode(raw[begin:end], "gb18030").strip())
        except UnicodeDecodeError:
            raise MalformedError(
                "bytes {begin} to {end} cut a character",
                begin=begin + 1,
                end=end,
            ) from None
    return found


def hosts(text: str) -> Cells:
    """Return the hosts of a line, or nothing if they are the system's own.

    Raises:
        MalformedError: it is no address with hosts, or blocks none.
    """
    address, *names = text.split("#", 1)[0].split() or [""]
    theirs = [name for name in names if not _OWN.fullmatch(name.lower())]
    if names and not theirs:
        return ()
    try:
        where = ipaddress.ip_address(address)
        if theirs and (where.is_unspecified or where.is_loopback):
            return (" ".join(theirs),)
    except ValueError:
        pass
    raise MalformedError(
        "no blocked host: want 0.0.0.0 or 127.0.0.1, then hosts"
    )


def flat(text: str) -> dict[str, str]:
    """Read one JSON object of plain values as cells by their names.

    Raises:
        MalformedError: it is none.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_int=str)
    except (ValueError, RecursionError):
        raise MalformedError("no JSON object") from None
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


def marked(cells: Sequence[str]) -> list[str]:
    """Return cells of which those that hold no sure character say so."""
    return [_flawed(cell) if unsure(cell) else cell for cell in cells]


def unsure(text: str) -> bool:
    """Tell whether a text holds what others see as another character."""
    return not text.isascii() and bool(_UNSURE.search(text))


def _flawed(cell: str) -> Flawed:
    found = _UNSURE.search(cell)
    return Flawed(
        cell,
        MalformedError(
            "holds U+{code}, which is lost or of private use",
            code=f"{ord(found[0]):04X}" if found else "",
        ),
    )
