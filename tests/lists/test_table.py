"""Lists in text files: what is a row, a header, a comment, and the whole."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from syncd.errors import MalformedError, UsageError
from syncd.lists import table, text
from syncd.lists.rows import Flawed, Table, Told

F15 = """\
################################################################
# abuse-like dump (CSV)                                        #
################################################################
#
# id,dateadded,url,url_status
"3456","2026-11-20 10:00:00","http://uh1.hunt.example/mozi.m","online"
"3457","2026-11-20 10:01:00","http://uh2.hunt.example:55123/i","offline"
"""


class Case:
    """A file that is opened as an import does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, name: str, raw: str | bytes, **told: Any) -> Table:
        path = self.path / name
        path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        return table.open_table(path, Told(**told))

    def rows(self, name: str, raw: str | bytes, **told: Any) -> list[Any]:
        """Cells of each row, or why it has none."""
        found = self.open(name, raw, **told).rows(0, 0)
        return [str(r.problem) if r.problem else [*r.cells] for r in found]

    def fails(self, name: str, raw: str | bytes, **told: Any) -> str:
        with pytest.raises(UsageError) as e:
            self.rows(name, raw, **told)
        return f"{str(e.value).removeprefix(str(self.path / name))}; {e.value.hint}"


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def notes(found: Table) -> list[str]:
    list(found.rows(0, 0))
    return [n.template.format(**n.params) for n in found.notes]


# ------------------------------------------------------- headers, comments


def test_the_last_comment_may_be_the_header(case: Case) -> None:
    found = case.open("a.csv", F15)
    assert found.header == ("id", "dateadded", "url", "url_status")
    assert [row.number for row in found.rows(0, 0)] == [6, 7]
    assert notes(found) == [
        "the header is line 5",
        "comment lines skipped: 5",
    ]


def test_or_the_header_stands_below_the_comments(case: Case) -> None:
    raw = "# 涉诈\n# 2026, x\n\n号码,标签\n1,x\n# END 1 entries\n"
    found = case.open("a.csv", raw)
    assert found.header == ("号码", "标签")
    assert notes(found) == ["comment lines skipped: 3"]


def test_blanks_behind_the_commas_of_a_dump(case: Case) -> None:
    raw = '# "first_seen_utc","url"\n"2026-11-01", "http://a.example/"\n'
    assert case.rows("a.csv", raw) == [["2026-11-01", "http://a.example/"]]


def test_comments_between_rows(case: Case) -> None:
    """Where none stands above the header, `#word` is a cell, `# …` is none."""
    raw = "号码,标签\n1,x\n#2,y\n# 3,z\n\n//4,w\n"
    assert case.rows("a.csv", raw) == [["1", "x"], ["#2", "y"], ["//4", "w"]]
    raw = f"# top\n{raw}#5,v\n#a,b\n// c\n"
    rows = case.rows("a.csv", raw)
    assert rows == [["1", "x"], ["#2", "y"], ["//4", "w"], ["#5", "v"]]


def test_comments_with_a_semicolon(case: Case) -> None:
    """Where it parts no cells, and not where none stands above the header."""
    raw = "; 说明\n;; x\n号码,标签\n1,x\n; 2,y\n;3,z\n"
    assert case.rows("a.csv", raw) == [["1", "x"], [";3", "z"]]
    raw = "# 说明\n号码;标签\n1;x\n; y\n"
    assert case.rows("a.csv", raw) == [["1", "x"], ["", "y"]]


def test_a_column_that_is_called_hash(case: Case) -> None:
    assert case.open("a.csv", "#,号码\n1,2\n").header == ("#", "号码")


def test_titles_and_blank_rows_above_the_header(case: Case) -> None:
    raw = "涉诈号码清单（2026年11月）,,\n,,\n制表：甲,日期,\n号码,标签,备注\n1,x,\n"
    found = case.open("a.csv", raw)
    assert found.header == ("号码", "标签", "备注")
    assert notes(found) == ["the header is line 4: rows skipped above it: 2"]
    assert [row.number for row in found.rows(0, 0)] == [5]


