"""Now says whether all is well, what to do, how it was, and what happens."""

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator

import pytest

from syncd.errors import NOTHING, Message
from syncd.indicator import statement
from syncd.node.serve import figures
from syncd.store.calls import Call
from tests.alliance import Alliance
from tests.cases import tried
from tests.console.conftest import Visitor

WELL = (
    r"All 3 members hold all of each other's entries, as of \d\d:\d\d:\d\d\."
)
MARKUP = "<img src=x onerror=alert(1)>"


async def test_one_sentence_says_how_all_is(
    alliance: Alliance, operator: Visitor
) -> None:
    bank, police, _ = alliance.up
    await alliance.settle()
    text = (await operator.get("/")).text
    assert re.search(WELL, text)
    assert "✓ 3 / 3" in text
    logs = bank.node.logs
    known = logs.state(police.origin).known
    logs.note(police.origin, known=known + 7)
    text = (await operator.get("/")).text
    logs.note(police.origin, known=known)
    assert re.search(r"\w+ lacks 7 entries of carrier, and", text)
    assert "! 7" in text
    alliance.cut("bank", "police")
    for _ in range(3):
        await bank.round()
    text = (await operator.get("/")).text
    alliance.heal()
    await bank.round()
    assert re.search(r"To do: \d\. 1 of 3 members are not heard of\.", text)
    assert "holders: police down: syncd doctor says where it ends" in text
    assert re.search(WELL, (await operator.get("/")).text)


async def test_a_bar_has_the_worst_of_each_day(
    alliance: Alliance, operator: Visitor
) -> None:
    """Its reasons stand in a table too."""
    own, ctx = alliance.bank.own, alliance.bank.node.ctx
    today = statement.day(ctx.today())
    why = Message("log: {origin}: {why}", origin="a", why=MARKUP)
    seen = [(0, NOTHING), (0, NOTHING), (2, why), (0, NOTHING)]
    for ago, (state, reason) in zip((9, 8, 7, 5), seen, strict=True):
        await own.history.add(today - ago, [("carrier", state, reason)])
    page = await operator.get("/")
    assert "carrier: in touch 3, silent 1" in page.html
    assert re.findall(
        r'rect class="(.)" x="(\d+)" width="([\d.]+)"', page.html
    )[:3] == [("h", "80", "1.8"), ("s", "82", "0.8"), ("h", "84", "0.8")]
    day = statement.day_text(today - 7)
    assert f"{day} carrier silent" in page.text
    assert MARKUP not in page.html
    rows = await operator.get("/?csv=days")
    assert f'"{day}","carrier","silent"' in rows.html


async def followed(one: Visitor, cursor: str) -> AsyncIterator[str]:
    """Yield what the page's list gets, until the stream ends."""
    async with one.browser.get(f"{one.url}/events?cursor={cursor}") as stream:
        assert stream.content_type == "text/event-stream"
        async for line in stream.content:
            if line.startswith(b"data: "):
                yield line.decode()


async def test_events_come_as_they_happen_until_the_session_ends(
    newcomer: Visitor,
) -> None:
    one, book = newcomer, newcomer.member.own.events
    await one.log_in()
    [cursor] = re.findall(
        r'hx-sse:connect="/events\?cursor=([^"]+)"', (await one.get("/")).html
    )
    seen = followed(one, cursor)
    async with asyncio.timeout(20):
        what = {"code": MARKUP, "origin": "a.example/1", "n": 1}
        await book.now("one", "1", "finding", {**what, "detail": MARKUP})
        first = await anext(seen)
        assert first.startswith("data: <li><time>")
        assert "finding … in a.example/1: &lt;img" in first
        await one.post("/logout")
        await book.now("one", "2", "peer", {"member": "x", "state": "heard"})
        with pytest.raises(StopAsyncIteration):
            await anext(seen)
        again = await one.get("/events", Accept="text/html, text/event-stream")
        assert (again.status, again.path) == (401, "/events")


async def test_figures_say_the_same_in_words_table_and_chart(
    alliance: Alliance, operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "MOMENT_S", 60)
    await alliance.police.tell("url", "http://evil.example/figures")
    page = await operator.get("/figures", "fake online investment")
    assert re.search(r"\d+ reports by \d members?, \d+ retracted", page.text)
    [data, _] = re.findall(r'data-chart="([^"]*)"', page.html)
    months, reports, *_ = json.loads(html.unescape(data))["data"]
    assert len(months) == len(reports) == 13
    assert reports[-1] >= 1
    await operator.get(
        "/figures?from=2199-01&to=2199-02", "0 reports by 0 members"
    )


async def stopped(operator: Visitor) -> list[int]:
    """Return how many payments were stopped, and how much money."""
    text = (await operator.get("/figures")).text
    [counts] = re.findall(r"(\d+) payments stopped: ([\d,]+) yuan", text)
    return [int(count.replace(",", "")) for count in counts]


async def test_what_came_of_our_calls_is_counted(
    alliance: Alliance, operator: Visitor
) -> None:
    calls, (n, yuan) = alliance.bank.own.calls, await stopped(operator)
    await calls.add(Call("figures", "stopped", "fake_invest", 5000), "1")
    await calls.add(Call("figures", "sent", "fake_invest", 70), "2")
    assert await stopped(operator) == [n + 1, yuan + 5000]


@tried("query", ["from=x", "to=2026-13", "from=0000-01"])
async def test_figures_want_months(operator: Visitor, query: str) -> None:
    assert (await operator.get(f"/figures?{query}")).status == 400
