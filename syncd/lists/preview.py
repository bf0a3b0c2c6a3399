"""Preview an import: what it would bring, before anything is sent.

    table ─ columns ─ draft ─ flows.report ─┬─ ten rows, masked
                                            ├─ counts, reasons
                                            └─ all unknown words

Rows are judged by the rules that the daemon judges by. Nothing is kept of a
row but eight bytes, by which values that are there twice are counted: a
million rows are 8 MB, and some 40 MB for a moment when they are compared.
"""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from syncd.errors import MalformedError, SyncdError
from syncd.flows import report
from syncd.flows.draft import Draft, NewReport
from syncd.lists.columns import Columns
from syncd.lists.refused_rows import OURS
from syncd.lists.rows import Row, Table
from syncd.lists.words import UnknownError

LISTED = 10  # rows that are shown
WORDS = 1000  # different ones that are shown; the others are counted
NAMES = 200  # of cells, where each row names its own


class Listed(NamedTuple):
    """One row as it would be listed."""

    row: int
    kind: str
    value: str  # its normal form, masked
    fields: Mapping[str, Any]  # what the statement would say


class Reason(NamedTuple):
    """Why rows are refused: the same sentence, other numbers in it."""

    why: SyncdError  # the first row's
    row: int  # the first
    rows: int


class Unknown(NamedTuple):
    """A word that is no code of its field, and whose rows are refused."""

    field: str
    word: str  # as it stands: for the mapping file, never for a message
    shown: str  # as it may be shown
    near: str  # codes and labels that are like it
    rows: int


class Preview(msgspec.Struct, frozen=True):
    """What a list would bring."""

    columns: tuple[tuple[str, str], ...]  # name, field or "": not stored
    listed: Sequence[Listed]
    rows: int
    good: int
    twice: int  # good rows whose value stands in another row too
    reasons: Sequence[Reason]  # the most frequent first; without `unknown`
    unknown: Sequence[Unknown]  # likewise
    more: int  # rows with further unknown words
    ignored: Mapping[tuple[str, str], int]  # words no row needs, by field
    notices: Mapping[str, int]  # how values were read: codes, rows


def look(table: Table, columns: Columns, rules: report.Rules) -> Preview:
    """Return what all rows of a table would bring; read once, from the first.

    `columns` should know what the rows show of losses (`surveyed`).
    """
    listed = list[Listed]()
    seen, rows, more = array("q"), 0, 0
    reasons = dict[Any, Reason]()
    unknown = Counter[Any]()
    notices = Counter[str]()
    named = dict[str, str]()  # where each row names its own cells
    for rows, row in enumerate(table.rows(0, 0), 1):  # noqa: B007
        if columns.named and len(named) < NAMES:
            named.update((str(n), columns.field_of(str(n))) for n in row.cells)
        try:
            made = judged(row, columns, rules)
        except SyncdError as e:
            for fault in e.faults or (e,):
                if isinstance(fault, UnknownError):
                    said = (fault.params.get(n, "") for n in ("word", "near"))
                    word = fault.field, fault.cell, *map(str, said)
                    if word in unknown or len(unknown) < WORDS:
                        unknown[word] += 1
                    else:
                        more += 1
                else:  # they say the same, with other numbers in it
                    of, why = map(fault.params.get, ("field", "why"))
                    key = fault.text.template, of, getattr(why, "template", "")
                    last = reasons.get(key, Reason(fault, row.number, 0))
                    reasons[key] = last._replace(rows=last.rows + 1)
            continue
        seen.append(hash((made.kind, made.value)))
        notices.update(made.notices)
        if len(listed) < LISTED:
            fields = msgspec.json.decode(made.fields)
            value = masked(made.value)
            listed.append(Listed(row.number, made.kind, value, fields))
    return Preview(
        tuple(c for c in columns.names or named.items() if c[0] not in OURS),
        listed,
        rows,
        len(seen),
        len(seen) - sum(1 for _ in groupby(sorted(seen))),
        sorted(reasons.values(), key=lambda r: -r.rows),
        [Unknown._make((*word, n)) for word, n in unknown.most_common()],
        more,
        dict(columns.ignored),
        notices,
    )


def judged(row: Row, columns: Columns, rules: report.Rules) -> NewReport:
    """Return what the vault would keep of a row.

    Raises:
        SyncdError: it would be refused; says all that is wrong.
    """
    if row.problem:
        raise row.problem
    try:
        draft = msgspec.convert(columns.report(row), Draft)
    except msgspec.ValidationError as e:
        raise MalformedError(str(e)) from None
    return report.prepare(draft, rules)


def masked(value: str) -> str:
    """Return a value that nobody can read but for its ends.

    A third of what stands behind its namespace is always hidden.
    """
    at = value.rfind(":") + 1
    if value.startswith("+86"):
        at = 3
    body = value[at:]
    begin, end = min(3, len(body) // 3), min(4, (len(body) + 1) // 3)
    return f"{value[:at]}{body[:begin]}****{body[len(body) - end :]}"
