"""What an operator does at the desk, and what a second person makes of it."""

import re

import pytest
from playwright.async_api import FilePayload, expect

from tests.console.browser.scene import MARKUP, Scene
from tests.console.browser.window import Window

pytestmark = pytest.mark.slow

ROWS = "".join(
    f"+1 202 555 01{n},刷单返利,2026-11-20\n" for n in range(30, 36)
)
LIST = (
    f"手机号,诈骗类型,发现日期\n{ROWS}+1 202 555 0136,刷单返例,2026-11-20\n"
    "+1 202 555 0137,神秘新骗法,2026-11-20\n12,刷单返利,2026-11-20\n"
).encode("gb18030")


async def chosen(window: Window, name: str, raw: bytes) -> None:
    """Open the imports, choose a file, and say what no column says."""
    await window.open("/imports")
    file = FilePayload(name=name, mimeType="text/csv", buffer=raw)
    await window.page.set_input_files("input[type=file]", file)
    await window.click(".drop button")
    await said_of_all(window)


async def said_of_all(window: Window) -> None:
    """Say what no column of a list says, and have it read again."""
    said = {"kind": "phone", "role": "caller", "evidence": "user_tag"}
    for name, code in said.items():
        chosen = window.find(f'#reading select[name="all:{name}"]')
        await chosen.select_option(code)
    await window.page.get_by_role("button", name="Read it again").first.click()


async def decided(scene: Scene, what: str, why: str = "") -> str:
    """Have a second person decide on what waits; return what they read."""
    async with scene.at(role="reviewer") as window:
        await window.open("/pending")
        await window.click("#held tbody a")
        text = await window.text("main")
        assert "****" in text
        assert await window.axe() == []
        await window.page.get_by_label(re.compile("^Why")).fill(why)
        button = window.page.get_by_role("button", name=what, exact=True)
        await button.click()
        await expect(button).to_have_count(0)
    return text


async def test_a_list_from_its_file_to_its_end(scene: Scene) -> None:
    """In GB18030 with unknown words; two persons list it, and take it back."""
    bank = scene.alliance.bank
    async with scene.at() as window:
        await chosen(window, "名单.csv", LIST)
        said = window.find("#reading .sentence")
        await expect(said).to_contain_text("9 rows: 6 would be reported")
        pick = window.page.get_by_role("row", name="刷单返例")
        await pick.get_by_role("button").first.click()
        await expect(said).to_contain_text("7 would be reported")
        other = window.page.get_by_role("row", name="神秘新骗法")
        await other.get_by_role("combobox").select_option("other")
        await window.page.get_by_role(
            "button", name="Read it again"
        ).first.click()
        await expect(said).to_contain_text("8 would be reported, 1 refused")
        assert await window.axe() == []
        await window.picture("en-import")
        await window.press("Import 8 rows")
        progress = window.find("#progress")
        await expect(progress).to_contain_text("waits for a second person")
        await window.open("/pending/1")
        confirm = window.page.get_by_role("button", name="Confirm")
        assert await confirm.count() == 0
        assert await window.fetch("/pending/1", what="confirm") == 403
        window.refused(403)

    text = await decided(scene, "Confirm")
    assert "7 new: report" in text
    await scene.alliance.settle()
    [found] = await scene.alliance.police.lookup("phone", "+12025550137")
    assert found.verdict == "suspected"

    async with scene.at() as window:
        await window.open("/imports")
        await window.click("#imports tbody a")
        await window.find("input[name^='cell:']").first.fill("+12025550138")
        await window.press("Read them again")
        await said_of_all(window)
        await window.press("Import 1 rows")
        await window.shows("#imports", "finished")
        ours = window.find("#imports tbody tr", has_text="名单")
        await ours.last.locator("a").click()
        await window.page.select_option("[name=reason]", "entry_error")
        await window.press("Take back all")
        effect = window.find("main")
        await expect(effect).to_contain_text("8 would be taken back")
        await window.press("Take these back")
        await expect(effect).to_contain_text("waits for a second person")
        assert not await bank.events("retracted")

    await decided(scene, "Confirm")
    await scene.alliance.settle()
    [found] = await scene.alliance.police.lookup("phone", "+12025550137")
    assert found.verdict == "none"


async def test_what_a_file_says_is_shown_as_text(scene: Scene) -> None:
    async with scene.at() as window:
        cell = MARKUP.replace('"', "'")
        raw = f'手机号,"{cell}"\n+12025550139,"{cell}"\n"{cell}",x\n'.encode()
        name = cell.replace("\x07", "")  # of which no header has one
        await chosen(window, f"{name}.csv", raw)
        await window.shows("#reading", "onerror")
        assert await window.count("img") == 0
        assert "49" not in await window.text("#reading .sentence")


async def test_a_dispute_is_answered(scene: Scene) -> None:
    """The author says that it stands; the other one hears."""
    async with scene.at() as window:
        await window.open("/disputes")
        waits = window.find("article", has_text="against us")
        await waits.get_by_role("button", name="The report stands").click()
        await expect(window.page.get_by_role("status")).to_contain_text(
            "as soon as it is published"
        )
        await scene.alliance.settle()
        await window.open("/disputes")
        assert await waits.count() == 0
    async with scene.at("carrier", "operator") as window:
        await window.open("/disputes")
        await window.shows("#disputes", "answered")


async def test_one_report_and_its_way_back(scene: Scene) -> None:
    """By one person at once; a value is shown masked, until it is asked for."""
    async with scene.at() as window:
        await window.open("/reports/new")
        new = window.find("#new")
        await new.locator("[name=kind]").select_option("phone")
        await new.locator("[name=value]").fill("+1 202 555 0140")
        await new.locator("[name=label]").select_option("fake_loan")
        await new.locator("[name=role]").select_option("caller")
        await new.locator("[name=evidence]").select_option("user_tag")
        await new.get_by_role("button").click()
        await window.page.wait_for_url(re.compile(r"/reports/\d+$"))
        assert "5550140" not in await window.text("main")
        await window.press("Show the value")
        await window.shows("#value", "+12025550140")
        await window.find("[name=reason]").select_option("entry_error")
        await window.press("Take back")
        await window.press("Take these back")
        await window.shows("main", "1 are being taken back")
        assert "5550140" not in await window.history()
