"""The ledger of an import: refused rows, and how far they are written.

FILE.refused.csv holds row, reason and line of what was refused; beside it
lies `.FILE.import` while the import is under way. Both stay on this machine,
mode 0600. The daemon commits a step first, then the rows refused in it are
written here, then the note that they are. An interruption between leaves a
gap that is found again: what was written too far is cut off.
"""

import contextlib
import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.cli import terminal
from syncd.cli.text import t
from syncd.errors import UsageError

COLUMNS = ("row", "reason", "raw")
_HEAD = (",".join(COLUMNS) + "\r\n").encode()
_LONG = re.compile("[0-9]{4,}")
_FIELDS = {
    "file": str,
    "options": str,
    "id": int,
    "offset": int,
    "row": int,
    "refused": int,
    "size": int,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where the refused rows of an import are written down."""

    file: str  # what the file is known by
    options: str  # JSON
    id: int  # of the import
    offset: int
    row: int
    refused: int  # rows in the refused file
    size: int  # bytes of the refused file


class Ledger:
    """Refused rows of one import, as a file that is right after any stop."""

    def __init__(self, path: Path, refused: Path | None) -> None:
        """Name the file of refused rows.

        Raises:
            UsageError: what is there is the list itself, or somebody's.
        """
        self.refused = refused or path.with_name(f"{path.name}.refused.csv")
        _check_ours(self.refused, path)
        self._note = self.refused.with_name(f".{path.name}.import")
        self._mark: Mark | None = None

    def find(self) -> Mark | None:
        """Return the mark of an import that was interrupted, if one was."""
        try:
            said = json.loads(terminal.read_file(self._note, 1 << 20))
        except (UsageError, ValueError):
            return None
        if not isinstance(said, dict) or set(said) != set(_FIELDS):
            return None
        if any(type(said[k]) is not form for k, form in _FIELDS.items()):
            return None
        return Mark(**said)

    def begin(self, mark: Mark) -> Mark:
        """Go on from a mark: the refused file is cut to what it says.

        Returns the mark that holds: another if the file is not there.

        Raises:
            UsageError: the directory cannot be written to.
        """
        if mark.size and _size(self.refused) < mark.size:
            # Taken away, or lost with the power: all of it is found again.
            mark = Mark(mark.file, mark.options, mark.id, 0, 0, 0, 0)
        self._mark = mark
        try:
            if mark.size:
                os.truncate(self.refused, mark.size)
            else:
                self.refused.unlink(missing_ok=True)
        except OSError as e:
            raise UsageError(f"{self.refused}: {e.strerror}") from e
        self._write(mark)
        return mark

    def note(
        self, rows: Iterable[tuple[int, str, str]], offset: int, row: int
    ) -> None:
        """Write down the rows refused in a step, then that they are."""
        if self._mark is None:
            raise ValueError("ledger: not begun")
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        count = 0
        if not self._mark.size:
            writer.writerow(COLUMNS)
        for one in rows:
            writer.writerow(one)
            count += 1
        size = self._mark.size
        if count:
            raw = text.getvalue().encode("utf-8", "backslashreplace")
            self._append(raw)
            size += len(raw)
        mark = self._mark
        self._mark = Mark(
            *(mark.file, mark.options, mark.id, offset, row),
            mark.refused + count,
            size,
        )
        self._write(self._mark)

    def finish(self) -> None:
        """The import is over: only the refused rows stay."""
        with contextlib.suppress(OSError):
            self._note.unlink(missing_ok=True)

    def reasons(self) -> list[tuple[str, int]]:
        """Return why rows were refused, and how many; most first.

        Sizes and places of bytes are left out: they differ row by row.
        """
        if _size(self.refused) <= 0:
            return []
        csv.field_size_limit(1 << 30)  # a row may be long: that is why
        with self.refused.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            next(rows, None)
            return Counter(
                _LONG.sub("…", row[1]) for row in rows
            ).most_common()

    def _append(self, raw: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            fd = os.open(self.refused, flags, 0o600)
            with os.fdopen(fd, "ab") as file:
                file.write(raw)
        except OSError as e:
            raise UsageError(f"{self.refused}: {e.strerror}") from e

    def _write(self, mark: Mark) -> None:
        said: dict[str, Any] = {k: getattr(mark, k) for k in _FIELDS}
        terminal.replace_file(self._note, json.dumps(said).encode())
        with contextlib.suppress(OSError):
            self._note.chmod(0o600)


def _check_ours(refused: Path, path: Path) -> None:
    """Pass if a file may be replaced: it is none, or of refused rows."""
    try:
        if not refused.exists():
            return
        if not refused.is_file():
            raise UsageError(f"{refused}: {t('is no file')}")
        with refused.open("rb") as file:
            ours = _HEAD.startswith(file.read(len(_HEAD)))
        if refused.samefile(path) or not ours:
            raise UsageError(
                f"{refused}: {t('is there already')}",
                hint=t("choose another name; nothing is overwritten"),
            )
    except OSError as e:
        raise UsageError(f"{refused}: {e.strerror}") from e


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
