"""What a member calls urgent is an event as soon as it is merged."""

import pytest

from syncd.node.serve import event_writer
from tests.alliance import Alliance, Member, until


async def one(member: Member) -> bool:
    return len(await member.events("urgent")) == 1


async def test_an_urgent_report_and_nothing_else(
    alliance: Alliance, bank: Member, police: Member
) -> None:
    await alliance.settle()
    await police.tell("url", "http://evil.example/a")
    await police.retract("url", "http://evil.example/a")  # pokes, too
    drill = "http://evil.example/drill"
    await police.report("url", drill, urgent=True, test=True)  # pokes, too
    await alliance.settle()
    assert await bank.events("urgent") == []
    before = await police.size()
    await police.report("url", "http://evil.example/b", urgent=True)
    await until(lambda: one(bank))
    assert await bank.events("urgent") == [
        {"origin": police.origin, "index": before, "n": 1}
    ]
    assert await police.events("urgent") == []


async def test_who_calls_everything_urgent_is_heard_now_and_then(
    alliance: Alliance,
    bank: Member,
    police: Member,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_writer, "EACH_S", 10**10)
    await alliance.settle()
    for path in "abc":
        await police.tell("url", f"http://evil.example/{path}", urgent=True)
    await until(lambda: one(bank))
    monkeypatch.setattr(event_writer, "EACH_S", 1)
    await bank.node.event_writer.urgent()
    first, second = await bank.events("urgent")
    assert second["index"] == first["index"] + first["n"]
    assert second["index"] + second["n"] == await police.size()


async def test_what_others_brought_before_is_urgent_all_the_same(
    bank: Member, police: Member
) -> None:
    await police.tell("url", "http://evil.example/a")
    note = police.own.log.released()
    await bank.node.peer_service.poke("police", note, urgent=True)
    assert await bank.events("urgent") == [
        {"origin": police.origin, "index": await police.size() - 1, "n": 1}
    ]
