"""Which of a bank's own customers become listed, and are cleared again."""

from types import SimpleNamespace
from typing import Any

import pytest

from syncd.flows.judge import Answer
from syncd.indicator import statement, verdict
from syncd.indicator.statement import Report
from syncd.roster import drafts
from syncd.roster.terms import Epoch
from syncd.web.screening_forms import (
    ScreeningEntry,
    ScreeningFilter,
    ScreeningItem,
    ScreeningTaken,
)
from syncd.web.service_ports import Caller
from tests.alliance import Alliance, Member, as_founded, shared

IDS = ("bank", "carrier", "police")
WHO = Caller("lin", "compliance")
LISTED, CLEAR = "+12025550123", "+12025550124"

alliance = shared(
    as_founded,
    *IDS,
    scope="function",
    settings={"screening": {"enabled": True}},
)


async def add(member: Member, *customers: tuple[str, str]) -> ScreeningTaken:
    today = statement.day(member.node.ctx.today())
    return await member.node.screening.add(
        WHO,
        [
            ScreeningItem(
                kind="phone",
                value=value,
                reference=reference,
                until=statement.day_text(today + 90),
            )
            for value, reference in customers
        ],
    )


async def told(member: Member) -> list[dict[str, Any]]:
    await member.node.background.idle()
    rows = await member.node.ctx.own.events.page(1, 1000)
    return [dict(row.data) for row in rows if row.name == "screening"]


async def report(
    member: Member, **filters: tuple[str, ...]
) -> list[ScreeningEntry]:
    found = await member.node.screening.report(WHO, ScreeningFilter(**filters))
    return list(found.items)


async def test_a_merge_lists_and_clears(alliance: Alliance) -> None:
    """The event has the entry's number; who may, reads the reference."""
    bank = alliance.bank
    taken = await add(bank, (LISTED, "C-1"), (CLEAR, "C-2"))
    assert (taken.clear, taken.listed, taken.refused) == (2, 0, 0)
    await alliance.police.report("phone", LISTED)
    await alliance.settle()
    [event] = await told(bank)
    assert event["state"] == "listed"
    assert (event["before"], event["after"]) == ("none", "suspected")
    assert event["ids"] == list(taken.items[0].ids)
    assert "C-1" not in str(event)
    [entry] = await report(bank)
    assert (entry.reference, entry.verdict) == ("C-1", "suspected")
    assert entry.positions[0][0] == alliance.police.origin
    await alliance.police.retract("phone", LISTED)
    await alliance.settle()
    _, event = await told(bank)
    assert (event["state"], event["after"]) == ("cleared", "none")
    assert await report(bank) == []


async def test_who_is_listed_already_is_told_at_once(
    alliance: Alliance,
) -> None:
    await alliance.police.report("phone", LISTED)
    await alliance.settle()
    taken = await add(alliance.bank, (LISTED, "C-1"), (CLEAR, "C-2"))
    assert [one.state for one in taken.items] == ["listed", "clear"]


async def test_no_question_leaves_the_house_at_report_time(
    alliance: Alliance,
) -> None:
    await add(alliance.bank, (LISTED, "C-1"))
    await alliance.police.report("phone", LISTED)
    await alliance.settle()
    before = len(alliance.network.asked)
    assert len(await report(alliance.bank)) == 1
    assert len(alliance.network.asked) == before


async def test_a_report_whose_know_does_not_fit_rings_nothing(
    alliance: Alliance,
) -> None:
    """Whoever copies a token from another's log does not know the value."""
    bank = alliance.bank
    await add(bank, (LISTED, "C-1"))
    await alliance.police.report("phone", LISTED)
    await alliance.settle()
    await bank.node.background.idle()
    rows = [r for r in await alliance.police.records() if r[0][1] == 1]
    copied = statement.decode(rows[0][2], 1)
    await alliance.police.retract("phone", LISTED)
    await alliance.settle()
    assert len(await told(bank)) == 2
    assert isinstance(copied, Report)
    await alliance.carrier.say(copied)
    await alliance.settle()
    assert len(await told(bank)) == 2
    assert await report(bank) == []


async def test_neither_value_nor_token_is_kept(alliance: Alliance) -> None:
    bank = alliance.bank
    await add(bank, (LISTED, "C-1"))
    await alliance.police.report("phone", LISTED)
    await alliance.settle()
    [entry] = await report(bank)
    claims = await bank.node.claims.in_force_at(list(entry.positions))
    [claim] = claims.values()
    rows = await bank.node.ctx.own.database.read(
        lambda c: c.exec_driver_sql("SELECT * FROM screened").fetchall()
    )
    raw = b"".join(v for v in rows[0] if isinstance(v, bytes))
    for secret in (claim.token, LISTED.encode(), b"C-1"):
        assert secret not in raw
    assert LISTED.encode() not in raw


