"""Files are replaced whole, and failpoints end the process where told."""

import signal
import subprocess
import sys
from pathlib import Path

from syncd.store import durable, failpoint
from syncd.store.roster_files import RosterFiles
from tests.refusals import damaged, misused, unavailable
from tests.store.conftest import crash_at


def test_a_file_has_old_bytes_or_new_ones(tmp_path: Path) -> None:
    """Whatever step it dies at."""
    path = tmp_path / "mark"
    durable.write(path, b"old")

    for step, want in (("written", b"old"), ("renamed", b"new")):
        with crash_at(f"mark.{step}"):
            durable.write(path, b"new", points="mark")
        assert path.read_bytes() == want
    durable.write(path, b"newer")  # a leftover is in nobody's way
    assert path.read_bytes() == b"newer"
    assert [p.name for p in tmp_path.iterdir()] == ["mark"]


def test_where_the_system_refuses(tmp_path: Path) -> None:
    """The message names file and reason. Absent is None, and no error."""
    assert durable.read(tmp_path / "none") is None
    with damaged():
        durable.read(tmp_path)
    with unavailable("mark: No such file"):
        durable.write(tmp_path / "none" / "mark", b"x")
    with misused("lock: No such file"):
        durable.Lock(tmp_path / "none" / "lock")


def test_a_failpoint_kills_without_a_word_more(tmp_path: Path) -> None:
    """SIGKILL at the chosen hit; its name on standard error."""
    code = (
        "from syncd.store import failpoint as f\n"
        "f.arm(f.Plan(at={'append.head': 2}))\n"
        "import atexit; atexit.register(print, 'flushed')\n"
        "f.hit('append.head'); f.hit('append.vault'); f.hit('append.head')\n"
        "print('alive')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == b""
    assert done.stderr == b"failpoint: append.head\n"


def test_every_point_is_hit_somewhere() -> None:
    """The list of points is that of the calls in the code."""
    room = Path(failpoint.__file__).parent
    code = "".join(p.read_text() for p in room.glob("*.py"))
    for point in failpoint.POINTS:
        where, _, step = point.partition(".")
        file = (
            f'points="{where}"' in code and f'hit(f"{{points}}.{step}' in code
        )
        assert file or f'hit("{point}")' in code, point


def test_rosters_are_kept_in_order(tmp_path: Path) -> None:
    """Version by version; a gap is damage."""
    files = RosterFiles(tmp_path / "roster")
    assert files.notes() == []
    files.put(1, b"one")
    files.put(2, b"two")
    files.put(2, b"two")
    assert files.notes() == [b"one", b"two"]
    assert files.get(3) is None
    (tmp_path / "roster" / "000001.note").unlink()
    with damaged("gap"):
        files.notes()
