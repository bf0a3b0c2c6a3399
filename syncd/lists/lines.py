"""Lines of a text file: where each ends, and what it says.

An encoding is detected strictly: a byte order mark says which; without one
the whole file must be UTF-8, or else the whole file GB18030. A few Chinese
words in GB18030 are by chance UTF-8 as well, of Greek to Arabic letters: a
file that could be either must be told. What is told is not questioned: then
single lines that do not decode are refused.

GB18030 is read as Windows writes it: the byte 0x80 is the euro sign (code
page 936, WHATWG Encoding); 0xFF, there of private use, does not decode. No
later byte of a character is 0x0A, so lines are cut before they are decoded.
"""

import codecs
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import BinaryIO, NamedTuple

from syncd.errors import MalformedError, UsageError

MAX_LINE = 65_536  # bytes; a longer one is refused, and not kept
_SHOWN = 1024  # characters of it that are shown
_LIMIT = MAX_LINE + 2  # even, for two-byte units
_WIDE = re.compile("[\u0800-\U0010ffff]")  # three bytes or more in UTF-8
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the next one
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
_NAMES = dict.fromkeys(("gbk", "gb2312", "cp936"), "gb18030")
_NAMES |= {"utf8": "utf-8"}
_ENDS = {"utf-16-le": b"\n\0", "utf-16-be": b"\0\n"}
_TABLE = resources.files(__package__).joinpath("gb18030.tsv")
_REPAIRED = {  # what the codec says, what it is
    int(row.split("\t")[1], 16): int(row.split("\t")[2], 16)
    for row in _TABLE.read_text("utf-8").splitlines()
    if row[0] != "#"
}
_SPOILT = {right: codec for codec, right in _REPAIRED.items()}


class Encoding(NamedTuple):
    """How a file is written."""

    name: str  # one of ENCODINGS
    mark: int  # bytes of its byte order mark


class Line(NamedTuple):
    """One line without its end; `problem` says why it cannot be read."""

    end: int  # bytes of the file up to and with its line end
    text: str
    problem: MalformedError | None
    raw: bytes  # as it stands in the file


def _euro(e: UnicodeError) -> tuple[str, int]:
    if isinstance(e, UnicodeDecodeError) and e.object[e.start] == 0x80:
        return "\u20ac", e.start + 1
    raise e


codecs.register_error("syncd.lists", _euro)
_ERRORS = dict.fromkeys(ENCODINGS, "strict") | {"gb18030": "syncd.lists"}


def decode(raw: bytes, name: str) -> str:
    """Return what bytes say; UnicodeDecodeError if they say nothing."""
    text = raw.decode(name, _ERRORS[name])
    if name == "gb18030" and _PRIVATE.search(text):
        return text.translate(_REPAIRED)
    return text


def gb18030(line: Line, name: str) -> bytes:
    """Return a line's bytes as GB18030 has them, whatever it is written in."""
    if name == "gb18030":
        return line.raw.rstrip(b"\r\n\x1a")
    return line.text.translate(_SPOILT).encode("gb18030")


def encoding(path: Path, told: str = "") -> Encoding:
    """Return the encoding of a file.

    Raises:
        UsageError: no such encoding, or the file is in none that we read.
    """
    with path.open("rb") as file:
        head = file.read(4)
        marked = (mark for mark in _MARKS if head.startswith(mark[0]))
        mark, name = next(marked, (b"", ""))
        if told:
            wanted = _NAMES.get(told.lower(), told.lower())
            if wanted == "utf-16":
                wanted = name or "utf-16-le"
            if wanted not in ENCODINGS:
                raise UsageError(
                    "--encoding {told}: want {names}",
                    told=repr(told),
                    names=", ".join(ENCODINGS),
                )
            return Encoding(wanted, len(mark) if name == wanted else 0)
        if name == "utf-32" or (not name and b"\0" in head[:2]):
            raise UsageError(
                "{path}: may be UTF-32, or UTF-16 without a byte order mark",
                path=path,
                hint="say --encoding utf-16-le, or save it as UTF-8",
            )
        if name:
            return Encoding(name, len(mark))
        sure, no_utf8 = _scan(file, "utf-8")
        if sure and no_utf8 is None:
            return Encoding("utf-8", 0)
        _, no_gb = _scan(file, "gb18030")
    if no_utf8 is None and no_gb is None:
        raise UsageError(
            "{path}: may be UTF-8 or GB18030", path=path, hint="say --encoding"
        )
    if no_utf8 is None or no_gb is None:
        return Encoding("utf-8" if no_utf8 is None else "gb18030", 0)
    raise UsageError(
        "{path}: neither UTF-8 (byte {one}) nor GB18030 (byte {two})",
        path=path,
        one=no_utf8,
        two=no_gb,
        hint="save it as UTF-8; or say --encoding, and the lines that do not"
        " decode are refused",
    )


def _scan(file: BinaryIO, name: str) -> tuple[bool, int | None]:
    """Tell whether UTF-8 is no chance, and where the first wrong byte is."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(name)(_ERRORS[name])
    done, ascii_, wide = 0, True, False
    while True:
        chunk = file.read(1 << 20)
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as e:
            return wide, done - held + e.start
        ascii_ = ascii_ and text.isascii()
        wide = wide or (not ascii_ and bool(_WIDE.search(text)))
        if not chunk:
            return ascii_ or wide, None
        done += len(chunk)


def read(file: BinaryIO, how: Encoding, start: int) -> Iterator[Line]:
    """Yield the lines from byte `start` on, which a line begins at."""
    at = max(start, how.mark)
    file.seek(at)
    end = _ENDS.get(how.name, b"\n")
    while piece := _piece(file, end):
        begin, raw = at, piece
        at += len(piece)
        while not piece.endswith(end) and (piece := _piece(file, end)):
            at += len(piece)
            raw += piece[: _LIMIT - len(raw)]
        yield _line(raw, begin, at, how.name)


def _piece(file: BinaryIO, end: bytes) -> bytes:
    """Return bytes up to a 0x0A at most; whole units, if units have two."""
    piece = file.readline(_LIMIT)
    if len(end) == 2 and len(piece) % 2:
        piece += file.read(1)
    return piece


def _line(raw: bytes, begin: int, end: int, name: str) -> Line:
    why, size = None, end - begin
    try:
        text = decode(raw, name)
    except UnicodeDecodeError as e:
        text, at = raw.decode(name, "replace"), begin + e.start
        why = MalformedError("not {name} at byte {at}", name=name, at=at)
    if size > MAX_LINE:
        text = text[:_SHOWN] + "…"
        why = MalformedError(
            "the line is {size} bytes long, above {most}",
            size=size,
            most=MAX_LINE,
        )
    # DOS ends a file with 0x1A; joined files have their marks inside.
    text = text.rstrip("\r\n\x1a")
    if "\0" in text and not why:
        why = MalformedError("holds a NUL byte")
    return Line(end, text.removeprefix("\ufeff"), why, raw)
