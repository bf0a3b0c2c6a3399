"""What holds for every page, those that are yet to be written too."""

import re
from typing import Any

from syncd.console import app, page, pages
from syncd.console.page import Way
from syncd.web.routes import OPEN
from tests.cases import cases, slow, tried
from tests.console.browser.scene import IDS, ROLES, STREAMS, VALUES, Scene
from tests.console.browser.window import NOTHING, Window

pytestmark = slow

pages.load()
WAYS = sorted(page.ALL, key=lambda way: (way.path, way.method))
SHOWN = [
    w for w in WAYS if w.method == "GET" and w.path not in STREAMS and w.roles
]


def named(way: Any) -> str:
    return f"{way.method} {way.path}" if isinstance(way, Way) else str(way)


# {name}, or {name:a pattern, with {1,15} in it}
PART = re.compile(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}")


def address(way: Way, scene: Scene) -> str:
    """Return an address of a page that there is something at."""
    bank, carrier = scene.alliance.bank, scene.alliance.carrier
    [kept] = [u for u in bank.node.uploads.prune() if u.name == "unknown.csv"]
    examples = {"origin": carrier.origin, "index": "0", "id": "1"}
    examples["upload"] = str(kept.id)
    return PART.sub(lambda part: examples[part[1]], way.path)


def slug(way: Way) -> str:
    """Return what a page's pictures are called."""
    parts = PART.sub("", way.path).split("/")
    return "-" + ("-".join(filter(None, parts)) or "now")


def someone(way: Way) -> str:
    """Return a role that may see a page: an operator, if one may."""
    return min(way.roles, key=lambda role: (role != "operator", role))


_FRAGMENT = """async () => (await fetch(location.href,
    {headers: {"HX-Request": "true"}})).status"""

# ---------------------------------------------------------- what is written

_TEXTS = """() => {
    const found = [], skipped = "code, pre, kbd, samp, time, textarea,"
        + " script, style, [lang], [translate=no]";
    const walk = document.createTreeWalker(document.body,
        NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    const add = text => { if (text && text.trim()) found.push(text.trim()) };
    add(document.title);
    while (walk.nextNode()) {
        const node = walk.currentNode, element = node.nodeType == 1;
        if ((element ? node : node.parentElement).closest(skipped)) continue;
        if (!element) add(node.data);
        else for (const name of ["title", "aria-label", "placeholder", "alt"])
            add(node.getAttribute(name));
    }
    return found }"""
ENGLISH = re.compile(r"[A-Za-z][a-z]+(?:[ ,]+[A-Za-z][a-z]+){2,}")
CHINESE = re.compile(r"[\u3400-\u9fff]")
# Where one word is a text: what these are called, and who is meant, apart.
_CALLED = """e => e.filter(one => !one.closest("[lang]:not(html), code"))
    .map(one => { const own = one.cloneNode(true);
        own.querySelectorAll("select, code, [translate=no]").forEach(part => part.remove());
        return own.textContent.trim() })"""
CALLS = "h1, h2, h3, th, label, legend, button, summary, nav a, dt"
LATIN = re.compile(r"(?<![\w.])[A-Za-z]?[a-z]{2,}(?![\w.])")


async def foreign(window: Window, lang: str) -> list[str]:
    """Return the texts that are in the other language."""
    texts = await window.page.evaluate(_TEXTS)
    other = CHINESE if lang == "en" else ENGLISH
    found = [text for text in texts if other.search(text)]
    if lang == "zh":
        called = await window.find(CALLS).evaluate_all(_CALLED)
        found += [c for c in called if c not in IDS and LATIN.search(c)]
    return found


@tried("lang", ["en", "zh"])
@tried("way", SHOWN, ids=named)
async def test_a_page(scene: Scene, way: Way, lang: str) -> None:
    """It is whole, in one language, for everybody, and leaves nothing."""
    async with scene.at(
        address(way, scene), role=someone(way), lang=lang
    ) as window:
        shown = window.page
        assert await window.count(f"html[lang^={lang}]") == 1
        assert await window.count("h1") == 1
        assert await window.count("img[src=x]") == 0
        assert "\u202e" not in await shown.content()
        assert await foreign(window, lang) == []
        assert await window.axe() == []
        assert await window.page.evaluate(_FRAGMENT) == 200
        for size in ("desk", "phone"):
            await window.sized(size)
            assert await window.overflow() == 0, size
            await window.picture(f"{lang}{slug(way)}-{size}")
        assert await window.kept() == NOTHING
        assert not [v for v in VALUES if v in await window.history()]


@tried("lang", ["en", "zh"])
@tried("role, path, status", cases("syncd/console", "nowhere"))
async def test_what_is_not_there(
    *, scene: Scene, role: str, path: str, status: int, lang: str
) -> None:
    async with scene.at(role=role, lang=lang) as window:
        await window.open(path, status)
        assert await window.count("h1") == 1
        assert await foreign(window, lang) == []
        assert await window.axe() == []
        await window.sized("phone")
        assert await window.overflow() == 0


@tried("way", SHOWN, ids=named)
async def test_a_page_without_scripts(scene: Scene, way: Way) -> None:
    """Whatever a script does on top, a link or a form does too."""
    async with scene.at(
        address(way, scene), role=someone(way), java_script_enabled=False
    ) as window:
        assert await window.count("h1") == 1
        bare = window.find(
            ":is(a, button, input, select)"
            ":is([hx-get], [hx-post]):not([href], form[action] *)"
        )
        assert await bare.count() == 0
        forms = window.find("form[hx-post]:not([action][method=post])")
        assert await forms.count() == 0


# ------------------------------------------------------------- who may what


@tried("role", ROLES)
async def test_a_role_tries_every_page_and_button_of_the_others(
    scene: Scene, role: str
) -> None:
    async with scene.at(role=role) as window:
        for way in WAYS:
            if role in way.roles or way.roles == OPEN:
                continue
            where = address(way, scene)
            if way.method == "GET":
                await window.open(where, 403)
            else:
                await window.open(app.HOME.get(role, "/"))
                assert await window.fetch(where) == 403, way.path
        window.refused(403)


@tried("role", ROLES)
async def test_nobody_is_shown_a_button_that_refuses_them(
    scene: Scene, role: str
) -> None:
    async with scene.at(role=role) as window:
        for way in SHOWN:
            if role not in way.roles:
                continue
            await window.open(address(way, scene))
            for where in await window.targets():
                there = [w for w in WAYS if leads_to(w, *where)]
                assert there, (way.path, where)
                assert any(role in w.roles or not w.roles for w in there), (
                    where
                )


def leads_to(way: Way, method: str, path: str) -> bool:
    """Tell whether a link or a form leads there."""
    pattern = PART.sub(".+", way.path)
    return way.method == method and bool(re.fullmatch(pattern, path))


async def test_a_stranger_sees_the_log_in_and_no_more(scene: Scene) -> None:
    async with scene.at(role="") as window:
        for way in WAYS:
            if way.roles == OPEN:
                continue
            where = address(way, scene)
            if way.method == "GET":
                await window.open(where)
                assert window.path == "/login", way.path
            else:
                await window.open("/login")
                assert await window.fetch(where) == 0, way.path  # redirected
        window.refused(403)
