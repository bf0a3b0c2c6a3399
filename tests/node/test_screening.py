"""Which of a bank's own customers become listed, and are cleared again."""

from syncd.indicator import statement
from syncd.roster import drafts
from syncd.roster.terms import Epoch
from syncd.web.routes import Caller
from syncd.web.screening_forms import (
    ScreeningCall,
    ScreeningEntry,
    ScreeningFilter,
    ScreeningItem,
    ScreeningTaken,
)
from tests.alliance import Alliance, Member, as_founded, retire_urls, shared
from tests.node.stand_in import said

WHO = Caller("lin", "compliance")
LISTED, CLEAR = "+12025550123", "+12025550124"

alliance = shared(
    as_founded,
    *("bank", "carrier", "police"),
    scope="function",
    settings={"screening": {"enabled": True}},
)


async def add(
    member: Member, *customers: tuple[str, str], days: int = 90, **more: str
) -> ScreeningTaken:
    today = statement.day(member.node.ctx.today())
    items = (
        ScreeningItem(
            **{"kind": "phone", **more},
            value=value,
            reference=reference,
            expires=statement.day_text(today + days),
        )
        for value, reference in customers
    )
    return await member.node.screening.add(WHO, ScreeningCall(items=(*items,)))


async def kept(member: Member) -> int:
    """Return how many entries there are."""
    return (await member.own.screening.counts()).total()


async def report(
    member: Member, **filters: tuple[str, ...]
) -> list[ScreeningEntry]:
    found = await member.node.screening.report(WHO, ScreeningFilter(**filters))
    return list(found.items)


async def test_a_merge_lists_and_clears(
    alliance: Alliance, bank: Member, police: Member
) -> None:
    """The event has the entry's number; who may, reads the reference.

    No question leaves the house for that, and each report is recorded.
    """
    taken = await add(bank, (LISTED, "C-1"), (CLEAR, "C-2"))
    assert (taken.kept, taken.refused) == (2, 0)
    await police.tell("phone", LISTED)
    [event] = await bank.events("screening")
    assert event["state"] == "listed"
    assert (event["before"], event["after"]) == ("none", "suspected")
    assert "C-1" not in str(event)
    before = len(alliance.network.asked)
    [entry] = await report(bank)
    assert len(alliance.network.asked) == before
    assert event["ids"] == [entry.id]
    assert (entry.reference, entry.verdict) == ("C-1", "suspected")
    assert entry.positions[0][0] == police.origin
    assert len(await report(bank, verdicts=("suspected",))) == 1
    assert await report(bank, verdicts=("confirmed",)) == []
    assert await report(bank, roles=("caller",), evidence=("none",)) == []
    rows = (await bank.own.access.page())[2:]
    assert [(r.caller, r.purpose, len(r.positions or ())) for r in rows] == [
        *[("lin", "portfolio_screen", 1)] * 2,
        *[("lin", "portfolio_screen", 0)] * 2,
    ]
    assert rows[2].reference == "screening report: 0 verdicts=confirmed"
    await police.take_back("phone", LISTED)
    _, cleared = await bank.events("screening")
    assert (cleared["state"], cleared["after"]) == ("cleared", "none")
    assert cleared["ids"] == event["ids"]
    [entry] = await report(bank)
    assert (entry.reference, entry.verdict) == ("C-1", "none")
    assert await report(bank, verdicts=("suspected",)) == []


async def test_a_report_whose_know_does_not_fit_rings_nothing(
    alliance: Alliance, bank: Member, carrier: Member, police: Member
) -> None:
    """Whoever copies a token from another's log does not know the value."""
    await add(bank, (LISTED, "C-1"))
    await police.tell("phone", LISTED)
    [copied] = await said(police, 1)
    await police.take_back("phone", LISTED)
    assert len(await bank.events("screening")) == 2
    await carrier.say(copied)
    await alliance.settle()
    assert len(await bank.events("screening")) == 2
    assert [entry.verdict for entry in await report(bank)] == ["none"]


async def test_neither_value_nor_token_is_kept(
    bank: Member, police: Member
) -> None:
    """Of one who was listed already, which is told at once."""
    await police.tell("phone", LISTED)
    await add(bank, (LISTED, "C-1"))
    [event] = await bank.events("screening")
    assert (event["state"], event["n"]) == ("listed", 1)
    [entry] = await report(bank)
    claims = await bank.node.claims.in_force_at(list(entry.positions))
    [claim] = claims.values()
    rows = await bank.own.database.read(
        lambda c: c.exec_driver_sql("SELECT * FROM screened").fetchall()
    )
    raw = b"".join(v for v in rows[0] if isinstance(v, bytes))
    for secret in (claim.token, LISTED.encode(), b"C-1"):
        assert secret not in raw


async def test_an_item_is_refused_alone(
    alliance: Alliance, bank: Member
) -> None:
    """An end is obligatory, and not further ahead than is set.

    So is a bank where an account may be of several, and are the holders.
    """
    taken = [await add(bank, ("6222 0212 3456 78901", "C-4"), kind="account")]
    problem = taken[0].items[0].problem
    assert problem is not None
    assert problem.status == 400
    assert problem.hint
    alliance.cut()
    assert (await add(bank, (LISTED, "C-1"))).refused == 1
    alliance.heal()
    assert await kept(bank) == 0
    taken = [await add(bank, (CLEAR, "C-2"), days=n) for n in (0, 1, 400, 401)]
    assert [one.refused for one in taken] == [1, 0, 0, 1]
    taken = [await add(bank, (CLEAR, "C-2"), ("?", "C-3"), (CLEAR, ""))]
    assert [one.state for one in taken[0].items] == [
        *("kept", "refused", "refused")
    ]
    assert await kept(bank) == 1


async def test_what_ends_is_asked_for_and_dropped(bank: Member) -> None:
    """Thirty days ahead a to-do asks for the list again."""
    screening = bank.node.screening
    await add(bank, (LISTED, "C-1"), days=31)
    await screening.daily()
    assert screening.todo == []
    await add(bank, (CLEAR, "C-2"), days=30)
    await screening.daily()
    [todo] = screening.todo
    assert todo.params["n"] == 1
    later = statement.day(bank.node.ctx.today()) + 30
    await bank.own.screening.expire(later, ())
    assert await kept(bank) == 1


async def test_a_new_token_key_asks_for_the_list_again(
    alliance: Alliance, bank: Member
) -> None:
    """What is reported under it is not compared: no report says it is whole."""
    site = ("http://shop.example/", "C-3")
    assert (await add(bank, site, kind="url")).kept == 1
    await alliance.change(
        lambda draft: drafts.add_epoch(draft, Epoch("url", 2, 1)), at="police"
    )
    await alliance.agreed()
    screened = bank.node.screening
    assert (await screened.report(WHO, ScreeningFilter())).stale == 1
    [todo] = screened.todo
    assert todo.params["n"] == 1
    assert (await add(bank, site, kind="url")).kept == 1
    assert (await screened.report(WHO, ScreeningFilter())).stale == 0
    await alliance.change(retire_urls, at="police")
    await alliance.agreed()
    await screened.daily()
    assert await kept(bank) == 1
