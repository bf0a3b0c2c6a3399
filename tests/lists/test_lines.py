"""Encodings are detected strictly; lines end where they end."""

import shutil
import subprocess
from pathlib import Path

import pytest

from syncd import tsv
from syncd.errors import UsageError
from syncd.lists import lines


def opened(path: Path, raw: bytes, encoding: str = "") -> list[str]:
    path.write_bytes(raw)
    found = read(path, raw, lines.encoding(path, encoding))
    return [str(line.problem or line.text) for line in found]


def read(path: Path, raw: bytes, how: str) -> list[lines.Line]:
    path.write_bytes(raw)
    with path.open("rb") as file:
        return [*lines.read(file, how, 0)]


def test_an_encoding_is_detected_over_the_whole_file(tmp_path: Path) -> None:
    """The one Chinese character may stand behind megabytes of ASCII."""
    path = tmp_path / "a"
    head = b"a.example\n" * 300_000
    for name in ("utf-8", "gb18030"):
        path.write_bytes(head + "电话".encode(name))
        assert lines.encoding(path) == name
    path.write_bytes(head + b"\xff")
    with pytest.raises(UsageError, match=f"byte {len(head)}"):
        lines.encoding(path)


def test_an_ambiguous_encoding_must_be_given(tmp_path: Path) -> None:
    """诈 in GB18030 is an Armenian letter in UTF-8: nothing is guessed."""
    path = tmp_path / "a"
    path.write_bytes("诈\n".encode("gb18030"))
    with pytest.raises(UsageError, match="may be UTF-8 or GB18030"):
        lines.encoding(path)
    for given, name in (("utf8", "utf-8"), ("GBK", "gb18030")):
        assert lines.encoding(path, given) == name
    with pytest.raises(UsageError, match="want utf-8, gb18030"):
        lines.encoding(path, "latin-1")


def test_a_character_across_two_pieces(tmp_path: Path) -> None:
    """It is neither taken apart nor called wrong."""
    path = tmp_path / "a"
    for shift in range(3):
        path.write_bytes(b"a" * ((1 << 20) - shift) + "诈骗".encode())
        assert lines.encoding(path) == "utf-8"


def test_a_long_line_is_not_kept(tmp_path: Path) -> None:
    found = read(tmp_path / "a", b"a" * 4_000_001 + b"\nlast", "utf-8")
    assert "4000002 bytes long" in str(found[0].problem)
    assert len(found[0].text) < 2000
    assert (found[1].text, found[1].end) == ("last", 4_000_006)


def test_a_byte_order_mark_says_utf_8(tmp_path: Path) -> None:
    for raw in (b"\xef\xbb\xbfa", b"a"):
        for given in ("", "utf8"):
            assert opened(tmp_path / "a", raw, given) == ["a"]
    assert lines.encoding(tmp_path / "a", "gbk") == "gb18030"


# ----------------------------------------------------------------- GB18030


def test_windows_euro_sign(tmp_path: Path) -> None:
    """0x80 alone is one; as a second byte it is what it was, 0xFF nothing."""
    raw = "诈骗".encode("gb18030") + b"\x80\x81\x80\x80\n"
    assert opened(tmp_path / "a", raw) == ["诈骗€亐€"]
    assert opened(tmp_path / "a", b"\xd5\xa9\xc6\xad" * 9 + b"\x80") == [
        "诈骗" * 9 + "€"
    ]
    with pytest.raises(UsageError, match=r"GB18030 \(byte 4\)"):
        opened(tmp_path / "a", b"\xd5\xa9\xc6\xad\xff\n")
    odd = opened(tmp_path / "a", b"\xd5\xa9\n\xff\n", "gbk")
    assert odd == ["诈", "not gb18030 at byte 3"]


def test_no_character_of_private_use_where_there_is_a_real_one() -> None:
    """Those of the standard of 2022, and a full-width blank."""
    for raw, real in (
        *((b"\xa6\xd9", "\ufe10"), (b"\xa8\xbc", "\u1e3f")),
        *((b"\xfe\x51", "\U00020087"), (b"\xfe\x59", "\u9fb4")),
        *((b"\xfe\xa0", "\u9fbb"), (b"\xa3\xa0", "\u3000")),
    ):
        assert lines.decode(raw, "gb18030") == real
    assert lines.decode(b"\xaa\xa1", "gb18030") == "\ue000"
    for _, _, code in tsv.rows("lists/gb18030.tsv"):
        line = lines.Line(1, 0, 0, chr(int(code, 16)), b"", None)
        raw = lines.gb18030(line, "utf-8")
        assert lines.decode(raw, "gb18030") == line.text


@pytest.mark.skipif(not shutil.which("iconv"), reason="no iconv")
def test_every_two_bytes_are_what_glibc_reads() -> None:
    """But for A3A0, which the web reads as a blank, and for Windows."""
    trail = [*range(0x40, 0x7F), *range(0x80, 0xFF)]
    raw = [bytes([a, b]) for a in range(0x81, 0xFF) for b in trail]
    output = subprocess.run(
        ["iconv", "-f", "GB18030", "-t", "UTF-8"],
        input=b"\n".join(raw),
        capture_output=True,
        check=True,
    ).stdout.decode()
    ours = {r.hex(): lines.decode(r, "gb18030") for r in raw}
    theirs = dict(zip(ours, output.split("\n"), strict=True))
    assert {k for k in ours if ours[k] != theirs[k]} == {"a3a0"}


# -------------------------------------------------------------------- lines


def test_what_stands_at_the_ends_of_joined_and_of_old_files(
    tmp_path: Path,
) -> None:
    raw = b"\xef\xbb\xbfa\r\n\xef\xbb\xbfb\n\x1a"
    assert opened(tmp_path / "a", raw) == ["a", "b", ""]


def test_an_overlong_line_is_not_kept(tmp_path: Path) -> None:
    raw = b"a" * lines.MAX_LINE + b"\nb\n" + b"c" * 3_000_000
    found = read(tmp_path / "a", raw, "utf-8")
    assert "65537 bytes long" in str(found[0].problem)
    assert found[1].text == "b"
    assert "3000000 bytes long" in str(found[2].problem)
    assert len(found[2].raw) <= lines.MAX_LINE + 2
    assert found[2].end == len(raw)
