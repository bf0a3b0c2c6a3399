"""A member that was set back does not append, and so never forks."""

import asyncio
import shutil
from pathlib import Path

import pytest

from syncd.node.publish import override
from tests.alliance import Alliance, until

pytestmark = pytest.mark.slow

KEPT = ("own.db", "high-water.note")


def snapshot(home: Path, where: Path) -> None:
    """Copy what a snapshot of a virtual machine would set back."""
    where.mkdir(exist_ok=True)
    for name in KEPT:
        shutil.copy(home / name, where / name)


def restore(home: Path, where: Path, *names: str) -> None:
    """Put files back, and nothing newer beside them."""
    for name in names:
        for other in home.glob(f"{name}*"):
            other.unlink()
        shutil.copy(where / name, home / name)


async def test_database_and_mark_set_back_together(tmp_path: Path) -> None:
    """The others' mirrors know better: nothing is appended, ever."""
    async with Alliance.found(tmp_path) as alliance:
        bank = alliance.bank
        await bank.report("url", "http://one.example/")
        await alliance.settle()
        await bank.stop()
        snapshot(bank.home, tmp_path / "old")
        await alliance.start("bank")
        await bank.report("url", "http://two.example/")
        await alliance.settle()
        size = await bank.size()
        await bank.stop()
        restore(bank.home, tmp_path / "old", *KEPT)
        await bank.start()

        async def refused() -> bool:
            return "rolled back" in str(bank.node.publisher.why_not())

        await until(refused)
        await bank.report("url", "http://three.example/")
        bank.node.publisher.wake()
        await asyncio.sleep(0.1)
        await bank.round()
        assert await bank.size() == size - 1
        assert len(await bank.node.home.own.vault.waiting(9, ["url"])) == 1
        (found,) = await bank.findings("rolled_back")
        assert f" {size}" in str(found.finding.detail)  # what the others hold
        assert f" {size - 1}" in str(found.finding.detail)  # what we have
        status = await bank.node.status_reader.status()
        assert not status.appending.ok
        assert any(
            "generation" in t or "backup" in t for t in map(str, status.todo)
        )
        # Everything else goes on, and no fork comes of it.
        await alliance.police.report("url", "http://four.example/")
        await alliance.settle("police", "carrier", "platform")
        await bank.round()
        held = await bank.head(alliance.police.origin)
        assert held.merged == await alliance.police.size()
        for member in alliance.up:
            assert not await member.findings("fork")
            (answer,) = await member.lookup("url", "http://two.example/")
            if member is not bank:
                assert answer.verdict == "suspected"


async def test_a_lone_operator_says_so_in_words(tmp_path: Path) -> None:
    """With nobody to be reached nobody's clock is waited for either."""
    async with Alliance.found(tmp_path, start=False) as alliance:
        police = alliance.police
        await police.start()
        await police.report("url", "http://one.example/")
        head = await police.node.home.own.log.head()
        (police.home / override.FILE).write_text(override.words(head))

        async def published() -> bool:
            return await police.size() > 1

        await until(published)
        police.node.guard.may_append()
        (found,) = await police.findings("override")
        assert "0 of 3" in str(found.finding.detail)
