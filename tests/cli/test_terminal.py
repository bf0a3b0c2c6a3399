"""A command ends with one sentence and a code, whatever the system does."""

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import terminal
from tests.cases import slow, tried
from tests.cli.conftest import FalseApi, Node, Run, keep_token
from tests.refusals import misused


def ended(
    *words: str,
    stdout: Any = subprocess.DEVNULL,
    encoding: str = "utf-8",
    before: Callable[[], None] | None = None,
) -> tuple[int, list[str]]:
    """Return how a process of the command ended, and what it complained."""
    io = {"PYTHONIOENCODING": encoding, "PYTHONUNBUFFERED": ""}
    done = subprocess.run(
        [sys.executable, "-m", "syncd", *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, **io},
        preexec_fn=before,
    )
    return done.returncode, done.stderr.splitlines()


@pytest.fixture
def show(member: Node, false: FalseApi) -> tuple[str, ...]:
    """A command that prints one line."""
    false.answers["/readyz"] = {"appending": True, "why": "", "cut_off": False}
    return "--home", str(member.home), "status", "--health"


@slow
def test_results_that_find_no_room(show: tuple[str, ...]) -> None:
    """They are not said to be there: exit code 1, and why."""
    lines = ["syncd: error: No space left on device"]
    with Path("/dev/full").open("wb") as full:
        assert ended(*show, stdout=full) == (1, lines)


@slow
def test_results_that_nobody_wants(show: tuple[str, ...]) -> None:
    """As before `head`, or a pager that was left."""
    reads, writes = os.pipe()
    os.close(reads)
    assert ended(*show, stdout=writes) == (0, [])
    os.close(writes)


@slow
def test_no_output_at_all(show: tuple[str, ...]) -> None:
    """Closed, as some supervisors leave it."""
    assert ended(*show, before=lambda: os.close(1)) == (0, [])


@slow
def test_a_terminal_that_knows_no_chinese(show: tuple[str, ...]) -> None:
    """It gets escapes, and no command ends for them."""
    assert ended("--lang", "zh", *show, encoding="ascii") == (0, [])


@tried("below", ["", "sub"])
def test_a_home_that_is_a_file(run: Run, tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.touch()
    words = ["--id", "a", "--domain", "a.example", "--alliance", "txwz"]
    ran = run("--home", file / below, "init", *words).ended(2, str(file))
    assert len(ran.err.splitlines()) == 1
    words = ["--name", "alice", "--alliance", "txwz"]
    run("keys", "admin", file / below, *words).ended(2)


def test_nothing_is_made_that_could_not_be_handed_over(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the result is tried before there is a token or a key."""
    secret = keep_token(tmp_path / "secret", "long enough to wrap")
    out = tmp_path / "none" / "out"
    made = tmp_path / "made"
    for words in (
        f"--home {made} init --id a --domain a.example --alliance txwz"
        f" --token-file {out}",
        f"keys admin {made} --name alice --alliance txwz --out {out}",
    ):
        monkeypatch.setenv("SYNCD_SECRET_FILE", str(secret))
        run(*words.split()).ended(2, str(out))
        assert not made.exists()


def test_an_answer_of_another_program(member: Node, false: FalseApi) -> None:
    """Something speaks JSON at our port, and is no syncd of this version."""
    false.answers["/v1/status"] = {"ok": True}
    member("status").ended(3, "an answer without time")


def test_a_private_file_is_never_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is born with its mode: who opened it before would read on."""
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    path = tmp_path / "token"
    terminal.write_new(path, b"x", private=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_half_a_file_is_none(tmp_path: Path) -> None:
    """The disk was full: the same command can be run again."""
    path = tmp_path / "draft"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        with misused("File too large"):
            terminal.write_new(path, b"xyz")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    terminal.write_new(path, b"xyz")
    assert path.read_bytes() == b"xyz"


def test_another_file_than_was_meant(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no roster")
    ran = run("--lang", "zh", "roster", "show", file)
    assert (ran.code, ran.err.splitlines()[-1]) == (
        2,
        "syncd: 提示: 文件对吗？",
    )
