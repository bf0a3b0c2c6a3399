"""An entry in Chromium: its script checks it; what it holds stays text."""

from playwright.async_api import expect

from syncd.console import places
from tests.cases import slow, tried
from tests.console.browser.scene import Scene

pytestmark = slow


async def test_an_auditor_verifies_what_is_not_shown(scene: Scene) -> None:
    async with scene.at(
        places.entry(scene.alliance.police.origin, 0), role="auditor"
    ) as window:
        await window.press("Verify")
        checks = window.find("#verify output")
        await expect(checks.first).to_have_text("✓ checked, right")
        assert {*await checks.all_inner_texts()} == {"✓ checked, right"}
        await window.picture("verified-auditor")


@tried("index", [5, 6])
async def test_hostile_bytes_are_text(scene: Scene, index: int) -> None:
    async with scene.at(
        places.entry(scene.alliance.carrier.origin, index)
    ) as window:
        text = await window.find("pre").first.inner_text()
        assert text.startswith("<img src=x onerror=alert(1)>")
        assert await window.count("img") == 0
        assert "\u202e" not in await window.page.content()
        await window.press("Verify")
        checks = window.find("#verify output")
        await expect(checks.last).to_have_text("✓ checked, right")


async def test_the_exchange_is_up_to_date_by_itself(scene: Scene) -> None:
    await scene.alliance.settle()
    async with scene.at() as window:
        await window.page.clock.install()
        await window.open("/exchange?findings.sort=n")
        link = window.page.get_by_role("link", name="void").first
        await link.focus()
        head = window.find(".sentence")
        await window.page.evaluate(
            "document.querySelector('.sentence').textContent = 'old'"
        )
        await window.page.clock.fast_forward(16_000)
        await expect(head).to_contain_text("3 members hold all")
        assert window.page.url.endswith("/exchange?findings.sort=n")
        await expect(link).to_be_focused()
