"""A dispute of what we report reaches us, until it is answered."""

import asyncio
from typing import Any

from syncd.flows.dispute_state import DisputeState
from syncd.flows.draft import AnswerDraft, VouchDraft
from syncd.indicator import statement
from syncd.messages import wire
from syncd.node.serve import todo
from syncd.store.stored_claims import OF_ONE
from syncd.web import claim_forms, forms, routes
from syncd.web.claim_forms import Vouches
from syncd.web.report_forms import ReportSearch, Retraction
from tests.alliance import Alliance, Member
from tests.refusals import refused

CALLER = routes.Caller("desk", "operator")
VALUE = "http://evil.example/a"
DAY_S = 86_400


async def dispute(member: Member, value: str = VALUE, **more: Any) -> None:
    given = {"kind": "url", **more}
    draft = forms.DisputeDraft(value=value, reason="innocent_owner", **given)
    await member.node.claim_intake.dispute(CALLER, draft)
    await member.settle()


async def listed(member: Member, **wanted: Any) -> tuple[DisputeState, ...]:
    query = claim_forms.DisputeQuery(**wanted)
    return (await member.node.claim_intake.listed(query)).items


async def answer(
    member: Member, dispute: tuple[str, int], outcome: str = "report_stands"
) -> claim_forms.Answered:
    draft = AnswerDraft(dispute=dispute, outcome=outcome, reason="case_open")
    return await member.node.claim_intake.answer(CALLER, draft)


async def to_do(member: Member) -> list[str]:
    state = await member.node.status_reader.read()
    return [str(one) for one in todo.of(state) if "dispute" in str(one)]


async def later(alliance: Alliance, days: int) -> None:
    """Have all go on some days after the start, which is over by then."""
    await alliance.settle()
    for member in alliance.up:
        member.shift_s = days * DAY_S
    await asyncio.gather(*(member.round() for member in alliance.up))


async def disputed(
    alliance: Alliance, author: Member | None = None, **more: Any
) -> DisputeState:
    """Have the carrier or another report a value, and the bank dispute it."""
    author = author or alliance.carrier
    await author.tell("url", VALUE, **more)
    await dispute(alliance.bank)
    [item] = await listed(author, side="against_us")
    return item


async def test_from_a_dispute_to_its_answer(
    alliance: Alliance, bank: Member, carrier: Member, police: Member
) -> None:
    """The author is told and asked; whoever disputed hears the answer."""
    item = await disputed(alliance)
    today = statement.day(carrier.node.ctx.today())
    assert (item.member, item.state, item.reason) == (
        *("bank", "open", "innocent_owner"),
    )
    assert item.due == statement.day_text(today + 7)
    assert [r.member for r in item.reports] == ["carrier"]
    [told] = await carrier.events("dispute")
    assert told["reports"] == [list(item.reports[0].position)]
    [line] = await to_do(carrier)
    origin, index = item.position
    assert f"answer by {item.due}" in line
    assert line.endswith(f"syncd report answer --dispute {origin}:{index}")
    [ours] = await listed(bank)
    assert (ours.side, ours.state) == ("by_us", "open")
    assert not await bank.events("dispute")
    assert not await listed(police)
    for other in (bank, police):
        with refused("no dispute of a report"):
            await answer(other, item.position)
    # What is to be done is told in positions, codes, days and members.
    state = await carrier.node.status_reader.read()
    [message] = [m for m in todo.of(state) if "dispute" in str(m)]
    assert not wire.of(message).quoted

    done = await answer(carrier, item.position)
    assert (done.reports, done.retracting) == (1, 0)
    await alliance.settle()
    [heard] = await bank.events("answer")
    assert heard["dispute"] == list(item.position)
    assert (heard["member"], heard["outcome"]) == ("carrier", "report_stands")
    [ours] = await listed(bank, state="answered")
    assert ours.reports[0].outcome == "report_stands"
    assert not await to_do(carrier)


async def test_an_answer_that_withdraws_ends_the_report(
    alliance: Alliance,
) -> None:
    item = await disputed(alliance)
    done = await answer(alliance.carrier, item.position, "report_withdrawn")
    assert (done.reports, done.retracting) == (1, 1)
    await alliance.settle()
    [found] = await alliance.police.lookup("url", VALUE)
    assert found.verdict == "none"
    [ours] = await listed(alliance.bank)
    assert ours.state == "answered"
    assert ours.reports[0].outcome == "report_withdrawn"
    with refused("no dispute of a report of ours"):
        await answer(alliance.carrier, item.position)


