"""Kinds of files: by what is told, the name, and how the file begins.

What looks like a list and is another thing is refused by its name, with the
way out: read as one of ours it would be rubbish, or half of it.
"""

import re
import zipfile
from importlib import resources
from pathlib import Path

from syncd.errors import UsageError
from syncd.lists.rows import Told

FORMATS = ("csv", "tsv", "txt", "hosts", "ndjson", "xlsx")
_HEAD = 4096  # bytes of the beginning that are looked at
_ENDINGS = {f".{name}": name for name in FORMATS}
_ENDINGS |= {
    ".tab": "tsv",
    ".list": "txt",
    ".jsonl": "ndjson",
    ".xlsm": "xlsx",
}
_TABLE = resources.files(__package__).joinpath("foreign.tsv")
_ROWS = _TABLE.read_text("utf-8").splitlines()
# Name, pattern or part of a ZIP, hint.
FOREIGN = [row.split("\t") for row in _ROWS if row[0] != "#"]


def named(path: Path) -> str:
    """Return the format that a file's name says, or ""."""
    return _ENDINGS.get(path.suffix.lower() or f".{path.name.lower()}", "")


def kind_of(path: Path, told: Told) -> str:
    """Return which of FORMATS a file is.

    Raises:
        UsageError: it cannot be read, or is none of them; says what it is.
    """
    names = ", ".join(FORMATS)
    if told.format and told.format not in FORMATS:
        raise UsageError(
            "--format {told}: want {names}",
            told=repr(told.format),
            names=names,
        )
    head = _beginning(path)
    if not head:
        raise UsageError("{path}: is empty", path=path)
    what, hint = _foreign(path, head)
    if hint:
        raise UsageError(
            "{path}: is {what}, whatever its name says",
            path=path,
            what=what,
            hint=hint,
        )
    parts = told.delimiter or told.widths
    kind = told.format or ("csv" if parts else named(path))
    if not kind:
        raise UsageError(
            "{path}: its name does not say what it is",
            path=path,
            hint="say --format: {names}",
            names=names,
        )
    if (kind == "xlsx") != (what == "XLSX"):
        raise UsageError(
            "{path}: is XLSX, not {kind}" if what else "{path}: is not {kind}",
            kind=kind.upper(),
            path=path,
            hint="say --format: {names}",
            names=names,
        )
    return kind


def _beginning(path: Path) -> str:
    """Return a file's first characters; one a byte, but of UTF-16."""
    try:
        if not path.is_file():
            there = path.exists() or str(path) == "-"
            raise UsageError(
                "{path}: is no file" if there else "{path}: no such file",
                path=path,
                hint="an import needs a file, to go on where it stopped",
            )
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as e:
        raise UsageError("{path}: {why}", path=path, why=e.strerror) from e
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return head.decode("utf-16", "replace")
    return head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _foreign(path: Path, head: str) -> tuple[str, str]:
    """Return what a file is and what to do, or neither."""
    if not head.startswith("PK\x03\x04"):
        found = (
            (n, h) for n, p, h in FOREIGN if re.match(p, head, re.IGNORECASE)
        )
        return next(found, ("", ""))
    try:
        with zipfile.ZipFile(path) as archive:
            names = [f"PK {name}" for name in archive.namelist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        names = ["PK xl/"]  # whoever opens it says what is wrong
    return next(
        (name, hint)
        for name, part, hint in FOREIGN
        if part == "PK " or any(n.startswith(part) for n in names)
    )
