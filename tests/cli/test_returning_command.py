"""A member that lost its home comes back, by the commands that people type."""

import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import drafting, joining_command
from syncd.node.audit import stored
from tests.alliance import free_port, secret_file
from tests.cli import test_joining_commands
from tests.cli.conftest import Real, Run

pytestmark = pytest.mark.slow

admin = test_joining_commands.admin


def test_a_member_returns_that_lost_its_home(
    admin: Any,
    real: Real,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under its id, a day after all were told; its log goes on where it ended."""
    alliance, phone = real.alliance, ("phone", "+12025550123")
    bank, urls = alliance.bank, ("http://one.example/", "http://two.example/")
    old = bank.origin
    real.do(bank.report("url", urls[0]))
    real.do(bank.tell(*phone))
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
        admin("carrier", "pending").printed(
            shown, "announced: bank returns", f":{bank.address[1]}"
        )
        admit, spoken = "admit bank --keys @anne", shown.partition(" ")[2]
        admin("police", admit, spoken).ended(0, "bert must still sign")
        sign = "sign bank --yes --final --keys @bert"
        admin("carrier", sign).printed("is accepted")
        real.do(alliance.police.round())
        for member in alliance.up:
            assert (
                "RETURN: bank is announced"
                in f"{real.do(member.status()).todo}"
            )
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
    real.do(bank.tell("url", urls[1]))
    assert bank.origin == "bank.example/syncd/txwz/2"
    end = bank.roster.known("bank").generation.predecessor
    assert end
    assert (end.origin, end.size) == (old, size)
    for member in alliance.members.values():
        for asks in (phone, *(("url", url) for url in urls)):
            assert real.do(member.verdict(*asks)) == "suspected"
        for checked in stored.verify_home(member.config):
            assert checked.problems == []
        for origin in (old, bank.origin):
            digest = real.do(member.digest(origin))
            assert digest == real.do(bank.digest(origin))
    assert "holders: bank down" in f"{real.do(alliance.carrier.status()).todo}"
