"""A log that comes on a memory stick is as good as one from its owner."""

from pathlib import Path

from syncd.flows import log_files
from tests.alliance import Alliance, Member, shared

ALL = ("police", "bank", "carrier")
alliance = shared(Alliance.settle, *ALL, scope="function")


async def lay_in(police: Member, bank: Member) -> Path:
    """Put the police's log, as files, into the bank's home."""
    inbox = bank.home / "inbox" / police.hash
    async for name, raw in log_files.files(
        await police.node.peer_service.own_log()
    ):
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return inbox


async def test_across_an_air_gap(alliance: Alliance) -> None:
    """What is laid into the home is heard of, checked and merged."""
    police, bank = alliance.police, alliance.bank
    alliance.cut(*ALL)
    await police.fill(*range(300))
    inbox = await lay_in(police, bank)
    await bank.round()
    assert await bank.has(police)

    # A file that is none is told of, and stops nothing.
    (inbox / "checkpoint").write_bytes(b"no note")
    await bank.round()
    assert await bank.findings("bad_checkpoint")
