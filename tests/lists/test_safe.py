"""No spreadsheet runs what we write, and our reader reads it unchanged."""

import io
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from syncd.lists import safe, table
from syncd.lists.rows import FileOptions
from tests.cases import each, tried

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0")
) | st.text("=+-@＝＋－＠\t '‘\"0123456789.Ee/,;", max_size=12)


@given(texts, st.booleans())
@example("+8613800138000", False)
@example("'=1+1", False)
@example("=1+1", True)
@example("\t=1+1", False)
@example("''", True)
@example('="0138"', False)
@example("＝HYPERLINK(1)", False)
def test_a_cell_comes_back(value: str, back: bool) -> None:
    assert safe.plain(safe.escape(value, back=back)) == value.strip()


@given(texts, st.booleans())
def test_no_cell_begins_a_formula(value: str, back: bool) -> None:
    assert safe.escape(value, back=back)[:1] not in {*"=+-@＝＋－＠\t\r\n"} - {
        ""
    }


@tried("unseen", ["\0", "\ufeff", "\u200b", "\x7f \x01"])
def test_what_is_not_seen_hides_no_formula(unseen: str) -> None:
    """A program may drop it, and run the rest."""
    assert safe.escape(f"{unseen}=1+1") == f"'{unseen}=1+1"


@tried(
    "value",
    [
        *("006", "6222021234567890128", "123456789012", "6.22E+18", "1e5"),
        *("1-2", "3/4/26", "8.8.8", "12:30", "0755-12345678"),
    ],
)
def test_digits_are_kept_text_where_the_list_comes_back(value: str) -> None:
    """Excel saves what it shows: 1.23457E+11 for twelve digits."""
    assert safe.escape(value, back=True) == f"'{value}"
    assert safe.escape(value) == value  # who joins by it finds it


@tried(
    "value", ["13800138000", "2026-11-27", "95588", "50", "a.example", "", "0"]
)
def test_what_no_spreadsheet_spoils_bears_no_mark(value: str) -> None:
    assert safe.escape(value, back=True) == value


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
@example([("+8613800138000", "=1+1"), ("'=1;=2", "电话,\t=3")])
def test_files_come_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    """With its Chinese: the encoding is seen by the mark."""
    rows = [row for row in rows if any(map(str.strip, row))]  # or it is blank
    file = io.BytesIO()
    writer = safe.Writer(file, ["号码", "原因"], back=True)
    for row in rows:
        writer.row(row)
    path = tmp_path / "refused.csv"
    path.write_bytes(file.getvalue())
    found = table.open_table(path, FileOptions())
    assert found.header == ("号码", "原因")
    got = [[*map(safe.plain, map(str, r.cells))] for r in found.rows(0, 0)]
    want = [[cell.strip() for cell in row] for row in rows]
    assert got == [row for row in want if any(row)]  # blank ones are skipped


def test_every_cell_is_quoted() -> None:
    """Or `;` in one would begin another where lists are parted by it."""
    file = io.BytesIO()
    safe.Writer(file, ["a"]).row(['x;=1+1"'])
    assert file.getvalue() == b'\xef\xbb\xbf"a"\r\n"x;=1+1"""\r\n'


@each("lists/cells", "marks")
def test_marks_of_text_are_no_part_of_a_value(one: Any) -> None:
    assert safe.plain(one["cell"]) == one["value"]
