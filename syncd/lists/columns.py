"""Map the cells of a row to the fields of a report.

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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from functools import partial
from typing import Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.errors import MalformedError, SyncdError, UsageError, joined
from syncd.flows.draft import NEEDED
from syncd.indicator import notation
from syncd.indicator.identifier import KINDS, Identifier, for_report
from syncd.indicator.record import ReportFields
from syncd.lists import column_names, days, lost_digits, words
from syncd.lists.rows import Row, flaw
from syncd.lists.safe import plain
from syncd.lists.words import Convert, Own, UnknownError

WHOSE = frozenset({"kind", "value", "scheme", "bank", "region"})
HOW = frozenset({"region", "scheme", "keep_query", "allow_personal"})
_WORDS = 1000  # different ones that are counted apart


class ListDescription(Struct, frozen=True):
    """What the owner of a list says of it, beside the file itself."""

    columns: Mapping[str, str] = {}
    # field → name of a column, or its number from 1
    constants: Mapping[str, Any] = {}
    words: Own = {}
    zone: tzinfo = days.ZONE  # where the days of instants are


class Extra(NamedTuple):
    """A field of rows that are no reports."""

    names: str  # that its column may bear, as `column_names.fold` has them
    means: Convert = str


NO_EXTRA: Mapping[str, Extra] = {}


class Columns(Struct, frozen=True):
    """How a row becomes a report."""

    at: Mapping[Any, str]  # column → field
    named: Mapping[str, str]  # likewise, of rows that name their cells
    names: tuple[tuple[str, str], ...]  # column, field or "": not stored
    constants: Mapping[str, Any]
    means: Mapping[str, Convert]  # what a cell of a field says
    seen: lost_digits.Lengths | None = None  # what the whole file showed
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
        faults = list[SyncdError]()
        value = ""
        for into, text in self._cells(row.cells):
            if into == "value":
                value = text.strip()
            if why := flaw(text):
                faults.append(_at(into, why))
            elif cell := plain(text):
                try:
                    found[into] = self.means[into](cell)
                except MalformedError as e:
                    if into in NEEDED or not words.is_empty(cell):
                        faults.append(_at(into, e))
        if self.seen and found.get("kind") == "account":
            faults += self.seen.faults(value)
        if faults:
            faults = [f for f in faults if not self._needless(f, found)]
        if faults:
            raise joined([*faults, *_value_faults(faults, found)])
        found.pop("place", None)
        return _joined_bank(found)

    def value(self, row: Row) -> str:
        """Return the cell with a row's value, "" if it has none."""
        return dict(self._whose(row)).get("value", "")

    def known(self, row: Row) -> dict[str, Any]:
        """Return what says whose row it is, as far as that can be read."""
        found = {k: v for k, v in self.constants.items() if k in WHOSE}
        for into, cell in self._whose(row):
            with suppress(MalformedError):
                found[into] = self.means[into](cell)
        return _joined_bank(found)

    def surveyed(self, rows: Iterable[Row]) -> "Columns":
        """Return the same, knowing what all rows show of lost digits.

        Only accounts need it: rows are not read where there can be none.
        """
        kinds = bool(self.named) or "kind" in self.at.values()
        if self.constants.get("kind", "account") != "account" and not kinds:
            return self
        seen = lost_digits.Lengths()
        for row in rows:
            found = self.known(row)  # whatever its other cells say
            if found.get("kind") == "account":
                seen.add(found.get("value", ""))
        return replace(self, seen=seen)

    def field_of(self, name: str) -> str:
        """Return the field that a cell of this name is, "": not stored."""
        return self.named.get(name) or self.named.get(
            column_names.fold(name), ""
        )

    def _whose(self, row: Row) -> Iterator[tuple[str, str]]:
        """Yield field and cell of what says whose row it is."""
        with suppress(MalformedError, LookupError):
            # A row that could not be read has no cells.
            for into, text in self._cells(row.cells) if row.cells else ():
                if into in WHOSE and (cell := plain(text)):
                    yield into, cell

    def _cells(self, cells: Any) -> Iterable[tuple[str, str]]:
        """Return field and cell; an object's cells each name their own."""
        if not self.named:
            return [(into, cells[at]) for at, into in self.at.items()]
        there = [
            (into, cell)
            for name, cell in cells.items()
            if (into := self.field_of(name)) and cell.strip()
        ]
        for into, n in Counter(into for into, _ in there).items():
            if n > 1 and into != "place":
                raise MalformedError("{field}: is there twice", field=into)
        return there

    def _needless(self, why: SyncdError, found: Mapping[str, Any]) -> bool:
        """Tell whether a row can do without a word that nobody knows.

        A place is nothing that is reported. A number with its country code
        needs no country, a card or IBAN no bank, and what is no account no
        scheme. What was left out so is counted.
        """
        if not isinstance(why, UnknownError):
            return False
        about = why.field, found.get("kind")
        needless = why.field == "place"
        if why.field in WHOSE and about != ("scheme", "account"):
            with suppress(LookupError, MalformedError):
                needless = bool(_normal({**found, "region": ""}))
        if needless:
            word = why.field, str(why.params["word"])
            many = len(self.ignored) >= _WORDS and word not in self.ignored
            self.ignored[(why.field, "…") if many else word] += 1
        return needless


