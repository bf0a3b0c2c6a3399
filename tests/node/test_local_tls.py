"""The local API over mutual TLS, with and without workers."""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from syncd.config import editing
from syncd.roster import certificate
from tests.alliance import Alliance, Member, free_port
from tests.test_pinning import Identity, issue, p256

pytestmark = pytest.mark.asyncio(loop_scope="module")
SERVER, READER, STRANGER = (issue(p256()) for _ in range(3))
LOOKUP = {
    "purpose": "case_work",
    "reference": "case 7",
    "items": [{"kind": "url", "value": "http://a.example/"}],
}


@pytest_asyncio.fixture(
    params=[0, pytest.param(2, marks=pytest.mark.slow)],
    loop_scope="module",
    scope="module",
)
async def bank(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Member]:
    """A member that serves TLS too."""
    root = tmp_path_factory.mktemp("tls")
    shown, key = root / "tls.pem", root / "tls.key"
    shown.write_text(ssl.DER_cert_to_PEM_cert(SERVER.der))
    key.touch(mode=0o600)
    key.write_bytes(SERVER.pem)
    given = {
        "workers": request.param,
        "tls_certificate": shown,
        "tls_key": key,
        "tls_listen": f"127.0.0.1:{free_port()}",
    }

    def prepare(member: Member) -> None:
        for name, value in given.items():
            if member.id == "bank":
                editing.change(member.home, "own", name, value)

    ids = ["bank", "carrier", "police"]
    async with Alliance.found(
        root, ids, local_apis=True, prepare=prepare
    ) as found:
        yield found.bank


async def call(
    session: aiohttp.ClientSession, method: str, url: str, **more: Any
) -> tuple[int, Any]:
    async with session.request(method, url, **more) as got:
        return got.status, await got.json()


def connect(who: Identity) -> aiohttp.ClientSession:
    context = who.client(SERVER.pin)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1, ssl=context)
    )


async def test_a_certificate_stands_for_a_token(bank: Member) -> None:
    """Until it is revoked; another's token beside it changes nothing."""
    url = f"https://{bank.config.own.tls_listen}/v1"
    own = bank.node.home.own
    with pytest.raises(aiohttp.ClientConnectionError):
        async with connect(READER) as early:
            await early.get(f"{url}/status")
    await own.bearers.add("crm", "reader", READER.der)
    operator = {"Authorization": f"Bearer {bank.token}"}
    async with connect(READER) as crm:
        status, _ = await call(crm, "POST", f"{url}/lookups", json=LOOKUP)
        assert status == 200
        status, found = await call(crm, "GET", f"{url}/status")
        assert (status, found["member"]) == (200, "bank")
        wanted: dict[str, Any] = {"reports": []}
        status, _ = await call(
            crm, "POST", f"{url}/reports", json=wanted, headers=operator
        )
        assert status == 403
        rows = [row async for row in own.access.found()]
        assert [row.caller for row in rows] == ["crm"]
        await own.bearers.revoke("crm")
        for method, path in (("POST", "lookups"), ("GET", "status")):
            body = LOOKUP if method == "POST" else None
            status, _ = await call(crm, method, f"{url}/{path}", json=body)
            assert status == 401
    with pytest.raises(aiohttp.ClientConnectionError):
        async with connect(READER) as late:
            await late.get(f"{url}/status")


async def test_without_one_nobody_gets_beyond_tls(bank: Member) -> None:
    url = f"https://{bank.config.own.tls_listen}/healthz"
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE
    for context in (nobody, STRANGER.client(SERVER.pin)):
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(url, ssl=context)


async def test_a_header_is_no_certificate(bank: Member) -> None:
    """Not even before the daemon, which hears from workers who showed one."""
    bearers = bank.node.home.own.bearers
    name = certificate.credential(STRANGER.der)
    await bearers.add("desk", "operator", STRANGER.der)
    headers = {"Authorization": f"Bearer {name}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in ("status", "lookups"):
            status, _ = await call(
                session,
                "POST" if path == "lookups" else "GET",
                f"http://{bank.config.own.listen}/v1/{path}",
                json=LOOKUP if path == "lookups" else None,
            )
            assert status == 401
    await bearers.revoke("desk")
