"""A file is what it is said to be, or is refused by its name."""

import zipfile
from pathlib import Path

import pytest

from syncd.errors import UsageError
from syncd.lists import kinds
from syncd.lists.rows import Told


@pytest.mark.parametrize(
    ("name", "told", "want"),
    [
        ("a.csv", Told(), "csv"),
        ("A.CSV", Told(), "csv"),
        ("a.tab", Told(), "tsv"),
        ("a.list", Told(), "txt"),
        ("a.jsonl", Told(), "ndjson"),
        ("hosts", Told(), "hosts"),
        ("a.dat", Told(delimiter="|@|"), "csv"),
        ("a.txt", Told(widths="1-2"), "csv"),
        ("a.csv", Told(format="txt"), "txt"),
    ],
)
def test_what_is_told_then_the_name(
    tmp_path: Path, name: str, told: Told, want: str
) -> None:
    (tmp_path / name).write_text("value\na\n")
    assert kinds.kind_of(tmp_path / name, told) == want


FORMATS = ", ".join(kinds.FORMATS)


def refused(path: Path, raw: bytes, form: str = "") -> str:
    path.write_bytes(raw)
    with pytest.raises(UsageError) as e:
        kinds.kind_of(path, Told(format=form))
    return f"{e.value}; {e.value.hint}".removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS, or a protected XLSX"),
        (b"%PDF-1.7\n", "PDF"),
        (b"{\\rtf1\\ansi", "RTF"),
        (b"\x1f\x8b\x08\0", "GZIP"),
        (b"7z\xbc\xaf\x27\x1c", "7z, RAR or XZ"),
        (b"Rar!\x1a\x07\x00", "7z, RAR or XZ"),
        (b"\xfd7zXZ\0", "7z, RAR or XZ"),
        (b"<html><body><table>", "HTML or XML"),
        (b"\n <TABLE border=1>", "HTML or XML"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "HTML or XML"),
        ("\ufeff<html>".encode("utf-16-le"), "HTML or XML"),
        (b"<!-- x -->", "HTML or XML"),
        (b"<rows>\n <row>", "HTML or XML"),
        (b"MIME-Version: 1.0\nX-Document-Type: Workbook\n", "HTML or XML"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"\xff\xd8\xff\xe0", "an image"),
        (b"BM\x36\0\x0c\0\0\0", "an image"),
        (b"SQLite format 3\0", "SQLite"),
        (b"-- MySQL dump 10.13\n", "SQL"),
        (b"-- x\nINSERT INTO t VALUES (1);\n", "SQL"),
        (b"ID;PWXL;N;E\r\nP;PGeneral\r\n", "SYLK"),
        (b'{"Event": {"info": "x"}}', "MISP"),
        (b'{"response": [{"Event": {"id": "1"}}]}', "MISP"),
        (b'[{"Event": {"id": "1"}}]', "MISP"),
        (b'{"Attribute": [{"value": "x"}]}', "MISP"),
        (b'{\n "list": ["a"],\n "matching_attributes": []}', "MISP"),
        (b'{"uuid-1": {"Orgc": {"name": "x"}, "info": "y"}}', "MISP"),
        (b'{"type": "bundle", "id": "x"}', "STIX"),
        (b'{\n  "id": "x",\n  "objects": [\n', "STIX"),
        (b'[{"value": "a"}]', "JSON"),
        (b'["a", "b"]', "JSON"),
        (b"[]", "JSON"),
        (b'{"3456": [{"url": "x"}], "3457": []}', "JSON"),
        (b'{"data": {"value": "x"}}', "JSON"),
        (b"[13800138000, 2]", "JSON"),
        (b'{\n  "value": "a"\n}', "JSON"),
        (b"[Adblock Plus 2.0]\n", "an Adblock list"),
        (b"! Title: x\n||a.example^\n", "an Adblock list"),
        (b"# x\n! Last modified: x\n", "an Adblock list"),
        (b"||a.example^\n", "an Adblock list"),
        (b"# c\n||a.example^$third-party\n", "an Adblock list"),
        (b"@@||a.example^\n", "an Adblock list"),
        (b"a.example,b.example##.ad\n", "an Adblock list"),
        (b"address=/a.example/0.0.0.0\n", "a DNS filter"),
        (b'# c\nlocal-zone: "a.example" always_null\n', "a DNS filter"),
        (b"payload:\n  - '+.a.example'\n", "a DNS filter"),
        (b"DOMAIN-SUFFIX,a.example\n", "a DNS filter"),
        (
            b"\xff\xfe\0\0a\0\0\0",
            "UTF-32, or UTF-16 without a byte order mark",
        ),
        (b"a\0b\0", "UTF-32, or UTF-16 without a byte order mark"),
        (b"\0a\0b", "UTF-32, or UTF-16 without a byte order mark"),
        (b"$TTL 2\n@ SOA x\na.example CNAME .\n", "a DNS filter"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.xls", "a"])
def test_what_is_no_list_of_ours_is_named(
    tmp_path: Path, raw: bytes, what: str, name: str
) -> None:
    said = refused(tmp_path / name, raw)
    assert said.startswith(f"is {what}, whatever its name says; ")
    assert not said.endswith("; ")


@pytest.mark.parametrize(
    "raw",
    [
        b"[2001:db8::1]\n",
        b"<http://a.example/>\n",
        b"[1.2.3.4]\n",
        b"! a.example\n",
        b"a||b^c\n",
        b"||\n1||2\n",
        b'{"value":"a"}\n{"value":"b"}\n',
        b'{"Event":"x"}\n',
        b"domain,label\n",
        b"ID,value\n",
        b"ID;Phone\n1;2\n",
        b"domain-name,label\n",
        b"server=x\n",
        b"<wxid_abc>\n",
        b'{"technique":["a"],"value":"b"}\n',
        b"#a\nhttp://a.example/#/#/x\n",
        b"address,label\n",
    ],
)
def test_what_only_looks_so_is_not(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(raw)
    assert kinds.kind_of(tmp_path / "a.csv", Told()) == "csv"


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("xl/workbook.bin", "XLSB"),
        ("word/document.xml", "DOCX"),
        ("content.xml", "ODS"),
        ("OFD.xml", "OFD"),
        ("list.csv", "ZIP"),
    ],
)
def test_what_a_zip_holds(tmp_path: Path, part: str, what: str) -> None:
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr(part, "x")
    raw = (tmp_path / "b").read_bytes()
    for name in ("a.xlsx", "a.csv"):
        assert refused(tmp_path / name, raw).startswith(f"is {what}, what")


