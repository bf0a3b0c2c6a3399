"""The set-up finds libsodium, brings it, or says in one line what to do.

The tool runs for real, in a process of its own; apt-get and dpkg are scripts
that stand in for Debian's.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.oprf import group
from tests.cases import ROOT, tried
from tests.oprf.test_group import library
from tests.test_docker import load

TOOL = ROOT / "tools" / "ensure_libsodium.py"


tool = load(TOOL)
MISSING = ("--private", "--pretend-missing")


class Machine:
    """A home for the environment, and the commands that it has."""

    def __init__(self, home: Path) -> None:
        self.prefix = home / "venv"
        self.commands = home / "bin"
        self.commands.mkdir()
        self.log = home / "ran"

    def command(self, name: str, script: str) -> None:
        path = self.commands / name
        path.write_text(f'#!/bin/sh\necho "$@" >>{self.log}\n{script}\n')
        path.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, TOOL, "--prefix", self.prefix, *arguments],
            env={"PATH": str(self.commands)},
            cwd=self.commands,
            capture_output=True,
            text=True,
        )

    def ran(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def debian(machine: Machine) -> Machine:
    """A machine whose package holds the library of this process."""
    machine.command("apt-get", "echo deb >libsodium23_1.0.18-1_amd64.deb")
    machine.command(
        "dpkg",
        f"/bin/mkdir -p $3/usr/lib/x && /bin/cp {library()}"
        " $3/usr/lib/x/libsodium.so.23",
    )
    return machine


def test_one_place() -> None:
    """What the tool unpacks, the group's loader looks for."""
    assert tool.NATIVE == group.NATIVE
    assert tool.PACKAGE in group.HINT
    assert tool.LEAST in group.HINT


def test_nothing_to_do(debian: Machine) -> None:
    """Where the library loads, no command runs."""
    own = debian.prefix / group.NATIVE
    assert debian.run(*MISSING).returncode == 0
    before = debian.ran()
    done = debian.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"libsodium: {own}, version [\d.]+\n", done.stdout)
    assert debian.ran() == before


def test_unpacked_without_root(debian: Machine) -> None:
    """The package is fetched and its library put where the loader looks."""
    done = debian.run(*MISSING)
    assert (done.returncode, done.stderr) == (0, "")
    own = debian.prefix / group.NATIVE
    assert tool.loaded(debian.prefix).startswith(f"{own}, version 1.")
    assert list(own.parent.iterdir()) == [own]
    fetched, unpacked = debian.ran()
    assert fetched == "download -qq libsodium23"
    assert unpacked.startswith("-x ")


def test_own_package_lists(debian: Machine) -> None:
    """Where the machine has no package lists, the tool reads its own."""
    debian.command(
        "apt-get",
        'case "$1" in download) echo "E: no lists"; exit 100;; esac\n'
        'case "$3" in download) echo deb >libsodium23_1_amd64.deb;; esac',
    )
    done = debian.run(*MISSING)
    assert (done.returncode, done.stderr) == (0, "")
    _, update, download, _ = debian.ran()
    lists = re.match(r"-oDir::State::Lists=\S+/lists -oDir::Cache=", update)
    assert lists
    assert download.startswith(lists[0])
    assert not Path(lists[0].split()[0].partition("=")[2]).exists()


def test_installed_by_root(debian: Machine) -> None:
    """Root renews the lists, installs the package and unpacks nothing."""
    assert tool.ways(root=True, apt=True) == ["install", "unpack"]
    assert tool.ways(root=False, apt=True) == ["unpack"]
    if os.geteuid():
        pytest.skip("only root installs")
    debian.run("--pretend-missing")
    assert debian.ran()[:2] == [
        "update -qq",
        "install -y -qq --no-install-recommends libsodium23",
    ]


def test_dry_run(debian: Machine) -> None:
    """A dry run says what it would do, and does nothing."""
    done = debian.run(*MISSING, "--dry-run")
    assert done.returncode == 0
    assert done.stdout == "libsodium: would unpack libsodium23\n"
    assert debian.ran() == []
    assert not debian.prefix.exists()


def test_not_debian(machine: Machine) -> None:
    """Elsewhere one line says what to install."""
    for extra in ([], ["--dry-run"]):
        done = machine.run("--pretend-missing", *extra)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("libsodium: error: it is not on this")
        assert "dnf install libsodium" in done.stderr


def test_nothing_helps(machine: Machine) -> None:
    """A failing apt gives its own last line, and what to install."""
    machine.command("apt-get", 'echo "reading"; echo "E: no network"; exit 9')
    machine.command("dpkg", "exit 1")
    done = machine.run("--pretend-missing")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "apt-get failed: E: no network; install libsodium" in done.stderr


@tried(
    "script, why",
    [
        (":", "holds no libsodium.so"),
        ("/bin/mkdir -p $3; echo no >$3/libsodium.so.23", ""),
    ],
)
def test_strange_package(debian: Machine, script: str, why: str) -> None:
    """A package without a usable library helps only if the system's does."""
    debian.command("dpkg", script)
    done = debian.run(*MISSING)
    if why:
        assert done.returncode == 1
        assert why in done.stderr
    else:
        own = debian.prefix / group.NATIVE
        assert own.read_text() == "no\n"
        assert str(own) not in done.stdout.splitlines()[-1]
