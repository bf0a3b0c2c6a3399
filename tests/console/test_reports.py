"""Reports: values are masked, and what ends is seen before it ends."""

import re

from tests.alliance import Alliance
from tests.console.conftest import Visitor

OURS = "+12025550181"
ASKED = {
    "kind": "phone",
    "label": "refund_cs",
    "role": "caller",
    "evidence": "user_tag",
}


async def reported(operator: Visitor, value: str = OURS, **more: str) -> str:
    """Report a value by the form; return the address of its row."""
    form = {**ASKED, "value": value, "send": "1", **more}
    page = await operator.post("/reports/new", form)
    assert re.fullmatch(r"/reports/\d+", page.path), page.text
    return page.path


async def test_a_value_is_masked_until_somebody_says_what_for(
    alliance: Alliance, operator: Visitor
) -> None:
    where = await reported(operator)
    for path in ("/reports", where, "/reports?csv=vault"):
        page = await operator.get(path)
        assert page.status == 200
        assert OURS not in page.html
        assert "****" in page.html
    page = await operator.post(where, {"purpose": "curious"})
    assert (page.status, OURS in page.html) == (400, False)
    await operator.post(where, {"purpose": "case_work"}, OURS)
    newest = [row async for row in alliance.bank.own.access.found()][-1]
    assert (newest.caller, newest.purpose) == ("operator 0001", "case_work")


async def test_what_would_end_is_shown_before_it_does(
    alliance: Alliance, operator: Visitor
) -> None:
    """And whose listing of the same value stays."""
    await alliance.police.report("phone", "+12025550182")
    where = await reported(operator, "+12025550182")
    await alliance.settle()
    form = {"ids": where.rpartition("/")[2], "reason": "false_positive"}
    await operator.post(
        "/reports/retract",
        form,
        "1 would be taken back",
        "police reports 1 of the same values",
    )
    await operator.get(where, "Take back")
    await operator.post(
        "/reports/retract", {**form, "sure": "1"}, "1 are being taken back"
    )
    page = await operator.get(where, "Why it ends: it was wrong")
    assert "Take back" not in page.text


async def test_a_value_is_found_and_stands_in_no_address(
    operator: Visitor,
) -> None:
    """Nor does a list's name; states, kinds and days may."""
    where = await reported(operator, "+12025550183")
    page = await operator.post("/reports", {"value": "+12025550183"})
    assert (page.path, where in page.html) == ("/reports", True)
    assert "+12025550183" not in page.html
    page = await operator.get("/reports?value=%2B12025550189")
    assert (page.status, "stands in no address" in page.text) == (400, True)
    page = await operator.get("/reports?state=ended&kind=url")
    assert where not in page.html
    page = await operator.get("/reports?label=nonsense&accepted_from=x")
    assert page.status == 400


async def test_what_we_took_back_asks_for_a_reason(operator: Visitor) -> None:
    """A refusal says why; the form stays as it was."""
    where = await reported(operator, "+12025550184")
    form = {"ids": where.rpartition("/")[2], "reason": "false_positive"}
    await operator.post("/reports/retract", {**form, "sure": "1"})
    asked = {**ASKED, "value": "+12025550184"}
    page = await operator.post("/reports/new", asked)  # as Look up sends it
    assert 'value="+12025550184"' in page.html
    await operator.post(
        "/reports/new", {**asked, "send": "1"}, "We took it back"
    )
    await reported(operator, "+12025550184", again="a new victim")
    wrong = {**asked, "kind": "url", "value": "12", "send": "1"}
    for lang, said in (
        ("zh", "身份：主叫号码 只适用于 号码，不适用于 网址"),  # no codes
        ("en", "role: caller fits phone, not url"),
    ):
        await operator.post("/lang", {"lang": lang})
        page = await operator.post("/reports/new", wrong, said)
        assert 'value="12"' in page.html


async def test_nothing_is_chosen_for_who_reports_and_only_what_it_may_say(
    operator: Visitor,
) -> None:
    page = await operator.get("/reports/new")
    for name in ("label", "role", "evidence"):
        assert f'name="{name}" required>\n<option value="">' in page.html
    assert 'value="bank_detection"' in page.html
    assert 'value="judgment"' not in page.html