def test_a_title_does_not_say_the_delimiter(case: Case) -> None:
    raw = "涉诈|清单\n号码;标签;备注\n1;x;\n"
    assert case.rows("a.csv", raw) == [["1", "x", ""]]


def test_names_of_map_are_names(case: Case) -> None:
    raw = "清单\n编号,内容\n7,x\n"
    assert case.rows("a.csv", raw, names=("编号", "内容")) == [["7", "x"]]
    assert case.rows("a.csv", raw) == [
        "2 cells, want 1",
        "2 cells, want 1",
    ]


def test_a_header_over_two_lines(case: Case) -> None:
    found = case.open("a.csv", '"银行\n卡号","号码"\n1,2\n')
    assert found.header == ("银行\n卡号", "号码")
    assert [row.cells for row in found.rows(0, 0)] == [["1", "2"]]
    many = '"号码\n' + "x,\n" * 200
    assert "line 1: a quote is opened" in case.fails("a.csv", many)


def test_no_header(case: Case) -> None:
    found = case.open("a.csv", "# c\n1,2\n3,4\n", header=False)
    assert (found.header, found.width) == ((), 2)
    assert [row.cells for row in found.rows(0, 0)] == [["1", "2"], ["3", "4"]]


def test_nothing_but_comments_is_empty(case: Case) -> None:
    assert case.fails("a.csv", "# a\n\n").startswith(": is empty")
    assert case.fails("a.csv", "").startswith(": is empty")


def test_a_first_line_that_cannot_be_read(case: Case) -> None:
    assert "line 2: holds a NUL byte" in case.fails("a.csv", "\na\0b\n")
    assert case.rows("a.csv", "value\na\0b\nc\n") == [
        "holds a NUL byte",
        ["c"],
    ]
    for raw in ("value\ra\r", '"value"\r"a"\r'):
        assert "line 1: holds a carriage" in case.fails("a.csv", raw)
    assert case.open("a.csv", '"银行\r卡号"\n1\n').header == ("银行\r卡号",)


# ------------------------------------------------------------- delimiters


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "sep=;;"])
def test_excels_line_says_the_delimiter(case: Case, line: str) -> None:
    raw = f"\ufeff{line}\r\n\ufeff号码;标签\r\n1;x,y\r\n"
    found = case.open("a.csv", raw)
    assert found.header == ("号码", "标签")
    assert [row.number for row in found.rows(0, 0)] == [3]
    assert notes(found) == ["line 1 says that semicolon parts the cells"]


def test_other_signs_in_excels_line(case: Case) -> None:
    assert case.rows("a.csv", "sep=|@|\n号码|@|x\n1|@|x\n") == [["1", "x"]]
    assert case.rows("a.csv", "sep=\t\n号码\t标签\n1\tx\n") == [["1", "x"]]


@pytest.mark.parametrize("line", ["sep= ", "sep=ab", "sep=http://a.example"])
def test_excels_line_that_says_none(case: Case, line: str) -> None:
    """What stands there is not repeated: it may be a value."""
    with pytest.raises(UsageError, match="line 1: sep= names no del") as e:
        case.open("a.csv", f"{line}\n号码\n1\n")
    assert "a.example" not in f"{e.value}"


def test_what_is_told_goes_before_what_the_line_says(case: Case) -> None:
    raw = "sep=;\n号码,标签\n1,x\n"
    assert case.rows("a.csv", raw, delimiter="comma") == [["1", "x"]]


@pytest.mark.parametrize(
    ("told", "sign"),
    [
        ("|@|", "|@|"),
        ("^|", "^|"),
        ("||", "||"),
        (r"\x01", "\x01"),
        (r"\x01\x02", "\x01\x02"),
        ("!^", "!^"),
        ("~", "~"),
        ("tab", "\t"),
        ("", "|@|"),
        ("", "^|"),
        ("", "||"),
        ("", "\x01"),
    ],
)
@pytest.mark.parametrize("end", [False, True])
def test_delimiters_of_core_systems(
    case: Case, told: str, sign: str, end: bool
) -> None:
    """Of one sign or several, told or seen; one at the line's end too."""
    lines = [["号码", "标签"], ["1", "x"], [" 2 ", '"y"']]
    raw = "".join(sign.join(one) + sign * end + "\n" for one in lines)
    rows = case.rows("a.csv", raw, delimiter=told)
    assert [row[:2] for row in rows] == [["1", "x"], ["2 ", "y"]]


