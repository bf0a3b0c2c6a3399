"""Lines of a text file: where each ends, and what it says.

An encoding is detected strictly: a byte order mark says which; without one
the whole file must be UTF-8, or else the whole file GB18030. A few Chinese
words in GB18030 are by chance UTF-8 as well, of Greek to Arabic letters: a
file that could be either must be told. What is told is not questioned: then
single lines that do not decode are refused.

In UTF-8 and GB18030 no character has 0x0A among its later bytes, so lines
are cut as bytes and decoded one by one. This module knows nothing of cells.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from syncd.errors import MalformedError, UsageError

MAX_LINE = 65_536  # bytes; a longer one is refused, and not kept
SHOWN = 1024  # bytes of a refused overlong line that are shown
_CHUNK = 1 << 20
_WIDE = re.compile("[\u0800-\U0010ffff]")  # three bytes or more in UTF-8

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the next one
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
_NAMES = {"gbk": "gb18030", "gb2312": "gb18030", "utf8": "utf-8"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is written."""

    name: str  # one of ENCODINGS
    mark: int  # bytes of its byte order mark


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; `problem` says why it cannot be read."""

    end: int  # bytes of the file up to and with its line end
    text: str
    problem: MalformedError | None = None


def encoding(path: Path, told: str = "") -> Encoding:
    """Return the encoding of a file.

    Raises:
        UsageError: no such encoding, or the file is in none that we read.
    """
    with path.open("rb") as file:
        head = file.read(4)
        marked = next((m for m in _MARKS if head.startswith(m[0])), None)
        if told:
            name = _NAMES.get(told.lower(), told.lower())
            if name == "utf-16":
                name = marked[1] if marked else "utf-16-le"
            if name not in ENCODINGS:
                raise UsageError(
                    "--encoding {told}: want {names}",
                    told=repr(told),
                    names=", ".join(ENCODINGS),
                )
            mark = len(marked[0]) if marked and marked[1] == name else 0
            return Encoding(name, mark)
        if marked is not None:
            if marked[1] == "utf-32":
                raise UsageError(
                    "{path}: is UTF-32",
                    path=path,
                    hint="save it as UTF-8",
                )
            return Encoding(marked[1], len(marked[0]))
        if b"\0" in head[:2]:
            raise UsageError(
                "{path}: may be UTF-16 without a byte order mark",
                path=path,
                hint="say --encoding utf-16-le, or save it as UTF-8",
            )
        sure, no_utf8 = _scan(file, "utf-8")
        if sure and no_utf8 is None:
            return Encoding("utf-8", 0)
        _, no_gb = _scan(file, "gb18030")
    if no_utf8 is None and no_gb is None:
        raise UsageError(
            "{path}: may be UTF-8 or GB18030",
            path=path,
            hint="say --encoding",
        )
    if no_utf8 is None:
        return Encoding("utf-8", 0)
    if no_gb is None:
        return Encoding("gb18030", 0)
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
    decoder = codecs.getincrementaldecoder(name)()
    done, ascii_, wide = 0, True, False
    while True:
        chunk = file.read(_CHUNK)
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
    if how.name.startswith("utf-16"):
        cut = _cut_wide(file, b"\n\0" if how.name[-2:] == "le" else b"\0\n")
    else:
        cut = _cut(file)
    for raw, size in cut:
        begin, at = at, at + size
        yield _line(raw, size, begin, at, how.name)


def _line(raw: bytes, size: int, begin: int, end: int, name: str) -> Line:
    if size > MAX_LINE:
        shown = raw[:SHOWN].decode(name, "replace") + "…"
        why = MalformedError(
            "the line is {size} bytes long, above {most}",
            size=size,
            most=MAX_LINE,
        )
        return Line(end, shown, why)
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as e:
        why = MalformedError(
            "not {name} at byte {at}", name=name, at=begin + e.start
        )
        return Line(end, raw.decode(name, "replace"), why)
    text = text.removesuffix("\n").removesuffix("\r")
    if "\0" in text:
        return Line(end, text, MalformedError("holds a NUL byte"))
    return Line(end, text)


def _cut(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield each line's bytes, at most the first MAX_LINE, and its size."""
    while True:
        raw = file.readline(MAX_LINE + 1)
        if not raw:
            return
        size = len(raw)
        if size > MAX_LINE:
            last = raw
            while last and not last.endswith(b"\n"):
                last = file.readline(_CHUNK)
                size += len(last)
        yield raw, size


def _cut_wide(file: BinaryIO, newline: bytes) -> Iterator[tuple[bytes, int]]:
    """The same for two-byte units: only a whole unit ends a line."""
    held = b""
    dropped = 0  # bytes of this line that are not held any more
    while True:
        chunk = file.read(_CHUNK)
        data = held + chunk
        begin = 0
        while (cut := _find(data, newline, begin)) >= 0:
            raw = data[begin : cut + 2]
            yield raw[: MAX_LINE + 2], len(raw) + dropped
            begin, dropped = cut + 2, 0
        held = data[begin:]
        if not chunk:
            if held:
                yield held[: MAX_LINE + 2], len(held) + dropped
            return
        if len(held) > MAX_LINE + 2:
            keep = MAX_LINE + 2 + len(held) % 2
            dropped += len(held) - keep
            held = held[:keep]


def _find(data: bytes, newline: bytes, start: int) -> int:
    at = data.find(newline, start)
    while at >= 0 and (at - start) % 2:
        at = data.find(newline, at + 1)
    return at
