"""A file is what it is said to be, or is refused by its name."""

import zipfile
from pathlib import Path
from typing import Any

from syncd.lists import file_kinds
from syncd.lists.rows import FileOptions
from tests.cases import each, tried
from tests.refusals import misused


@each("lists/kinds", "told")
def test_the_given_format_goes_before_a_name(tmp_path: Path, one: Any) -> None:
    path = tmp_path / one["name"]
    path.write_text("value\na\n")
    assert file_kinds.kind_of(path, FileOptions(**one["told"])) == one["kind"]


def refused(path: Path, raw: bytes, form: str = "") -> str:
    path.write_bytes(raw)
    with misused() as e:
        file_kinds.kind_of(path, FileOptions(format=form))
    return f"{e.value}; {e.value.hint}".removeprefix(f"{path}: ")


def zipped(path: Path, *parts: str) -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        for part in parts:
            archive.writestr(part, "x")
    return path.read_bytes()


@each("lists/kinds", "foreign")
@tried("name", ["a.csv", "a.txt", "a.xls", "a"])
def test_what_is_no_list_of_ours_is_named(
    tmp_path: Path, one: Any, name: str
) -> None:
    text = refused(tmp_path / name, one["raw"].encode("latin-1"))
    assert text.startswith(f"is {one['what']}, whatever its name says; ")
    assert not text.endswith("; ")


@each("lists/kinds", "ours")
def test_what_only_looks_so_is_not(tmp_path: Path, one: Any) -> None:
    (tmp_path / "a.csv").write_bytes(one["raw"].encode("latin-1"))
    assert file_kinds.kind_of(tmp_path / "a.csv", FileOptions()) == "csv"


@each("lists/kinds", "zipped")
def test_what_a_zip_holds(tmp_path: Path, one: Any) -> None:
    raw = zipped(tmp_path / "b", "[Content_Types].xml", one["part"])
    for name in ("a.xlsx", "a.csv"):
        text = refused(tmp_path / name, raw)
        assert text.startswith(f"is {one['what']}, what")


def test_a_workbook_under_another_name(tmp_path: Path) -> None:
    raw = zipped(tmp_path / "b", "xl/workbook.xml")
    text = refused(tmp_path / "a.csv", raw)
    assert text.startswith("is XLSX, not CSV; say --format: csv, ")
    assert (
        file_kinds.kind_of(tmp_path / "b", FileOptions(format="xlsx"))
        == "xlsx"
    )
    assert refused(tmp_path / "a.xlsx", b"a,b\n").startswith("is not XLSX")
    # One that is cut off: whoever opens it says so.
    (tmp_path / "a.xlsx").write_bytes(raw[:50])
    assert file_kinds.kind_of(tmp_path / "a.xlsx", FileOptions()) == "xlsx"


def test_no_file(tmp_path: Path) -> None:
    for path, why in (
        (tmp_path, "is no file"),
        (tmp_path / "gone", "no such file"),
        (Path("-"), "is no file"),
    ):
        with misused(why):
            file_kinds.kind_of(path, FileOptions())
    assert refused(tmp_path / "a", b"x").startswith("its name does not say")
    assert refused(tmp_path / "a", b"").startswith("is empty")
    formats = ", ".join(file_kinds.FORMATS)
    text = refused(tmp_path / "a", b"x", "pdf")
    assert text == f"--format 'pdf': there is none; say --format: {formats}"