async def test_a_report_is_filtered_and_filed(alliance: Alliance) -> None:
    bank = alliance.bank
    await add(bank, (LISTED, "C-1"))
    await alliance.police.report("phone", LISTED)
    await alliance.settle()
    await bank.node.background.idle()
    assert len(await report(bank, verdicts=("suspected",))) == 1
    assert await report(bank, verdicts=("confirmed",)) == []
    assert await report(bank, roles=("caller",), evidence=("none",)) == []
    runs = (await bank.node.screening.runs()).items
    assert [(run.by, run.listed, run.shown) for run in runs] == [
        ("lin", 1, 0),
        ("lin", 1, 0),
        ("lin", 1, 1),
    ]
    assert runs[1].filters == {"verdicts": ["confirmed"]}
    assert all(run.complete for run in runs)


async def test_an_item_is_refused_alone(alliance: Alliance) -> None:
    """An end is obligatory, and not further ahead than is set."""
    bank = alliance.bank
    today = statement.day(bank.node.ctx.today())
    ends = [0, 1, 400, 401]
    taken = await bank.node.screening.add(
        WHO,
        [
            ScreeningItem(
                kind="phone",
                value=CLEAR,
                reference="C-2",
                until=statement.day_text(today + n),
            )
            for n in ends
        ],
    )
    states = [one.state for one in taken.items]
    assert states == ["refused", "clear", "clear", "refused"]
    page = await bank.node.screening.page(0, 100)
    assert [(e.reference, e.until) for e in page.items] == [
        ("C-2", statement.day_text(today + 400))
    ]


async def test_what_ends_is_asked_for_and_dropped(alliance: Alliance) -> None:
    """Thirty days ahead a to-do asks for the list again."""
    bank = alliance.bank
    await add(bank, (LISTED, "C-1"))
    screening = bank.node.screening
    await screening.daily()
    assert screening.todo == []
    today = statement.day(bank.node.ctx.today())
    await bank.node.screening.add(
        WHO,
        [
            ScreeningItem(
                kind="phone",
                value=CLEAR,
                reference="C-2",
                until=statement.day_text(today + 30),
            )
        ],
    )
    await screening.report(WHO, ScreeningFilter())
    [todo] = screening.todo
    assert todo.params["n"] == 1
    assert await bank.node.ctx.own.screening.expire(today + 30) == 1
    assert (await screening.end("C-1", ())).ended == 1
    assert (await screening.page(0, 100)).items == ()


async def test_a_new_token_key_asks_for_the_list_again(
    alliance: Alliance,
) -> None:
    """What is reported under it is not compared: no report says it is whole."""
    bank = alliance.bank
    today = statement.day(bank.node.ctx.today())
    site = ScreeningItem(
        kind="url",
        value="http://shop.example/",
        reference="C-3",
        until=statement.day_text(today + 90),
    )
    assert (await bank.node.screening.add(WHO, [site])).clear == 1
    await alliance.change(
        lambda draft: drafts.add_epoch(draft, Epoch("url", 2, 1)), at="police"
    )
    await alliance.agreed()
    made = await bank.node.screening.report(WHO, ScreeningFilter())
    assert not made.run.complete
    assert set(made.run.stale) == {"url/1"}
    [todo] = bank.node.screening.todo
    assert todo.params["keys"] == "url/1"
    again = await bank.node.screening.add(WHO, [site])
    assert again.clear == 1


async def test_holders_missing_keep_nothing(alliance: Alliance) -> None:
    alliance.cut(*IDS)
    taken = await add(alliance.bank, (LISTED, "C-1"))
    assert taken.refused == 1
    assert (await alliance.bank.node.screening.page(0, 9)).items == ()


async def test_what_was_kept_before_a_start_is_found(
    alliance: Alliance,
) -> None:
    """What tells in memory that a token is not ours is made anew."""
    await add(alliance.bank, (LISTED, "C-1"))
    await alliance.stop("bank")
    await alliance.police.report("phone", LISTED)
    await alliance.bank.start()
    await alliance.settle()
    [event] = await told(alliance.bank)
    assert event["state"] == "listed"


async def test_what_cannot_be_judged_in_time_stays(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = alliance.bank
    await add(bank, (LISTED, "C-1"))
    await alliance.police.report("phone", LISTED)
    await alliance.settle()
    assert len(await told(bank)) == 1

    async def late(asked: list[Any], *_: Any) -> Any:
        unknown = Answer(verdict.unknown("basis_unread"))
        return [unknown] * len(asked), SimpleNamespace(bad_know=set())

    monkeypatch.setattr("syncd.node.serve.screening.judged", late)
    assert [entry.reference for entry in await report(bank)] == ["C-1"]
    assert len(await told(bank)) == 1


async def test_an_account_that_may_be_a_banks_asks_for_the_bank(
    alliance: Alliance,
) -> None:
    """What was not tried is not compared: that is no row to wait for."""
    bank = alliance.bank
    today = statement.day(bank.node.ctx.today())
    item = ScreeningItem(
        kind="account",
        value="6222 0212 3456 78901",
        reference="C-4",
        until=statement.day_text(today + 9),
    )
    taken = await bank.node.screening.add(WHO, [item])
    problem = taken.items[0].problem
    assert problem is not None
    assert problem.status == 400
    assert problem.hint
    assert (await bank.node.screening.page(0, 9)).items == ()
