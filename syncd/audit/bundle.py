"""Audit bundles: plain C2SP files of all logs, in a directory or a tar.

    manifest               SHA-256 of every other file, as sha256sum checks it
    about.json             who made it, of which alliance, when, from whom
    README.txt             how to check it, in both languages
    roster/000001.note …   the chain of rosters
    vkeys                  every key, a line each
    policy                 the C2SP tlog-policy: logs, witnesses, quorum
    log/ORIGIN/…           checkpoint, tile/…, audit/… (or payload/…), where
                           ORIGIN has ~ for /; and notes/SIZE-HASH: whatever
                           else was signed of it, cosignatures and their times
    evidence/MEMBER/…      replies that convict a holder

The manifest's own hash names a bundle. It is nobody's signature: what a file
is worth, `verify` finds out. `read` believes no name and no size.
"""

import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from msgspec import Struct, json

from syncd import canonical, errors
from syncd.errors import DamagedError, at_path, becoming
from syncd.indicator.codec import MAX_RAW
from syncd.roster.roster import MAX_SIZE as MAX_ROSTER
from syncd.roster.row import Hash, Id, Natural
from syncd.shape import Form
from syncd.tlog.strict import sha256_hex

FORMAT = 1
ABOUT, MANIFEST = "about.json", "manifest"
MAX_FILE = MAX_RAW  # bytes of any file, a payload bundle at most
_BOTH = NotADirectoryError, IsADirectoryError  # a file as a directory
MAX_MANIFEST = 256 << 20  # bytes: two million files
_PATH = r"[A-Za-z0-9._~-]{1,255}(?:/[A-Za-z0-9._~-]{1,255})*"
_LINE = re.compile(rf"([0-9a-f]{{64}})  ({_PATH})", re.ASCII)


class About(Form):
    """What a bundle says of itself; nobody signed it."""

    format: int = FORMAT
    alliance: Hash  # its id
    at: Natural  # unix seconds by the clock of who made it
    sources: tuple[Id, ...]  # members' ids whose copies are in it, sorted
    unreached: tuple[str, ...] = ()
    """addresses that did not answer; or a member, and what of it is not here"""
    reason: str = ""  # why it has payloads; "": it has leaves alone


def log_directory(origin: str) -> str:
    """Return where a log's files are."""
    return f"log/{origin.replace('/', '~')}"


def note_path(origin: str, size: int, raw: bytes) -> str:
    """Return where another signed note of a log is kept."""
    named = sha256_hex(raw)[:16]
    return f"{log_directory(origin)}/notes/{size}-{named}"


class Writer(Struct):
    """A bundle that is being made in a directory of its own."""

    root: Path
    made: dict[str, str] = {}  # path → hex SHA-256

    def add(self, path: str, raw: bytes) -> None:
        """Write a file; the same one again is none."""
        if path in self.made:
            return
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
        self.made[path] = sha256_hex(raw)

    def drop(self, *directories: str) -> None:
        """Take out again whatever is below some directories."""
        for path in [p for p in self.made if p.startswith(directories)]:
            (self.root / path).unlink()
            del self.made[path]

    def finish(self, about: About) -> str:
        """Write what it says of itself, and the manifest; return its name."""
        self.add(ABOUT, json.encode(about, order="sorted"))
        made = sorted(self.made.items())
        lines = "".join(f"{hash_}  {path}\n" for path, hash_ in made)
        (self.root / MANIFEST).write_text(lines)
        return sha256_hex(lines.encode())


