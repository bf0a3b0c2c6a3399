"""Chromium, for all tests of this room."""

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.alliance import Alliance
from tests.console.browser import window
from tests.console.browser.scene import IDS, Scene, prepare


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium; what is missing of it is no reason to pass."""
    if lack := window.missing():
        pytest.fail(f"the tests in a browser want: {lack}")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path="/usr/bin/chromium",
            # Its sandbox refuses to run as root, which CI is.
            chromium_sandbox=os.getuid() != 0,
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def scene(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    chromium: Browser,
) -> AsyncIterator[Scene]:
    """Three members with consoles, of which every page has something."""
    where = tmp_path_factory.mktemp("scene")
    async with Alliance.found(
        where, IDS, local_apis=True, settings={"review": {"above": 5}}
    ) as alliance:
        await prepare(alliance)
        pictures = request.config.getoption("--pictures")
        found = Scene(alliance, chromium, pictures)
        await found.hire()
        yield found
