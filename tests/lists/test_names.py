"""Titles above a header are found by the names below them."""

from typing import Any

import pytest

from syncd.lists import names
from syncd.lists.rows import Told
from tests.cases import cases

KNOWN = names.knows(Told(names=("编号 ", "2")))


@pytest.mark.parametrize("one", cases("lists/cells", "headers"))
def test_the_header_is_where_the_names_are(one: dict[str, Any]) -> None:
    """Else it is the first row."""
    assert names.header_row(one["rows"], KNOWN) == one["header"]


def test_a_note_says_what_was_skipped() -> None:
    note = names.skipped(2, 3)
    assert note.template.format(**note.params) == (
        "the header is line 3: rows skipped above it: 2"
    )
