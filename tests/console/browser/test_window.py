"""A window sees what a page does wrong: else every other test here is blind."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser

from tests.cases import cases, once, slow, tried, vectors
from tests.console.browser.window import NOTHING, opened

pytestmark = slow

PAGES = vectors("syncd/console")["pages"]


async def _page(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    return web.Response(
        text="<!doctype html><html lang=en><link rel=icon href='data:,'>"
        f"<title>{name}</title><main><h1>{name}</h1>{PAGES[name]}</main>",
        content_type="text/html",
        headers={
            "Content-Security-Policy": "default-src 'self'; img-src * data:;"
            " require-trusted-types-for 'script'"
        },
    )


async def _broken(_: web.Request) -> web.Response:
    text = "localStorage.x = 1; history.pushState(1, '', '?secret'); nothing()"
    return web.Response(text=text, content_type="text/javascript")


@once
async def address() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/broken.js", _broken)
    app.router.add_get("/{name:[a-z]+}", _page)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_a_right_page_has_no_fault(
    chromium: Browser, address: str
) -> None:
    async with opened(chromium, address, "/right") as window:
        assert "all is well" in await window.text()
        assert await window.axe() == []
        assert await window.kept() == NOTHING
        assert await window.overflow() == 0


@tried("name, word", cases("syncd/console", "faults"))
async def test_what_no_page_may_do_is_a_fault(
    chromium: Browser, address: str, name: str, word: str
) -> None:
    async def look() -> None:
        async with opened(chromium, address, f"/{name}") as window:
            await window.page.wait_for_load_state("networkidle")

    with pytest.raises(AssertionError, match=word):
        await look()


@tried("name, rule", [("unlabelled", "label"), ("pale", "color-contrast")])
async def test_axe_finds_what_a_page_lacks(
    chromium: Browser, address: str, name: str, rule: str
) -> None:
    async with opened(chromium, address, f"/{name}") as window:
        assert any(rule in found for found in await window.axe())


async def test_what_a_page_keeps_is_seen(
    chromium: Browser, address: str
) -> None:
    async with opened(chromium, address, "/broken") as window:
        window.faults.clear()  # that its script ends in an error
        kept = await window.kept()
        assert (kept["local"], kept["state"]) == (["x"], 1)
        assert "?secret" in await window.history()


async def test_a_page_that_is_too_wide_for_a_phone_is_seen(
    chromium: Browser, address: str
) -> None:
    async with opened(chromium, address) as window:
        await window.sized("phone")
        await window.open("/wide")
        assert await window.overflow() > 500
