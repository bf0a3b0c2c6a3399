"""Whatever is reported anywhere is known everywhere, equally."""

from tests.alliance import Alliance, claims_of, shared, until

PHONE = "+12025550123"
URL = "http://login.evil.example/pay"
CARD = "6222021234567890128"


async def reported(alliance: Alliance) -> None:
    """Everybody has reported something."""
    for n, member in enumerate(alliance.members.values()):
        await member.report("phone", f"+1202555{1000 + n}", PHONE)
        await member.report("url", f"http://m{n}.evil.example/", URL)
        await member.report("account", f"qq:1000{n}", f"card:{CARD}")
    # Void, and a leaf of its own: it is in the tree, and holds up nothing.
    await alliance.police.write((b"\1\1short", b"", b""))
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
        has_claims = await claims_of(owner.mirror, owner.origin)
        assert (digests != {"0" * 64}) == bool(has_claims)


async def test_all_hold_the_same(alliance: Alliance) -> None:
    """All four logs, by sizes, roots and digests, and have receipts of it."""
    await same(alliance)
    assert len(await alliance.bank.findings("void")) == 1
    for owner in alliance.members.values():
        others = {m for m in alliance.members if m != owner.id}
        sizes = dict.fromkeys(others, await owner.size())
        assert await owner.receipts() == sizes


async def test_pokes_in_a_row_lose_none(alliance: Alliance) -> None:
    """Urgent reports come at once, also those during a pull; no round does."""
    police, carrier = alliance.police, alliance.carrier
    size = await carrier.size()
    with carrier.holding("/log/", "police") as asked:
        await carrier.report("phone", "+12025554440", urgent=True)
        await asked.wait()
        await carrier.report("phone", "+12025554441", urgent=True)
        await carrier.grown(size + 2)

    async def there() -> bool:
        answers = await police.lookup("phone", "+12025554440", "+12025554441")
        return {one.verdict for one in answers} == {"suspected"}

    await until(there)


async def test_a_restart_fetches_nothing_again(alliance: Alliance) -> None:
    """After a restart only heads are asked for: all else is there."""
    await alliance.settle()
    await alliance.stop("bank")
    alliance.network.asked.clear()
    await alliance.start("bank")
    await alliance.settle()
    assert not [
        a
        for a in alliance.network.asked
        if a.client == "bank" and "/payload/" in a.path
    ]
    await same(alliance)
