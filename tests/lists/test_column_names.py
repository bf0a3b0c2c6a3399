"""Titles above a header are found by the names below them."""

from typing import Any

from syncd.lists import column_names, rows
from tests.cases import each

KNOWN = column_names.knows(rows.FileOptions(names=("编号 ", "2")))


@each("lists/cells", "headers")
def test_the_header_is_where_the_names_are(one: Any) -> None:
    """Else it is the first row."""
    assert column_names.header_row(one["rows"], KNOWN) == one["header"]


def test_a_note_says_what_was_skipped() -> None:
    note = column_names.skipped(2, 3)
    assert str(note) == ("the header is line 3: rows skipped above it: 2")
