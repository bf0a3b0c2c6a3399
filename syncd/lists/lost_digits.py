"""Find digits that a spreadsheet dropped from numbers.

    6.22202E+18  6,22E18  13800138000.0  13,800,138,000    one cell shows it
    0123456789012345 … 123456789012345                     the column shows it

Zeros from the 16th digit on are `indicator.account`'s work. One zero at the
end of 16 digits, or two at that of 19 (as JavaScript writes them), prove
nothing before the whole column has them.
"""

import re
from collections import Counter
from collections.abc import Iterator

from syncd.errors import MalformedError

_NUMBER = re.compile(
    r"[+-]?(?:\d{1,3}(?:[.,]\d+)?E[+-]?\d{1,3}|\d{5,}[.,]0+"
    r"|\d{1,3}(?:,\d{3}){2,}(?:\.0+)?)",
    re.ASCII | re.IGNORECASE,
)
_DIGITS = re.compile("[0-9]{8,30}")
_FEW = 3  # cells that show nothing yet
_MANY = 10  # which end with 0 by chance once in 10^10
_EXACT = 15  # digits that a spreadsheet keeps
_DOUBLE = 17  # at most, that JavaScript and others do


def value(cell: str) -> str:
    """Return a value that no spreadsheet made a number of.

    Raises:
        MalformedError: one did.
    """
    if cell[-1].isdecimal() and _NUMBER.fullmatch(cell):
        raise MalformedError(
            "a spreadsheet rounded it to a number: format the column as"
            " text and fill it again"
        )
    return cell


class Lengths:
    """How long the account numbers of a whole list are; none is kept."""

    def __init__(self) -> None:
        self._lengths = Counter[int]()
        self._led = Counter[int]()  # of them with a 0 in front
        self._ended = Counter[int]()  # of them with zeros at the end

    def add(self, value: str) -> None:
        """Count a value, if it is digits."""
        if _DIGITS.fullmatch(value):
            n = len(value)
            self._lengths[n] += 1
            self._led[n] += value[0] == "0"
            self._ended[n] += value.endswith("0" * max(1, n - _DOUBLE))

    def faults(self, cell: str) -> Iterator[MalformedError]:
        """Yield what is lost in a cell, by what its column shows.

        One that is marked as text ('0138…) has lost nothing.
        """
        n = len(cell)
        if not (self._lengths and _DIGITS.fullmatch(cell)):
            return
        most, count = self._lengths.most_common(1)[0]
        usual = 2 * count > self._lengths.total() >= _FEW
        bare = cell[0] != "0" and self._led[most]
        if usual and bare and 0 < most - n < 4:
            yield MalformedError(
                "value: {n} digits, where most have {most} and some of these"
                " a 0 in front: it may have lost its own",
                n=n,
                most=most,
            )
        if n > _EXACT and self._ended[n] == self._lengths[n] >= _MANY:
            yield MalformedError(
                "value: all numbers of {n} digits end with 0: a program"
                " rounded them",
                n=n,
            )
