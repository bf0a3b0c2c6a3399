"""Any bytes give rows or one clear error, in every format and encoding."""

import contextlib
import csv
import datetime
import io
import itertools
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from syncd.cli.importing import patience
from syncd.errors import MalformedError, UsageError
from syncd.lists import cells, columns, lines, sheet, table
from syncd.lists.rows import Row, Table, Told

TEXTS = ("csv", "tsv", "txt", "ndjson")
calm = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
pieces = st.lists(
    st.sampled_from(
        [
            *b'" "" , \t ; \n \r\n \r \0 a \xff \xfe \xb5\xe7 { } :'.split(
                b" "
            ),
            *(b'{"value":"a"}\n', b"value\n", b"a,b\n", b" ", b"PK\x03\x04"),
            *("电话".encode(), *(mark for mark, _ in lines._MARKS)),
        ]
    ),
    max_size=30,
).map(b"".join)


def opened(path: Path, raw: bytes, **told: Any) -> Table:
    path.write_bytes(raw)
    return table.open_table(path, Told(**told))


@calm
@given(
    st.binary(max_size=200) | pieces,
    st.sampled_from(table.FORMATS),
    st.sampled_from(["", *lines.ENCODINGS]),
    st.booleans(),
)
@example(b"PK\x03\x04" + bytes(60), "xlsx", "", True)
def test_total(
    tmp_path: Path, raw: bytes, form: str, encoding: str, header: bool
) -> None:
    """Any bytes at all: rows that end in the file, or a UsageError."""
    with contextlib.suppress(UsageError):
        found = opened(
            tmp_path / "a",
            raw,
            format=form,
            encoding=encoding,
            header=header,
        )
        plan = None
        with contextlib.suppress(UsageError):
            plan = columns.plan(
                found.header,
                found.width,
                maps=[],
                constants={"kind": "url"},
                words={},
                where="a",
            )
        end = 0
        for row in found.rows(0, 0):
            assert end < row.end <= len(raw)
            end = row.end
            if plan and not row.problem:
                with contextlib.suppress(MalformedError):
                    plan.report(row)


@calm
@given(pieces, st.sampled_from(TEXTS), st.sampled_from(lines.ENCODINGS))
def test_going_on_anywhere(
    tmp_path: Path, raw: bytes, form: str, encoding: str
) -> None:
    """Begun behind any row, the rest is as it was from the beginning."""
    path = tmp_path / "a"
    with contextlib.suppress(UsageError):
        found = opened(path, raw, format=form, encoding=encoding)
        rows = list(found.rows(0, 0))
        for n, row in enumerate(rows):
            again = list(found.rows(row.end, row.last))
            assert [*map(repr, again)] == [*map(repr, rows[n + 1 :])]


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"),
    max_size=12,
)


