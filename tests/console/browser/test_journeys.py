"""What people come for, each from its first page to its end."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.console.browser import scene as seen
from tests.console.browser.scene import Scene
from tests.console.browser.window import NOTHING, Window

pytestmark = pytest.mark.slow


async def look_up(window: Window, text: str) -> str:
    """Look something up by keyboard alone; return what the page then says."""
    await window.find("#text").fill(text)
    await window.page.keyboard.press("Enter")
    await expect(window.find("#text")).to_have_value("")
    await expect(window.find("#text")).to_be_focused()
    await window.find("article").first.wait_for()
    return await window.text("#lookup [aria-live]")


async def test_a_clerk_looks_up_a_number_of_each_verdict(scene: Scene) -> None:
    """Enter for the next; what may not be told reads like what is not listed."""
    async with scene.at("/lookup", role="reader", lang="zh") as window:
        said = {}
        for value, verdict in (
            (seen.CONFIRMED, "确认涉诈"),
            (seen.SUSPECTED, "疑似涉诈"),
            (seen.DISPUTED, "有异议待核"),
            (seen.EMERGENCY, "官方号码（来电可被冒充，请回拨）"),
            (seen.NOBODYS, "未列入（不代表安全）"),
            (seen.QUIET, "确认涉诈"),
        ):
            said[value] = await look_up(window, value)
            assert verdict in said[value]
            assert await window.axe() == []
            links = window.find("article a")  # not for their role
            assert await links.count() == 0
        told = {
            value: text.partition("可以告知")[2].split("\n")[1]
            for value, text in said.items()
        }
        assert told[seen.QUIET] == told[seen.NOBODYS] != told[seen.CONFIRMED]
        message = (
            f"【客服】您的贷款已逾期，请致电 {seen.CONFIRMED} 或打开"
            f" {seen.OURS} 处理"
        )
        said_of_all = await look_up(window, message)
        assert await window.count("article") == 2
        assert seen.OURS.removeprefix("http://") in said_of_all
        await window.picture("zh-lookup-message")
        assert not [v for v in seen.VALUES if v in await window.history()]
        assert await window.kept() == NOTHING


async def test_the_holders_cannot_be_reached(scene: Scene) -> None:
    async with scene.at("/lookup", role="reader", lang="zh") as window:
        scene.alliance.cut(*seen.IDS)
        try:
            assert "暂无法查询" in await look_up(window, "+12025550177")
        finally:
            scene.alliance.heal()
        await window.click("button[name=again]")
        await window.shows("article", "未列入")


async def test_what_came_of_a_call_is_noted(scene: Scene) -> None:
    async with scene.at("/lookup", role="reader") as window:
        await window.click("summary")
        await window.page.get_by_label("Sent at").fill("00:00")
        await look_up(window, seen.CONFIRMED)
        minutes = window.page.get_by_role("timer").locator("strong")
        await expect(minutes).to_contain_text("minutes since the transfer")
        await minutes.evaluate("it => { it.began = Date.now() - 12e6 }")
        await expect(minutes).to_contain_text("200 minutes")
        await window.sized("a4")
        await expect(window.find(".notice")).to_be_visible()
        await expect(window.find("nav")).to_be_hidden()
        await window.picture("en-lookup-notice")
        await window.sized("desk")
        await window.press("met it")
        await expect(window.find("#text")).to_be_focused()
        await window.page.get_by_label("Amount in yuan").fill("38000")
        await window.press("dissuaded")
        await window.shows("#lookup", "Noted")


async def test_a_case_desk_checks_entries_in_the_browser(scene: Scene) -> None:
    """From a look-up to the proof of what it rests on."""
    async with scene.at("/lookup") as window:
        await look_up(window, seen.CONFIRMED)
        await window.picture("console-lookup", whole=False)
        await window.click("article a")
        await window.page.wait_for_url("**/entry/**")
        await window.press("Verify")
        checks = window.find("[data-check] output")
        for n in range(await checks.count()):
            await expect(checks.nth(n)).to_have_text("✓ checked, right")
        async with window.page.expect_download() as given:
            await window.page.get_by_role("link", name="Download").click()
        text = (await (await given.value).path()).read_text()
        assert text.startswith("c2sp.org/tlog-proof@v1\n")
        await window.sized("a4")
        assert await window.overflow() == 0
        await window.picture("en-entry-a4")


async def test_a_wrong_entry_is_seen_to_be_wrong(scene: Scene) -> None:
    async with scene.at(f"/entry/{scene.alliance.police.origin}/2") as window:
        await window.page.evaluate(
            "() => { document.querySelector('#verify').dataset.payload ="
            " btoa('{}') }"
        )
        await window.press("Verify")
        leaf = window.find("[data-check=leaf] output")
        await expect(leaf).to_have_text("✗ checked, WRONG")


async def test_an_event_arrives_while_the_page_is_open(scene: Scene) -> None:
    bank = scene.alliance.bank

    async def late(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.continue_()

    async with scene.at(member="police") as window:
        await window.page.route("**/hx-*.js*", late)
        await window.open("/")
        newest = window.find(".events li").first
        before = await newest.inner_text()
        await bank.report("url", "http://news.example/")
        await scene.alliance.settle()
        await expect(newest).not_to_have_text(before)
        await window.shows(".events", f"of {await bank.size()} entries merged")
        await window.open("/")
        await window.shows(
            ".sentence", "All 3 members hold all of each other's entries"
        )
        await window.picture("console-now", whole=False)


async def test_figures_are_printed_on_a4(scene: Scene) -> None:
    async with scene.at("/figures", role="auditor", lang="zh") as window:
        await window.find("canvas").first.wait_for()
        await window.sized("a4")
        assert await window.overflow() == 0
        await expect(window.find("header")).to_be_hidden()
        chart = await window.find("canvas").first.bounding_box()
        assert chart is not None
        assert chart["x"] + chart["width"] <= 794
        await window.picture("zh-figures-a4")