def test_a_quoted_delimiter_of_several_signs_is_text(case: Case) -> None:
    raw = '号码||标签\n"1||2"||x\n"open||3\n"4"a||y\n5||z\n'
    assert case.rows("a.csv", raw) == [
        ["1||2", "x"],
        "a quote is opened and not closed",
        "text behind a closing quote",
        ["5", "z"],
    ]


@pytest.mark.parametrize("told", ["a", "1", '"', " ", "\\n", "|" * 9, "，a"])
def test_no_delimiter(case: Case, told: str) -> None:
    assert "--delimiter" in case.fails("a.csv", "号码\n1\n", delimiter=told)


@pytest.mark.parametrize("header", ["号码,标签;x", "号码|@|标签,x", "a;b\tc"])
def test_two_delimiters_must_be_told(case: Case, header: str) -> None:
    assert "say --delimiter" in case.fails("a.csv", f"{header}\n1\n")


def test_cells_beyond_the_header(case: Case) -> None:
    raw = "号码,标签,\n1,x\n2,x,,\n3\n4,x,y\n5,x,y,z\n,,\n"
    assert case.rows("a.csv", raw) == [
        ["1", "x", ""],
        ["2", "x", ""],
        "1 cells, want 3",
        ["4", "x", "y"],
        "4 cells, want 3",
    ]


def test_line_ends_of_a_bad_copy(case: Case) -> None:
    assert case.rows("a.csv", "号码,标签\r\r\n1,x\r\r\n") == [["1", "x"]]


def test_a_carriage_return_inside_a_row(case: Case) -> None:
    rows = case.rows("a.csv", '号码\n1\r2\n"3\r4"\n')
    assert rows == ["holds a carriage return", ["3\r4"]]


def test_a_quote_ends_where_a_line_cannot_be_read(case: Case) -> None:
    raw = b'value\n"a\n\xff\xff\nb\n'
    rows = case.rows("a.csv", raw, encoding="utf-8")
    assert [type(row) for row in rows] == [str, str, list]


def test_a_quote_is_closed_within_its_lines(case: Case) -> None:
    most = "\n".join("x" * text.MAX_LINES)
    assert case.rows("a.csv", f'value\n"{most}"\n') == [[most]]
    assert len(case.rows("a.csv", f'value\n"x\n{most}"\n')) > 1
    long = "x" * 40_000
    assert case.open("a.csv", f'x\n"{long}\n{long}"\n').width == 1
    assert len(case.rows("a.csv", f'value\n"{long}\n{long}\n{long}"\n')) == 3


# ------------------------------------------------------------ fixed width

CORE = """\
6222021234567890128张三                20261101
0622202123456789012欧阳娜娜　          20261102
6222021234567890130李四
"""


@pytest.mark.parametrize("code", ["gb18030", "utf-8"])
def test_fixed_width_is_counted_in_bytes_of_gb18030(
    case: Case, code: str
) -> None:
    """As core systems do; a file that was made UTF-8 later is the same."""
    found = case.open(
        "a.dat",
        CORE.encode(code),
        widths="1-19,20-39,40-47",
        header=False,
        encoding=code,
    )
    assert [row.cells for row in found.rows(0, 0)] == [
        ["6222021234567890128", "张三", "20261101"],
        ["0622202123456789012", "欧阳娜娜", "20261102"],
        ["6222021234567890130", "李四", ""],
    ]
    assert "1-19,20-39,40-47" in found.about


