"""The demo as a newcomer runs it, and what makes its table red."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from syncd.demo.demo_command import read
from syncd.demo.member import stop
from syncd.demo.play import Demo
from tests.cases import ROOT, tried

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
COMMAND = [sys.executable, "-m", "syncd", "demo"]
FAKE = ",fake_invest,phishing_host"
NUISANCE = ",nuisance_call,caller"


def write_list(path: Path, *rows: str) -> Path:
    """Write indicators in the form of sample/reports.csv."""
    path.write_text("\n".join(["kind,value,region,scheme,label,role", *rows]))
    return path


def made_up(count: int) -> list[str]:
    """Return rows of each kind, one of them bad."""
    urls = (f"url,shop{i}.example.net/login,,{FAKE}" for i in range(count))
    phones = (f"phone,20255{10_000 + i},US,{NUISANCE}" for i in range(count))
    accounts = (
        f"account,{700_000 + i},,ABAAKHPP,other,collecting_account"
        for i in range(count)
    )
    return [*urls, f"url,US.COM,,{FAKE}", *phones, *accounts]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A Python with syncd installed from a wheel, far from the checkout."""
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "syncd", source / "syncd", ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet"]
    options = ["--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run(
        [*pip, "wheel", *options, "-w", tmp_path, source], check=True
    )
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    wheels = tmp_path.glob("*.whl")
    subprocess.run(
        [*pip, "--python", python, "install", *options, *wheels], check=True
    )
    # What syncd needs is taken from here; the checkout is not, as .pth files
    # in a directory that a .pth file names are not read.
    (there,) = (tmp_path / "venv").glob("lib/*/site-packages")
    (there / "needed.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_the_demo(installed: Path, tmp_path: Path) -> None:
    """It ends with 0, says that everything held, and leaves demo.json."""
    where = tmp_path / "demo"
    done = subprocess.run(
        [installed, "-m", "syncd", "demo", "--once", "--dir", where],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything held" in done.stdout
    assert "✗" not in done.stdout
    assert sum(map(int, re.findall(r"accepted (\d+)", done.stdout))) > 1000
    body = json.loads((where / "demo.json").read_text())
    ids = [m["id"] for m in body]
    assert ids == ["police", "bank", "carrier", "platform", "payment"]
    assert all(Path(m["token_file"]).is_file() for m in body)
    kept = (where / "secrets" / "bank").read_bytes().strip()
    for path in (where / "homes").rglob("*"):
        assert not path.is_file() or kept not in path.read_bytes()


def test_little_data(tmp_path: Path) -> None:
    """A handful of rows, some refused, one kind alone, holds as well.

    What the demo made for itself goes with it.
    """
    account = "account,700000,,ABAAKHPP,fake_invest,collecting_account"
    phones = [f"phone,{n},US,{NUISANCE}" for n in (2025510000, 2025510001, 1)]
    data = write_list(tmp_path / "data.csv", *phones, account, account)
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [*COMMAND, "--once", "--data", str(data)],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything held" in done.stdout
    for kind in ("account", "url"):
        assert f"no {kind} is reported by one member alone" in done.stdout
    assert not [*(tmp_path / "tmp").iterdir()]


def log_in(out: str) -> tuple[int, int]:
    """Return what the first link answers as a form sends it, and again."""
    (address, secret) = re.findall(r"(http://\S+)/login#(\S+)", out)[0]
    found = []
    for _ in range(2):
        host = HTTPConnection(address.removeprefix("http://"))
        sent = {
            "Origin": address,
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        host.request("POST", "/login", f"token={secret}", sent)
        found.append(host.getresponse().status)
        host.close()
    return found[0], found[1]


def test_ctrl_c(tmp_path: Path) -> None:
    """It stays up until Ctrl-C, and leaves no process behind.

    Meanwhile each link that it printed opens a console, once.
    """
    where = tmp_path / "demo"
    data = write_list(tmp_path / "data.csv", *made_up(350))
    with subprocess.Popen(
        [*COMMAND, "--dir", str(where), "--data", str(data)],
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            lines.append(line)
            if "demo.json" in line:
                break
        assert running.poll() is None
        assert log_in("".join(lines)) == (303, 401)
        assert "✗" not in "".join(lines), "".join(lines)
        pids = [
            m["pid"] for m in json.loads((where / "demo.json").read_text())
        ]
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
    time.sleep(0.2)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@tried(
    "raw, why",
    [
        (None, "No such file"),
        (b"kind,value\nurl,\xe4.example\n", "UTF-8"),
        (b"raw,region\n1,US\n", "no rows with kind and value"),
        (b"kind,value\nurl,a.example\n", "is not empty"),
    ],
)
def test_what_cannot_be_is_told_of_first(
    tmp_path: Path, raw: bytes | None, why: str
) -> None:
    """Of the data, or the directory; what is there already is not touched."""
    data = tmp_path / "data.csv"
    if raw is not None:
        data.write_bytes(raw)
    (tmp_path / "mine").write_text("x")
    done = subprocess.run(
        [*COMMAND, "--once", "--dir", str(tmp_path), "--data", str(data)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert sum(1 for _ in tmp_path.iterdir()) == 1 + data.exists()


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Demo]:
    where = tmp_path / "demo"
    where.mkdir()
    play = Demo(where, read(write_list(tmp_path / "data.csv", *made_up(400))))
    yield play
    stop(play.running)


def holds(play: Demo) -> bool:
    """What `run` returns at the end, and the exit code says."""
    return play.good


def test_one_changed_row_is_red(
    play: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    """One changed claim row turns one line red, and the whole with it."""
    for act in (play.found, play.start, play.draw, play.import_lists):
        act()
    play.converge()
    play.table()
    before = capsys.readouterr().out
    assert holds(play), before
    assert "DIFFERS" not in before
    with sqlite3.connect(play.members[1].home / "mirror.db") as database:
        database.execute(
            "UPDATE claim SET idx = idx + 1"
            " WHERE token = (SELECT max(token) FROM claim)"
        )
    database.close()
    play.table()
    out = capsys.readouterr().out
    assert not holds(play)
    (red,) = (line for line in out.splitlines() if "DIFFERS" in line)
    assert "bank" in red
