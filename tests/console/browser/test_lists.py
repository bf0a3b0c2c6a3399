"""A list in Chromium: chosen, its words clicked, imported."""

import pytest
from playwright.async_api import FilePayload, expect

from tests.console.browser.scene import Scene

pytestmark = pytest.mark.slow


async def test_a_gb18030_list_with_unknown_words(scene: Scene) -> None:
    """Each unknown word is a click, without scripts."""
    raw = (
        "涉案网址,诈骗类型,角色,证据\n"
        "http://clicked.example/a,杀猪盘子,钓鱼网址,报案\n"
    ).encode("gb18030")
    file = FilePayload(name="涉案.csv", mimeType="text/csv", buffer=raw)
    async with scene.at(
        "/imports", lang="zh", java_script_enabled=False
    ) as window:
        shown = window.page
        await shown.locator("#file").set_input_files(file)
        await shown.get_by_role("button", name="读取").click()
        await shown.locator('select[name="all:kind"]').select_option("url")
        await shown.get_by_role("button", name="重新读取").first.click()
        await window.picture("zh-words")
        for code in ("fake_invest", "phishing_host", "victim_report"):
            word = shown.locator(f'button[value="{code}"]')
            await word.first.click()
            # A process is started for each look at a list.
            await expect(word).to_have_count(0, timeout=30_000)
        await expect(shown.locator(".sentence").first).to_contain_text(
            "将上报 1，退回 0"
        )
        await shown.locator('button[name="start"]').click()
        await shown.wait_for_url("**/imports")
        await scene.alliance.bank.node.background.idle()
        await window.open("/imports")
        row = shown.locator("tr", has_text="涉案.csv")
        await expect(row).to_contain_text("已完成")