def test_fixed_width_cuts_no_character(case: Case) -> None:
    rows = case.rows("a", "12\n1张\n", widths="1-2", header=False)
    assert rows == [["12"], "a column cuts a character"]
    rare = b"1\xfe\x59 2\n\x802\n"  # characters that CPython has otherwise
    for raw in (rare, rare.decode("gb18030", "ignore").encode()):
        code = "gb18030" if raw is rare else "utf-8"
        told = {"widths": "2-3,5-5", "header": False, "encoding": code}
        assert case.rows("a", raw, **told)[0][1] == "2"


@pytest.mark.parametrize(
    "told", ["1", "0-3", "5-3", "1-5,3-7", "1-2;3-4", "1-2,", "a-b", "1-2 3-4"]
)
def test_no_widths(case: Case, told: str) -> None:
    assert "--widths" in case.fails("a", "x\n", widths=told)


# ------------------------------------------------------------- one a line


def test_txt(case: Case) -> None:
    raw = "# c\n; c\n// c\n//a.example/x\n\n  \na.example  # note\n#1\n\x1a"
    found = case.open("a.txt", raw)
    assert [row.cells for row in found.rows(0, 0)] == [
        ("//a.example/x",),
        ("a.example  # note",),
        ("#1",),
    ]
    assert notes(found) == ["comment lines skipped: 3"]


def test_a_heading_is_no_value(case: Case) -> None:
    found = case.open("a.txt", "手机号\n13800138000\n")
    assert [row.cells for row in found.rows(0, 0)] == [("13800138000",)]
    assert notes(found) == ["the header is line 1"]
    assert len(case.rows("a.txt", "手机号\n1\n", header=False)) == 2


def test_a_table_that_is_called_txt(case: Case) -> None:
    raw = "号码\t标签\n1\tx\n"
    assert "is a table" in case.fails("a.txt", raw)
    assert case.rows("a.txt", raw, format="tsv") == [["1", "x"]]
    assert case.rows("a.txt", raw, delimiter="tab") == [["1", "x"]]
    assert len(case.rows("a.txt", raw, format="txt")) == 2


def test_a_txt_of_nothing_has_no_rows(case: Case) -> None:
    assert case.rows("a.txt", "\n\n# c\n") == []


HOSTS = """\
# blocked
127.0.0.1\tlocalhost
::1 localhost ip6-localhost ip6-loopback
255.255.255.255 broadcasthost
fe80::1%lo0 localhost
0.0.0.0 0.0.0.0
0.0.0.0 bad1.example bad2.example # bad3.example
  127.0.0.1\tbad4.example
:: bad5.example
192.168.1.1 nas.example
bad6.example bad7.example
0.0.0.0
"""


@pytest.mark.parametrize("name", ["x.hosts", "hosts"])
def test_hosts(case: Case, name: str) -> None:
    found = case.open(name, HOSTS)
    rows = [*found.rows(0, 0)]
    assert [row.cells[0] for row in rows if not row.problem] == [  # type: ignore[index]
        *("bad1.example", "bad2.example", "bad4.example", "bad5.example")
    ]
    assert [row.number for row in rows] == [7, 7, 8, 9, 10, 11, 12]
    assert notes(found) == [
        "comment lines skipped: 1",
        "lines of the system's own hosts: 5",
    ]


def test_a_txt_of_hosts_is_a_hosts_file(case: Case) -> None:
    raw = "# c\n127.0.0.1\tbad.example\n0.0.0.0 a.example\n"
    raw += "255.255.255.255 broadcasthost\nfe80::1%lo0 localhost\n"
    found = case.open("a.txt", raw)
    assert found.about == "hosts, utf-8"
    assert len([*found.rows(0, 0)]) == 2
    assert case.rows("a.txt", raw, format="txt") != [["bad.example"]]
    found = case.open("a.txt", "#0.0.0.0 good.example\n0.0.0.0 bad.example\n")
    assert [row.number for row in found.rows(0, 0)] == [2]
    assert notes(found) == ["comment lines skipped: 1"]
    assert case.open("a.txt", "the localhost\n").about == "txt, utf-8"
    assert case.rows("a.hosts", "the localhost\n") != []


