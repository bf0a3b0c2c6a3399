"""The console over TLS: by a certificate, behind a proxy, or for all."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from syncd.config import editing
from tests.alliance import Alliance, Member, free_port
from tests.test_pinning import Identity, issue, p256

NAMES = ["bank", "carrier", "police"]
TYPED = "https://syncd.bank.example"  # at a proxy of the second way
SERVER, PERSON, PROXY = (issue(p256()) for _ in range(3))


@pytest.fixture
def url(bank: Member) -> str:
    """Where it asks for certificates."""
    return f"https://{bank.config.own.tls_listen}"


@pytest.fixture(scope="module")
async def bank(root: Path) -> AsyncIterator[Member]:
    """A member whose console is to be had over TLS in both ways."""
    own = serving(root)
    console = {"tls_listen": place(), "staff_header": "X-Staff", "url": TYPED}

    async with founded(root, own=own, console=console) as found:
        bearers = found.bank.own.bearers
        await bearers.add("proxy", "proxy", PROXY.der)
        await bearers.add("wang", "reader", PERSON.der, "0042", "Wang")
        yield found.bank


def serving(root: Path) -> dict[str, object]:
    """Return the settings that serve TLS; certificate and key lie there."""
    shown, key = root / "tls.pem", root / "tls.key"
    shown.write_text(ssl.DER_cert_to_PEM_cert(SERVER.der))
    key.touch(mode=0o600)
    key.write_bytes(SERVER.pem)
    return {"tls_certificate": shown, "tls_key": key, "tls_listen": place()}


def founded(
    root: Path, **sections: Mapping[str, Any]
) -> AbstractAsyncContextManager[Alliance]:
    """Found three members, the bank with these settings."""

    def prepare(member: Member) -> None:
        for section, given in sections.items():
            for name, value in given.items():
                if member.id == "bank":
                    editing.change(member.home, section, name, value)

    return Alliance.found(root, NAMES, local_apis=True, prepare=prepare)


def place() -> str:
    return f"127.0.0.1:{free_port()}"


def browser(who: Identity | None = None) -> aiohttp.ClientSession:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if who is not None:
        context = who.client(SERVER.pin)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        cookie_jar=aiohttp.CookieJar(unsafe=True),
    )


async def log_in(
    session: aiohttp.ClientSession, url: str, **more: str
) -> aiohttp.ClientResponse:
    """Send the log-in form of a page there."""
    form = {"token": more.pop("token", "")}
    headers = {"Origin": url, "Sec-Fetch-Site": "same-origin"}
    headers |= {k.replace("_", "-"): v for k, v in more.items()}
    answer = await session.post(
        f"{url}/login", data=form, headers=headers, allow_redirects=False
    )
    await answer.read()
    return answer


async def test_a_certificate_is_its_persons(url: str) -> None:
    async with browser(PERSON) as one:
        answer = await log_in(one, url)
        assert answer.status == 303
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-syncd-")
        assert "Secure" in cookie
        assert "Wang" in await (await one.get(url)).text()


async def test_a_proxy_says_who_sits_behind_it(url: str) -> None:
    """By staff number; of nobody's it opens nothing, nor by itself."""
    async with browser(PROXY) as one:
        for staff, status in ("0042", 303), ("0043", 401), ("", 401):
            assert (await log_in(one, url, X_Staff=staff)).status == status
        assert (await one.get(f"{url}/v1/status")).status == 403


async def test_the_header_of_anybody_else_says_nothing(bank: Member) -> None:
    url = f"https://{bank.config.console.tls_listen}"
    plain = f"http://{bank.config.own.listen}"
    async with browser() as one:
        assert (await log_in(one, url, X_Staff="0042")).status == 401
        assert (await log_in(one, plain, X_Staff="0042")).status == 401


async def test_pages_alone_are_for_whoever_comes(bank: Member) -> None:
    """Over TLS, with a token; no JSON is there."""
    url = f"https://{bank.config.console.tls_listen}"
    async with browser() as one:
        assert (await log_in(one, url, token=bank.token)).status == 303
        assert (await one.get(url)).url.path == "/"
        assert (await one.get(f"{url}/v1/status")).status == 404


async def test_behind_a_proxy_people_type_another_address(
    bank: Member,
) -> None:
    """There the cookie is secure; a form from elsewhere is refused."""
    plain, host = f"http://{bank.config.own.listen}", TYPED[8:]
    there = {"token": bank.token, "Host": host}
    async with aiohttp.ClientSession() as proxy:
        answer = await log_in(proxy, plain, Origin=TYPED, **there)
        assert "__Host-syncd-" in answer.headers["Set-Cookie"]
        answer = await log_in(proxy, plain, Origin=f"http://{host}", **there)
        assert answer.status == 403


async def mistyped(one: aiohttp.ClientSession, url: str, came: str) -> int:
    return (await log_in(one, url, token="wrong", X_Forwarded_For=came)).status


async def test_what_others_mistyped_keeps_no_certificate_out(url: str) -> None:
    """Nor, of those behind the proxy, anybody but who came from there."""
    async with browser(PERSON) as one:
        tried = [await mistyped(one, url, f"10.0.0.{n}") for n in range(21)]
        assert tried == [401] * 20 + [429]
        assert (await log_in(one, url)).status == 303
    async with browser(PROXY) as one:
        said = [f"10.0.0.{n}, 10.1.0.1" for n in range(21)]
        assert [await mistyped(one, url, came) for came in said] == tried
        assert await mistyped(one, url, "10.1.0.1, 10.1.0.2") == 401
