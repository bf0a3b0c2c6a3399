"""Find the row that names the columns, and the field that each one is.

People put titles above a header: a banner, who made the list, blank rows. One
rule finds it in texts and sheets, and whoever skips rows by it says so in a
note. A column is a field by its name, in English or Chinese, or as it is given.
Nothing is guessed: two columns of one name or meaning are a UsageError, and so
are a header that looks like data, and a name of a column or field that is none.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice

from syncd import tsv
from syncd.errors import MalformedError, Message, UsageError
from syncd.indicator import notation
from syncd.indicator.record import ReportFields
from syncd.lists.rows import FileOptions

NAMES = {into: tuple(n.split()) for into, n in tsv.rows("lists/columns.tsv")}
FIELDS = (
    *NAMES,
    *(
        name
        for name, form in notation.forms(ReportFields).items()
        if name not in NAMES and form.name != "positions"
    ),
)
FIRST = 20  # rows among which the header is looked for


@lru_cache(4096)
def fold(name: str) -> str:
    """Return a column's name as names are compared."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"\([^()]*\)\s*$", "", text)
    return re.sub(r"[\s_\-*:/.]+", "", text)


BY_NAME = {fold(name): name for name in FIELDS} | {
    name: into for into, names in NAMES.items() for name in names
}


def knows(options: FileOptions) -> Callable[[str], bool]:
    """Return what tells whether a name of a column means something."""
    mapped = {*map(str.strip, options.names)}  # or numbers, which name nothing
    return lambda name: (
        fold(name) in BY_NAME
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
        here = sum(map(known, filled))
        title = widest < len(filled) or widest == 1
        if here > most and (
            not n or (title and (here > 1 or here == len(filled)))
        ):
            best, most = n, here
        widest = max(widest, len(filled))
    return best


def skipped(n: int, line: int) -> Message:
    """Return the note on where the header is, and n rows skipped above it."""
    if not n:
        return Message("the header is line {line}", line=line)
    return Message(
        "the header is line {line}: rows skipped above it: {n}", line=line, n=n
    )


def understood(
    mapped: Mapping[str, str],
    header: Sequence[str],
    width: int,
    by_name: Mapping[str, str],
    where: str,
) -> dict[int, str]:
    """Return which column, from 0, is which field: as given, else by name."""
    _check_names(header, mapped, where)
    named = dict[int, str]()
    for into, column in mapped.items():
        at = place(column, header, width, where)
        if at in named:
            raise UsageError("{where}: a column is named twice", where=where)
        named[at] = into
    fields = {*by_name.values()}
    found = {at: into for at, into in named.items() if into in fields}
    for at, name in enumerate(header):
        into = by_name.get(fold(name), "")
        if not into or into in mapped or at in named:
            continue
        twin = next((c for c, f in found.items() if f == into), None)
        if twin is not None and into != "place":
            raise UsageError(
                "{where}: columns {one} and {two} both mean {field}",
                where=where,
                one=repr(header[twin]),
                two=repr(name),
                field=into,
            )
        found[at] = into
    return found


def parted(
    maps: Iterable[str], fields: Collection[str] = FIELDS
) -> dict[str, str]:
    """Read FIELD=COLUMN, a name or a number from 1, of each field one."""
    found = dict[str, str]()
    for text in maps:
        into, equals, column = text.partition("=")
        if not equals or into not in fields:
            raise UsageError(
                "--map {text}: want FIELD=COLUMN",
                text=repr(text),
                names=", ".join(fields),
            )
        if into in found:
            raise UsageError("--map names {field} twice", field=into)
        found[into] = column
    return found


def place(column: str, header: Sequence[str], width: int, where: str) -> int:
    """Return where a column is, from 0, by its name or its number from 1."""
    if column in header:
        return list(header).index(column)
    number = re.fullmatch("[0-9]{1,5}", column) and int(column)
    if number and number <= width:
        return number - 1
    raise UsageError(
        "{where}: no column {name}"
        if number is None
        else "{where}: no column {n}, there are {width}",
        where=where,
        name=repr(column),
        n=number,
        width=width,
        hint="columns: {names}",
        names=", ".join(filter(None, header)) or "1, 2 …",
    )


# What the name of a column never is; and what one that is named by its
# number may not look like, for then there may be no header at all.
_DATA = re.compile(r"(?:\d[ -]?){7}|://", re.ASCII)
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/.*)?", re.ASCII)


def _check_names(
    header: Sequence[str], mapped: Mapping[str, str], where: str
) -> None:
    """Pass names that are none twice, and look like no data."""
    there = dict[str, int]()
    for n, name in enumerate(header, 1):
        text = unicodedata.normalize("NFKC", name).casefold()
        if _DATA.search(text) or (
            str(n) in mapped.values() and _DOMAIN.fullmatch(text)
        ):
            raise UsageError(
                "{where}: column {n} of the header looks like a value",
                where=where,
                n=n,
            )
        if name and name in there:
            raise UsageError(
                "{where}: columns {one} and {two} are both named {name}",
                where=where,
                one=there[name],
                two=n,
                name=repr(name),
            )
        there[name] = n


def check_all_there(
    needed: Sequence[str], found: set[str], header: Sequence[str], where: str
) -> None:
    """Pass if all that is needed comes from somewhere."""
    missing = [name for name in needed if name not in found]
    if not missing:
        return
    ways = " ".join(
        f"--map {m}=COLUMN" if m == "value" else f"--{m} CODE" for m in missing
    )
    raise UsageError(
        "{where}: no column and no option for {fields}",
        where=where,
        fields=", ".join(missing),
        ways=ways,
        columns=", ".join(header) or MalformedError("no header"),
    )
