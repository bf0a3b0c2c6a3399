"""Disputes: what waits for us is answered on the page."""

import re

from tests.alliance import Alliance
from tests.cases import cases, tried
from tests.console.browser.scene import dispute
from tests.console.conftest import Visitor


async def disputed(alliance: Alliance, value: str, by: str, whose: str) -> str:
    """Have a member dispute another's report; return where that stands."""
    await alliance.members[whose].tell("phone", value)
    await dispute(alliance.members[by], "phone", value)
    await alliance.settle()
    return alliance.members[by].origin


@tried("outcome, reason, then", cases("syncd/console", "answers"))
async def test_a_dispute_against_us_is_answered(
    alliance: Alliance, operator: Visitor, outcome: str, reason: str, then: str
) -> None:
    """What our report is then, and that nothing waits any more."""
    value = f"+1202555019{outcome.count('w')}"
    origin = await disputed(alliance, value, "police", "bank")
    page = await operator.get(
        "/disputes", "1 disputes wait for an answer of ours"
    )
    [at] = re.findall(rf'value="({re.escape(origin)}:\d+)"', page.html)
    form = {"positions": at, "outcome": outcome, outcome: reason}
    page = await operator.post("/disputes/answer", form)
    assert page.path == "/disputes?answered"
    await alliance.settle()
    await operator.get("/disputes", "0 disputes wait for an answer of ours")
    found = await operator.post("/reports", {"value": value})
    assert re.search(
        rf"<td>report</td>.*?<td>{then}</td>", found.html, re.DOTALL
    )


async def test_ours_can_be_withdrawn(
    alliance: Alliance, operator: Visitor
) -> None:
    origin = await disputed(alliance, "+12025550195", "bank", "police")
    page = await operator.get("/disputes")
    *_, at = re.findall(rf'value="({re.escape(origin)}:\d+)"', page.html)
    form = {"positions": at, "reason": "entry_error"}
    await operator.post("/reports/retract", form, "1 would be taken back")
    page = await operator.post("/reports/retract", {**form, "sure": "1"})
    await alliance.settle()
    assert f'value="{at}"' not in (await operator.get("/disputes")).html