# ----------------------------------------------------------------- NDJSON


def test_ndjson(case: Case) -> None:
    raw = """\
{"value":"a","n":13800138000000000000,"b":true,"c":null,"d":["x","y"]}

{"value":1.5}
{"value":"a","value":"b"}
[]
{"d":["x;"]}
{"d":{}}
{
{}
"""
    found = [*case.open("a.ndjson", raw).rows(0, 0)]
    assert found[0].cells == {
        "value": "a",
        "n": "13800138000000000000",
        "b": "true",
        "c": "",
        "d": "x;y",
    }
    assert [str(row.problem) for row in found[1:]] == [
        "'value' is no text",
        "the object has a name twice",
        "no JSON object",
        "'d' is no text",
        "'d' is no text",
        "no JSON object",
        "None",
    ]


# ------------------------------------------------------ several in a cell

MULTI = """\
备注,value
x,"http://m1.hunt.example/a
http://m2.hunt.example/b"

y,http://m3.hunt.example/a http://m4.hunt.example/b
y,http://m5.hunt.example/a;http://m6.hunt.example/b
y,http://m7.hunt.example/a、http://m8.hunt.example/b
y,"http://m9.hunt.example/a,http://m10.hunt.example/b"
z,http://m11.hunt.example/a;b=1,2
z,m12.example；m13.example
z,
"""


@pytest.mark.parametrize("column", ["value", "2"])
def test_several_values_in_a_cell(case: Case, column: str) -> None:
    assert len(case.rows("a.csv", MULTI[: MULTI.index("z")])) == 5
    found = case.open("a.csv", MULTI.replace("z,http", "z,http"), split=column)
    rows = [*found.rows(0, 0)]
    values = [row.cells[1] for row in rows if not row.problem]  # type: ignore[index]
    assert values[:10] == [
        f"http://m{n}.hunt.example/{'ba'[n % 2]}" for n in range(1, 11)
    ]


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


@pytest.mark.parametrize(
    ("name", "raw", "split"),
    [
        (
            "a.csv",
            MULTI.replace("z,http://m11.hunt.example/a;b=1,2", "z,u"),
            "2",
        ),
        ("a.txt", "1 2 3\n\n4\n5;6\n", "value"),
        ("a.hosts", HOSTS, ""),
        (
            "a.ndjson",
            '{"value":"1 2"}\n{"v":"1"}\n{\n{"value":"3 4"}\n',
            "value",
        ),
    ],
)
def test_going_on_behind_the_values_of_a_cell(
    case: Case, name: str, raw: str, split: str
) -> None:
    """Begun behind any row, the rest is as it was from the beginning."""
    found = case.open(name, raw, split=split)
    rows = [*found.rows(0, 0)]
    assert len(rows) > 4
    assert rows[-1].end <= found.size
    for n, row in enumerate(rows):
        if row.end in [later.end for later in rows[n + 1 :]]:
            continue  # they go together
        again = [*found.rows(row.end, row.last)]
        assert [*map(repr, again)] == [*map(repr, rows[n + 1 :])]
    whole = found.prefix()(found.size)
    assert whole == table.open_table(case.path / name, Told()).prefix()(
        found.size
    )


def test_too_many_values_in_a_cell(case: Case) -> None:
    rows = case.rows("a.txt", "1 " * 101 + "\n2\n", split="1")
    assert rows == ["more than 100 values", ["2"]]


def test_a_cell_that_says_no_more_what_it_was_is_not_split() -> None:
    """A space in what a spreadsheet shows instead of a value parts none."""
    lost = Flawed("1 2", MalformedError("lost"))
    assert table.several(lost) == [lost]


def test_no_column_to_split(case: Case) -> None:
    assert "no column '号码'" in case.fails("a.csv", "值\n1\n", split="号码")


# --------------------------------------------------------- is it all there


