"""What was done on a listing is looked at again when the listing ends."""

import pytest

from syncd.flows.appeal import Appeal
from syncd.node.notify.notifier import compose
from syncd.node.serve import todo
from syncd.node.upkeep import undo
from syncd.web import forms
from tests.alliance import Alliance, Member

NUMBER, OTHER = "+12025550177", "+12025550178"
FIRM = {"evidence": "police_case", "handling": "open"}


async def ask(
    member: Member, value: str = NUMBER, caller: str = "core"
) -> forms.LookupItem:
    how = {"caller": caller, "reference": "case 9"}
    return (await member.lookup("phone", value, **how))[0]


async def listed(alliance: Alliance) -> tuple[Member, Member]:
    """Have the police report the number; return the bank, and them."""
    await alliance.police.tell("phone", NUMBER, **FIRM)
    return alliance.bank, alliance.police


async def found(member: Member) -> list[Appeal]:
    return await member.own.appeals.page()


async def test_a_retract_is_a_to_do_for_each_who_asked(
    bank: Member, carrier: Member, police: Member
) -> None:
    """With its file number, and in clear no value, file or report."""
    await police.tell("phone", NUMBER, OTHER, **FIRM)
    assert (await ask(bank)).action == "hold"
    await ask(bank, caller="desk")
    await ask(bank, OTHER)
    await ask(carrier, OTHER)
    await police.take_back("phone", NUMBER)
    first, second = await found(bank)
    assert (first.by, second.by) == ("core", "desk")
    assert (first.cause, first.measure, first.reference) == (
        *("ended", "hold", "case 9"),
    )
    assert [position[0] for position in first.positions] == [police.origin]
    assert await bank.events("undo") == [{"n": 2}]
    page = await bank.own.events.page(1, 1000)
    [told] = [one for one in page if one.name == "undo"]
    notice = compose(told, {"compliance"}, "txwz", "bank") or b""
    assert b'"measures to look at again: 2"' in notice
    assert await found(carrier) == []
    state = await bank.node.status_reader.read()
    assert [
        m.params["n"] for m in todo.of(state) if "appeal" in m.template
    ] == [2]


async def test_a_past_that_is_annulled_ends_what_it_listed(
    alliance: Alliance,
) -> None:
    bank, police = await listed(alliance)
    assert (await ask(bank)).action == "hold"
    await alliance.remove("police", at="bank", past="annul")
    await bank.node.undo.by_roster()
    [appeal] = await found(bank)
    assert (appeal.cause, appeal.measure) == ("ended", "hold")
    assert [origin for origin, _ in appeal.positions] == [police.origin]


async def test_not_while_another_report_advises_as_much(
    bank: Member, carrier: Member, police: Member
) -> None:
    await police.report("phone", NUMBER, **FIRM)
    await carrier.report("phone", NUMBER, evidence="carrier_detection")
    await bank.tell("phone", NUMBER, evidence="bank_detection")
    await ask(bank)
    await police.take_back("phone", NUMBER)
    assert undo.is_measure((await ask(bank)).action)
    assert await found(bank) == []
    await carrier.take_back("phone", NUMBER)
    assert len(await found(bank)) == 2  # the same number, asked twice


async def test_our_own_report_too_and_no_warning(
    bank: Member, carrier: Member, police: Member
) -> None:
    """Whoever was warned alone has taken no measure."""
    await police.report("phone", NUMBER, **FIRM)
    await carrier.tell("phone", OTHER, evidence="user_tag")
    await ask(police)
    assert (await ask(bank, OTHER)).action == "warn"
    await police.retract("phone", NUMBER)
    await carrier.take_back("phone", OTHER)
    [one] = await found(police)
    assert one.measure == "hold"
    assert await found(bank) == []


async def test_what_is_long_ago_is_left(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, police = await listed(alliance)
    await ask(bank)
    monkeypatch.setattr(undo, "DAYS", -1)
    await police.take_back("phone", NUMBER)
    assert await found(bank) == []