def _value_faults(
    faults: Sequence[SyncdError], found: Mapping[str, Any]
) -> Iterator[SyncdError]:
    """Yield what is wrong with a row's value too, if it is known whose it is.

    A fault of a cell names its field; a phone may be read by a region that
    only the daemon knows.
    """
    kind, region = found.get("kind", ""), found.get("region", "")
    known = (
        kind in KINDS and found.get("value") and (region or kind != "phone")
    )
    if not known or {f.params.get("field", "value") for f in faults} & WHOSE:
        return
    try:
        _normal(found)
    except SyncdError as e:
        yield e


def _normal(found: Mapping[str, Any]) -> Identifier:
    """Return what a row is about, by what is known of it."""
    row = _joined_bank(dict(found))
    how = {name: row[name] for name in HOW & row.keys()}
    return for_report(row["kind"], row["value"], **how)


def _joined_bank(found: dict[str, Any]) -> dict[str, Any]:
    """Return fields of which the scheme names the bank too."""
    if bank := found.pop("bank", ""):
        code = found.get("scheme", "")
        found["scheme"] = f"{code} {bank}" if code else bank
    return found


def _at(into: str, why: MalformedError) -> MalformedError:
    """Return a refusal that names its field."""
    if "field" in why.params:
        return why
    return MalformedError(
        "{field}: {why}", hint=why.way_out, field=into, why=why.text
    )


def plan(
    header: Sequence[str] | None,
    width: int,
    described: ListDescription,
    *,
    where: str,
    fields: Sequence[str] = column_names.FIELDS,
    more: Mapping[str, Extra] = NO_EXTRA,
) -> Columns:
    """Return how the rows of a table become reports, or `fields` of them.

    `header` is () for a table without one, None where each row names its
    own cells; `more` has fields that no report has, before which one of a
    report of the same name does not count.

    Raises:
        UsageError: a column that is named is not there, two mean the same,
            or something that is needed comes from nowhere.
    """
    means = {into: _meaning(into, described) for into in fields}
    means |= {into: one.means for into, one in more.items()}
    by_name = {n: f for n, f in column_names.BY_NAME.items() if f in fields}
    for into, one in more.items():
        by_name |= dict.fromkeys(one.names.split(), into)
    constants = {
        name: _constant(name, value, means)
        for name, value in described.constants.items()
    }
    if header is None:
        named = {
            n: f for n, f in by_name.items() if f not in described.columns
        }
        named |= {c: f for f, c in described.columns.items() if f in means}
        return Columns({}, named, (), constants, means)
    found = column_names.understood(
        described.columns, header, width, by_name, where
    )
    needed = [name for name in NEEDED if name in fields]
    column_names.check_all_there(
        needed, {*found.values()} | {*constants}, header, where
    )
    shown = [*header] or [str(n + 1) for n in range(width)]
    stored = tuple((name, found.get(at, "")) for at, name in enumerate(shown))
    return Columns(found, {}, stored, constants, means)


def _meaning(into: str, described: ListDescription) -> Convert:
    if into in words.FIELDS:
        read = words.meaning(into, described.words)
        if into == "scheme":
            return lambda cell: read(lost_digits.value(cell))
        return read
    if into == "value":
        return lost_digits.value
    form = notation.forms(ReportFields).get(into)
    match form and form.name:
        case "day":
            return partial(days.day, zone=described.zone)
        case "percent":
            return _percent
        case _:
            return str


def _constant(into: str, value: Any, read: Mapping[str, Convert]) -> Any:
    if not isinstance(value, str) or into not in read:
        return value
    try:
        return read[into](value)
    except MalformedError as e:
        raise UsageError(
            "--{name}: {why}",
            hint=e.way_out,
            **{**e.params, "name": into.replace("_", "-"), "why": e},
        ) from None


def _percent(cell: str) -> int:
    """Return 0 to 100, or what a draft is refused for; 80 is 80% and 80.0."""
    text = unicodedata.normalize("NFKC", cell)
    found = re.fullmatch(r"([0-9]{1,9})(?:\.0+)? ?%?", text)
    if not found:
        raise MalformedError("no whole number")
    return int(found[1])
