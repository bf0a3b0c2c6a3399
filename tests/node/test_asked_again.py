"""What a look-up could not answer is asked again for a day."""

from syncd.web import forms
from syncd.web.service_ports import Caller, LookupCall
from tests.alliance import Alliance, Member, as_founded, shared

IDS = ("bank", "carrier", "police")
CALLER = Caller("teller", "reader")
BAD, GOOD = "+12025550123", "+12025550124"

alliance = shared(as_founded, *IDS, scope="function")


async def unknown(member: Member, purpose: str = "transaction_check") -> None:
    """Look two numbers up while no holder answers."""
    call = LookupCall(
        purpose=purpose,
        deadline_ms=300,
        items=tuple(forms.Item(kind="phone", value=v) for v in (GOOD, BAD)),
    )
    found = await member.node.local_service.lookup(CALLER, call)
    assert [item.verdict for item in found.items] == ["unknown"] * 2


async def reported(alliance: Alliance) -> Member:
    """Return the bank, cut off; the police report a number."""
    await alliance.police.report("phone", BAD)
    await alliance.settle()
    alliance.cut(*IDS)
    return alliance.bank


async def test_what_turns_bad_is_an_event(alliance: Alliance) -> None:
    """It names the record of the first asking, and no value."""
    bank = await reported(alliance)
    await unknown(bank)
    own = bank.node.ctx.own
    before = await own.access.page()
    alliance.heal()
    await bank.node.asked_again.ask()
    [event] = [e for e in await own.events.page(1, 999) if e.name == "turned"]
    assert event.data["access"] == before[1].id
    assert event.data["origin"] == alliance.police.origin
    assert event.data["purpose"] == "transaction_check"
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
    bank = await reported(alliance)
    await unknown(bank)
    await bank.node.asked_again.ask()
    assert len(bank.node.lookups.unanswered) == 2
    assert len(await bank.node.ctx.own.access.page()) == 2


async def test_after_a_day_nobody_asks(alliance: Alliance) -> None:
    bank = await reported(alliance)
    await unknown(bank)
    waiting = bank.node.lookups.unanswered
    late = [one._replace(until=bank.node.ctx.now()) for one in waiting]
    waiting.clear()
    waiting.extend(late)
    alliance.heal()
    await bank.node.asked_again.ask()
    assert not waiting
    assert len(await bank.node.ctx.own.access.page()) == 2


async def test_a_test_is_not_asked_again(alliance: Alliance) -> None:
    bank = await reported(alliance)
    await unknown(bank, "test")
    assert not bank.node.lookups.unanswered
