"""Audit: what an auditor does at a member, without JavaScript."""

import re

import pytest

from tests.alliance import Alliance
from tests.console.conftest import Page, Visitor


@pytest.mark.slow
async def test_a_bundle_is_made_and_taken_home(
    alliance: Alliance, people: dict[str, Visitor]
) -> None:
    """A finding says what it proves, in the language of who looks."""
    auditor, compliance = people["auditor"], people["compliance"]

    async def made(one: Visitor) -> Page:
        assert "being made" in (await one.post("/audit")).text
        await alliance.bank.node.background.idle()
        return await one.get("/audit")

    page = await made(auditor)
    assert "prove here holds. No fault was found" in page.text
    [kept] = (await alliance.bank.node.audits.bundles()).items
    sent = await auditor.get(f"/audit?id={kept.id}&file=report.json")
    assert kept.bundle in sent.html
    assert sent.headers["Content-Disposition"].startswith("attachment")
    odd = alliance.bank.home / "evidence" / "odd" / "odd.json"
    odd.parent.mkdir(parents=True)
    odd.write_bytes(b"{}")
    page = await made(compliance)
    odd.unlink()
    assert "convicts_nobody evidence/odd/odd.json" in page.text
    assert "Leaves open: that the accused was right" in page.text
    await auditor.post("/lang", {"lang": "zh"})
    await auditor.get("/audit", "被指方无误")
    await auditor.post("/lang", {"lang": "en"})


async def test_a_drill_is_held_step_by_step(
    alliance: Alliance, people: dict[str, Visitor]
) -> None:
    """Each step says who had it; others than operators only look on."""
    operator, auditor = people["operator"], people["auditor"]
    said = ""
    for name in ("Begin a drill", "Take the drill back", "Go on with a"):
        await operator.get("/audit", name)
        if name[0] != "G":
            said = (await operator.post("/audit", {"drill": "1"})).text
            await alliance.settle()
    assert re.search("urgent · report carrier [0-9]+, police [0-9]+", said)
    assert 'name="drill"' not in (await auditor.get("/audit")).html
    await auditor.post("/audit", {"drill": "1"}, "may not")
