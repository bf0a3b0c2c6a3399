"""Titles above a header are found by the names below them."""

import pytest

from syncd.lists import header
from syncd.lists.rows import Told

KNOWN = header.knows(Told(names=("编号 ", "2")))


@pytest.mark.parametrize(
    ("rows", "want"),
    [
        ([["号码", "标签"], ["13800138000", "x"]], 0),
        ([["涉诈号码清单", ""], ["号码", "标签"], ["1", "x"]], 1),
        ([["涉诈号码清单"], ["单位：甲", "日期"], ["号码", "标签", "x"]], 2),
        ([["涉诈网址清单"], ["网址"], ["http://a.example/"]], 1),
        ([["号码"], ["号码", "标签"]], 1),  # a title that is a name too
        ([["清单"] * 4, ["号码", "标签", "x", "y"]], 1),  # merged
        ([["清单"], ["编号", "号码"]], 1),  # a name of --map
        ([[], ["清单"], [], ["号码", "标签"]], 3),
    ],
)
def test_the_header_is_where_the_names_are(
    rows: list[list[str]], want: int
) -> None:
    assert header.header_row(rows, KNOWN) == want


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [["a", "b"], ["c", "d"]],  # nothing is known
        [["13800138000", "x"], ["号码", "标签"]],  # as wide as a row: no title
        [["类型", "内容"], ["url", "a"]],  # a value that is a name too
        [["题"], ["2"]],  # a column's number is no name
        [["题"], ["url", "a", "b"]],  # one of three: by chance
        [["题"]] * header.FIRST + [["号码", "标签"]],  # too far below
    ],
)
def test_else_it_is_the_first_row(rows: list[list[str]]) -> None:
    assert header.header_row(rows, KNOWN) == 0


def test_a_note_says_what_was_skipped() -> None:
    note = header.skipped(2, 3)
    assert note.template.format(**note.params) == (
        "the header is line 3: rows skipped above it: 2"
    )
