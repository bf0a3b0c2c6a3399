"""A log that comes on a memory stick is as good as one from its owner."""

import shutil
from pathlib import Path

import pytest

from syncd.config import editing
from syncd.indicator.statement import Erase
from syncd.node.serve import pushing
from syncd.roster import drafts
from syncd.roster.roster import Roster
from tests.alliance import Alliance, Member, shared, until
from tests.refusals import malformed, refused

ALL = ("police", "bank", "carrier")
PHONE = "+12025550123"
alliance = shared(Alliance.settle, *ALL, scope="function")


def lays_out(member: Member) -> None:
    """Have a member lay files out beside its home."""
    out = f"{member.home.with_suffix('.out')}"
    editing.change(member.home, "exchange", "outbox", out)


async def test_across_an_air_gap(tmp_path: Path) -> None:
    """What the police lay out is copied into a home, checked and merged.

    What was erased goes from there, too; lost files come again.
    """
    async with Alliance.found(tmp_path, ALL, prepare=lays_out) as alliance:
        police, bank = alliance.police, alliance.bank
        out = police.home.with_suffix(".out")
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


def unreachable(draft: Roster) -> Roster:
    """Return a draft in which the platform has no address."""
    return drafts.put(draft, ("members", "platform", "urls"), ())


@pytest.mark.slow
async def test_who_is_behind_a_gap_asks_holders_by_files(
    tmp_path: Path,
) -> None:
    """What is lost, halved or doubled on the way costs time alone."""
    async with Alliance.found(tmp_path, prepare=lays_out) as alliance:
        police, platform = alliance.police, alliance.platform
        await police.tell("phone", PHONE)
        await alliance.change(unreachable)
        await alliance.agreed()
        assert await platform.verdict("phone", PHONE) == "suspected"
        assert not (tmp_path / "platform.out/evaluations").exists()
        for other in ALL:
            alliance.cut("platform", other)
        publisher = platform.node.publisher

        async def there_and_back(step: int = 1) -> None:
            """Copy both ways; of requests and answers, each step-th byte."""
            for one, other in (platform, police), (police, platform):
                await one.node.round()
                out, into = one.home.with_suffix(".out"), other.home / "inbox"
                shutil.copytree(out, into, dirs_exist_ok=True)
                for path in (into / "evaluations").glob("*.*"):
                    path.write_bytes(path.read_bytes()[::step])
                await other.node.round()

        await there_and_back()
        [found] = await platform.lookup("phone", PHONE)
        assert "asked by files: no answer yet" in found.detail
        await there_and_back(2)
        assert await platform.verdict("phone", PHONE) == "unknown"
        await there_and_back()
        assert await platform.verdict("phone", PHONE) == "suspected"

        size = await platform.size()
        for phone in "+12025550777", "+12025550778":  # the first is on its way
            await platform.report("phone", phone)
            await until(lambda: "files" in str(publisher.why_not()))
        await there_and_back()
        await alliance.restart("police")
        await there_and_back()  # doubled: nothing is counted twice
        publisher.wake()
        await platform.grown(size + 1)
        await there_and_back()
        publisher.wake()
        await platform.grown(size + 2)
        await there_and_back()
        assert await police.verdict("phone", "+12025550778") == "suspected"
        for name in "bank", "carrier":  # whom the police asked for it
            hours = await alliance.members[name].own.quotas.hours()
            given = [
                (h.purpose, h.n) for h in hours if h.member == platform.id
            ]
            assert sorted(given) == [("publish", 2), ("transaction_check", 1)]
        assert not await platform.findings("bad_holder")
