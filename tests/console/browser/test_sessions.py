"""Who is in, and what keeps others out: as a browser has it."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.console.browser.scene import Scene
from tests.console.browser.window import NOTHING

pytestmark = pytest.mark.slow

LOG_OUT = "form[action='/logout'] button"


async def test_from_log_in_to_log_out(scene: Scene) -> None:
    """Afterwards nothing is left in the browser, and no way back."""
    token = scene.tokens["bank", "operator"]
    async with scene.at("/", role="") as window:
        assert window.path == "/login"
        await window.find("input[name=token]").fill(token[:-1])
        await window.page.keyboard.press("Enter")
        await window.find("[role=alert]").wait_for()
        await window.log_in(token)
        assert window.path == "/"
        assert await window.kept() == NOTHING
        [cookie] = await window.page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        await window.click(LOG_OUT)
        assert window.path == "/login"
        assert await window.page.context.cookies() == []
        await window.page.go_back()
        assert window.path == "/login"
        assert token not in await window.history()
        window.refused(401)


async def test_a_link_logs_in_once(scene: Scene) -> None:
    """As the demo prints it; its secret does not stay in the address."""
    secret = await scene.alliance.bank.own.sessions.ticket("reader-1")
    async with scene.at(f"/login#{secret}", role="") as window:
        await window.page.wait_for_url(lambda url: "/login" not in url)
        assert window.path == "/lookup"
        assert secret not in await window.history()
        await window.click(LOG_OUT)
    async with scene.at(f"/login#{secret}", role="") as window:
        await window.find("[role=alert]").wait_for()
        window.refused(401)


async def test_a_code_has_an_address(scene: Scene) -> None:
    """Also one among those that are folded away."""
    async with scene.at(role="reader") as window:
        for code in ("fork", "a_bearer_token_is_needed"):
            await window.page.goto(f"{window.address}/help#{code}")
            await window.find(f"dt#{code}").wait_for(state="visible")


async def test_the_language_is_kept(scene: Scene) -> None:
    token = scene.tokens["bank", "auditor"]
    async with scene.at(role="") as window:
        await window.log_in(token)
        await window.click("form[action='/lang'] button")
        await window.find("html[lang^=zh]").wait_for()
        await window.open("/")
        assert await window.count("html[lang^=zh]") == 1
        await window.click("form[action='/lang'] button")
        await window.find("html[lang^=en]").wait_for()


STEALS = """<!doctype html><link rel=icon href="data:,">
<form method=post action="{there}/logout"><button>go</button></form>
<script>
    const tried = [];
    const note = (name, promise) => promise.then(
        got => tried.push(name + " " + got), () => tried.push(name + " none"));
    window.done = Promise.all([
        note("read", fetch("{there}/", {{credentials: "include"}})
            .then(answer => answer.text())),
        note("post", fetch("{there}/logout", {{method: "POST",
            credentials: "include", mode: "no-cors"}})
            .then(answer => answer.status)),
    ]).then(() => tried.sort());
</script>"""


async def test_a_page_at_another_port_does_nothing_here(scene: Scene) -> None:
    """It is of the same site, so the cookie comes along; `Origin` is not ours."""
    there = scene.address("bank")

    async def steals(_: web.Request) -> web.Response:
        text = STEALS.format(there=there)
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", steals)
    async with (
        TestServer(app, host="127.0.0.1") as server,
        scene.at(role="") as window,
    ):
        await window.log_in(scene.tokens["bank", "operator"])
        other = await window.page.context.new_page()
        await other.goto(str(server.make_url("/")))
        tried = await other.evaluate("() => window.done")
        assert tried == ["post 0", "read none"]  # 0: it may not know
        async with other.expect_navigation() as went:
            await other.locator("button").click()
        answer = await went.value
        assert answer is not None
        assert answer.status == 403
        await window.open("/")
        assert window.path == "/"
