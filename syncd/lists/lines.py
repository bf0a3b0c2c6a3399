"""Read a text file line by line, in whatever encoding.

An encoding is detected strictly: the whole file must be UTF-8, as a byte order
mark says, or else the whole file GB18030. A few Chinese words in GB18030 are
by chance UTF-8 as well, of Greek to Arabic letters: a file that could be
either must be given. What is given is not questioned: then single lines that
do not decode are refused.

GB18030 is read as Windows writes it: the byte 0x80 is the euro sign (code
page 936, WHATWG Encoding); 0xFF, there of private use, does not decode. No
later byte of a character is 0x0A, so lines are cut before they are decoded.
"""

import codecs
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from syncd import tsv
from syncd.errors import MalformedError, UsageError

MAX_LINE = 65_536  # bytes; a longer one is refused, and not kept
_SHOWN = 1024  # characters of it that are shown
_LIMIT = MAX_LINE + 2
_LONG = re.compile(b"[\xe0-\xff]")  # begins three bytes or more in UTF-8
_PRIVATE = re.compile("[\ue000-\uf8ff]")
ENCODINGS = ("utf-8", "gb18030")
_ALIASES = dict.fromkeys(("gbk", "gb2312", "cp936"), "gb18030")
_ALIASES |= {"utf8": "utf-8"}
_REPAIRED = {  # what the codec says, what it is
    int(codec, 16): int(right, 16)
    for _, codec, right in tsv.rows("lists/gb18030.tsv")
}
_SPOILT = {right: codec for codec, right in _REPAIRED.items()}


class Line(NamedTuple):
    """One line without its end; `problem` says why it cannot be read."""

    number: int  # from 1
    begin: int  # bytes of the file before it
    end: int  # bytes of the file up to and with its line end
    text: str
    raw: bytes  # as it stands in the file
    problem: MalformedError | None


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
        return line.raw.rstrip(b"\r\n")
    return line.text.translate(_SPOILT).encode("gb18030")


def encoding(path: Path, given: str = "") -> str:
    """Return which of ENCODINGS a file is in.

    Raises:
        UsageError: no such encoding, or the file is in none that we read.
    """
    with path.open("rb") as file:
        marked = "utf-8" * (file.read(3) == codecs.BOM_UTF8)
        name = _ALIASES.get(given.lower(), given.lower())
        if name and name not in ENCODINGS:
            raise UsageError(
                "--encoding {told}: want {names}",
                told=repr(given),
                names=", ".join(ENCODINGS),
            )
        if name or marked:
            return name or marked
        no_utf8 = _first_wrong(file, "utf-8")
        if no_utf8 is None and (
            all(map(bytes.isascii, _chunks(file)))
            or any(map(_LONG.search, _chunks(file)))
        ):
            return "utf-8"
        no_gb = _first_wrong(file, "gb18030")
    if no_utf8 is None and no_gb is None:
        raise UsageError("{path}: may be UTF-8 or GB18030", path=path)
    if no_utf8 is None or no_gb is None:
        return "utf-8" if no_utf8 is None else "gb18030"
    raise UsageError(
        "{path}: neither UTF-8 (byte {one}) nor GB18030 (byte {two})",
        path=path,
        one=no_utf8,
        two=no_gb,
    )


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return iter(partial(file.read, 1 << 20), b"")


def _first_wrong(file: BinaryIO, name: str) -> int | None:
    """Return the first byte that does not decode."""
    try:
        for _ in codecs.iterdecode(_chunks(file), name, _ERRORS[name]):
            pass
    except UnicodeDecodeError as e:
        # The decoder may have kept bytes of the chunk before.
        return file.tell() - len(e.object) + e.start
    return None


def read(
    file: BinaryIO, name: str, start: int, number: int = 0
) -> Iterator[Line]:
    """Yield the lines from byte `start` on, behind line `number`."""
    file.seek(0)
    at = start or 3 * (file.read(3) == codecs.BOM_UTF8)
    file.seek(at)
    while piece := file.readline(_LIMIT):
        begin, raw = at, piece
        at += len(piece)
        while not piece.endswith(b"\n") and (piece := file.readline(_LIMIT)):
            at += len(piece)
            raw += piece[: _LIMIT - len(raw)]
        number, size, why = number + 1, at - begin, None
        try:
            text = decode(raw, name)
        except UnicodeDecodeError as e:
            text, wrong = raw.decode(name, "replace"), begin + e.start
            why = MalformedError(
                "not {name} at byte {at}", name=name, at=wrong
            )
        if size > MAX_LINE:
            text = text[:_SHOWN] + "…"
            why = MalformedError(
                "the line is {size} bytes long, above {most}",
                size=size,
                most=MAX_LINE,
            )
        elif "\0" in text and not why:
            why = MalformedError("holds a NUL byte")
        # Joined files have their marks inside, DOS ends a file with 0x1A.
        text = text.rstrip("\r\n\x1a").removeprefix("\ufeff")
        yield Line(number, begin, at, text, raw, why)
