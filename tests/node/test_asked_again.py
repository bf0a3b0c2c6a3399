"""What a look-up could not answer is asked again for a day."""

from typing import Any

from syncd.node.serve import asked_again
from tests.alliance import Alliance, Member

BAD, GOOD = "+12025550123", "+12025550124"


async def unknown(member: Member, purpose: str = "transaction_check") -> None:
    """Look two numbers up while no holder answers."""
    how: Any = {"purpose": purpose, "deadline_ms": 300}
    found = await member.lookup("phone", GOOD, BAD, **how)
    assert [item.verdict for item in found] == ["unknown"] * 2


async def reported(alliance: Alliance) -> Member:
    """Return the bank, cut off; the police report a number."""
    await alliance.police.tell("phone", BAD)
    alliance.cut()
    return alliance.bank


async def test_what_turns_bad_is_an_event(alliance: Alliance) -> None:
    """It names the record of the first asking, and no value."""
    bank = await reported(alliance)
    await unknown(bank)
    own = bank.own
    before = await own.access.page()
    alliance.heal()
    await asked_again.ask(bank.node.ctx, bank.node.lookups)
    [event] = await bank.events("turned")
    assert event["access"] == before[1].id
    assert event["origin"] == alliance.police.origin
    assert event["purpose"] == "transaction_check"
    assert BAD not in str(event)
    rows = (await own.access.page())[2:]
    assert [(r.caller, bool(r.positions)) for r in rows] == [
        ("teller", False),
        ("teller", True),
    ]
    assert not bank.node.lookups.unanswered


async def test_what_stays_unknown_waits_without_a_record(
    alliance: Alliance,
) -> None:
    """But for a test, after which nobody asks again."""
    bank = await reported(alliance)
    await unknown(bank, "test")
    assert not bank.node.lookups.unanswered
    await unknown(bank)
    await asked_again.ask(bank.node.ctx, bank.node.lookups)
    assert len(bank.node.lookups.unanswered) == 2
    assert len(await bank.own.access.page()) == 4


async def test_after_a_day_nobody_asks(alliance: Alliance) -> None:
    bank = await reported(alliance)
    await unknown(bank)
    waiting = bank.node.lookups.unanswered
    late = [one._replace(until=bank.node.ctx.now()) for one in waiting]
    waiting.clear()
    waiting.extend(late)
    alliance.heal()
    await asked_again.ask(bank.node.ctx, bank.node.lookups)
    assert not waiting
    assert len(await bank.own.access.page()) == 2