@pytest.mark.parametrize(
    ("raw", "trailer"),
    [
        ("1|x\n2|y\nTRAILER|2\n", "TRAILER|{count}"),
        ("1|x\n2|y\nTRAILER|2\n\n\x1a", "TRAILER|{count}"),
        ("1|x\n2|y\nT|20261101|0000002|9.50\n", "T|*|{count}|*"),
        ("1|x\n2|y\n合计：2 条\n", "合计：{count}条"),
        ("1|x\n2|y", ""),
        ("1|x\n2|y\n# Number of entries: 2\n", ""),
        ("1|x\n2|y\n# END (2) entries\n", ""),
    ],
)
def test_a_trailer_that_agrees(case: Case, raw: str, trailer: str) -> None:
    told = {"header": False, "delimiter": "|", "trailer": trailer}
    for code in ("utf-8", "gb18030", "utf-16-le"):
        made = raw.replace("合", "合").encode(code)
        rows = case.rows("a.dat", made, encoding=code, **told)
        assert rows == [["1", "x"], ["2", "y"]]


@pytest.mark.parametrize(
    ("end", "told", "why"),
    [
        ("T|3", {"trailer": "T|{count}"}, "has 2 rows, its last line says 3"),
        ("T|2 x", {"trailer": "T|{count}"}, "is no trailer as 'T|{count}'"),
        ("", {"trailer": "T|{count}"}, "is no trailer"),
        ("", {"trailer": "T|{n}"}, "want {count} in it once"),
        ("", {"trailer": "{count}{count}"}, "want {count} in it once"),
        ("", {"count": 3}, "has 2 rows, --count says 3"),
        ("", {"format": "xlsx", "trailer": "T{count}"}, "is not XLSX"),
        ("# Number of entries: 1,234", {}, "its last line says 1,234"),
    ],
)
def test_if_it_does_not_agree_nothing_is_in(
    case: Case, end: str, told: dict[str, Any], why: str
) -> None:
    assert why in case.fails("a.csv", f"# c\n号码\n1\n2\n{end}\n", **told)


def test_a_sheet_has_no_trailer_but_a_count(case: Case) -> None:
    book = openpyxl.Workbook()
    for row in (["值"], ["a"], ["b"]):
        book.worksheets[0].append(row)
    book.save(case.path / "b.xlsx")
    raw = (case.path / "b.xlsx").read_bytes()
    assert "is no trailer" in case.fails("a.xlsx", raw, trailer="T{count}")
    assert "--count says 3" in case.fails("a.xlsx", raw, count=3)
    assert case.rows("a.xlsx", raw, count=2) == [["a"], ["b"]]


def test_rows_that_are_refused_count_as_there(case: Case) -> None:
    assert len(case.rows("a.csv", "号码\n1,2\n3\n", count=2)) == 2


def test_a_trailer_is_no_row_wherever_one_goes_on(case: Case) -> None:
    found = case.open("a.csv", "号码\n1\n2\nT2\n", trailer="T{count}")
    first, second = found.rows(0, 0)
    assert [*found.rows(first.end, first.last)] == [second]
    assert [*found.rows(found.size, 4)] == []


@pytest.mark.parametrize(
    ("raw", "trailer", "why"),
    [
        ("2\n", "", ""),
        ("list.csv|20261101|2|\n", "*|*|{count}|*", ""),
        ("# rows: 2\n", "# rows: {count}", ""),
        ("<file><rows>2</rows></file>\n", "*<rows>{count}</rows>*", ""),
        ("3\n", "", "says 3"),
        ("list.csv|2\n", "", "has 0 lines that say a count"),
        ("2\n2\n", "", "has 2 lines that say a count"),
    ],
)
def test_a_control_file(case: Case, raw: str, trailer: str, why: str) -> None:
    control = case.path / "a.ctl"
    control.write_text(raw)
    told = {"control": control, "trailer": trailer}
    if why:
        assert why in case.fails("a.csv", "号码\n1\n2\n", **told)
    else:
        assert len(case.rows("a.csv", "号码\n1\n2\n", **told)) == 2
    gone = {"control": case.path / "none"}
    assert "No such file" in case.fails("a.csv", "号码\n1\n", **gone)
