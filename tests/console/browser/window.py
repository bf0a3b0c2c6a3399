"""A window of a real Chromium, which a person has open at a console.

    async with opened(chromium, address, "/lookup") as window:
        assert "1 of 3" in await window.text()

What no page may do is kept in `faults`, and `opened` fails with it: an error
or a warning in the console, which is where Chromium says what the CSP stopped,
an exception of a script, a request that was sent elsewhere or not answered.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
)

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
NEEDED = {"chromium": "chromium", "node": "nodejs"}  # program -> package
FONT = Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")
PATIENCE_MS = 20_000  # of a busy machine
expect.set_options(timeout=PATIENCE_MS)
SIZES = {"phone": (360, 740), "desk": (1280, 800), "a4": (794, 1123)}

_CHROMIUM_109 = """for (const [of, ...names] of [
    [window, "navigation", "Iterator"], [Document, "parseHTMLUnsafe"],
    [Document.prototype, "startViewTransition"], [Map, "groupBy"],
    [Element.prototype, "moveBefore", "startViewTransition"],
    [Array, "fromAsync"], [Object, "groupBy"], [RegExp, "escape"],
    [Array.prototype, "with", "toSorted", "toReversed", "toSpliced"],
    [Promise, "withResolvers", "try"], [URL, "canParse", "parse"],
    [AbortSignal, "any"], [HTMLElement.prototype, "popover"],
]) for (const name of names) delete of[name];"""  # what it lacks

_KEPT = """async () => ({
    local: Object.keys(localStorage), session: Object.keys(sessionStorage),
    cookies: document.cookie, caches: await caches.keys(),
    databases: (await indexedDB.databases()).map(d => d.name),
    workers: (await navigator.serviceWorker.getRegistrations()).length,
    state: history.state})"""
_TARGETS = """() => [
    ...[...document.querySelectorAll("a[href]")].map(a => ["get", a.href]),
    ...[...document.forms].map(f => [f.method, f.action]),
    ...[...document.querySelectorAll("[formaction]")].map(
        b => [b.form.method, b.formAction])]"""
NOTHING: Any = {
    **{name: [] for name in ("local", "session", "caches", "databases")},
    "cookies": "",
    "workers": 0,
    "state": None,
}


def missing() -> str:
    """Return what to install of Debian so that windows can be opened."""
    packages = [p for name, p in NEEDED.items() if not shutil.which(name)]
    packages += [] if FONT.exists() else ["fonts-wqy-microhei"]
    return "apt-get install " + " ".join(packages) if packages else ""


@dataclass
class Window:
    """One window, at one console; a context of its own, so no other's cookie."""

    page: Page
    address: str  # of the console, without a path
    pictures: Path | None = None  # where `picture` puts them
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen from the first page on."""
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda e: self.faults.append(f"{e}"))
        self.page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        # The status of what was asked for is what `open` looks at.
        answered = message.text.startswith("Failed to load resource")
        here = message.location["url"] == self.page.url
        if message.type in ("error", "warning") and not (answered and here):
            self.faults.append(f"{self.page.url}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "blob:")):
            self.faults.append(f"{self.page.url} asks {request.url}")

    # ------------------------------------------------------------- walking

    async def open(self, path: str, status: int = 200) -> None:
        """Go to a page, which answers so."""
        answer = await self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == status, (path, answer.status)

    async def fetch(self, path: str, **form: str) -> int:
        """Send a form from the page that is open; return the status."""
        sent: int = await self.page.evaluate(
            """async ([path, form]) => (await fetch(path, {method: "POST",
                redirect: "manual", body: new URLSearchParams(form)})).status""",
            [path, form],
        )
        return sent

    async def log_in(self, token: str) -> None:
        """Log in with a token, as a person does."""
        await self.open("/login")
        await self.find("input[name=token]").fill(token)
        await self.click("form button")
        await self.page.wait_for_url(lambda url: "/login" not in url)

    def refused(self, status: int) -> None:
        """Take it for no fault that requests were answered so."""
        self.faults = [
            f for f in self.faults if f"status of {status}" not in f
        ]

    async def targets(self) -> set[tuple[str, str]]:
        """Return the methods and paths of all links and forms."""
        return {
            (method.upper(), urlsplit(url).path)
            for method, url in await self.page.evaluate(_TARGETS)
            if url.startswith(f"{self.address}/") and "/static/" not in url
        }

    @property
    def path(self) -> str:
        """Where it is."""
        return urlsplit(self.page.url).path

    async def press(self, name: str) -> None:
        """Press the button that is called so."""
        await self.page.get_by_role("button", name=name).click()

    async def click(self, of: str) -> None:
        """Click the first of some parts of the page."""
        await self.find(of).first.click()

    # ------------------------------------------------------------- looking

    def find(self, of: str, **how: Any) -> Locator:
        """Return parts of the page."""
        return self.page.locator(of, **how)

    async def count(self, of: str) -> int:
        """Return how many of them there are just now."""
        return await self.find(of).count()

    async def shows(self, of: str, text: str) -> None:
        """Wait until one of them says so."""
        await expect(self.find(of)).to_contain_text(text)

    async def text(self, of: str = "body") -> str:
        """Return what a person reads."""
        return await self.find(of).first.inner_text()

    async def axe(self) -> list[str]:
        """Return what axe-core finds, and what it cannot tell."""
        await self.page.evaluate(AXE.read_text("utf-8"))
        found = await self.page.evaluate(
            "() => axe.run({resultTypes: ['violations', 'incomplete']})"
        )
        return [
            f"{self.path}: {rule['id']} {kind}: {node['target']}:"
            f" {node['failureSummary'][:200]}"
            for kind in ("violations", "incomplete")
            for rule in found[kind]
            for node in rule["nodes"]
        ]

    async def kept(self) -> Any:
        """Return what a page finds in the browser; NOTHING, if all is well."""
        return await self.page.evaluate(_KEPT)

    async def history(self) -> str:
        """Return every address and title that the browser remembers."""
        devtools = await self.page.context.new_cdp_session(self.page)
        found = await devtools.send("Page.getNavigationHistory")
        return "\n".join(f"{e['url']} {e['title']}" for e in found["entries"])

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        wider: int = await self.page.evaluate(
            "() => document.documentElement.scrollWidth - innerWidth"
        )
        return max(wider, 0)

    async def sized(self, name: str) -> None:
        """Make it as large as a phone, a desk's screen or a sheet of paper."""
        width, height = SIZES[name]
        await self.page.set_viewport_size({"width": width, "height": height})
        await self.page.emulate_media(
            media="print" if name == "a4" else "screen"
        )

    async def picture(self, name: str, *, whole: bool = True) -> None:
        """Keep a picture, where pictures are asked for."""
        if self.pictures is not None:
            path = self.pictures / f"{name}.png"
            await self.page.screenshot(
                path=path, full_page=whole, timeout=6 * PATIENCE_MS
            )


@asynccontextmanager
async def opened(
    chromium: Browser,
    address: str,
    path: str = "",
    pictures: Path | None = None,
    **how: Any,
) -> AsyncIterator[Window]:
    """Open a page in a context of its own; at the end it had no faults."""
    context = await chromium.new_context(
        locale=how.pop("locale", "en-GB"), **how
    )
    await context.add_init_script(_CHROMIUM_109)
    window = Window(await context.new_page(), address, pictures)
    try:
        if path:
            await window.open(path)
        yield window
        assert not window.faults, window.faults
    finally:
        await context.close()
