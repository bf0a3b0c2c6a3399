"""A sheet's rows say what is seen in the spreadsheet, or why they do not."""

import contextlib
import datetime
import re
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import UsageError
from syncd.lists import table, workbook, xlsx_parts
from syncd.lists.rows import FileOptions, Flawed, Row
from tests.cases import each, tried
from tests.refusals import misused

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
OFFICE = "http://schemas.openxmlformats.org"
MAIN = f'xmlns="{OFFICE}/spreadsheetml/2006/main"'
RELS = f"{OFFICE}/officeDocument/2006/relationships"
HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>value</t></is></c></row>'


def saved(folder: Path, rows: Any, merged: Iterable[str] = ()) -> Path:
    """What openpyxl writes."""
    path = folder / "a.xlsx"
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    for row in rows:
        first.append(row)
    for one in merged:
        first.merge_cells(one)
    book.save(path)
    return path


def related(*targets: str) -> str:
    found = "".join(
        f'<Relationship Id="r{n}" Type="{RELS}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(t.split("=") for t in targets)
    )
    return (
        f'<Relationships xmlns="{OFFICE}/package/2006/relationships">'
        f"{found}</Relationships>"
    )


def formatted(*codes: str) -> str:
    """Styles 1, 2 …: a built-in number or a code each."""
    ids = [
        int(code) if code.isdecimal() and len(code) < 3 else 200 + n
        for n, code in enumerate(codes)
    ]
    own = "".join(
        f'<numFmt numFmtId="{id_}" formatCode="{code}"/>'
        for id_, code in zip(ids, codes, strict=True)
        if id_ >= 200
    )
    used = "".join(f'<xf numFmtId="{id_}"/>' for id_ in (0, *ids))
    return (
        f"<styleSheet {MAIN}><numFmts>{own}</numFmts><cellStyleXfs>"
        '<xf numFmtId="14"/><xf numFmtId="14"/></cellStyleXfs>'
        f"<cellXfs>{used}</cellXfs></styleSheet>"
    )


