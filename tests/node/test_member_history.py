"""Each round leaves how each member was seen on that day, and no more."""

import asyncio
from typing import Any

from syncd.errors import Message
from syncd.node.follow import member_history
from syncd.node.serve import figures
from syncd.store.database import Database
from syncd.web.figure_forms import FiguresQuery
from tests.alliance import Alliance, Member, payload


async def keep(member: Member) -> dict[str, str]:
    """Keep what is known; return today's state of each member, "" for none."""
    await member_history.keep(member.node.ctx, member.node.rounds)
    found = await member.node.figures.history()
    states = {}
    for id_, days in found.members.items():
        assert days.line[:-1] == "." * 89
        states[id_] = days.line[-1]
        assert [d.day for d in days.bad] == [found.until] * (
            states[id_] not in ".h"
        )
    return states


async def letter(bank: Member) -> str:
    """Keep what is known; return how the police were seen today."""
    return (await keep(bank))["police"]


async def test_who_was_not_heard_of_has_no_day(bank: Member) -> None:
    bank.node.peer_choice.states.clear()
    assert await keep(bank) == {"bank": "h", "carrier": ".", "police": "."}
    await bank.node.jobs.round()
    assert (await bank.own.history.since(0))[-1][:1] == ("police",)
    assert await letter(bank) == "h"


async def test_a_day_is_as_its_worst(
    alliance: Alliance, bank: Member, police: Member
) -> None:
    """Silent from the third failure on; a fork outdoes it, also later."""
    alliance.cut("bank", "police")
    for _ in range(2):
        await bank.round()
    assert await letter(bank) == "h"
    await bank.round()
    assert await letter(bank) == "s"
    alliance.heal()
    await bank.round()
    assert await letter(bank) == "s"
    await bank.node.logs.forked(police.origin, [], Message("another root"))
    seen = await keep(bank)
    assert (seen["police"], seen["carrier"]) == ("f", "h")


async def test_a_log_lags_that_is_not_merged_for_a_reason(
    alliance: Alliance,
) -> None:
    bank, origin = alliance.bank, alliance.police.origin
    await bank.round()
    bank.node.logs.note(origin, known=10_000)
    assert await letter(bank) == "h"
    bank.node.logs.note(origin, why=Message("{n} days", n=3))
    assert await letter(bank) == "l"


async def test_nothing_is_written_that_is_known(
    bank: Member, monkeypatch: Any
) -> None:
    await bank.round()
    await keep(bank)
    monkeypatch.setattr(Database, "write", None)
    await member_history.keep(bank.node.ctx, bank.node.rounds)


async def test_what_members_hold_is_known_after_a_start(
    alliance: Alliance,
    bank: Member,
) -> None:
    await alliance.settle()
    alliance.cut(*alliance.members)
    bank.node.peer_choice.states.clear()
    await bank.node.rounds.recall()
    await bank.round()
    rows = (await bank.node.status_reader.status()).members
    assert [row.state for row in rows] == ["self", "failing", "failing"]
    told = {m.origin: await m.size() for m in alliance.up}
    assert [row.holds for row in rows] == [{}, told, told]
    assert rows[1].told_at > rows[1].last_ok == 0


async def test_we_are_silent_to_ourselves_once_cut_off(
    alliance: Alliance,
) -> None:
    alliance.cut()
    for _ in range(3):
        await alliance.bank.round()
    assert (await keep(alliance.bank))["bank"] == "s"


async def test_what_one_that_failed_tells_is_pulled_at_once(
    alliance: Alliance, bank: Member
) -> None:
    """Nobody waits for it, and what it tells waits for no other round."""
    police = alliance.police
    alliance.cut()
    await police.write(payload(7, police.origin))
    await bank.round()
    assert bank.node.peer_choice.state("police").failures
    alliance.heal()
    await bank.round()
    assert await bank.has(police)


async def test_figures_of_some_months(
    bank: Member, police: Member, monkeypatch: Any
) -> None:
    monkeypatch.setattr(figures, "MOMENT_S", 60)
    await police.tell("url", "http://evil.example/a")
    wanted = bank.node.figures.figures
    [row] = (await wanted(FiguresQuery())).items
    assert (row.member, row.label, row.reports) == ("police", "fake_invest", 1)
    for query in ({"from_": "2199-01"}, {"to": "1999-12"}):
        assert (await wanted(FiguresQuery(**query))).items == ()
    assert (await wanted(FiguresQuery(from_=row.month, to=row.month))).items


async def test_what_took_long_rests_and_nobody_waits_for_it(
    alliance: Alliance, monkeypatch: Any
) -> None:
    """What is known already is not counted."""
    bank, counts, go_on = alliance.bank, 0, asyncio.Event()
    mirror, wanted = bank.node.home.mirror, bank.node.figures.figures
    counted = mirror.figures

    async def count(member: Any) -> Any:
        nonlocal counts
        counts += 1
        await go_on.wait()
        return await counted(member)

    monkeypatch.setattr(mirror, "figures", count)
    await alliance.settle()
    monkeypatch.setattr(figures, "RESTED", 0)
    monkeypatch.setattr(figures, "MOMENT_S", 0.01)
    assert (await wanted(FiguresQuery())).as_of == 0
    go_on.set()
    monkeypatch.setattr(figures, "MOMENT_S", 60)
    for _ in range(2):
        assert (await wanted(FiguresQuery())).as_of
    assert counts == 1
    monkeypatch.setattr(figures, "RESTED", 1e9)
    for n in range(2):
        await bank.tell("url", f"http://evil.example/{n}")
        await wanted(FiguresQuery())
    assert counts == 2
