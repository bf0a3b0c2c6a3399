"""After this ran, the Python that ran it can load libsodium with ristretto255.

Needs the standard library only. Does nothing where the library is there
already. As root on Debian or Ubuntu it installs the package; otherwise, or if
that failed, it fetches the package and unpacks the one file that we need into
the virtual environment, where `syncd.oprf.group` looks first. It says each
command that it runs, and `--dry-run` says them only. If nothing helps, one
line tells what to install.

    .venv/bin/python tools/ensure_libsodium.py
"""

import argparse
import ctypes
import ctypes.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PACKAGE = "libsodium23"
NATIVE = "lib/syncd-native/libsodium.so"  # below the environment, as in group
LEAST = "1.0.18"  # the first with ristretto255

ELSEWHERE = (
    f"install libsodium {LEAST} or newer (Debian, Ubuntu: apt-get install "
    f"{PACKAGE}; Fedora: dnf install libsodium; Alpine: apk add libsodium; "
    "macOS: brew install libsodium)"
)


class FailedError(Exception):
    """A way that did not lead to a library, and why."""


def say(text: str) -> None:
    """Tell the person who waits what happens."""
    print(f"libsodium: {text}", flush=True)


def loaded(prefix: Path) -> str:
    """Return where a usable libsodium is and its version, or nothing."""
    for path in (str(prefix / NATIVE), ctypes.util.find_library("sodium")):
        try:
            library = ctypes.CDLL(path) if path else None
        except OSError:
            continue
        if library and hasattr(library, "crypto_core_ristretto255_add"):
            version = library.sodium_version_string
            version.restype = ctypes.c_char_p
            return f"{path}, version {version().decode()}"
    return ""


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Say a command and run it.

    Raises:
        FailedError: it failed; with its last line.
    """
    line = shlex.join(map(str, command))
    say(line)
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stdout.strip().rpartition("\n")[2] or "no output"
        raise FailedError(f"{command[0]} failed: {last}")


def install() -> None:
    """Install Debian's package for the whole machine; needs root."""
    run("apt-get", "update", "-qq")
    run(
        *("apt-get", "install", "-y", "-qq", "--no-install-recommends"),
        PACKAGE,
    )


def unpack(prefix: Path) -> None:
    """Put the library of Debian's package below `prefix`; needs no root."""
    with tempfile.TemporaryDirectory(prefix="libsodium-") as name:
        here = Path(name)
        fetch(here)
        (package,) = here.glob("*.deb")
        run("dpkg", "-x", package, here / "root")
        found = sorted((here / "root").rglob("libsodium.so.*"))
        if not found:
            raise FailedError(f"{package.name} holds no libsodium.so")
        own = prefix / NATIVE
        own.parent.mkdir(parents=True, exist_ok=True)
        fresh = own.with_name("libsodium.new")
        shutil.copyfile(found[0].resolve(), fresh)
        fresh.replace(own)  # a running syncd keeps the old file


def fetch(here: Path) -> None:
    """Download the package into `here`, if need be by lists of our own.

    The machine's package lists may be empty or old, and only root may renew
    them; apt takes others that lie elsewhere.
    """
    try:
        run("apt-get", "download", "-qq", PACKAGE, cwd=here)
    except FailedError:
        own = [f"-oDir::State::Lists={here}/lists", f"-oDir::Cache={here}"]
        (here / "lists" / "partial").mkdir(parents=True)
        (here / "archives" / "partial").mkdir(parents=True)
        run("apt-get", *own, "update", "-qq")
        run("apt-get", *own, "download", "-qq", PACKAGE, cwd=here)


def ways(*, root: bool, apt: bool) -> list[str]:
    """Return what is worth trying on such a machine, in that order."""
    if not apt:
        return []
    return ["install", "unpack"] if root else ["unpack"]


def ensure(prefix: Path, *, pretend: bool, private: bool, dry: bool) -> None:
    """A libsodium loads, or we say what to do.

    Raises:
        FailedError: nothing helped.
    """
    if not pretend and (found := loaded(prefix)):
        say(found)
        return
    apt = bool(shutil.which("apt-get") and shutil.which("dpkg"))
    why = "it is not on this machine"
    for way in ways(root=not os.geteuid() and not private, apt=apt):
        if dry:
            say(f"would {way} {PACKAGE}")
            continue
        try:
            install() if way == "install" else unpack(prefix)
            if found := loaded(prefix):
                say(found)
                return
            why = f"{PACKAGE} is there, but does not load"
        except (FailedError, OSError) as e:
            why = str(e)
            say(why)
    if not dry or not apt:
        raise FailedError(f"{why}; {ELSEWHERE}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line; 0 if the library is there afterwards."""
    parser = argparse.ArgumentParser(
        description="Make libsodium loadable, or say what to install."
    )
    parser.add_argument(
        "--prefix",
        type=Path,
        default=Path(sys.prefix),
        help="the virtual environment (this Python's)",
    )
    parser.add_argument(
        "--private",
        action="store_true",
        help="unpack into the environment, also as root",
    )
    parser.add_argument(
        "--pretend-missing",
        action="store_true",
        help="act as if no libsodium were found at first",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be done"
    )
    chosen = parser.parse_args(arguments)
    try:
        ensure(
            chosen.prefix,
            pretend=chosen.pretend_missing,
            private=chosen.private,
            dry=chosen.dry_run,
        )
    except FailedError as e:
        print(f"libsodium: error: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
