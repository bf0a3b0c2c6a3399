"""Who forks is accused once, in a log; who accuses falsely is told of."""

from functools import partial
from pathlib import Path

import pytest

from syncd.audit.bundle import Bundle
from syncd.audit.verify import verify
from syncd.indicator.statement import Evidence
from syncd.node.audit import complete
from syncd.node.upkeep import daily
from syncd.roster import membership
from syncd.roster.members import Cut
from tests.alliance import Alliance, Member, payload, shared
from tests.node.stand_in import said

pytestmark = pytest.mark.slow

alliance = shared(scope="function")  # bank, carrier, platform, police
evidence = partial(said, code=20)  # in a member's log


async def whole_day(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> list[Evidence]:
    """Have each take its turn, and all hear; return what accuses somebody."""
    for turn in range(4):
        now = alliance.bank.node.ctx.now()
        monkeypatch.setattr(daily, "TURN_S", now // (4000 + turn))
        for member in alliance.up:
            await member.node.daily.run()
        for member in alliance.up:
            await member.round()
    every = [await evidence(m) for m in alliance.up]
    return [one for some in every for one in some]


async def pin(alliance: Alliance, *, ended: bool = False) -> None:
    """Have the admins choose what the police goes on writing."""
    police = alliance.police
    police.node.twin, size = None, await police.size()
    at = Cut(size, await police.node.guard.root_at(size))
    edit = partial(membership.cut, origin=police.origin, at=at, ended=ended)
    await alliance.change(edit)
    await alliance.agreed()


async def contested(alliance: Alliance) -> list[str]:
    """Return who holds the police's log to be forked."""
    origin = alliance.police.origin
    return [m.id for m in alliance.up if (await m.head(origin)).contested]


async def told(member: Member, code: str) -> list[tuple[str, str]]:
    """Return of whom, and what, its findings of a code are."""
    found = [row.finding for row in await member.findings(code)]
    return [(one.origin, str(one.detail)) for one in found]


def charge(of: Member, *notes: bytes) -> Evidence:
    """Return what accuses a member by notes alone."""
    said = tuple(raw.decode() for raw in notes)
    return Evidence(what="fork", origin=of.origin, notes=said)


async def test_a_fork_from_its_proof_to_the_rosters_decision(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One writes it, all merge it and act on it, and the roster settles it."""
    police, platform = alliance.police, alliance.platform
    size, origin = await police.size(), police.origin
    seen_by = ["bank", "carrier"]
    more = [payload(n, origin) for n in range(5)]
    await police.fork(size, *more[:2], seen_by=seen_by)
    await police.write(*more[2:])
    alliance.cut(*seen_by)  # from each other, and the rest
    for member in alliance.up[:3]:
        await member.round()
    assert await contested(alliance) == []
    alliance.heal()
    await alliance.bank.round()
    (one,) = await whole_day(alliance, monkeypatch)
    assert (one.what, one.origin, len(one.notes)) == ("fork", origin, 2)
    await alliance.restart("carrier")
    assert await whole_day(alliance, monkeypatch) == [one]
    assert await contested(alliance) == ["bank", "carrier", "platform"]
    for member in alliance.up:
        ((of, why),) = await told(member, "evidence")
        assert (of, why.endswith("its log is active")) == (origin, True)
    assert not await told(platform, "false_evidence")

    await pin(alliance)
    await alliance.settle(receipts=False)
    await alliance.carrier.say(one)  # and once more: it moves nothing
    await alliance.settle(receipts=False)
    assert await contested(alliance) == []
    assert (await told(platform, "evidence"))[0][1].endswith("log is cut")
    await complete.write(platform.config, tmp_path / "out", 2**32)
    audit = verify(Bundle(tmp_path / "out"), alliance.fingerprint)
    convicts = [f for f in audit.found if f.code == "convicts"]
    assert {str(f.text).rpartition(" ")[2] for f in convicts} == {"cut"}


async def test_evidence_that_is_none(alliance: Alliance) -> None:
    """It is told of the accuser, and moves nothing."""
    police, carrier = alliance.police, alliance.carrier
    before = police.own.log.released()
    await police.write(payload(1, police.origin))
    await carrier.say(charge(police, before, police.own.log.released()))
    await alliance.settle()
    for member in (alliance.bank, alliance.platform):
        ((of, _),) = await told(member, "false_evidence")
        assert of == "carrier"
        assert not await told(member, "evidence")
    assert await contested(alliance) == []


async def test_evidence_with_a_stolen_old_key(alliance: Alliance) -> None:
    """It stops what is merged, until the roster ends that log: then nothing."""
    police = alliance.police
    await police.write(payload(1, police.origin))
    await alliance.settle()
    twin = await police.fork(1, payload(2, police.origin))
    notes = police.own.log.released(), twin.signed
    police.node.twin = None  # nobody ever shows it
    for how, freezes in (("active", ["bank", "platform"]), ("ended", [])):
        await alliance.carrier.say(charge(police, *notes))
        for member in alliance.up:
            await member.round()
        assert await contested(alliance) == freezes
        ((of, why),) = await told(alliance.bank, "evidence")
        assert (of, why.endswith(how)) == (police.origin, True)
        if freezes:
            await pin(alliance, ended=True)
