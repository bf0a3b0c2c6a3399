"""A newcomer joins by one line, by the commands that people type."""

import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from syncd.cli import joining_command
from syncd.config import for_child
from syncd.errors import SyncdError
from syncd.store.keyring import Keyring
from tests.alliance import CHEAP, NAME, SECRET, free_port, secret_file, until
from tests.cli.conftest import Ran, Real, Run, keep_token

pytestmark = pytest.mark.slow

WAITS = """from syncd.cli import joining_command, main
joining_command.PAUSE_S = 0.01
main.main()"""


@pytest.fixture
def admin(
    real: Real, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Run an admin's command at a member; @anne and @bert are keys."""
    for member in real.alliance.members.values():
        token = real.do(member.own.bearers.add("admin", "admin"))
        keep_token(member.home, token)
    for name in ("anne", "bert"):
        (tmp_path / name).mkdir()
        ring = Keyring.create(tmp_path / name, SECRET, cost=CHEAP)
        ring.put(f"admin-{NAME}--{name}", name.encode() * 8)

    def at(member: str, words: str, stdin: str = "") -> Ran:
        typed = ["roster", *words.replace("@", f"{tmp_path}/").split()]
        with monkeypatch.context() as other:
            other.setenv("SYNCD_SECRET_FILE", str(secret_file(tmp_path)))
            return real.member(member, run)(*typed, stdin=stdin)

    return at


async def answers(alliance: Any) -> bool:
    """Tell whether the newcomer answers as a member does."""
    with suppress(SyncdError):
        heads = await alliance.bank.node.peers.get("payment").heads("")
        return bool(heads.roster.version == 3)
    return False


def test_a_newcomer_joins_by_one_line(
    admin: Any,
    real: Real,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two commands at the newcomer, two at the first admin, one at the other."""
    invited = admin("bank", "invite --sector payment")
    invited.ended(0, "worth nothing until")
    port, home = free_port(), tmp_path / "payment"
    join = partial(run, "--home", home, "join")
    words = f"""--id payment --domain payment.example --no-wait
        --own 127.0.0.1:{free_port()} --peer 127.0.0.1:{port}
        --url https://127.0.0.1:{port} --info registration=9144X"""
    with monkeypatch.context() as other:
        other.setattr(joining_command, "clock", lambda: time.time() + 3e5)
        join(*words.split(), stdin=invited.out).ended(1, "it has expired")
    first = join(*words.split(), stdin=invited.out).ended(0)
    (shown,) = (x for x in first.out.splitlines() if x[:5] == "words")
    _, *spoken = shown.split()
    secret = tmp_path / "payment.secret"
    assert secret.stat().st_mode & 0o777 == 0o600

    ran = admin("police", "pending")
    ran.printed(shown, "registration 9144X", "vectors  ✓", "--private")
    python = ["timeout", "90", sys.executable]
    waiting = [*python, "-c", WAITS, "--home", str(home), "join"]
    waits = subprocess.Popen(waiting, env=for_child(secret), stdout=PIPE)
    seen = "answers with its certificate's key; its clock is 0 s ahead of ours"
    while seen not in admin("police", "pending --private").out:
        assert waits.poll() is None
    admit, swapped = "admit payment --keys @anne", " ".join(spoken[::-1])
    admin("police", admit, swapped).ended(1, "not the words of", "--private")
    admin("police", admit, " ".join(spoken)).ended(0, "bert must still sign")
    admin("carrier", "pending").printed("by anne, waiting for bert")
    offline = tmp_path / "waiting.json"
    offline.write_text(admin("carrier", "pending --json").out)
    assert '"is_not_public.' in offline.read_text()
    monkeypatch.chdir(home.parent)  # a directory is no draft
    sign = "sign payment --yes --keys @bert --file @waiting.json"
    admin("carrier", sign).ended(0, "roster publish")
    admin("carrier", "publish @waiting.draft").printed("roster 3 is accepted")
    real.do(real.alliance.bank.round())

    assert shown in waits.communicate(timeout=60)[0].decode()
    run_ = [sys.executable, "-m", "syncd", "--home", str(home), "run"]
    daemon = subprocess.Popen(run_, env=for_child(secret))
    try:
        real.do(until(partial(answers, real.alliance)))
        join().ended(0, "peer API: cannot listen on")  # it goes on
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)
    admin("bank", "pending").printed("nothing waits\n")
