"""Now says whether all is well, what to do, how it was, and what happens."""

import html
import json
import re

import pytest

from tests.alliance import Alliance
from tests.console.conftest import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_all_is_well_in_one_sentence(
    alliance: Alliance, operator: Visitor
) -> None:
    await alliance.settle()
    page = await operator.get("/")
    assert re.search(
        r"All 3 members hold all of each other's entries, as of \d\d:\d\d:\d\d\.",
        page.text,
    )
    assert "✓ 3 / 3" in page.text
    assert "our log has" in page.text


async def test_figures_say_the_same_in_words_table_and_chart(
    alliance: Alliance, operator: Visitor
) -> None:
    await alliance.up[2].report("url", "http://evil.example/figures")
    await alliance.settle()
    page = await operator.get("/figures")
    assert re.search(r"\d+ reports by \d members?, \d+ retracted", page.text)
    assert "fake online investment" in page.text
    [(data, _)] = re.findall(r'data-chart="([^"]*Reports[^"]*)"(.)', page.html)
    assert json.loads(html.unescape(data))["data"][1]
