"""Who gets into the console, and what surrounds its pages."""

import hashlib
import re
from importlib import resources
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import aiohttp
import pytest
from yarl import URL

from syncd.console import page, render
from syncd.console.page import Column, Row, Table
from tests.alliance import Alliance
from tests.cases import cases, tried
from tests.console.conftest import Visitor, visitor

STATIC = resources.files("syncd.console.static")
TEMPLATES = resources.files("syncd.console") / "templates"


async def test_a_token_is_taken_once(operator: Visitor) -> None:
    """What the browser has is another secret, and opens no JSON."""
    (cookie,) = operator.browser.cookie_jar
    assert operator.token not in cookie.value
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    async with operator.browser.get(operator.url + "/v1/status") as answer:
        assert answer.status == 401


async def test_a_token_opens_no_page(operator: Visitor) -> None:
    async with aiohttp.ClientSession() as stranger:
        bearer = {"Authorization": f"Bearer {operator.token}"}
        async with stranger.get(operator.url + "/", headers=bearer) as got:
            assert got.url.path == "/login"


async def test_two_members_on_one_host_have_a_cookie_each(
    alliance: Alliance, operator: Visitor
) -> None:
    """Cookies know no ports: one that logs out leaves the other alone."""
    other = await visitor(alliance.carrier, "operator", "0301")
    other.browser = operator.browser
    await other.log_in()
    assert len({one.key for one in operator.browser.cookie_jar}) == 2
    await other.post("/logout")
    assert (await operator.get("/")).path == "/"
    assert (await other.get("/")).path.startswith("/login")


@tried("headers", cases("syncd/console", "foreign"))
async def test_what_changes_comes_from_our_own_page(
    operator: Visitor, headers: Any
) -> None:
    refused = await operator.post("/lang", {"lang": "zh"}, **headers)
    assert refused.status == 403
    assert 'lang="en"' in (await operator.get("/")).html


async def test_a_session_that_nobody_uses_ends(newcomer: Visitor) -> None:
    one, sessions = newcomer, newcomer.member.own.sessions
    await one.log_in()
    sessions.idle_s, before = 0, sessions.idle_s
    assert (await one.get("/")).path.startswith("/login")
    sessions.idle_s = before
    assert (await one.get("/")).path == "/"
    await one.post("/logout")
    assert (await one.get("/")).path.startswith("/login")


@tried("of", [{"HX_Request": "true"}, {}])
async def test_a_page_that_watches_keeps_no_session(
    operator: Visitor, monkeypatch: pytest.MonkeyPatch, of: dict[str, str]
) -> None:
    sessions, used = operator.member.own.sessions, AsyncMock()
    monkeypatch.setattr(sessions, "_set", used)
    monkeypatch.setattr("syncd.store.sessions._FRESH_S", -1)
    await operator.get("/exchange", **of)
    assert used.called != bool(of)


async def test_what_is_no_secret_opens_nothing(
    alliance: Alliance, operator: Visitor
) -> None:
    """A session's row has its hash; what stands for a certificate is known."""
    member = alliance.bank
    bearers, der = member.own.bearers, member.node.peers.shown()
    cookies = [one.value.encode() for one in operator.browser.cookie_jar]
    known = [hashlib.sha256(secret).hexdigest() for secret in cookies]
    known.append(await bearers.add("a certificate", "operator", der))
    for one in (*known, ""):
        assert (await operator.post("/login", {"token": one})).status == 401


async def test_a_ticket_logs_in_once(newcomer: Visitor) -> None:
    one, sessions = newcomer, newcomer.member.own.sessions
    one.token = await sessions.ticket(f"reader {one.staff}")
    assert (await one.log_in()).path == "/lookup"  # the hot line's
    await one.post("/logout")
    assert (await one.log_in()).status == 401


async def test_a_name_of_others_needs_tls(newcomer: Visitor) -> None:
    for host in "bank.example", "localhost:99999":
        assert (await newcomer.get("/login", Host=host)).status == 403


async def test_a_page_says_what_it_loads(operator: Visitor) -> None:
    """Each answer has a nonce of its own; nothing is kept, nothing sent on."""
    found = [await operator.get("/") for _ in range(2)]
    nonces = {re.findall(r'nonce="([^"]+)"', one.html)[0] for one in found}
    assert len(nonces) == 2
    policy = (sent := found[1].headers)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert sent["Cache-Control"] == "no-store"
    assert sent["Referrer-Policy"] == "same-origin"


