"""The life of an alliance: who joins, leaves, dies, and what never changes.

By the commands that docs/operations.md names for each turn; daemons run, but
for the one whose home a command is at work on.
"""

import asyncio
import io
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import alliance, drafting
from syncd.cli.main import main
from syncd.node.publish import append_guard
from syncd.node.serve import pushing
from syncd.roster.trust import TrustedRoster
from syncd.store.keyring import Keyring
from tests.alliance import (
    CHEAP,
    NAME,
    SECRET,
    Alliance,
    Member,
    free_port,
    secret_file,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

FOUR = ("police", "bank", "carrier", "platform")


class Life(Alliance):
    """An alliance whose members and admins type commands."""

    capsys: pytest.CaptureFixture[str]
    said: dict[str, str]  # number → the log in which it was said

    async def typed(
        self,
        home: str,
        words: str,
        stdin: str = "",
        codes: Sequence[int] = (0,),
    ) -> str:
        """Return what a command said that ended as it should."""

        def run() -> None:
            sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()))
            before = ["--home", str(self.root / home)]
            with pytest.raises(SystemExit) as end:
                main([*before, *words.replace("@", f"{self.root}/").split()])
            assert end.value.code in codes, self.capsys.readouterr().err

        self.capsys.readouterr()
        await asyncio.to_thread(run)
        return self.capsys.readouterr().out

    async def drafted(self, home: str, words: str) -> None:
        """Have a command write a draft that people can read; both admins sign."""
        draft = self.root / f"draft-{len(self.notes)}"
        said = await self.typed(home, f"{words} {draft}")
        assert not re.search("[0-9a-f]{17}", said), said
        await self.police.node.rosters.publish(self.sign(draft.read_bytes()))
        await self.agreed()

    async def tell(self, member: Member) -> None:
        """Have a member report a number that is looked up ever after."""
        number = f"+1202555{1000 + len(self.said)}"
        await member.report("phone", number)
        await self.settle(receipts=False)
        self.said[number] = member.origin
        assert await self.police.verdict("phone", number) == "suspected"

    async def right(self) -> None:
        """Assert that all say alike what was said, and hold the same."""
        await self.settle(receipts=False)  # none come from who has no address
        for member in self.up:
            found = await member.lookup("phone", *self.said)
            assert {i.verdict for i in found} == {"suspected"}, member.id
        for origin in self.newest.origins():
            assert len({await m.digest(origin) for m in self.up}) == 1, origin
        TrustedRoster(self.fingerprint, *self.notes)

    async def settle(self, *ids: str, **how: Any) -> None:
        """As ever; nobody hears the member that has no address but by a push."""

        async def push() -> None:
            while node := self.members["payer"].running:
                own = node.peer_service.own_log
                await pushing.push(node.ctx, node.peers, own)
                await asyncio.sleep(0.1)

        if "payer" not in self.members:
            return await super().settle(*ids, **how)
        pushes = asyncio.create_task(push())
        try:
            await super().settle(*ids, **how)
        finally:
            pushes.cancel()

    async def asks(self, id_: str, port: int, *, reached: bool = True) -> str:
        """Have a newcomer knock at the bank by one line; return its words."""
        line = await self.typed("bank", "roster invite --sector payment")
        words = f"""join --id {id_} --domain {id_}.example --region US --no-wait
            --peer 127.0.0.1:{port} --own 127.0.0.1:{free_port()}
            --set lookup.deadline_ms=30000 --set holder.deadline_ms=30000"""
        words += f" --url https://127.0.0.1:{port}" * reached
        shown = await self.typed(id_, words, line)
        (spoken,) = (x for x in shown.splitlines() if x[:5] == "words")
        return spoken.removeprefix("words")

    async def admitted(self, id_: str, answer: str, how: str = "") -> None:
        """Have both admins put what was asked into the roster."""
        await self.typed("bank", f"roster admit {id_} --keys @anne", answer)
        await self.typed("bank", f"roster sign {id_} --yes --keys @bert {how}")
        raw = self.bank.node.home.rosters.get(len(self.notes) + 1)
        assert raw is not None
        self.notes.append(raw)

    async def joins(self, id_: str, *, reached: bool = True) -> Member:
        """Take in a member by one line, at the bank."""
        port = free_port()
        await self.admitted(id_, await self.asks(id_, port, reached=reached))
        await self.typed(id_, "join")
        member = Member(
            *(id_, self.root / id_, self.bank.keys),
            *(("127.0.0.1", port), self.network, self.settle),
        )
        self.members[id_] = member
        await self.started(member)
        return member

    async def returns(self, member: Member, patch: pytest.MonkeyPatch) -> None:
        """Have a member come back a day after all heard of its lost home."""
        await self.stop(member.id)
        shutil.rmtree(member.home)
        spoken = await self.asks(member.id, member.address[1])
        await self.admitted(member.id, spoken, "--final")
        later = int(time.time()) + 86_409
        for commands in (drafting, alliance):
            patch.setattr(commands, "clock", lambda: later)
        await self.admitted(member.id, member.id, "--final")
        await self.typed(member.id, "join")
        await self.started(member)

    async def started(self, member: Member) -> None:
        """Start a daemon, whatever its keys are by now."""
        await member.start()
        member.keys = member.node.home.keys
        await self.agreed()
        await member.round()
        await member.awake()

    async def ceremony(self, *holders: str, t: int, dealers: str = "") -> None:
        """Have each holder type the same until all have agreed; then sign."""
        words = f"ceremony --at {holders[0]} --threshold {t}"
        words += "".join(f" --holder {id_}" for id_ in holders)
        words += "".join(f" --dealer {id_}" for id_ in dealers.split())
        everybody = [*dict.fromkeys([*dealers.split(), *holders])]
        for id_ in everybody * 2:  # what waits for others ends with 3
            await self.typed(id_, words, codes=(0, 3))
        await self.drafted(holders[0], f"{words} --draft")