async def test_a_dispute_is_told_once(alliance: Alliance) -> None:
    """What merging brought may be handed on again."""
    carrier = alliance.carrier
    await disputed(alliance)
    book, log = carrier.own.events, alliance.bank.origin
    read = await book.reported(f"arrivals/{log}")
    await book.now(f"arrivals/{log}", "0", "")
    await alliance.restart("carrier")
    await carrier.node.background.idle()
    assert len(await carrier.events("dispute")) == 1
    book = carrier.own.events
    assert await book.reported(f"arrivals/{log}") == read


async def test_what_is_withdrawn_waits_for_nothing(
    alliance: Alliance, bank: Member, carrier: Member
) -> None:
    item = await disputed(alliance)
    wanted = Retraction(reason="entry_error", positions=(item.position,))
    await bank.node.local_service.retract(CALLER, wanted)
    await alliance.settle()
    assert not await listed(carrier)
    assert not await to_do(carrier)
    with refused("no dispute of a report of ours"):
        await answer(carrier, item.position)


async def overdue(*members: Member) -> None:
    """Have each look at its disputes more than a week later."""
    for member in members:
        member.shift_s = 8 * DAY_S
        await member.node.disputes.tell()


async def test_an_answer_that_does_not_come_is_told_of(
    alliance: Alliance, bank: Member, carrier: Member
) -> None:
    """Unofficial reports are disputed meanwhile; that is all."""
    await disputed(alliance)
    await overdue(bank, bank, carrier, carrier)
    [_, told] = await carrier.events("dispute")
    assert (told["overdue"], told["official"]) == (True, False)
    [line] = await to_do(carrier)
    assert "until then the unofficial ones are disputed" in line
    assert not await bank.events("dispute")
    assert not await to_do(bank)


async def test_the_contact_is_asked_for_an_official_report(
    alliance: Alliance, bank: Member, police: Member
) -> None:
    """On both sides: silence does not weaken it."""
    await disputed(alliance, police, evidence="police_case")
    await overdue(bank, police)
    [told] = await bank.events("dispute")
    assert (told["by_us"], told["contacts"]) == (True, ["police"])
    [line] = await to_do(bank)
    assert "call the contact that the roster names for police" in line
    [_, told] = await police.events("dispute")
    assert told["contacts"] == ["police"]
    [line] = await to_do(police)
    assert "for official ones our contacts are called" in line


async def test_after_its_end_a_roster_lets_us_answer_not_vouch(
    alliance: Alliance, carrier: Member
) -> None:
    await later(alliance, 60)
    item = await disputed(alliance)
    await later(alliance, 91)
    await answer(carrier, item.position)
    vouch = VouchDraft(kind="url", value=VALUE, role="website")
    await carrier.node.claim_intake.vouch(CALLER, Vouches(vouches=(vouch,)))
    with refused("roster: expired"):
        await carrier.node.publisher.publish()
    page = await carrier.node.intake.reports(ReportSearch())
    states = {row.type: row.state for row in page.items}
    assert (states["answer"], states["vouch"]) == ("published", "waiting")


async def test_a_later_dispute_wants_an_answer_of_its_own(
    alliance: Alliance, carrier: Member, police: Member
) -> None:
    """Though the answer says word for word what the first one said."""
    await answer(carrier, (await disputed(alliance)).position)
    await alliance.settle()
    await later(alliance, 2)
    await dispute(police)
    [second] = await listed(carrier, state="open")
    await answer(carrier, second.position)
    await alliance.settle()
    assert not await listed(carrier, state="open")


async def test_nobody_crowds_out_the_others(
    bank: Member, carrier: Member, police: Member
) -> None:
    await carrier.tell("url", VALUE)
    page = await carrier.node.local_service.indicators(
        CALLER, forms.IndicatorQuery()
    )
    dispute_ = statement.Dispute(
        on=carrier.node.ctx.today(),
        kind="url",
        epoch=1,
        token=page.items[0].token,
        reason="stale",
        due="2199-12-30",
        expires="2199-12-31",
        about=((carrier.origin, 1),),
    )
    await police.say(*[dispute_] * (OF_ONE + 9))
    await dispute(bank)
    items = await listed(carrier, limit=1000)
    assert [i.member for i in items].count("police") == OF_ONE
    assert [i.member for i in items].count("bank") == 1
    assert len(await carrier.events("dispute")) == OF_ONE + 1