async def test_a_path_with_a_line_end_leads_to_the_log_in(
    newcomer: Visitor,
) -> None:
    url = URL(newcomer.url + "/log/%0d%0aSet-Cookie:%20a=b", encoded=True)
    async with newcomer.browser.get(url) as answer:
        assert (answer.status, answer.url.path) == (200, "/login")


async def test_no_address_leads_elsewhere(newcomer: Visitor) -> None:
    for wrong in ("//evil.example", "https://evil.example", "/\\evil.example"):
        form = {"token": newcomer.token, "next": wrong}
        assert (await newcomer.post("/login", form)).path == "/lookup"


async def test_every_page_is_refused_to_other_roles(
    people: dict[str, Visitor],
) -> None:
    """By the table of pages itself, for whoever may not."""
    tried = 0
    for way in page.ALL:
        if "{" in way.path or not way.roles:
            continue
        for role, one in people.items():
            if role not in way.roles:
                ask = one.get if way.method == "GET" else one.post
                assert (await ask(way.path)).status == 403, (role, way.path)
                tried += 1
    assert all(way.roles or way.path == "/login" for way in page.ALL)


async def test_what_is_not_ours_is_as_it_was_published() -> None:
    """By the table of packages; all of it together is below 250 kB."""
    named = set()
    for where in (Path(__file__).parent / "vendor", STATIC):
        rows = where.joinpath("vendor.tsv").read_text().splitlines()[1:]
        for name, *_, said in (row.split("\t") for row in rows):
            raw = where.joinpath(name).read_bytes()
            assert hashlib.sha256(raw).hexdigest() == said
            named.add(name)
    files = [f for f in STATIC.iterdir() if f.name.endswith((".js", ".css"))]
    others = {f.name for f in files} - named
    assert all(b".min." not in name.encode() for name in others)
    assert sum(len(f.read_bytes()) for f in files) < 250_000


async def test_what_is_loaded_runs_in_chromium_109() -> None:
    """What is newer is not used, or by who looks first whether it is there."""
    newer = re.compile(
        r"fromAsync|withResolvers|\.to(?:Sorted|Reversed|Spliced)\("
        r"|AbortSignal\.any|(?:Object|Map)\.groupBy|\.isSubsetOf\("
        r"|URL\.(?:parse|canParse)|light-dark\(|color-mix\(|@scope\b|[{;]\s*&"
        r"|parseHTMLUnsafe|moveBefore|startViewTransition|Iterator\."
        r"|RegExp\.escape|Promise\.try|popover|text-wrap|@starting-style|anchor\("
    )
    known = {  # docs/console.md says of each what is without it
        "htmx.min.js": {
            "moveBefore",
            "parseHTMLUnsafe",
            "startViewTransition",
        },
        "hx-csp.min.js": {"parseHTMLUnsafe"},
    }
    for file in (*STATIC.iterdir(), *TEMPLATES.iterdir()):
        if file.name.endswith((".js", ".css", ".html")):
            found = {*newer.findall(file.read_text())}
            assert found == known.get(file.name, set()), file.name


async def test_text_that_would_move_others_is_shown_as_a_mark() -> None:
    assert render.clean("a\u202eb\x1b[2Jc\ufeff") == "a�b�[2Jc�"
    assert render.clean("短信\n验证码") == "短信\n验证码"


async def test_a_table_is_what_its_address_says() -> None:
    columns = [Column("n", "n"), Column("who", "who", choices=True)]
    rows: list[Row] = [{"n": n, "who": "ab"[n % 2]} for n in range(250)]
    query = {"t.sort": "-n", "t.who": "b", "t.page": "2", "x": "y"}
    table = Table("t", columns, rows, query)
    assert [row["n"] for row in table.shown] == [*range(49, 0, -2)]
    assert table.href(sort="n", page="") == "?t.sort=n&t.who=b&x=y"
    assert table.options("who") == ["a", "b"]
    assert Table("t", columns, rows, {"t.page": "9" * 9}).page == 3


async def test_a_spreadsheet_runs_no_cell() -> None:
    table = Table("t", [Column("a", "a")], [{"a": "=1+1"}], {})
    assert b'"\'=1+1"' in table.csv("Asia/Shanghai")
