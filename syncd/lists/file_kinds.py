"""Detect what kind of file a list is.

What looks like a list and is another thing is refused by its name, with the
way out: read as one of ours it would be rubbish, or half of it.
"""

import re
import zipfile
from codecs import BOM_UTF8
from pathlib import Path

from syncd import tsv
from syncd.errors import UsageError
from syncd.lists.rows import FileOptions

FORMATS = ("csv", "tsv", "txt", "hosts", "ndjson", "xlsx")
_HEAD = 4096  # bytes of the beginning that are looked at
_ALSO = {"tab": "tsv", "list": "txt", "jsonl": "ndjson", "xlsm": "xlsx"}
# Name, pattern or part of a ZIP, hint.
FOREIGN = [*tsv.rows("lists/foreign.tsv")]


def named(path: Path) -> str:
    """Return the format that a file's name says, or ""."""
    name = (path.suffix or path.name).lower().removeprefix(".")
    name = _ALSO.get(name, name)
    return name if name in FORMATS else ""


def kind_of(path: Path, options: FileOptions) -> str:
    """Return which of FORMATS a file is.

    Raises:
        UsageError: it cannot be read, or is none of them; says what it is.
    """
    if not path.is_file():
        there = path.exists() or str(path) == "-"
        raise UsageError(
            "{path}: is no file" if there else "{path}: no such file",
            path=path,
            hint="an import needs a file, to go on where it stopped",
        )
    with path.open("rb") as file:
        raw = file.read(_HEAD)
    head = raw.removeprefix(BOM_UTF8).decode("latin-1")  # a character a byte
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
    parts = options.delimiter or options.widths
    kind = options.format or ("csv" if parts else named(path))
    if not kind:
        raise _refuse("{path}: its name does not say what it is", path, kind)
    if kind not in FORMATS:
        raise _refuse("--format {kind}: there is none", path, repr(kind))
    if kind == "xlsx" and not what:
        raise _refuse("{path}: is not {kind}", path, "XLSX")
    if kind != "xlsx" and what:
        raise _refuse("{path}: is XLSX, not {kind}", path, kind.upper())
    return kind


def _refuse(message: str, path: Path, kind: str) -> UsageError:
    return UsageError(
        message,
        path=path,
        kind=kind,
        hint="say --format: {names}",
        names=", ".join(FORMATS),
    )


def _foreign(path: Path, head: str) -> tuple[str, str]:
    """Return what a file is and what to do, or neither."""
    if not head.startswith("PK\x03\x04"):
        found = (f for f in FOREIGN if re.match(f[1], head, re.IGNORECASE))
        name, _, hint = next(found, ("", "", ""))
        return name, hint
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