@pytest.fixture
async def life(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Life]:
    """Four founders, of whom three drew the token keys."""
    monkeypatch.setenv("SYNCD_SECRET_FILE", str(secret_file(tmp_path)))
    # The dead do not answer.
    monkeypatch.setattr(append_guard, "REST_S", 1.0)
    for name in ("anne", "bert"):
        (tmp_path / name).mkdir()
        ring = Keyring.create(tmp_path / name, SECRET, cost=CHEAP)
        ring.put(f"admin-{NAME}--{name}", name.encode() * 8)
    async with Life.found(tmp_path, FOUR, local_apis=True) as made:
        token = await made.bank.own.bearers.add("admin", "admin")
        file = tmp_path / "token"
        file.touch(0o600)
        file.write_text(token)
        monkeypatch.setenv("SYNCD_TOKEN_FILE", str(file))
        made.capsys, made.said = capsys, {}
        yield made


async def test_nothing_is_lost_for_good(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each turn of an alliance, one after the other; nothing old is wrong."""
    for member in [*life.members.values()]:
        await life.tell(member)
    await life.tell(await life.joins("payment"))
    await life.right()

    walled = await life.joins("payer", reached=False)
    await life.drafted("police", "roster member payer --via bank")
    await life.tell(walled)
    await life.right()

    await life.tell(await life.admit("insurer"))  # by files only
    await life.right()

    five = ("police", "bank", "platform", "payment", "insurer")
    await life.ceremony(*five, t=3, dealers="police bank")
    await life.right()

    bank = life.bank
    await life.stop("bank")
    await life.typed("bank", "join update @next.request --next-log")
    await bank.start()
    await life.drafted("police", "roster update @next.request")
    await life.stop("bank")
    await life.started(bank)
    assert bank.origin.endswith("/2")
    await life.tell(bank)
    await life.right()

    await life.stop("payment")  # dies, and is replaced
    left = ("police", "bank", "platform", "insurer", "carrier")
    await life.ceremony(*left, t=3, dealers="police bank insurer")
    await life.tell(life.bank)
    await life.right()

    await life.stop("platform")
    await life.drafted("police", "roster remove platform --past keep")
    await life.tell(life.carrier)
    await life.right()

    await life.returns(life.carrier, monkeypatch)
    await life.tell(life.carrier)
    await life.right()

    four = ("police", "bank", "insurer", "carrier")
    await life.ceremony(*four, t=3)  # of another key
    await life.right()
    for member in life.up * 2:
        await member.node.daily.run()
    await life.right()
    for kind in ("phone", "account"):
        await life.drafted("police", f"roster retire {kind} 1")
    for member in life.up:
        await member.swept()
    # What was said by who is no more, or lost its vault, nobody can say again.
    gone = [
        f"{m}.example/syncd/txwz/1" for m in ("platform", "payment", "carrier")
    ]
    lost = [n for n, log in life.said.items() if log in gone]
    for number in lost:
        del life.said[number]
        assert await life.police.verdict("phone", number) == "none"
    await life.right()
