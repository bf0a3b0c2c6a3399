"""A newcomer joins by one line, by the commands that people type."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import NamedTuple

import pytest

from syncd.store.keyring import Keyring
from tests.alliance import (
    ADMINS,
    CHEAP,
    NAME,
    SECRET,
    Alliance,
    free_port,
    secret_file,
    until,
)

pytestmark = pytest.mark.slow


class Said(NamedTuple):
    """What a command printed."""

    code: int
    out: str
    err: str


class People:
    """Who types commands, each in a process of its own."""

    def __init__(self, root: Path, alliance: Alliance) -> None:
        self.root, self.alliance = root, alliance
        for key in ADMINS:
            place = self.keys(name := key.name.rpartition("/")[2])
            place.mkdir()
            ring = Keyring.create(place, SECRET, cost=CHEAP)
            ring.put(f"admin-{NAME}--{name}", name.encode() * 8)

    def keys(self, name: str) -> Path:
        return self.root / f"{name}-keys"

    async def begin(
        self, home: Path, *words: str | Path, **environ: str
    ) -> asyncio.subprocess.Process:
        given = {"PATH": os.environ["PATH"], **environ}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "syncd", "--home", str(home)),
            *map(str, words),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=given,
        )

    async def admin(
        self, at: str, *words: str | Path, stdin: str = ""
    ) -> Said:
        """Run an admin's command at a member."""
        member = self.alliance.members[at]
        token = self.root / f"{at}.token"
        if not token.exists():
            token.touch(0o600)
            made = await member.own.bearers.add("admin", "admin")
            token.write_text(f"{made}\n")
        secret = str(secret_file(member.home.parent))
        child = await self.begin(
            member.home,
            *words,
            SYNCD_TOKEN_FILE=str(token),
            SYNCD_SECRET_FILE=secret,
        )
        out, err = await child.communicate(stdin.encode())
        assert child.returncode is not None
        return Said(child.returncode, out.decode(), err.decode())


async def test_a_newcomer_joins_by_one_line(tmp_path: Path) -> None:
    """Two commands at the newcomer, two at the first admin, one at the other."""
    ids = ("police", "bank", "carrier")
    async with Alliance.found(
        tmp_path / "all", ids, local_apis=True
    ) as alliance:
        await alliance.settle()
        people = People(tmp_path, alliance)
        invited = await people.admin(
            "bank", "roster", "invite", "--sector", "payment"
        )
        assert invited.code == 0, invited.err
        assert "worth nothing until" in invited.err
        home, port = tmp_path / "payment", free_port()
        own = f"127.0.0.1:{free_port()}"
        words = f"""--id payment --domain payment.example --own {own}
            --url https://127.0.0.1:{port} --peer 127.0.0.1:{port}
            --info registration=9144X --no-wait""".split()
        first = await people.begin(home, "join", *words)
        out, err = await first.communicate(invited.out.encode())
        assert first.returncode == 0, err.decode()
        shown = [
            line for line in out.decode().splitlines() if line[:5] == "words"
        ]
        assert oct((tmp_path / "payment.secret").stat().st_mode)[-3:] == "600"

        waiting = await people.begin(home, "join")  # goes on where it stopped
        listed = await people.admin("police", "roster", "pending")
        assert shown[0] in listed.out
        assert "registration 9144X" in listed.out
        (_, *spoken) = shown[0].split()
        wrong = await people.admin(
            *("police", "roster", "admit", "payment"),
            *("--keys", people.keys("anne")),
            stdin=" ".join(reversed(spoken)),
        )
        assert (wrong.code, "not the words of payment" in wrong.err) == (
            1,
            True,
        )
        admitted = await people.admin(
            *("police", "roster", "admit", "payment"),
            *("--keys", people.keys("anne")),
            stdin=" ".join(spoken),
        )
        assert admitted.code == 0, admitted.err
        assert "bert must still sign" in admitted.err
        listed = await people.admin("carrier", "roster", "pending")
        assert "signed by anne, waiting for bert" in listed.out
        signed = await people.admin(
            *("carrier", "roster", "sign", "payment", "--yes"),
            *("--keys", people.keys("bert")),
        )
        assert signed.code == 0, signed.err
        assert "roster 2 is accepted" in signed.out
        await alliance.bank.round()
        async with asyncio.timeout(60):
            out, err = await waiting.communicate()
        assert waiting.returncode == 0, err.decode()
        assert shown[0] in out.decode()
        assert "Next: syncd run" in err.decode()

        daemon = await people.begin(home, "run")
        try:
            await until(lambda: _follows(alliance, "payment"))
        finally:
            daemon.terminate()
            await daemon.communicate()
        nothing = await people.admin("bank", "roster", "pending")
        assert nothing.out == "nothing waits\n"


async def _follows(alliance: Alliance, id_: str) -> bool:
    """Tell whether a newcomer answers as a member does."""
    bank = alliance.bank.node
    try:
        heads = await bank.peers.get(id_).heads("")
    except Exception:  # noqa: BLE001
        return False
    return heads.roster.version == 2
