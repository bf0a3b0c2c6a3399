"""A member that signs two logs is found out by everybody, and contained."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from syncd.tlog import checkpoint
from tests.alliance import Alliance, Member, payload

pytestmark = pytest.mark.slow

PHONE = "+12025550123"


@pytest.fixture
async def alliance(tmp_path: Path) -> AsyncIterator[Alliance]:
    """An alliance in which the police have reported a case."""
    async with Alliance.found(tmp_path) as alliance:
        await alliance.police.report("phone", PHONE, evidence="police_case")
        await alliance.settle()
        yield alliance


async def assert_contained(alliance: Alliance, *victims: Member) -> None:
    """Assert that the victims know, have evidence and go on otherwise."""
    police = alliance.police
    key = police.keys.log.verifier
    for member in victims:
        head = await member.head(police.origin)
        assert head.contested
        (found,) = await member.findings("fork")
        assert found.finding.origin == police.origin
        kept = (await member.node.home.mirror.contested())[police.origin]
        heads = [checkpoint.open_(raw, key)[0] for raw in kept]
        assert len({(h.size, h.root) for h in heads}) >= 2
        # Nothing is dropped, but it weighs no more than a rumour.
        assert (await member.node.home.mirror.counts())[police.origin]
        (answer,) = await member.lookup("phone", PHONE)
        assert answer.verdict == "suspected"
        assert "contested" in answer.reasons
    await alliance.bank.report("phone", "+12025550124")
    await alliance.settle("bank", "carrier", "platform")


@pytest.mark.parametrize("entries", [0, 300])
async def test_another_root_at_the_same_size(
    alliance: Alliance, entries: int
) -> None:
    """Two checkpoints of one size contradict each other."""
    police = alliance.police
    (answer,) = await alliance.bank.lookup("phone", PHONE)
    assert answer.verdict == "confirmed"
    await police.write(*(payload(n, police.origin) for n in range(entries)))
    await alliance.settle()
    size = await police.size()
    twin = await police.fork(size - 1, payload(9000, police.origin))
    assert twin.head.frontier.size == size
    victims = [alliance.bank, alliance.carrier, alliance.platform]
    for member in victims:
        await member.round()
    await assert_contained(alliance, *victims)


@pytest.mark.parametrize(
    ("entries", "common"),
    [
        (300, 1),
        (0, 1),
        (300, 299),
    ],
)
async def test_an_extension_that_does_not_extend(
    alliance: Alliance, entries: int, common: int
) -> None:
    """A larger log that is not an extension of what we hold is a fork."""
    police = alliance.police
    await police.write(*(payload(n, police.origin) for n in range(entries)))
    await alliance.settle()
    size = await police.size()
    more = [payload(n, police.origin) for n in range(8000, 8300)]
    await police.fork(common, *more[: size - common + 5])
    victims = [alliance.bank, alliance.carrier, alliance.platform]
    for member in victims:
        await member.round()
    await assert_contained(alliance, *victims)


async def test_a_split_view_comes_to_light(alliance: Alliance) -> None:
    """The bank is shown another log than the others: all learn of it."""
    police = alliance.police
    size = await police.size()
    twin = await police.fork(size, payload(1, police.origin), seen_by=["bank"])
    await police.write(payload(2, police.origin))
    victims = [alliance.bank, alliance.carrier, alliance.platform]
    alliance.cut("bank", "carrier", "platform")
    for member in victims:
        await member.round()
    alliance.heal()
    merged = {(await m.head(police.origin)).merged for m in victims}
    assert merged == {size + 1}  # each believes its own
    for _ in range(2):
        for member in victims:
            await member.round()
    await assert_contained(alliance, *victims)
    # Whatever it signs from now on is merged nowhere.
    twin.say(payload(3, police.origin))
    await police.write(payload(4, police.origin))
    for member in victims:
        await member.round()
        assert (await member.head(police.origin)).merged == size + 1


@pytest.mark.parametrize("further", [0, 4])
async def test_a_fork_heard_of_before_it_is_pulled(
    alliance: Alliance, further: int
) -> None:
    """Two logs told of in one round are compared, not just the larger."""
    police, carrier = alliance.police, alliance.carrier
    size = await police.size()
    twin = await police.fork(size, payload(1, police.origin), seen_by=["bank"])
    await police.write(
        *(payload(n, police.origin) for n in range(2, 3 + further))
    )
    for raw in (twin.head.note, police.node.home.own.log.released()):
        await carrier.node.logs.offer("bank", raw)
    await carrier.round()
    await assert_contained(alliance, carrier)


async def test_an_old_checkpoint_is_no_fork(alliance: Alliance) -> None:
    """A stale but honest checkpoint accuses nobody."""
    police = alliance.police
    old = police.node.home.own.log.released()
    await police.write(*(payload(n, police.origin) for n in range(300)))
    await alliance.settle()
    assert not await alliance.bank.node.logs.offer("carrier", old)
    await alliance.bank.round()
    assert not (await alliance.bank.head(police.origin)).contested
    assert not await alliance.bank.findings("fork")
