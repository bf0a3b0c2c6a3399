"""Columns: which cell is which field of a report.

A field comes from a column that bears its name (in English or Chinese), from
one that is named for it, or from a constant, which also stands where a cell
is empty. Nothing is guessed: what is needed and comes from nowhere is named
all at once. Columns that mean nothing here never leave this module. What a
cell's word means is `words`' work, a day `days`', digits that a spreadsheet
lost `losses`'.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import lru_cache, partial
from typing import Any, Final

from syncd.errors import MalformedError, SyncdError, UsageError, joined
from syncd.flows.draft import NEEDED
from syncd.indicator import account, phone
from syncd.lists import days, losses, words
from syncd.lists.rows import Flawed, Row
from syncd.lists.safe import plain
from syncd.lists.words import Convert, Own, UnknownError

NAMES: Final = {
    into: tuple(n.split()) for into, n in words.rows("columns.tsv")
}
FIELDS: Final = tuple(NAMES)
_BY_NAME: Final = {name: f for f, names in NAMES.items() for name in names}
_At = tuple[Any, str, Convert]  # column, field, meaning
_WORDS: Final = 1000  # different ones that are counted apart
_NONE: Final[tuple[str, Convert]] = ("", str)


@dataclass(frozen=True, slots=True)
class Said:
    """What the owner of a list says of it, beside the file itself."""

    columns: Mapping[str, str] = field(default_factory=dict)
    # field → name of a column, or its number from 1
    constants: Mapping[str, Any] = field(default_factory=dict)
    words: Own = field(default_factory=dict)
    zone: tzinfo = days.ZONE  # where the days of instants are


@dataclass(frozen=True, slots=True)
class Columns:
    """How a row becomes a report."""

    at: tuple[_At, ...]
    named: Mapping[str, tuple[str, Convert]]  # of rows that name their cells
    names: tuple[tuple[str, str], ...]  # column, field or "": not stored
    constants: Mapping[str, Any]
    seen: losses.Seen | None = None  # what the whole file showed
    ignored: Counter[tuple[str, str]] = field(default_factory=Counter)
    # words that no row needed, by field, and in how many rows

    @property
    def unused(self) -> tuple[str, ...]:
        """Return the columns that are not stored."""
        return tuple(name for name, into in self.names if name and not into)

    def report(self, row: Row) -> dict[str, Any]:
        """Return the report that a row is.

        Raises:
            MalformedError: cells do not say what they must; names them all.
        """
        found = dict(self.constants)
        cells: Any = row.cells
        at = self._by_name(cells) if self.named else self.at
        faults: list[SyncdError] = []
        for column, into, convert in at:
            said = cells[column]
            if type(said) is Flawed:
                faults.append(_at(into, said.why))
            elif cell := plain(said):
                try:
                    found[into] = convert(cell)
                except MalformedError as e:
                    if into in NEEDED or not words.is_empty(cell):
                        faults.append(_at(into, e))
        if self.seen is not None and found.get("kind") == "account":
            faults += self.seen.faults(
                [cells[c].strip() for c, into, _ in at if into == "value"]
            )
        if faults:
            faults = [f for f in faults if not self._needless(f, found)]
        if faults:
            raise joined(faults)
        found.pop("place", None)
        if bank := found.pop("bank", ""):
            code = found.get("scheme", "")
            found["scheme"] = f"{code} {bank}" if code else bank
        return found

    def value(self, row: Row) -> str:
        """Return the cell with a row's value, "" if it has none."""
        cells: Any = row.cells
        if not cells:  # it could not be read
            return ""
        with suppress(MalformedError, LookupError):
            at = self._by_name(cells) if self.named else self.at
            for column, into, _ in at:
                if into == "value" and (cell := plain(cells[column])):
                    return cell
        return ""

    def surveyed(self, rows: Iterable[Row]) -> "Columns":
        """Return the same, knowing what all rows show of lost digits.

        Only accounts need it: rows are not read where there can be none.
        """
        if self.constants.get("kind", "account") != "account" and not any(
            into == "kind" for _, into, _ in self.at
        ):
            return self
        seen = losses.Seen()
        for row in rows:
            if row.problem is None:
                with suppress(MalformedError):
                    found = self.report(row)
                    if found.get("kind") == "account":
                        seen.add(found.get("value", ""))
        return replace(self, seen=seen, ignored=Counter())

    def _by_name(self, cells: Mapping[str, str]) -> Sequence[_At]:
        """Return the cells of an object that mean a field, each its own."""
        used: set[str] = set()
        found: list[_At] = []
        for name, cell in cells.items():
            into, convert = (
                self.named.get(name) or self.named.get(_fold(name)) or _NONE
            )
            if not (into and cell.strip()):
                continue
            if into in used and into != "place":
                raise MalformedError("{field}: is there twice", field=into)
            used.add(into)
            found.append((name, into, convert))
        return found

    def _needless(self, why: SyncdError, found: Mapping[str, Any]) -> bool:
        """Tell whether a row can do without a word that nobody knows.

        A place is nothing that is reported. A number with its country code
        needs no country, a card or IBAN no bank, and what is no account no
        scheme. What was left out so is counted.
        """
        if not isinstance(why, UnknownError):
            return False
        kind, value = found.get("kind"), found.get("value", "")
        try:
            match why.field:
                case "place":
                    needless = True
                case "region":
                    needless = kind == "url" or _has_country(kind, value)
                case "bank" if kind == "account":
                    form = account.normalise(value, found.get("scheme"))
                    needless = form.startswith(("card:", "iban:"))
                case "bank" | "scheme":
                    needless = kind in {"phone", "url"}
                case _:
                    needless = False
        except MalformedError:
            return False
        if needless:
            word = why.field, str(why.params["word"])
            many = len(self.ignored) >= _WORDS and word not in self.ignored
            self.ignored[(why.field, "…") if many else word] += 1
        return needless


