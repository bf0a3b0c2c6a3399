"""The house is as designed: rooms, imports, what may never be committed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.cases import ROOT, tried

CORE = ("tlog", "oprf", "roster", "indicator", "flows")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Written so that this file does not contain what it looks for.
NEVER = {
    "a registry's host": r"pyp[i]\.org|pythonhoste[d]\.org|npmj[s]\.org"
    r"|deb\.debia[n]\.org|proxy\.golan[g]\.org",
    "a path of one machine": r"/w[o]rk/[a-z.]|/f[a]rm/in|/tmp/b[a]sh_jobs"
    r"|/r[o]ot/[.a-z]",
    "a private key": r"BEGIN [A-Z ]*PRIVATE KE[Y]-----(?:\\n|\s)*"
    r"[A-Za-z0-9+/]{40}",
}


def committed() -> list[Path]:
    """What git knows of, or would take: never what it ignores."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        [
            "git",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if (ROOT / name).is_file()]


# ----------------------------------------------------------------- rooms


def test_tests_stand_where_their_rooms_do() -> None:
    """tests/ mirrors syncd/, without packages of its own."""
    beside = {"vectors", "docs", "whole", "conformance", "byzantine"}
    folders = {
        path.name
        for path in (ROOT / "tests").iterdir()
        if path.is_dir() and path.name[0] not in "._"
    }
    rooms = {path.stem for path in (ROOT / "syncd").iterdir()}
    assert folders <= rooms | beside
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_module_is_called_utils() -> None:
    """A module is named by the field's noun."""
    names = {path.stem for path in (ROOT / "syncd").rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "common", "misc", "base"}


def loaded_by(*modules: str) -> set[str]:
    """What is in sys.modules after these were imported by a fresh Python."""
    code = "import importlib, sys\n" + "".join(
        f"importlib.import_module({name!r})\n" for name in modules
    )
    done = subprocess.run(
        [sys.executable, "-c", code + "print(*sys.modules, sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def modules_of(room: str) -> list[str]:
    """The names of all modules of a room."""
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "syncd" / room).rglob("*.py"))
        if path.stem != "__init__"
    ]


def test_the_core_imports_no_edge() -> None:
    """No room of the core loads web, SQL and scheduler."""
    loaded = loaded_by(*(name for room in CORE for name in modules_of(room)))
    assert {f"syncd.{room}" for room in CORE} <= loaded
    edges = {"aiohttp", "sqlalchemy", "alembic", "apscheduler", "sqlite3"}
    assert not loaded & (edges | {"syncd.cli", "syncd.store"})


def test_help_is_quick() -> None:
    """What a command needs is loaded by that command, not by --help."""
    loaded = loaded_by("syncd.cli.main")
    heavy = {
        "aiohttp",
        "sqlalchemy",
        "alembic",
        "apscheduler",
        "python_calamine",
    }
    assert not loaded & (heavy | {"phonenumbers", "schwifty"})


# ------------------------------------------------------------- committed


def test_nothing_private_is_committed() -> None:
    """No registry's host, no path of this machine, no private key."""
    hits = []
    for path in committed():
        text = path.read_bytes().decode(errors="replace")
        hits += [
            f"{path.relative_to(ROOT)}: {what}"
            for what, pattern in NEVER.items()
            if re.search(pattern, text)
        ]
    assert not hits


def test_no_file_is_large() -> None:
    """A checkout stays small: data of any size is made or fetched."""
    large = [path for path in committed() if path.stat().st_size > 1_000_000]
    assert not large


# ------------------------------------------------------------------ lock


def requirements(lock: Path) -> dict[str, str]:
    """Each requirement's block by its name."""
    text = lock.read_text()
    found = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    return {block.partition("==")[0]: block for block in found}


@tried("lock", ["requirements.lock", "docker/requirements.lock"])
def test_every_requirement_is_pinned_by_hash(lock: str) -> None:
    """A version, a hash, and no address to fetch it from."""
    found = requirements(ROOT / lock)
    assert len(found) > 20
    for name, block in found.items():
        assert re.match(rf"{name}==[0-9][^ ;\\]*( ; | \\)", block), name
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), name
    assert "://" not in (ROOT / lock).read_text()
    assert not re.search(r"^-", (ROOT / lock).read_text(), flags=re.MULTILINE)


def test_the_lock_has_what_is_asked_for() -> None:
    """Every dependency, every tool and the build backend."""
    asked = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["dependency-groups"]["dev"],
        *PROJECT["build-system"]["requires"],
    ]
    names = {re.split(r"[<>=;\[ ]", line)[0].lower() for line in asked}
    assert names <= set(requirements(ROOT / "requirements.lock"))
    image = set(requirements(ROOT / "docker" / "requirements.lock"))
    runtime = PROJECT["project"]["dependencies"]
    assert {re.split(r"[<>=;\[ ]", line)[0] for line in runtime} <= image


# ------------------------------------------------------------------ make


def test_make_help_lists_what_there_is() -> None:
    """Each target that a person would call says what it does."""
    done = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = {line.split()[0] for line in done.stdout.splitlines()}
    want = {"demo", "test", "test-slow", "coverage", "check", "bench", "soak"}
    assert want | {"lock", "fix", "help"} <= listed


def test_ci_runs_what_we_run() -> None:
    """.ci/run can be run, and runs every suite."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = script.read_text().splitlines()
    assert lines[-2:] == ["make check", "make test-slow"]
    assert "set -euo pipefail" in lines