def test_a_workbook_under_another_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr("xl/workbook.xml", "x")
    raw = (tmp_path / "b").read_bytes()
    said = refused(tmp_path / "a.csv", raw)
    assert said.startswith("is XLSX, not CSV; say --format: csv, ")
    assert kinds.kind_of(tmp_path / "b", Told(format="xlsx")) == "xlsx"
    assert refused(tmp_path / "a.xlsx", b"a,b\n").startswith("is not XLSX")
    # One that is cut off: whoever opens it says so.
    (tmp_path / "a.xlsx").write_bytes(raw[:50])
    assert kinds.kind_of(tmp_path / "a.xlsx", Told()) == "xlsx"


def test_no_file(tmp_path: Path) -> None:
    for path, why in (
        (tmp_path, "is no file"),
        (tmp_path / "gone", "no such file"),
        (Path("-"), "is no file"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(UsageError, match=why):
            kinds.kind_of(path, Told())
    assert refused(tmp_path / "a", b"x").startswith("its name does not say")
    assert refused(tmp_path / "a", b"").startswith("is empty")
    said = refused(tmp_path / "a", b"x", "pdf")
    assert said == f"--format 'pdf': there is none; say --format: {FORMATS}"


def test_what_is_told_to_be_utf_16_is_looked_at_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("value\na\n".encode("utf-16-le"))
    assert kinds.kind_of(path, Told(encoding="utf-16-le")) == "csv"
    path.write_bytes("<html>".encode("utf-16-le"))
    with pytest.raises(UsageError, match="is HTML or XML"):
        kinds.kind_of(path, Told(encoding="utf-16-le"))
