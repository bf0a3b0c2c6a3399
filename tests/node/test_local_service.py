"""Behind the local API while things go wrong: holders, restarts, settings."""

from collections import Counter
from typing import Any

import pytest

from syncd.errors import MalformedError, RefusedError
from syncd.flows.judge import Answer
from syncd.indicator import statement
from syncd.web import forms
from syncd.web.forms import LookupCall
from syncd.web.report_forms import ReportSearch
from syncd.web.routes import Caller
from syncd.web.screening_forms import ScreeningCall, ScreeningItem
from tests.alliance import Alliance, Member, as_founded, shared

CALLER = Caller("teller", "reader")


alliance = shared(
    as_founded,
    *("bank", "carrier", "police"),
    scope="function",
    settings={"lookup": {"cache": True}},
)


async def answers(
    member: Member, *values: str, deadline_ms: int = 30_000
) -> forms.LookupAnswers:
    items = tuple(forms.Item(kind="phone", value=v) for v in values)
    return await member.node.lookups.lookup(
        CALLER,
        LookupCall(purpose="call_check", deadline_ms=deadline_ms, items=items),
    )


async def test_a_dispute_without_holders_is_kept_unchecked(
    alliance: Alliance,
) -> None:
    """It waits for them anyhow; one that is to end another day is another."""
    alliance.cut()
    node = alliance.bank.node
    today = statement.day(node.ctx.today())
    first, second = (statement.day_text(today + n) for n in (40, 50))
    made = []
    for expires in (first, second, first, ""):
        draft = forms.DisputeDraft(
            kind="phone", value="+12025550177", reason="stale", expires=expires
        )
        made.append(await node.claim_intake.dispute(CALLER, draft))
    assert [one.id for one in made] == [1, 2, 1, 1]
    assert made[0].unchecked
    page = await node.intake.reports(ReportSearch(by=CALLER.name))
    assert [(item.id, item.expires) for item in page.items] == [
        (2, second),
        (1, first),
    ]


async def test_with_too_few_holders_what_is_cached_is_answered(
    alliance: Alliance,
) -> None:
    """And status names who is down, and what waits for them."""
    bank = alliance.bank
    await alliance.police.tell("phone", "+12025550100")
    [known] = await bank.lookup("phone", "+12025550100")
    assert known.verdict == "suspected"
    alliance.cut()
    await bank.report("phone", "+12025550101")
    items = await bank.lookup("phone", "+12025550102", "+12025550100")
    assert [i.verdict for i in items] == ["unknown", "suspected"]
    [web] = await bank.own.bearers.all()
    tried = Counter({"none": 4001})
    bank.node.budgets.tally(Caller(web.name, web.role, web.id), tried)
    status = await bank.node.status_reader.status()
    assert any(f"revoke {web.name}" in str(line) for line in status.todo)
    down = {h.member for h in status.holders if not h.up}
    assert down == {"carrier", "police"}
    assert status.vault.waiting == {"phone": 1}
    assert any("1 of the 2 needed are up" in str(line) for line in status.todo)


async def test_a_restart_keeps_what_was_acknowledged(
    alliance: Alliance,
    bank: Member,
) -> None:
    alliance.cut()
    ids = await bank.report("phone", "+12025550110", "+12025550111")
    await alliance.restart("bank")
    page = await bank.node.intake.reports(ReportSearch())
    assert [(r.id, r.state) for r in page.items] == [
        (id_, "waiting") for id_ in ids[::-1]
    ]
    ready = await bank.node.status_reader.ready()
    assert not ready.appending
    assert "other members were not asked" in str(ready.why)
    status = await bank.node.status_reader.status()
    assert any("2 reports wait" in str(line) for line in status.todo)


async def test_a_lie_is_one_finding_beside_the_answer(
    alliance: Alliance,
) -> None:
    """However often the value is looked up, and over a restart."""
    bank, police = alliance.bank, alliance.police.origin
    for _ in range(3):
        bank.node.lookups.suspect([(police, 7), (police, 8)])
        bank.node.lookups.suspect([(police, 7)])
        await bank.node.background.idle()
    await alliance.restart("bank")
    bank.node.lookups.suspect([(police, 7), (police, 9)])
    await bank.node.background.idle()
    found = await bank.findings("bad_know")
    assert {(k.finding.index, k.count) for k in found} == {
        *((7, 1), (8, 1), (9, 1))
    }


async def test_an_answer_says_as_of_when_and_who_was_missing(
    alliance: Alliance,
) -> None:
    """Per member: what is merged, when we last heard; holders by name."""
    bank = alliance.bank
    await alliance.police.tell("url", "http://evil.example/a")
    body = await answers(bank, "+12025550190")
    as_of = {a.member: a for a in body.as_of}
    assert as_of.keys() == alliance.members.keys()
    assert (body.missing, body.contested) == ((), ())
    assert as_of["police"].merged > 0
    assert as_of["police"].behind == 0
    assert as_of["police"].heard_at
    assert (as_of["police"].age_s or 0) < 60
    assert as_of["bank"].age_s == 0

    alliance.cut()
    body = await answers(bank, "+12025550191")
    assert body.missing == ("carrier", "police")
    assert body.items[0].verdict == "unknown"

    await alliance.restart("bank")
    body = await answers(bank, "+12025550191")
    ages = {a.member: a.age_s for a in body.as_of}
    assert ages == {"bank": 0, "carrier": None, "police": None}


async def test_many_items_have_more_time_unless_one_is_named(
    bank: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    async def noted(
        asked: list[Any], *_: Any, timeout_s: float, **__: Any
    ) -> list[Answer]:
        given.append(timeout_s)
        return [Answer(problem=MalformedError("value: empty"))] * len(asked)

    monkeypatch.setattr("syncd.node.serve.lookups.lookup.lookup", noted)
    monkeypatch.setattr(bank.node.budgets, "spend", lambda *_: None)
    for n, deadline_ms in ((1, 0), (1000, 0), (40_000, 0), (1000, 50)):
        values = ["+12025550190"] * n
        await answers(bank, *values, deadline_ms=deadline_ms)
    assert given == [30.002, 32.0, 60.0, 0.05]


async def test_screening_is_off_unless_it_is_set(alliance: Alliance) -> None:
    """Then no customer is taken in, and no question asked for one."""
    item = ScreeningItem(
        kind="phone",
        value="+12025550191",
        reference="C-1",
        expires="2199-01-01",
    )
    before = len(alliance.network.asked)
    with pytest.raises(RefusedError, match="not enabled"):
        await alliance.bank.node.screening.add(
            CALLER, ScreeningCall(items=(item,))
        )
    assert len(alliance.network.asked) == before
