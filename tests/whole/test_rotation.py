"""A token key is replaced: nobody misses a report meanwhile, or after."""

import pytest

from syncd.flows.ports import State
from syncd.node.home import share_name
from syncd.roster import drafts
from syncd.roster.roster import Roster
from tests import ceremonies
from tests.alliance import Alliance, shared

pytestmark = pytest.mark.slow

PHONES = [f"+1202555{n:04}" for n in range(100, 106)]


async def reported(alliance: Alliance) -> None:
    """All report, one disputes, one rests on another's report."""
    police, bank = alliance.police, alliance.bank
    await police.report("phone", *PHONES[:3], evidence="police_case")
    await bank.report("phone", *PHONES[1:5])
    await alliance.settle()


alliance = shared(
    reported, "police", "bank", "carrier", "platform", scope="function"
)


async def drawn(alliance: Alliance) -> None:
    """The holders draw another key of each kind, and all hear of it."""
    keys = {m.id: m.keys for m in alliance.members.values()}
    holders = ["police", "bank", "carrier"]
    outcomes = ceremonies.draw(alliance.newest, keys, holders)
    for id_, outcome in outcomes.items():
        ring = alliance.members[id_].node.home.ring
        for epoch, secret in zip(*outcome, strict=True):
            ring.put(share_name(epoch), secret)

    def edit(draft: Roster) -> Roster:
        return ceremonies.keyed(draft, outcomes["police"])

    await alliance.change(edit)
    await alliance.agreed()


def retire(draft: Roster) -> Roster:
    for key in ("phone/1", "account/1"):
        draft = drafts.put(draft, ("epochs", key, "retired"), True)
    return draft


async def verdicts(alliance: Alliance) -> set[tuple[str, ...]]:
    """Return what each member says of the numbers: one thing, if all agree."""
    return {
        tuple([v.verdict for v in await m.lookup("phone", *PHONES)])
        for m in alliance.up
    }


async def test_a_key_is_replaced(alliance: Alliance) -> None:
    """Before, in the middle and after it all say the same; nothing twice."""
    before = await verdicts(alliance)
    assert before == {("confirmed",) * 3 + ("suspected",) * 2 + ("none",)}
    size = await alliance.bank.size()
    await drawn(alliance)
    assert await verdicts(alliance) == before
    await alliance.bank.node.publisher.publish()
    assert await alliance.bank.size() >= size + 4
    await alliance.settle()
    assert await verdicts(alliance) == before
    await alliance.police.node.publisher.publish()
    await alliance.settle()
    assert await verdicts(alliance) == before
    size = await alliance.bank.size()
    await alliance.restart("bank")
    await alliance.bank.awake()
    await alliance.bank.node.publisher.publish()
    assert await alliance.bank.size() == size
    await alliance.change(retire)
    await alliance.agreed()
    for member in alliance.up:
        await member.swept()
    await alliance.settle()
    assert await verdicts(alliance) == before
    counts = await alliance.bank.own.vault.counts()
    assert counts == {("phone", State.PUBLISHED): 4}
