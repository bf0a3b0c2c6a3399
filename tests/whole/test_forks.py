"""A member that signs two logs is found out by everybody, and contained."""

import pytest

from syncd.tlog import checkpoint
from tests.alliance import (
    CASE,
    Alliance,
    Member,
    claims_of,
    payload,
    police_case,
    shared,
)

pytestmark = pytest.mark.slow

alliance = shared(police_case, scope="function")


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
        assert await claims_of(member.node.home.mirror, police.origin)
        (answer,) = await member.lookup("phone", CASE)
        assert answer.verdict == "suspected"
        assert "contested" in answer.reasons
    await alliance.bank.report("phone", "+12025550124")
    await alliance.settle("bank", "carrier", "platform")


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
    twin.add(payload(3, police.origin))
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
    for raw in (twin.signed, police.node.home.own.log.released()):
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
