"""A roster whose format is newer, and the build that comes to know it."""

import pytest
from msgspec.structs import replace

from syncd.node.upkeep.roster_orders import FOLDED
from syncd.roster import roster
from tests.alliance import CASE, Alliance, police_case, shared

pytestmark = pytest.mark.slow

alliance = shared(police_case, "police", "bank", "carrier", scope="function")


async def test_a_newer_format_is_mirrored_not_merged(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And said; what was merged counts. An upgrade folds all of it again."""
    police, bank = alliance.police, alliance.bank
    before = await bank.digest(police.origin)
    size = await police.size()
    await alliance.change(lambda draft: replace(draft, format=2), at="bank")
    await alliance.agreed()
    await police.fill(*range(3))
    await bank.round()
    head = await bank.head(police.origin)
    assert (head.mirrored, head.merged) == (await police.size(), size)
    assert await bank.digest(police.origin) == before
    assert await bank.verdict("phone", CASE) == "confirmed"
    status = await bank.status()
    (line,) = [one for one in status.todo if "format" in str(one)]
    assert "format 2 is newer" in str(line)
    assert not await bank.findings("limit")
    await bank.stop()
    monkeypatch.setattr(roster, "FORMAT", 2)
    await bank.start()
    assert await bank.own.events.reported(FOLDED) == "2"
    head = await bank.head(police.origin)
    assert head.merged == head.mirrored
    await alliance.settle()
    assert await bank.digest(police.origin) == await alliance.carrier.digest(
        police.origin
    )
    assert not [
        one for one in (await bank.status()).todo if "format" in str(one)
    ]
