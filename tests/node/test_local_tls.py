"""The local API over mutual TLS, with and without workers."""

import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest

from syncd.roster import certificate
from tests.alliance import Member
from tests.console.test_tls import SERVER, founded, log_in, mistyped, serving
from tests.test_pinning import Identity, issue, p256

READER, STRANGER = issue(p256()), issue(p256())
ITEM = {"kind": "url", "value": "http://a.example/"}
CALLS = {"lookups": {"purpose": "case_work", "items": [ITEM]}, "status": None}


@pytest.fixture(
    params=[0, pytest.param(2, marks=pytest.mark.slow)], scope="module"
)
async def bank(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Member]:
    """A member that serves TLS too."""
    root = tmp_path_factory.mktemp("tls")
    own = {"workers": request.param, **serving(root)}
    async with founded(root, own=own) as found:
        yield found.bank


async def statuses(
    session: aiohttp.ClientSession, at: object, *names: str
) -> list[int]:
    """Call a look-up and what is passed on; return the answers' statuses."""
    found = []
    for name in names or CALLS:
        method, url = "GET" if name == "status" else "POST", f"{at}/v1/{name}"
        async with session.request(method, url, json=CALLS.get(name)) as got:
            found.append(got.status)
            await got.read()  # else the connection is not kept
    return found


def connect(who: Identity, token: str = "") -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1, ssl=who.client(SERVER.pin)),
        headers={"Authorization": f"Bearer {token}"},
    )


async def test_a_certificate_stands_for_a_token(bank: Member) -> None:
    """Until it is revoked; another's token beside it changes nothing."""
    url, own = f"https://{bank.config.own.tls_listen}", bank.own
    async with connect(READER, bank.token) as crm:
        with pytest.raises(aiohttp.ClientConnectionError):
            await crm.get(url)
        await own.bearers.add("crm", "reader", READER.der)
        assert await statuses(crm, url) == [200, 200]
        assert await statuses(crm, url, "reports") == [403]
        rows = [row async for row in own.access.found()]
        assert [row.caller for row in rows] == ["crm"]
        await own.bearers.revoke("crm")
        assert await statuses(crm, url) == [401, 401]
    async with connect(READER) as late:
        with pytest.raises(aiohttp.ClientConnectionError):
            await late.get(url)


async def test_without_one_nobody_gets_beyond_tls(bank: Member) -> None:
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE
    for context in (nobody, STRANGER.client(SERVER.pin)):
        async with aiohttp.ClientSession() as session:
            url = f"https://{bank.config.own.tls_listen}/healthz"
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(url, ssl=context)


async def test_log_ins_that_fail_are_limited(bank: Member) -> None:
    """After twenty in a minute nobody there is let in, with whatever token.

    Nor behind workers, whatever a browser says of where it is.
    """
    at = f"http://{bank.config.own.listen}"
    for last in range(1, 3):
        there = aiohttp.TCPConnector(local_addr=(f"127.0.0.{last}", 0))
        async with aiohttp.ClientSession(connector=there) as one:
            tried = [await mistyped(one, at, str(n)) for n in range(20)]
            assert tried == [401] * 20
            assert (await log_in(one, at, token=bank.token)).status == 429


async def test_a_header_is_no_certificate(bank: Member) -> None:
    """Not even before the daemon, which hears from workers who showed one."""
    bearers = bank.own.bearers
    await bearers.add("desk", "operator", STRANGER.der)
    async with connect(READER, certificate.credential(STRANGER.der)) as one:
        at = f"http://{bank.config.own.listen}"
        assert await statuses(one, at) == [401, 401]
    await bearers.revoke("desk")
