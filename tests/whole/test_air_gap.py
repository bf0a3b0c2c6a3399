"""A log that comes on a memory stick is as good as one from its owner."""

import shutil
from pathlib import Path

import pytest

from syncd.indicator.statement import Erase
from syncd.node.serve import pushing
from syncd.roster import drafts
from syncd.roster.roster import Roster
from tests.alliance import Alliance, Member, shared
from tests.refusals import malformed, refused

ALL = ("police", "bank", "carrier")
alliance = shared(Alliance.settle, *ALL, scope="function")


async def test_across_an_air_gap(tmp_path: Path) -> None:
    """What the police lay out is copied into a home, checked and merged.

    What was erased goes from there, too; lost files come again.
    """
    out = tmp_path / "out"

    def lays_out(member: Member) -> None:
        if member.id == "police":
            config = member.home / "config.toml"
            text = config.read_text()
            line = f'[exchange]\noutbox = "{out}"'
            config.write_text(text.replace("[exchange]", line))

    async with Alliance.found(tmp_path, ALL, prepare=lays_out) as alliance:
        police, bank = alliance.police, alliance.bank
        alliance.cut(*ALL)
        inbox = bank.home / "inbox" / police.hash
        for size in (300, 600):
            await police.fill(*range(size - 300, size))
            await police.node.round()
            shutil.copytree(out / police.hash, inbox, dirs_exist_ok=True)
            await bank.round()
            assert await bank.has(police)
        first, second = sorted((out / police.hash / "payload").glob("00?"))
        was = first.read_bytes(), second.read_bytes()
        await police.say(Erase(ranges=((3, 9),), reason="privacy"))
        second.unlink()
        await police.node.round()
        assert len(first.read_bytes()) < len(was[0])
        assert second.read_bytes() == was[1]

        # A file that is none is told of, and stops nothing.
        (inbox / "checkpoint").write_bytes(b"no note")
        await bank.round()
        assert await bank.findings("bad_checkpoint")


def behind(draft: Roster) -> Roster:
    """Return a draft in which the bank has no address but the police's."""
    draft = drafts.put(draft, ("members", "bank", "urls"), ())
    return drafts.put(draft, ("members", "bank", "via"), "police")


async def test_who_has_no_address_pushes_to_its_relay(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part by part; nobody asks it, and others have it from the relay."""
    police, bank, carrier = alliance.members.values()
    await alliance.change(behind)
    await alliance.agreed()
    alliance.cut("bank", "carrier")
    with refused("another relay for carrier"):
        await police.node.peer_service.push("carrier", b"\x80")
    with malformed("push: "):
        await police.node.peer_service.push("bank", b"no push")
    alliance.network.asked.clear()
    monkeypatch.setattr(pushing, "ROOM", 30_000)
    await bank.fill(*range(1000))
    await bank.node.round()
    assert await police.has(bank)
    await carrier.round()
    assert await carrier.has(bank)
    asked = alliance.network.asked
    assert sum("/push" in a.path for a in asked) > 3
    assert {a.client for a in asked if "/push" in a.path} == {"bank"}
    assert not [a for a in asked if a.server == "bank"]
