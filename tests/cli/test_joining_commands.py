"""A newcomer joins by one line, by the commands that people type."""

import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import drafting, joining_command
from syncd.config import for_child
from syncd.errors import SyncdError
from syncd.node.audit import stored
from syncd.store.keyring import Keyring
from tests.alliance import CHEAP, NAME, SECRET, free_port, secret_file, until
from tests.cli.conftest import Ran, Real, Run, keep_token

pytestmark = pytest.mark.slow


@pytest.fixture
def admin(
    real: Real, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Run an admin's command at a member; @anne and @bert are keys."""
    for member in real.alliance.members.values():
        token = real.do(member.own.bearers.add(tmp_path.name, "admin"))
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


def todo(real: Real, member: Any) -> str:
    """Return what a member's status says is to be done."""
    return f"{real.do(member.status()).todo}"


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
    ran.printed(shown, "registration 9144X", "vectors  ✓")
    admit, swapped = "admit payment --keys @anne", " ".join(spoken[::-1])
    admin("police", admit, swapped).ended(1, "not the words of")
    admin("police", admit, " ".join(spoken)).ended(0, "bert must still sign")
    admin("carrier", "pending").printed("by anne, waiting for bert")
    offline = tmp_path / "waiting.json"
    offline.write_text(admin("carrier", "pending --json").out)
    sign = "sign payment --yes --keys @bert --file @waiting.json"
    admin("carrier", sign).ended(0, "roster publish")
    admin("carrier", "publish @waiting.draft").printed("roster 3 is accepted")
    real.do(real.alliance.bank.round())

    monkeypatch.setattr(joining_command, "PAUSE_S", 0.01)
    join().printed(shown)
    run_ = [sys.executable, "-m", "syncd", "--home", str(home), "run"]
    daemon = subprocess.Popen(run_, env=for_child(secret))
    try:
        real.do(until(partial(answers, real.alliance), 60))
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)
    admin("bank", "pending").printed("nothing waits\n")


def test_a_member_returns_that_lost_its_home(
    admin: Any,
    real: Real,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under its id, a day after all were told; its log goes on where it ended."""
    alliance, phone = real.alliance, ("phone", "+12025550123")
    bank, told = alliance.bank, partial(todo, real)
    old, urls = bank.origin, ("http://one.example/", "http://two.example/")
    real.do(bank.report("url", urls[0]))
    real.do(bank.report(*phone))
    real.settle()
    size = real.do(bank.size())
    real.do(alliance.stop("bank"))
    shutil.rmtree(bank.home)

    invited = admin("police", "invite --sector bank")
    words = f"""--id bank --domain bank.example --region US
        --own 127.0.0.1:{free_port()} --peer 127.0.0.1:{bank.address[1]}
        --url https://127.0.0.1:{bank.address[1]}"""
    join = partial(run, "--home", bank.home, "join")
    with monkeypatch.context() as other:
        other.setenv("SYNCD_SECRET_FILE", str(secret_file(tmp_path)))
        asked = join(*words.split(), "--no-wait", stdin=invited.out)
        asked.ended(0, "Lost with the old home")
        (shown,) = (x for x in asked.out.splitlines() if x[:5] == "words")
        admin("carrier", "pending").printed(shown, "announced: bank returns")
        admit = "admit bank --keys @anne"
        spoken = " ".join(shown.split()[1:])
        admin("police", admit, spoken).ended(0, "bert must still sign")
        sign = "sign bank --yes --final --keys @bert"
        admin("carrier", sign).printed("is accepted")
        real.do(alliance.police.round())
        for member in alliance.up:
            assert "RETURN: bank is announced" in told(member)
        admin("police", "pending").printed("bank is announced to return")
        admin("police", admit, "bank").ended(4, "too early: a day")

        day = 86_400 + 9
        other.setattr(drafting, "clock", lambda: int(time.time()) + day)
        admin("police", admit, "no").ended(1, "nothing was")
        admin("police", admit, "bank").ended(0, "bert must still sign")
        admin("carrier", sign).printed("is accepted")
        real.do(alliance.police.round())
        other.setattr(joining_command, "PAUSE_S", 0.01)
        join(*words.split()).printed(shown)
    real.do(bank.start())
    bank.keys = bank.node.home.keys
    real.do(bank.awake())
    real.do(bank.report("url", urls[1]))
    real.settle()
    assert bank.origin == "bank.example/syncd/txwz/2"
    end = bank.roster.known("bank").generation.predecessor
    assert end is not None
    assert (end.origin, end.size) == (old, size)
    for member in alliance.members.values():
        for asks in (phone, *(("url", url) for url in urls)):
            assert real.do(member.verdict(*asks)) == "suspected"
        checked = stored.verify_home(member.config)
        assert not [
            (member.id, r.origin, r.size, r.problems)
            for r in checked
            if r.problems
        ]
    for origin in (old, bank.origin):
        digests = {
            real.do(m.digest(origin)) for m in alliance.members.values()
        }
        assert len(digests) == 1
    assert "holders: bank down" in told(alliance.carrier)
