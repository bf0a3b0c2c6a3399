"""An epoch that the roster retires: all of it is erased, everywhere."""

import pytest

from syncd.flows.ports import State
from syncd.indicator import codec
from syncd.node.audit import stored
from tests.alliance import (
    Alliance,
    Member,
    claims_of,
    retire_urls,
    shared,
)

pytestmark = pytest.mark.slow

PHONE = "+12025550123"
URL = "http://fraud.example/x"


async def reported(alliance: Alliance) -> None:
    """Two hold reports of phones and URLs, between each other."""
    police = alliance.police
    for phone, url in ((PHONE, URL), ("+12025550124", URL + "y")):
        await police.report("phone", phone, evidence="police_case")
        await police.tell("url", url, evidence="police_case")
    await police.fill(*range(300))
    await alliance.settle()


alliance = shared(reported, "police", "bank", "carrier", scope="function")


async def retired(alliance: Alliance) -> None:
    await alliance.change(retire_urls, at="bank")
    await alliance.agreed()
    for member in alliance.up:
        await member.swept()


async def open_records(member: Member, origin: str) -> list[int]:
    """Return which entries of types 1–7 a member can still open."""
    records = await member.records()
    if origin != member.origin:
        records, size = [], (await member.head(origin)).mirrored
        for n in range(-(-size // 256)):
            bundle = await member.mirror.bundle(origin, n)
            assert bundle is not None
            records += codec.records(origin, bundle)
    return [
        at
        for at, (head, salt, _) in enumerate(records)
        if salt and head[1] < 8
    ]


async def test_it_is_gone_everywhere(alliance: Alliance) -> None:
    """Payloads, salts and claims; the other kinds stay; logs still hold."""
    police = alliance.police
    before = set(await open_records(police, police.origin))
    await retired(alliance)
    await alliance.settle()
    after = await open_records(police, police.origin)
    assert len(after) == 2
    assert set(after) < before
    digests = set()
    for member in alliance.up:
        assert await open_records(member, police.origin) == after
        digests.add(await member.digest(police.origin))
        assert len(await claims_of(member.mirror, police.origin)) == 2
        phone, url = (
            *await member.lookup("phone", PHONE),
            *await member.lookup("url", URL),
        )
        assert (phone.verdict, url.verdict) == ("confirmed", "none")
        settings = member.config
        for checked in stored.verify_home(settings):
            assert checked.problems == []
    assert len(digests) == 1
    counts = await police.own.vault.counts()
    assert counts.get(("url", State.PUBLISHED), 0) == 0
    assert counts["url", State.ENDED] == 2
    # It is no breach that the roster erased what stood.
    assert not await alliance.bank.findings("erase_breach")
    # Under the next epoch it may be reported again.
    await police.tell("url", URL, evidence="police_case")
    assert await alliance.bank.verdict("url", URL) == "confirmed"
