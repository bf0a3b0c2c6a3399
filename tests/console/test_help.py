"""Words: every code has its place, and its text in both languages."""

import re

from syncd.console import page as pages
from syncd.console.pages import help as words
from syncd.messages import wire
from tests.console.conftest import ROLES, Visitor
from tests.test_docs import findings, section


async def test_every_code_has_an_anchor(reader: Visitor) -> None:
    """Each once: a red thing anywhere leads to what to do about it."""
    page = await reader.get("/help")
    assert page.status == 200
    anchors = re.findall(r' id="([^"]*)"', page.html)
    assert len(anchors) == len({*anchors})
    codes = {*wire.rows(wire.CODES.read_text())} | findings()
    assert codes | {"syncd_appending", "holders", "two_independent"} <= {
        *anchors
    }
    assert "call the member and the admins; both notes are kept" in page.text
    way_out = "is in use → revoke that one first, or choose another name"
    assert way_out in page.text


async def test_words_are_those_of_the_documents(reader: Visitor) -> None:
    """No text twice; what is marked up there is marked up here."""
    page = await reader.get("/help", "see verdict.md")
    assert "<code>merged</code> key" in page.html
    assert "](" not in page.html
    await reader.post("/lang", {"lang": "zh"})
    chinese = await reader.get("/help")
    await reader.post("/lang", {"lang": "en"})
    assert "【法定组】" in chinese.text
    for document in words.DOCUMENTS.values():
        for _, text, *_ in words.rows(*document):
            assert str(words.marked(text)) not in chinese.html or not text


async def test_the_document_says_which_role_has_which_page() -> None:
    """By the menu, which is by the pages' own table."""
    menu = sorted((way for way in pages.ALL if way.menu), key=lambda w: w.menu)
    for role in ROLES:
        named = ", ".join(way.title for way in menu if role in way.roles)
        assert f"| `{role}` | {named} |" in section(
            "console.md", "Who gets in"
        )
