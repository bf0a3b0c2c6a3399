"""Whatever is reported anywhere is known everywhere, equally."""

import asyncio

import pytest

from syncd.indicator.statement import Sighting, Usage
from tests.alliance import Alliance, shared, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE = "+12025550123"
URL = "http://login.evil.example/pay"
CARD = "6222021234567890128"


async def reported(alliance: Alliance) -> None:
    """Everybody has reported something."""
    for n, member in enumerate(alliance.members.values()):
        await member.report("phone", f"+1202555{1000 + n}", PHONE)
        await member.report("url", f"http://m{n}.evil.example/", URL)
        await member.report("account", f"qq:1000{n}", f"card:{CARD}")
    await alliance.settle()


alliance = shared(reported)


async def same(alliance: Alliance) -> None:
    """Assert that every member holds the same of every log."""
    for owner in alliance.members.values():
        size = await owner.size()
        heads = [await m.head(owner.origin) for m in alliance.up]
        assert {h.merged for h in heads} == {size}
        assert {h.mirrored for h in heads} == {size}
        assert len({h.frontier.root() for h in heads}) == 1
        digests = {await m.digest(owner.origin) for m in alliance.up}
        assert len(digests) == 1
        has_claims = (await owner.node.home.mirror.counts()).get(owner.origin)
        assert (digests != {"0" * 64}) == bool(has_claims)


async def test_all_hold_the_same(alliance: Alliance) -> None:
    """Sizes, roots and digests of all four logs are equal at all four."""
    await same(alliance)


async def test_receipts_from_all(alliance: Alliance) -> None:
    """Every member has all others' receipts for all that it wrote."""
    for owner in alliance.members.values():
        size = await owner.size()
        others = {m for m in alliance.members if m != owner.id}
        assert await owner.receipts() == dict.fromkeys(others, size)


async def test_other_statements_travel_too(alliance: Alliance) -> None:
    """What is no claim is mirrored all the same, and changes no digest."""
    before = await alliance.bank.digest(alliance.carrier.origin)
    await alliance.carrier.say(
        Sighting(
            on="2026-11-20",
            kind="phone",
            epoch=1,
            token="A" * 22,
            first="2026-11-19",
            last="2026-11-19",
            count=5,
            outcome="blocked",
        ),
        Usage(
            on="2026-11-20",
            key=("phone", 1),
            rows=(("bank", "publish", 7, 0),),
        ),
    )
    await alliance.settle()
    await same(alliance)
    assert await alliance.bank.digest(alliance.carrier.origin) == before


async def verdicts(alliance: Alliance, phone: str) -> set[str]:
    """Return what all members make of one number."""
    found = [await m.lookup("phone", phone) for m in alliance.up]
    return {answers[0].verdict for answers in found}


async def test_urgent_within_seconds(alliance: Alliance) -> None:
    """A poke brings an urgent report at once; rounds are an hour apart."""
    await alliance.carrier.report("phone", "+12025553333", urgent=True)
    size = await alliance.carrier.size()
    others = [m for m in alliance.up if m is not alliance.carrier]

    async def there() -> bool:
        heads = [await m.head(alliance.carrier.origin) for m in others]
        return all(h.merged > size for h in heads)

    await until(there)
    assert await verdicts(alliance, "+12025553333") == {"suspected"}


async def test_pokes_in_a_row_lose_none(alliance: Alliance) -> None:
    """Pokes that come while a pull is in flight are not forgotten."""
    for n in range(5):
        await alliance.carrier.report("phone", f"+1202555444{n}", urgent=True)
        await asyncio.sleep(0.02)
    async with asyncio.timeout(20):
        while True:
            # First what waits: it may be published while we look.
            vault = alliance.carrier.node.home.own.vault
            waits = await vault.waiting(1, ["phone", "url", "account"])
            size = await alliance.carrier.size()
            heads = [
                await m.head(alliance.carrier.origin) for m in alliance.up
            ]
            if not waits and {h.merged for h in heads} == {size}:
                break
            await asyncio.sleep(0.01)
    assert await verdicts(alliance, "+12025554444") == {"suspected"}


@pytest.mark.slow
async def test_a_newcomer_holds_everything(alliance: Alliance) -> None:
    """A fifth member, admitted by its key, gets all four logs."""
    payer = await alliance.admit("payer")
    await alliance.agreed()
    await payer.awake()
    await alliance.settle()
    await same(alliance)
    assert len(alliance.up) == 5
    (found,) = await payer.lookup("phone", PHONE)
    assert found.verdict != "none"
    await payer.report("url", "http://payer.evil.example/")
    await alliance.settle()
    (found,) = await alliance.police.lookup(
        "url", "http://payer.evil.example/"
    )
    assert found.sectors == {"payment": 1}


async def test_a_restart_fetches_nothing_again(alliance: Alliance) -> None:
    """After a restart only heads are asked for: all else is there."""
    await alliance.settle()
    await alliance.bank.stop()
    alliance.network.asked.clear()
    await alliance.start("bank")
    await alliance.settle()
    assert not alliance.network.count("bank", "/payload/")
    await same(alliance)
