"""Headers: which of a list's first rows names its columns.

People put titles above it: a banner, who made the list, blank rows. This is
the one rule for text and sheets. It never guesses in silence: whoever skips
rows by it says so in a note.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from syncd.lists import names
from syncd.lists.rows import Note, Told

FIRST = 20  # rows among which the header is looked for


def knows(told: Told) -> Callable[[str], bool]:
    """Return what tells whether a name of a column means something."""
    mapped = {*map(str.strip, told.names)}  # or numbers, which name nothing
    return lambda name: (
        names.known(name)
        or (name.strip() in mapped and not name.strip().isdecimal())
    )


def header_row(
    rows: Iterable[Sequence[str]], known: Callable[[str], bool]
) -> int:
    """Return which of the rows, from 0, is the header.

    It is the one with the most known names, the first of equals. One below
    others must have two, or no other cell, and each row above it must have
    fewer filled cells (or one, as a title has): else it is the first row.
    """
    best, most, widest = 0, 0, 0
    for n, row in enumerate(islice(rows, FIRST)):
        # A merged title is the same in all its cells.
        filled = {cell for cell in row if cell.strip()}
        names = sum(map(known, filled))
        title = widest < len(filled) or widest == 1
        if names > most and (
            not n or (title and (names > 1 or names == len(filled)))
        ):
            best, most = n, names
        widest = max(widest, len(filled))
    return best


def skipped(rows: int, line: int) -> Note:
    """Return the note on where the header is, and rows skipped above it."""
    if not rows:
        return Note("the header is line {line}", {"line": line})
    return Note(
        "the header is line {line}: rows skipped above it: {n}",
        {"line": line, "n": rows},
    )
