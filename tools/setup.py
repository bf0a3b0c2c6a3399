"""After this ran, .venv holds what the lock names and syncd itself.

Needs a Python ≥ 3.11 with nothing installed in it. Uses the locked hashes
only: nothing is built in isolation, where pip would fetch an unlocked
backend. Called by the Makefile with the stamp to leave behind:

    python3 tools/setup.py .venv/ready-1234567890
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[1]
VENV = HOUSE / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = HOUSE / "requirements.lock"
LEAST = (3, 11)


class SetupError(Exception):
    """What is missing on this machine, and how to mend it."""


def run(*command: str | Path, why: str) -> None:
    """Run a command quietly; its output is shown only if it fails."""
    done = subprocess.run(
        command,
        cwd=HOUSE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise SetupError(f"{why}: exit code {done.returncode}")


def say(text: str) -> None:
    """Tell the person who waits what takes the time."""
    print(f"setup: {text}", flush=True)


def need_ensurepip() -> None:
    """Leave a Python that can make virtual environments with pip."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        package = f"python3.{sys.version_info.minor}-venv"
        if os.geteuid() or not shutil.which("apt-get"):
            raise SetupError(
                f"python: {sys.executable} has no ensurepip; as root: "
                f"apt-get install {package}"
            ) from None
        say(f"installing Debian's {package}")
        why = f"apt-get: {package} was not installed"
        run("apt-get", "update", "-qq", why="apt-get: no package lists")
        run(
            *("apt-get", "install", "-y", "-qq", "--no-install-recommends"),
            package,
            why=why,
        )


def make_venv() -> None:
    """Leave a virtual environment of this Python at this very place."""
    identity = f"{VENV}\n{sys.version}\n"
    written = VENV / "made-for"
    if PYTHON.exists() and written.exists():
        if written.read_text() == identity:
            return
        say("the checkout moved or Python changed: making .venv anew")
    need_ensurepip()
    run(
        *(sys.executable, "-m", "venv", "--clear", VENV),
        why="venv: .venv could not be made",
    )
    written.write_text(identity)


def blocks(lock: str) -> dict[str, str]:
    """Cut the lock into its requirements, by name."""
    found: dict[str, str] = {}
    name = ""
    for line in lock.splitlines(keepends=True):
        if line[:1].isalnum():
            name = line.partition("==")[0]
            found[name] = ""
        if name:
            found[name] += line
    return found


def install() -> None:
    """Leave every locked package, and syncd itself, in .venv."""
    pip = (PYTHON, "-m", "pip", "-qq", "--no-input", "install", "--no-deps")
    packages = blocks(LOCK.read_text())
    say(f"installing {len(packages)} locked packages (about a minute)")
    backend = VENV / "backend.lock"
    backend.write_text(packages["setuptools"])
    for lock in (backend, LOCK):
        run(
            *(*pip, "--require-hashes", "--no-build-isolation", "-r", lock),
            why=f"pip: {lock.name} was not installed",
        )
    run(
        *(*pip, "--no-build-isolation", "-e", "."),
        why="pip: syncd itself was not installed",
    )


def main(stamp: Path) -> None:
    """Set up .venv, libsodium and, last of all, the stamp."""
    VENV.mkdir(exist_ok=True)
    lock = os.open(VENV, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once: one waits
    if stamp.exists():
        return
    make_venv()
    install()
    run(
        *(PYTHON, HOUSE / "tools" / "ensure_libsodium.py"),
        why="libsodium: not on this machine",
    )
    for old in VENV.glob("ready-*"):
        old.unlink()
    stamp.touch()


if __name__ == "__main__":
    if sys.version_info < LEAST:
        sys.exit(f"setup: error: {sys.executable} is older than 3.11")
    try:
        main(Path(sys.argv[1]).absolute())
    except SetupError as e:
        sys.exit(f"setup: error: {e}")
