"""Lists in text files: what is a row, a header, a comment, and the whole."""

from pathlib import Path
from typing import Any

import pytest

from syncd.errors import MalformedError
from syncd.lists import table, text
from syncd.lists.rows import FileOptions, Flawed, Row, Table
from tests.cases import each
from tests.lists.test_sheet import saved
from tests.refusals import misused


class Case:
    """A file that is opened as an import does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, name: str, raw: str | bytes, **options: Any) -> Table:
        path = self.path / name
        path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        return table.open_table(path, FileOptions(**options))

    def rows(self, name: str, raw: str | bytes, **options: Any) -> Any:
        return [*map(contents, self.open(name, raw, **options).rows(0, 0))]

    def fails(self, name: str, raw: str | bytes, **options: Any) -> str:
        with misused() as e:
            self.rows(name, raw, **options)
        where = str(self.path / name)
        return f"{str(e.value).removeprefix(where)}; {e.value.hint}"


def contents(row: Row) -> Any:
    """Cells of a row, or why it has none."""
    if row.problem:
        return str(row.problem)
    return row.cells if isinstance(row.cells, dict) else [*row.cells]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@each("lists/texts")
def test_a_text_file(case: Case, one: Any) -> None:
    """What each vector says of it."""
    options = one.get("told", {})
    raw = one["text"].encode(options.get("encoding", "utf-8"))
    if "control" in one:
        options = {**options, "control": case.path / "a.ctl"}
        options["control"].write_text(one["control"])
    if "fails" in one:
        why = case.fails(one["name"], raw, **options)
        assert one["fails"] in why, why
        assert "a.example" not in why  # it may be a value
        return
    found = case.open(one["name"], raw, **options)
    rows = [*found.rows(0, 0)]
    is_ = {
        "header": [*(found.header or ())],
        "about": found.about,
        "rows": [*map(contents, rows)],
        "lines": [row.number for row in rows],
        "notes": [*map(str, found.notes)],
    }
    assert {name: is_[name] for name in is_ if name in one} == {
        name: one[name] for name in is_ if name in one
    }


def test_a_quote_ends_where_a_line_cannot_be_read(case: Case) -> None:
    rows = case.rows("a.csv", b'value\n"a\n\xff\xff\nb\n', encoding="utf-8")
    assert [type(row) for row in rows] == [str, str, list]


def test_a_quote_is_closed_within_its_lines(case: Case) -> None:
    most = "\n".join("x" * text.MAX_LINES)
    assert case.rows("a.csv", f'value\n"{most}"\n') == [[most]]
    assert len(case.rows("a.csv", f'value\n"x\n{most}"\n')) > 1
    many = '"号码\n' + "x,\n" * 200
    assert "line 1: a quote is opened" in case.fails("a.csv", many)
    long = "x" * 40_000
    assert case.open("a.csv", f'x\n"{long}\n{long}"\n').width == 1
    assert len(case.rows("a.csv", f'value\n"{long}\n{long}\n{long}"\n')) == 3


def test_fixed_width_counts_characters_that_cpython_has_otherwise(
    case: Case,
) -> None:
    rare = b"1\xfe\x59 2\n\x802\n"
    for raw in (rare, rare.decode("gb18030", "ignore").encode()):
        code = "gb18030" if raw is rare else "utf-8"
        options = {"widths": "2-3,5-5", "header": False, "encoding": code}
        assert case.rows("a", raw, **options)[0][1] == "2"


def test_brackets_without_end_are_no_object(case: Case) -> None:
    rows = case.rows("a.ndjson", '{"value":"a"}\n' + "[" * 60_000)
    assert rows == [{"value": "a"}, "no JSON object"]


# ------------------------------------------------------ several in a cell


def test_what_a_url_may_hold_parts_none() -> None:
    for one in ("http://a.example/x;y=1,2", "http://a.example/?q=a;b"):
        assert table.several(one) == [one]
    two = ["https://a.example/x", "http://b.example/"]
    for sign in (" ", "\n", "\t", ",", ";", "、", "；", "，", " ; ", ",  "):
        assert table.several(sign.join(two)) == two
    for sign in (" ", ",", ";", "、", "；", "，", "\r\n", ", "):
        assert table.several(f"1{sign}2{sign}") == ["1", "2"]
    for sign in ("/", " / ", "|", "／"):
        assert table.several(f"+861{sign}2") == ["+861", "2"]
        assert table.several(f"a.example{sign.strip()}2")[1:] == []


def test_a_cell_that_says_no_more_what_it_was_is_not_split() -> None:
    """A space in what a spreadsheet shows instead of a value parts none."""
    lost = Flawed("1 2", MalformedError("lost"))
    assert table.several(lost) == [lost]


# --------------------------------------------------------- is it all there


def test_a_sheet_has_no_trailer_but_a_control_file(case: Case) -> None:
    raw = saved(case.path, [["值"], ["a"], ["b"]]).read_bytes()
    assert "is no trailer" in case.fails("a.xlsx", raw, trailer="T{count}")
    control = case.path / "a.ctl"
    control.write_text("3\n")
    assert "a.ctl says 3" in case.fails("a.xlsx", raw, control=control)
    control.write_text("2\n")
    assert case.rows("a.xlsx", raw, control=control) == [["a"], ["b"]]


def test_a_control_file_that_is_not_there(case: Case) -> None:
    gone = {"control": case.path / "none"}
    with pytest.raises(FileNotFoundError):  # the command says which
        case.rows("a.csv", "号码\n1\n", **gone)