@calm
@given(
    st.lists(st.tuples(texts, texts | st.just('say "hi"\nthere')), min_size=1),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16-le"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_others_write_is_read(
    tmp_path: Path,
    rows: list[tuple[str, str]],
    code: str,
    quoting: Any,
    delimiter: str,
) -> None:
    """The standard library's writer and this reader agree on every cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, delimiter=delimiter)
    writer.writerow(("value", "x"))
    writer.writerows(rows)
    raw = text.getvalue().encode(code)
    told = code if code != "utf-8-sig" else ""
    found = opened(
        tmp_path / "a",
        raw,
        format="csv",
        encoding=told,
        delimiter=delimiter,
    )
    got = [tuple(map(str.strip, row.cells)) for row in found.rows(0, 0)]
    want = [tuple(map(str.strip, cells)) for cells in rows]
    assert got == [cells for cells in want if any(cells)]


@calm
@given(texts.filter(lambda text: '"' not in text), st.integers(0, 200))
def test_an_open_quote_costs_its_line_only(
    tmp_path: Path, text: str, rows: int
) -> None:
    """However many rows stand behind it, quoted ones too."""
    raw = 'value,x\n"' + text.replace(",", ".") + ",\n"
    raw += "".join(f"{n}.example,1\n" for n in range(rows))
    found = list(
        opened(
            tmp_path / "a", raw.encode(), format="csv", encoding="utf-8"
        ).rows(0, 0)
    )
    assert found[0].problem
    assert [row.cells[0] for row in found[1:]] == [  # type: ignore[index]
        f"{n}.example" for n in range(rows)
    ]


# -------------------------------------------------------------------- XLSX

NAIVE = datetime.datetime.fromisoformat("2026-01-02T03:00:00")  # as a sheet's


def workbook(path: Path, rows: list[list[Any]], *more: str) -> Path:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    for row in rows:
        first.append(row)
    for name in more:
        book.create_sheet(name)
    book.save(path)
    return path


def read(path: Path, **told: Any) -> list[Row]:
    return list(table.open_table(path, Told(**told)).rows(0, 0))


def test_sheet(tmp_path: Path) -> None:
    """Numbers, days and gaps say what is seen in the spreadsheet."""
    path = workbook(
        tmp_path / "a.xlsx",
        [
            ["号码", "发现日期", "改号", "x"],
            [13800138000, NAIVE, True, 1.5],
            [],
            ["13800138000.0", None, None],
            [13800138000.0, datetime.date(2026, 1, 2), False, "", None],
        ],
    )
    found = read(path)
    assert [row.number for row in found] == [2, 4, 5]
    assert [row.cells for row in found] == [
        ["13800138000", "2026-01-02", "true", "1.5"],
        ["13800138000.0", "", "", ""],
        ["13800138000", "2026-01-02", "false", ""],
    ]
    opened = table.open_table(path, Told())
    assert list(opened.rows(2, 2)) == found[1:]
    assert opened.span == 4  # rows that are written there


def test_a_number_that_lost_its_end(tmp_path: Path) -> None:
    """Spreadsheets keep 15 digits: a card number as a number is wrong.

    But an identity card's, in a column that is not stored, hurts nobody.
    """
    card, id_card = 6222021234567890000, 440301199001011000
    path = workbook(
        tmp_path / "a.xlsx", [["值", "身份证号"], [card, 1], ["a", id_card]]
    )
    found = table.open_table(path, Told())
    plan = columns.plan(
        found.header,
        found.width,
        maps=[],
        constants={"kind": "account"},
        words={},
        where="a",
        fields=("kind", "value"),
    )
    first, second = found.rows(0, 0)
    with pytest.raises(MalformedError, match=r"value: .* has lost its end"):
        plan.report(first)
    assert plan.report(second)["value"] == "a"


def test_a_sheet_must_be_named_among_several(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["value"], ["a"]], "other")
    with pytest.raises(UsageError, match="has 2 sheets"):
        read(path)
    with pytest.raises(UsageError, match="no sheet x"):
        read(path, sheet="x")
    assert len(read(path, sheet="Sheet")) == 1
    with pytest.raises(UsageError, match="is empty"):
        read(path, sheet="other")


def rezipped(path: Path, part: str, raw: bytes) -> Path:
    """Replace one part of a workbook."""
    parts = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            parts[name] = archive.read(name)
    parts[part] = raw
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("part", "raw", "why"),
    [
        (SHEET, b"<x>" + b"a" * 400_000, "larger inside"),
        (SHEET, b"<c/>" * 2_000_000, "larger inside"),
        ("xl/sharedStrings.xml", b"<t/>" * (17 << 20), "larger inside"),
        (SHEET, b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "no sound XLSX"),
        (SHEET, b"<worksheet", "no sound XLSX"),
        ("xl/workbook.xml", b"<x/>", "no sound XLSX|has 0 sheets"),
        ("[Content_Types].xml", b"", "no sound XLSX"),
    ],
)
def test_bombs_and_wrecks(
    tmp_path: Path, part: str, raw: bytes, why: str
) -> None:
    """What no spreadsheet writes is refused before it is held."""
    path = workbook(tmp_path / "a.xlsx", [["value"], ["a"]])
    with pytest.raises(UsageError, match=why):
        read(rezipped(path, part, raw))


def test_formulas_say_what_they_gave(tmp_path: Path) -> None:
    """One that gave nothing is empty; one that nobody computed is refused."""
    path = workbook(tmp_path / "a.xlsx", [["value", "x"], ["=1+1", "a"]])
    with pytest.raises(UsageError, match="A2 is a formula without its result"):
        read(path)
    with zipfile.ZipFile(path) as archive:
        raw = archive.read(SHEET)
    hollow = b'<c r="A2"><f>1+1</f><v /></c>'
    assert hollow in raw
    for cell, said in (
        (b'<c r="A2"><f>1+1</f><v>13800138000</v></c>', "13800138000"),
        (b'<c r="A2" t="str"><f>"b"</f><v>b</v></c>', "b"),
        (b'<c r="A2" t="str"><f>""</f><v></v></c>', ""),
        (b'<c r="A2"><f t="shared" si="0"/><v>7</v></c>', "7"),
    ):
        rezipped(path, SHEET, raw.replace(hollow, cell))
        assert read(path)[0].cells == [said, "a"]
    for cell in (
        b'<c r="A2"><f>1+1</f></c>',
        b'<c r="A2" s="1"><f t="shared" si="0"/></c>',
        b'<c r="A2"><f>1+1</f>\n<v></v></c>',
        b"<!--" + b"x" * sheet._PIECE + b"-->" + hollow,
    ):
        rezipped(path, SHEET, raw.replace(hollow, cell))
        with pytest.raises(UsageError, match="A2 is a formula"):
            read(path)
    rezipped(path, SHEET, raw)
    other = openpyxl.load_workbook(path)
    other.create_sheet("other").append(["value"])
    other.save(path)
    assert read(path, sheet="other") == []


def test_a_workbook_that_is_cut_off(tmp_path: Path) -> None:
    """Wherever it ends, it is one clear error."""
    path = workbook(tmp_path / "a.xlsx", [["value"], ["a.example"]])
    raw = path.read_bytes()
    cut = tmp_path / "cut.xlsx"
    for part in range(1, 20):
        cut.write_bytes(raw[: len(raw) * part // 20])
        with pytest.raises(UsageError, match="no sound XLSX workbook"):
            read(cut)


def test_a_row_far_away(tmp_path: Path) -> None:
    """A row number that no sheet has does not make us count up to it."""
    path = workbook(tmp_path / "a.xlsx", [["value"], ["a"]])
    with zipfile.ZipFile(path) as archive:
        raw = archive.read(SHEET)
    far = raw.replace(b'r="2"', b'r="99999999999"')
    assert far != raw
    with pytest.raises(UsageError, match="larger inside"):
        read(rezipped(path, SHEET, far))


@calm
@given(st.data())
def test_any_change_of_a_workbook(tmp_path: Path, data: st.DataObject) -> None:
    """One changed byte: the same rows, others, or a UsageError."""
    path = tmp_path / "a.xlsx"
    if not path.exists():
        workbook(path, [["value"], *([f"{n}.example"] for n in range(20))])
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(4, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    changed = tmp_path / "b.xlsx"
    changed.write_bytes(raw)
    with contextlib.suppress(UsageError):
        read(changed)


def test_wide_rows_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["value"], ["a"] * 300])
    assert str(read(path)[0].problem) == "more than 200 cells"


def test_limits_are_what_the_docs_say() -> None:
    """docs/cli.md names them."""
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    for number in (lines.MAX_LINE, cells.MAX_LINES, sheet.MAX_COLUMNS):
        assert f"{number:,}" in text
    assert f"up to {patience.RESTART_S // 60} minutes" in text
    assert patience.QUOTA_S == 3600
    assert "for an hour at most" in text


def test_every_alias_means_one_field() -> None:
    """No name of a column stands under two fields."""
    names = [n for names in columns.NAMES.values() for n in names.split()]
    twice = {n for n, g in itertools.groupby(sorted(names)) if len([*g]) > 1}
    assert not twice
    assert all(columns._fold(name) == name for name in names)