def made(
    folder: Path,
    rows: str,
    *,
    styles: str = "",
    strings: str = "",
    about: str = "",
    before: str = "",
    behind: str = "",
    sheet: bool = True,
) -> Path:
    """A workbook of one sheet, by its XML."""
    parts = {
        "_rels/.rels": related("officeDocument=xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": related(
            "worksheet=worksheets/sheet1.xml"
        ),
        "xl/workbook.xml": (
            f'<workbook {MAIN} xmlns:r="{RELS}">{about}<sheets>'
            '<sheet name="list" sheetId="1" r:id="r0"/></sheets></workbook>'
        ),
        SHEET: (
            f"<worksheet {MAIN}>{before}<sheetData>{rows}</sheetData>"
            f"{behind}</worksheet>"
        ),
    }
    if not sheet:
        del parts[SHEET]
    if styles:
        parts["xl/styles.xml"] = styles
    if strings:
        parts[STRINGS] = f"<sst {MAIN}>{strings}</sst>"
    path = folder / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


def read(path: Path, **options: Any) -> list[Row]:
    return list(table.open_table(path, FileOptions(**options)).rows(0, 0))


def values(path: Path, **options: Any) -> list[str]:
    """What the cells of column A say, in this process."""
    return [str(next(iter(row.cells))) for row in read(path, **options)]


def column(*texts: str) -> str:
    """Rows from the second on, of one cell each."""
    return HEAD + "".join(
        f'<row r="{n}">{text.replace("<c", f"<c r=%sA{n}%s" % (chr(34), chr(34)), 1)}</row>'
        for n, text in enumerate(texts, 2)
    )


# ----------------------------------------------------------- what is seen


@pytest.fixture
def childless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read workbooks in this process: a hundred starts take seconds."""
    monkeypatch.setattr(
        "syncd.lists.sheet._frames",
        lambda *named: iter(unsheltered(*named)[:-1]),
    )


@pytest.mark.usefixtures("childless")
@each("lists/sheets")
def test_a_column(tmp_path: Path, one: Any) -> None:
    """What each vector says of it."""
    path = made(
        tmp_path,
        one["rows"] if "rows" in one else column(*one["cells"]),
        styles=formatted(*one["styles"]) if "styles" in one else "",
        strings="".join(f"<si>{si}</si>" for si in one.get("strings", ())),
        about=one.get("about", ""),
        behind=one.get("behind", ""),
    )
    if "fails" in one:
        with refusal(one["fails"]):
            read(path)
        return
    found = [next(iter(row.cells)) for row in read(path)]
    assert found == one["values"]
    why = [str(cell.why) if type(cell) is Flawed else "" for cell in found]
    assert why == one.get("flaws", [""] * len(found))


# ------------------------------------------------------------- the sheet


@pytest.mark.usefixtures("childless")
def test_a_sheet_must_be_named_among_several(tmp_path: Path) -> None:
    """A hidden one is read on demand; a very hidden one is not even named."""
    book = openpyxl.Workbook()
    for name, state in (("b", "hidden"), ("c", "veryHidden"), ("d", "")):
        sheet = book.create_sheet(name)
        sheet.sheet_state = state or "visible"
        for text in ("value", name) if state else ():
            sheet.append([text])
    path = tmp_path / "a.xlsx"
    book.save(path)
    for sheet in ("b", "c"):
        assert values(path, sheet=sheet) == [sheet]
    with refusal("has 2 sheets"):
        read(path)
    with refusal("no sheet x") as refused:
        read(path, sheet="x")
    assert refused.value.hint == "sheets: Sheet, d"
    with misused("is empty"):
        read(path, sheet="d")
    book.remove(book["d"])
    book.worksheets[0].append(["value"])
    book.save(path)
    assert values(path) == []


@pytest.mark.usefixtures("childless")
@each("lists/sheets", "tables")
def test_a_table(tmp_path: Path, one: Any) -> None:
    """What each vector says of it."""
    if "xml" in one:
        path = made(tmp_path, one["xml"], before=one.get("before", ""))
    else:
        path = saved(tmp_path, one["grid"], merged=one["merged"])
    opened = table.open_table(path, FileOptions(**one.get("told", {})))
    assert [*(opened.header or ())] == one["header"]
    rows = [*opened.rows(0, 0)]
    assert [[row.number, row.cells] for row in rows] == one["rows"]
    assert opened.span >= rows[-1].number
    assert [*opened.rows(opened.span, opened.span)] == []
    for begin in (one["rows"][0][0],) * 2:
        assert [*opened.rows(begin, begin)] == rows[1:]
    for number, at in one.get("flawed", ()):
        [row] = (row for row in rows if row.number == number)
        assert type(row.cells[at]) is Flawed
    assert [*map(str, opened.notes)] == one.get("notes", [])


# ------------------------------------------------------------ the limits


@tried(
    "part, raw, why",
    [
        (SHEET, b"<x>" + b"a" * 400_000, "larger inside"),
        (SHEET, b"<x>" + b"<c/>" * 2_000_000, "larger inside|no sound"),
        (SHEET, b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "no sound XLSX"),
        (STRINGS, b'<!DOCTYPE x [<!ENTITY a "b">]><sst/>', "no sound XLSX"),
        (SHEET, b"<worksheet", "no sound XLSX"),
        ("xl/workbook.xml", b"<x/>", "no sound XLSX|has 0 sheets"),
        ("[Content_Types].xml", b"", ""),
        ("XL/WORKBOOK.xml", b"<x/>", "a part twice"),
    ],
)
def test_bombs_and_wrecks(
    tmp_path: Path, part: str, raw: bytes, why: str
) -> None:
    """What no spreadsheet writes is refused before it is held."""
    path = saved(tmp_path, [["value"], ["a"]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**parts, part: raw}.items():
            archive.writestr(name, data)
    if not why:
        assert values(path) == ["a"]
        return
    with misused(why):
        read(path)


@tried(
    "limit",
    ["MAX_STRINGS", "MAX_TAGS", "MAX_INFLATED", "MAX_PARTS", "MAX_AREA"],
)
def test_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Each is one of its own."""
    path = made(
        tmp_path, column('<c t="s"><v>0</v></c>'), strings="<si><t>a</t></si>"
    )
    assert unsheltered(path)
    where = xlsx_parts if hasattr(xlsx_parts, limit) else workbook
    monkeypatch.setattr(where, limit, 1)
    with refusal("larger inside"):
        unsheltered(path)


@pytest.mark.usefixtures("childless")
def test_a_formula_that_nobody_computed(tmp_path: Path) -> None:
    """It is seen across pieces."""
    cell = "<c><!--" + "x" * xlsx_parts.PIECE + "--><f>1+1</f></c>"
    assert values(made(tmp_path, column(cell))) == ["=?"]


def test_a_workbook_that_is_cut_off(tmp_path: Path) -> None:
    """Wherever it ends, it is one clear error."""
    raw = saved(tmp_path, [["value"], ["a.example"]]).read_bytes()
    cut = tmp_path / "cut.xlsx"
    for part in range(1, 20):
        cut.write_bytes(raw[: len(raw) * part // 20])
        with refusal("no sound XLSX workbook"):
            unsheltered(cut)


@given(st.data())
def test_any_change_of_a_workbook(tmp_path: Path, data: st.DataObject) -> None:
    """One changed byte: the same rows, others, or a refusal."""
    path = tmp_path / "a.xlsx"
    if not path.exists():
        saved(tmp_path, [["value"], *([f"{n}.example"] for n in range(20))])
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(4, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    changed = tmp_path / "b.xlsx"
    changed.write_bytes(raw)
    with contextlib.suppress(UsageError):
        unsheltered(changed)


def unsheltered(path: Path, wanted: str = "") -> Any:
    """The frames of a workbook, without a child."""
    found = list(workbook.frames(path, wanted))
    for frame in found:
        if isinstance(frame, dict) and "refused" in frame:
            message, hint, params = frame["refused"]
            raise UsageError(message, hint=hint, path=path, **params)
    return found


@contextlib.contextmanager
def refusal(why: str) -> Iterator[pytest.ExceptionInfo[UsageError]]:
    with misused(re.escape(why)) as refused:
        yield refused
    assert refused.value.hint


@tried("cell", ["A99999999999", "A1048577", "XFD1048576"])
def test_a_cell_far_away_costs_nothing(tmp_path: Path, cell: str) -> None:
    """Neither time nor memory: the sheet's extent is bounded before."""
    row = cell.lstrip("ADFX")
    path = made(
        tmp_path, HEAD + f'<row r="{row}"><c r="{cell}"><v>1</v></c></row>'
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with misused("larger inside"):
        unsheltered(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 16 << 10  # KiB


@pytest.mark.usefixtures("childless")
def test_wide_rows_are_refused(tmp_path: Path) -> None:
    """To the last column, with an error in it."""
    path = made(
        tmp_path,
        HEAD + '<row r="2"><c r="A2"><v>1</v></c>'
        '<c r="XFD2" t="e"><v>#N/A</v></c></row><row r="3"><c r="A3"><v>2</v>'
        '</c></row><row r="4"><c r="A4"><v>3</v></c><c r="B4"><v>4</v></c></row>',
    )
    wide, found, two = read(path)
    assert str(wide.problem) == "more than 200 cells"
    assert found.cells == ["2"]
    assert str(two.problem) == "2 cells, want 1"


# -------------------------------------------------------------- the child


def test_a_child_without_memory_is_a_clear_error(tmp_path: Path) -> None:
    """A workbook of too many texts is refused, and nothing else happens."""
    path = made(
        tmp_path,
        column(*['<c t="s"><v>0</v></c>'] * 50_000),
        strings="<si><t>" + "x" * 30_000 + "</t></si>",
    )
    with refusal("larger inside than a list is"):
        read(path)


def test_a_child_takes_no_more_than_it_may(tmp_path: Path) -> None:
    """Where the machine gives less than we would take."""
    path = saved(tmp_path, [["value"], ["a"]])
    ran = subprocess.run(
        [sys.executable, "-I", "-m", workbook.__name__, path, ""],
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_DATA, (200 << 20, 200 << 20)
        ),
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"value" in ran.stdout


@tried(
    "ends, why",
    [
        ("os.kill(os.getpid(), 9)", "larger inside than a list is"),
        ("os.abort()", "larger inside than a list is"),
        ("sys.exit(3)", "is no sound XLSX workbook (3)"),
    ],
)
def test_a_child_that_dies_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str, why: str
) -> None:
    """In the middle of a frame, too."""
    real = subprocess.Popen
    code = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "sys.stdout.buffer.write(b'\\0\\0\\0\\x09half')\n"
        f"sys.stdout.flush()\n{ends}\n"
    )
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda _, **options: real([sys.executable, "-c", code], **options),
    )
    with refusal(why):
        read(saved(tmp_path, [["value"]]))


def test_no_child_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the rows are read to the end, a part of them, or not at all."""
    born: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options)
            born.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    path = saved(tmp_path, [["value"], *([n] for n in range(9000))])
    opened = table.open_table(path, FileOptions())
    for _ in range(2):
        rows = opened.rows(0, 0)
        next(rows)
        del rows
    opened = table.open_table(path, FileOptions())
    del opened
    read(path)
    with misused():
        read(path, sheet="x")
    assert len(born) == 5
    assert all(child.returncode is not None for child in born)


OPENED = """
import os, pathlib, resource, subprocess, sys
from syncd.lists import table
from syncd.lists.rows import FileOptions
real = subprocess.Popen
def born(*a, **k):
    child = real(*a, **k)
    print(child.pid, flush=True)
    return child
subprocess.Popen = born
opened = table.open_table(pathlib.Path(sys.argv[1]), FileOptions())
"""
# Its own is told by getrusage as no less than pytest's.
MEASURED = f"""{OPENED}
rows = sum(1 for _ in opened.rows(0, 0))
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
told = pathlib.Path('/proc/self/status').read_text()
own = int(told.partition('VmHWM:')[2].split()[0])
print(rows, (child + own) * 1024)
"""


def running(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Have another process open a workbook; it prints its child's number."""
    return subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True
    )


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """A killed command leaves no reader behind."""
    path = saved(tmp_path, [["value"], *([n] for n in range(9000))])
    ran = running(OPENED + "os.kill(os.getpid(), 9)", path)
    assert ran.returncode == -signal.SIGKILL
    state = Path("/proc") / ran.stdout.strip() / "stat"
    for _ in range(100):
        if not state.exists() or ") Z " in state.read_text():
            return
        time.sleep(0.1)
    pytest.fail("the child lives on")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_rows_stay_within_500_megabytes(tmp_path: Path) -> None:
    """Both processes: four columns, of texts that all differ in one."""
    path = made(tmp_path, "", styles=formatted("31"), sheet=False)
    row = (
        '<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>http://h{n}.example/a/'
        'page/as/long/as/most/are</t></is></c><c r="B{n}" t="inlineStr"><is>'
        '<t>虚假购物网站</t></is></c><c r="C{n}" t="inlineStr"><is><t>钓鱼网站'
        '</t></is></c><c r="D{n}" s="1"><v>46023</v></c></row>'
    )
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open(SHEET, "w") as part,
    ):
        part.write(f"<worksheet {MAIN}><sheetData>{HEAD}".encode())
        for n in range(2, 1_000_002):
            part.write(row.format(n=n).encode())
        part.write(b"</sheetData></worksheet>")
    *_, rows, most = map(int, running(MEASURED, path).stdout.split())
    assert rows == 1_000_000
    assert most < 500_000_000


plain = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"
    ),
    min_size=1,
    max_size=20,
).filter(lambda text: text.strip() == text and not text.startswith("="))
DAYS = st.datetimes(
    *map(datetime.datetime.fromisoformat, ("1900-03-01", "2099-12-31"))
).map(lambda day: day.replace(microsecond=0))
GRID = st.lists(
    st.lists(
        st.none()
        | plain
        | st.booleans()
        | st.integers(-(10**15) + 1, 10**15 - 1)
        | st.floats(1e-3, 1e6).map(lambda x: round(x, 3))
        | DAYS
        | DAYS.map(datetime.datetime.date),
        min_size=1,
        max_size=5,
    ),
    min_size=1,
    max_size=6,
)


@given(GRID)
def test_what_openpyxl_writes_is_read(tmp_path: Path, rows: Any) -> None:
    """Every cell at its place, whatever is empty around it."""
    path = saved(tmp_path, rows)
    found = {}
    for batch in unsheltered(path)[1:-1]:
        for number, _, texts in batch:
            for at, text in enumerate(texts):
                if text:
                    found[number, at] = text
    assert found == {
        (number, at): seen(value)
        for number, row in enumerate(rows, 1)
        for at, value in enumerate(row)
        if value is not None
    }


def seen(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case datetime.datetime():
            return str(value).removesuffix(" 00:00:00")
    return str(value)