@dataclass
class Bundle:
    """A bundle that somebody brought."""

    root: Path

    @cached_property
    def unread(self) -> set[str]:
        """Files that nobody looked at yet."""
        return {*self.files}

    @cached_property
    def manifest(self) -> bytes:
        """Every other file, by its hash."""
        return _read(self.root, MANIFEST, MAX_MANIFEST)

    @property
    def name(self) -> str:
        """The hash of its manifest, hex."""
        return sha256_hex(self.manifest)

    @cached_property
    def files(self) -> Mapping[str, str]:
        """Hex SHA-256 of each file, by path.

        Raises:
            DamagedError: there is no manifest, or it is none.
        """
        with becoming(
            "{path}: is not text",
            DamagedError,
            UnicodeDecodeError,
            path=MANIFEST,
        ):
            *lines, last = self.manifest.decode("ascii").split("\n")
        found = dict[str, str]()
        for n, line in enumerate(lines, 1):
            match = _LINE.fullmatch(line)
            if not match or {".", ".."} & {*match[2].split("/")}:
                raise DamagedError(
                    "{path}: line {n} is no hash and path", path=MANIFEST, n=n
                )
            found[match[2]] = match[1]
        if last or [*found] != sorted(found) or len(found) < len(lines):
            raise DamagedError("{path}: not in order", path=MANIFEST)
        return found

    @cached_property
    def about(self) -> About:
        """What it says of itself.

        Raises:
            DamagedError: it says nothing that can be read.
        """
        with becoming("{path}: {why}", DamagedError, path=ABOUT):
            return canonical.load(self.read(ABOUT, 1 << 20), About)

    def read(self, path: str, most: int = MAX_FILE) -> bytes:
        """Return a file's bytes, which are those that the manifest names.

        Raises:
            DamagedError: it is missing, too long, or has other bytes.
        """
        raw = _read(self.root, path, most)
        self.unread.discard(path)
        if sha256_hex(raw) != self.files.get(path):
            raise DamagedError("{path}: not what the manifest says", path=path)
        return raw

    def rosters(self) -> list[bytes]:
        """Return the chain of rosters' notes, from version 1 on."""
        return [self.read(path, MAX_ROSTER) for path in self.below("roster/")]

    def below(self, directory: str) -> list[str]:
        """Return the paths of all files in a directory, in order."""
        return [path for path in self.files if path.startswith(directory)]

    def origins(self) -> list[str]:
        """Return the logs of which there are files, in order."""
        found = {path.split("/")[1] for path in self.below("log/")}
        return sorted(name.replace("~", "/") for name in found)

    def strays(self) -> tuple[list[str], list[str]]:
        """Return files that are missing, and those that nobody named."""
        there = {
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if path.is_symlink() or not path.is_dir()
        }
        known = {MANIFEST, *self.files}
        return sorted(known - there), sorted(map(visible, there - known))


def visible(name: str) -> str:
    """Return a stranger's name as a terminal may show it."""
    return name if name.isprintable() else ascii(name)


def _read(root: Path, path: str, most: int) -> bytes:
    file = root / path
    with at_path(path, errors.UnavailableError):
        if not file.is_file() or file.is_symlink():
            raise DamagedError("{path}: no such file", path=path)
        with file.open("rb") as opened:
            raw = opened.read(most + 1)
    if len(raw) > most:
        raise DamagedError(
            "{path}: is over {most} bytes", path=path, most=most
        )
    return raw


# ------------------------------------------------------------------- tar


def pack(root: Path, out: Path) -> None:
    """Write a bundle's files as one plain tar, the same for the same."""
    out.touch(mode=0o600, exist_ok=False)  # payloads may be in it
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted([MANIFEST, *Bundle(root).files]):
            entry = tarfile.TarInfo(path)
            entry.size = (root / path).stat().st_size
            with (root / path).open("rb") as file:
                tar.addfile(entry, file)


def unpack(tar: Path, into: Path) -> None:
    """Write the files of a tar below a directory.

    Raises:
        DamagedError: it is none, is cut off, leads elsewhere, names a file
            twice, or holds what is no file.
    """
    left, seen = tar.stat().st_size, set[str]()
    with (
        becoming(
            "{path}: {why}",
            DamagedError,
            tarfile.TarError,
            EOFError,
            ValueError,
            *_BOTH,
            path=tar.name,
        ),
        tarfile.open(tar, "r:") as opened,
    ):
        for entry in opened:
            left -= entry.size  # holes unpack to more than was packed
            if entry.isdir():
                continue
            odd = not entry.isreg() or not re.fullmatch(_PATH, entry.name)
            if odd or entry.name in seen or left < 0:
                name = visible(entry.name[:200])
                raise tarfile.TarError(
                    f"{name}: twice, or no file of a bundle"
                )
            seen.add(entry.name)
            opened.extract(entry, into, set_attrs=False, filter="data")
