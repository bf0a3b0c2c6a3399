"""A command gets one JSON object, and nothing else of ours."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from syncd.node.notify import notifier
from tests.alliance import until
from tests.cases import tried
from tests.node.stand_in import gone
from tests.refusals import unavailable

BODY = b'{"type":"syncd.urgent"}'


def script(path: Path, text: str) -> list[str]:
    path.write_text(text)
    return [sys.executable, "-I", str(path)]


async def test_it_reads_standard_input_and_has_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_SECRET_FILE", "/etc/syncd/secret")
    out = tmp_path / "out"
    argv = script(
        tmp_path / "hook.py",
        "import json, os, sys\n"
        "found = [sys.stdin.read(), sys.argv[2:], dict(os.environ),"
        " os.getcwd(), os.listdir('/proc/self/fd')]\n"
        "open(sys.argv[1], 'w').write(json.dumps(found))\n",
    )
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    await notifier.run([*argv, str(out), "$HOME; ls", "*"], BODY)
    os.close(read_end)
    os.close(write_end)
    body, arguments, environment, where, files = json.loads(out.read_text())
    assert body.encode() == BODY
    assert arguments == ["$HOME; ls", "*"]  # no shell has read them
    assert environment.keys() - {"LC_CTYPE"} == {"PATH", "LANG"}
    assert where == "/"
    assert len(files) == 4  # 0, 1, 2 and the listing


async def test_it_must_end_well(tmp_path: Path) -> None:
    argv = script(tmp_path / "hook.py", "raise SystemExit(7)")
    with unavailable("exit code 7"):
        await notifier.run(argv, BODY * 100_000)  # which it need not read
    with unavailable("No such file"):
        await notifier.run([str(tmp_path / "none")], BODY)


PARENT = (
    "import subprocess, sys, time\n"
    'more = \'import os,sys,time; open(sys.argv[1],"w").write('
    "str(os.getpid())); time.sleep(60)'\n"
    "subprocess.Popen([sys.executable, '-c', more, sys.argv[1]])\n"
    "while not open(sys.argv[1]).read(): time.sleep(0.01)\n"
)


@tried("when", ["late", "done", "with us"])
async def test_it_is_ended_with_its_children(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its time, when it leaves them behind, and when we end."""
    assert notifier.COMMAND_S == 10
    monkeypatch.setattr(notifier, "COMMAND_S", 60)
    (child := tmp_path / "child").touch()
    end = "" if when == "done" else "time.sleep(60)"
    argv = [*script(tmp_path / "hook.py", PARENT + end), str(child)]
    running = asyncio.create_task(notifier.run(argv, BODY))
    await until(child.read_text)
    if when == "with us":
        running.cancel()
    if when == "late":  # once the child is there, and not before
        now = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: now() + 60)
    [found] = await asyncio.gather(running, return_exceptions=True)
    assert str(found or "") == (
        "command: not done after 60 s" if when == "late" else ""
    )
    await gone(child.read_text())
