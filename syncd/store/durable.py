"""Files that survive a power cut, and the lock on a member's home."""

import fcntl
import os
from pathlib import Path

from syncd.errors import DamagedError, UnavailableError, UsageError, at_path
from syncd.store.failpoint import hit


def write(
    path: Path, data: bytes, *, mode: int = 0o600, points: str = ""
) -> None:
    """Replace the file at `path` by `data`, durably and never by halves.

    After a crash the file holds all of its old bytes or all of the new ones.
    `points` names the failpoints between the durable steps.

    Raises:
        UnavailableError: the disk is full, or does not let us.
    """
    new = path.with_name(path.name + ".new")
    with at_path(path, UnavailableError):
        # Not truncating an old leftover in place: it may have a laxer mode.
        new.unlink(missing_ok=True)
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        hit(f"{points}.written")
        new.replace(path)
        hit(f"{points}.renamed")
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames and unlinks in the directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read(path: Path) -> bytes | None:
    """Return the file's bytes, or None if there is no such file.

    Raises:
        DamagedError: it is there and cannot be read.
    """
    with at_path(path.name, DamagedError):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


class Lock:
    """One daemon per home: an exclusive flock that dies with its process."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            UsageError: another process has it, its pid is named; or the home
                is not ours to write.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        with at_path(path):
            self._fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._fd, 32).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise UsageError(
                "home: in use by another syncd (pid {holder})",
                holder=holder or "unknown",
            ) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another process have the home, once. The file stays."""
        os.close(self._fd)