def _has_country(kind: str | None, value: str) -> bool:
    """Tell whether a value is read without a region: it has +… or 00…."""
    if kind == "phone":
        phone.normalise(value, "")
    return kind in {"phone", "account"}


def _at(into: str, why: MalformedError) -> MalformedError:
    if "field" in why.params:
        return why
    params = {**why.params, "field": into, "why": why}
    return MalformedError("{field}: {why}", hint=why.advice, **params)


@lru_cache(4096)
def _fold(name: str) -> str:
    """Return a column's name as names are compared."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"\([^()]*\)\s*$", "", text)
    return re.sub(r"[\s_\-*:/.]+", "", text)


def known(name: str) -> bool:
    """Tell whether a column of this name means a field."""
    return _fold(name) in _BY_NAME


# --------------------------------------------------------------- the plan


def plan(
    header: Sequence[str] | None,
    width: int,
    said: Said,
    *,
    where: str,
    fields: Sequence[str] = FIELDS,
) -> Columns:
    """Return how the rows of a table become reports, or `fields` of them.

    `header` is () for a table without one, None where each row names its
    own cells.

    Raises:
        UsageError: a column that is named is not there, two mean the same,
            or something that is needed comes from nowhere.
    """
    read = {into: _meaning(into, said) for into in fields}
    constants = {
        name: _constant(name, value, read)
        for name, value in said.constants.items()
    }
    if header is None:
        named = {
            name: into
            for name, into in _BY_NAME.items()
            if into in fields and into not in said.columns
        }
        named |= {
            c: into for into, c in said.columns.items() if into in fields
        }
        by_name = {name: (into, read[into]) for name, into in named.items()}
        return Columns((), by_name, (), constants)
    _no_data(header, said.columns, where)
    _no_twins(header, where)
    told = _numbers(said.columns, header, width, where)
    if len(set(told.values())) != len(told):
        raise UsageError("{where}: a column is named twice", where=where)
    found = {at: into for into, at in told.items() if into in fields}
    for at, name in enumerate(header):
        into = _BY_NAME.get(_fold(name), "")
        if into not in fields or into in told or at in told.values():
            continue
        twin = next((c for c, f in found.items() if f == into), None)
        if twin is not None and into != "place":
            raise UsageError(
                "{where}: columns {one} and {two} both mean {field}",
                where=where,
                one=repr(header[twin]),
                two=repr(name),
                field=into,
                hint="--map {field}=…",
            )
        found[at] = into
    needed = [name for name in NEEDED if name in fields]
    _all_there(needed, {*found.values()} | {*constants}, header, where)
    names = [*header] or [str(n + 1) for n in range(width)]
    return Columns(
        tuple((at, into, read[into]) for at, into in found.items()),
        {},
        tuple((name, found.get(at, "")) for at, name in enumerate(names)),
        constants,
    )


def parted(maps: Iterable[str]) -> dict[str, str]:
    """Read FIELD=COLUMN, a name or a number from 1, of each field one.

    Raises:
        UsageError: one is something else.
    """
    found: dict[str, str] = {}
    for text in maps:
        into, equals, column = text.partition("=")
        if not equals or into not in FIELDS:
            raise UsageError(
                "--map {text}: want FIELD=COLUMN",
                text=repr(text),
                hint="fields: {names}",
                names=", ".join(FIELDS),
            )
        if into in found:
            raise UsageError("--map names {field} twice", field=into)
        found[into] = column
    return found


def _numbers(
    told: Mapping[str, str], header: Sequence[str], width: int, where: str
) -> dict[str, int]:
    """Return which column, from 0, is told to be which field."""
    found: dict[str, int] = {}
    for into, column in told.items():
        if column in header:
            found[into] = list(header).index(column)
        elif column.isascii() and column.isdecimal() and len(column) < 6:
            found[into] = int(column) - 1
            if not 0 <= found[into] < width:
                raise UsageError(
                    "{where}: no column {n}, there are {width}",
                    where=where,
                    n=int(column),
                    width=width,
                )
        else:
            raise UsageError(
                "{where}: no column {name}",
                where=where,
                name=repr(column),
                hint="columns: {names}",
                names=", ".join(header) or "1, 2 …",
            )
    return found


# What the name of a column never is; and what one that is named by its
# number may not look like, for then there may be no header at all.
_DATA: Final = re.compile(r"(?:\d[ -]?){7}|://", re.ASCII)
_DOMAIN: Final = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/.*)?", re.ASCII)


def _no_data(
    header: Sequence[str], told: Mapping[str, str], where: str
) -> None:
    for column, name in enumerate(header, 1):
        text = unicodedata.normalize("NFKC", name).casefold()
        if _DATA.search(text) or (
            str(column) in told.values() and _DOMAIN.fullmatch(text)
        ):
            raise UsageError(
                "{where}: column {n} of the header looks like a value",
                where=where,
                n=column,
                hint="if the first row is data: --no-header and --map"
                " value={n}; else give the column a name",
            )


def _no_twins(header: Sequence[str], where: str) -> None:
    there: dict[str, int] = {}
    for column, name in enumerate(header, 1):
        if name and name in there:
            raise UsageError(
                "{where}: columns {one} and {two} are both named {name}",
                where=where,
                one=there[name],
                two=column,
                name=repr(name),
                hint="rename one of them",
            )
        there[name] = column


def _all_there(
    needed: Sequence[str], found: set[str], header: Sequence[str], where: str
) -> None:
    missing = [name for name in needed if name not in found]
    if not missing:
        return
    ways = " ".join(
        f"--map {m}=COLUMN" if m == "value" else f"--{m} CODE" for m in missing
    )
    raise UsageError(
        "{where}: no column and no option for {names}",
        where=where,
        names=", ".join(missing),
        hint="nothing is guessed: say {ways}, or --map FIELD=COLUMN;"
        " columns here: {columns}",
        ways=ways,
        columns=", ".join(header) or MalformedError("no header"),
    )


# ------------------------------------------------------- what a cell means


def _meaning(into: str, said: Said) -> Convert:
    if into in words.FIELDS:
        read = words.meaning(into, said.words)
        if into == "scheme":
            return lambda cell: read(losses.value(cell))
        return read
    if into in {"seen", "expires"}:
        return partial(days.day, zone=said.zone)
    return {"value": losses.value, "confidence": _percent}.get(into, str)


def _constant(into: str, value: Any, read: Mapping[str, Convert]) -> Any:
    if not isinstance(value, str) or into not in read:
        return value
    try:
        return read[into](value)
    except MalformedError as e:
        raise UsageError(
            "--{name}: {why}",
            hint=e.advice,
            **{**e.params, "name": into.replace("_", "-"), "why": e},
        ) from None


def _percent(cell: str) -> int:
    """Return 0 to 100, or what a draft is refused for; 80 is 80% and 80.0."""
    text = unicodedata.normalize("NFKC", cell)
    found = re.fullmatch(r"([0-9]{1,9})(?:\.0+)? ?%?", text)
    if found is None:
        raise MalformedError("no whole number")
    return int(found[1])
