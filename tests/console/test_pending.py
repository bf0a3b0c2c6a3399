"""For review: what waits, its effect, and a second person's decision."""

import re
from typing import Any

from tests.console.conftest import Visitor
from tests.web.local_client import report


async def hand_in(operator: Visitor, path: str, **body: Any) -> None:
    """Hand something in at the JSON API, as the same person."""
    head = {"Authorization": f"Bearer {operator.token}"}
    url = f"{operator.url}/v1/{path}"
    async with operator.browser.post(url, json=body, headers=head) as got:
        assert got.status == 202, await got.text()


async def exempt(operator: Visitor, number: str) -> None:
    entries = [{"kind": "phone", "value": number}]
    await hand_in(operator, "own/entries", type="exempt", entries=entries)


async def test_a_second_person_confirms_and_refuses(
    operator: Visitor, people: dict[str, Visitor]
) -> None:
    reviewer = people["reviewer"]
    await exempt(operator, "+12025556001")
    await exempt(operator, "+12025556002")
    page = await operator.get("/pending")
    assert re.search(r"Waiting for a second person: [2-9]", page.text)
    # the newest that wait first
    second, first, *_ = re.findall(r'<a href="(/pending/\d+)"', page.html)
    page = await operator.get(first)
    assert "Confirm" not in page.text  # to whom it is not for
    page = await operator.post(first, {"what": "confirm"})
    assert page.status == 403
    page = await reviewer.get(
        first,
        "operator 0001 0001 Person 0001",
        "1 new: exempt entry · number",
        "+12****6001",
    )
    assert "+12025556" not in page.html
    await reviewer.post(
        first, {"n": "1", "purpose": "case_work"}, "+12025556001"
    )
    seen = await reviewer.post(first, {"n": "1", "purpose": "curious"})
    assert (seen.status, "+12025556001" in seen.text) == (400, False)
    no = await reviewer.post(second, {"what": "refuse"})
    assert (no.status, "say why" in no.text) == (400, True)
    given = {"what": "refuse", "why": "<b>not</b> ours"}
    page = await reviewer.post(second, given)
    assert (page.path, "<b>not</b> ours" in page.text) == (second, True)
    page = await reviewer.post(
        first, {"what": "confirm"}, "confirmed and done"
    )
    assert "Confirm" not in page.text


async def test_what_went_at_once_is_looked_at(
    operator: Visitor, people: dict[str, Visitor]
) -> None:
    urgent = report("+12025556004", urgent=True)
    await hand_in(operator, "reports", reports=[urgent])
    page = await people["reviewer"].get("/pending")
    assert re.search(r"Went at once and to be looked at: [1-9]", page.text)
    where, *_ = re.findall(r'(/pending/\d+)"[^/]*/a></td><td>went', page.html)
    await people["reviewer"].get(where, "+12****6004")
    await people["reviewer"].post(
        where, {"what": "confirm"}, "looked at, right"
    )
