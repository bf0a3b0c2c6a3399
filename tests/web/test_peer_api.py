"""The peer API before its service: who is let in, and how much of one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import create_autospec

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from syncd.flows.ports import Heads, RosterHead
from syncd.web import peer_api

LocalClient = TestClient[Any, Any]


@pytest.fixture
def service() -> Any:
    """Return a service that knows one member."""
    fake = create_autospec(peer_api.PeerService, instance=True)
    fake.caller.side_effect = {"pin": ("bank", "member")}.get
    fake.mirror_log.return_value = fake.held.return_value = None
    return fake


@pytest.fixture
async def client(service: Any) -> AsyncIterator[LocalClient]:
    app = peer_api.app(service, lambda _: "pin")
    connector = aiohttp.TCPConnector(limit=0)
    async with TestClient(TestServer(app), connector=connector) as client:
        yield client


async def test_who_is_out_by_the_roster_on_its_way(
    client: LocalClient, service: Any
) -> None:
    """A payload waits for it, and only then it is asked who wants it."""
    path = f"/mirror/{'0' * 64}/payload/000"
    assert (await client.get(path)).status == 404

    async def remove() -> None:
        service.caller.side_effect = lambda pin: None

    service.settled.side_effect = remove
    assert (await client.get(path)).status == 403


async def test_one_caller_has_so_many_requests_at_once(
    client: LocalClient, service: Any
) -> None:
    """Whoever floods it is told to come back; later it may."""
    most, go_on = peer_api.MOST_AT_ONCE, asyncio.Event()

    async def heads(*_: object) -> Heads:
        await go_on.wait()
        return Heads("a.1", (), (), RosterHead(0, ""), 0)

    service.heads.side_effect = heads
    flood = [asyncio.create_task(client.get("/heads")) for _ in range(most)]
    async with asyncio.timeout(30):
        while True:
            answer = asyncio.create_task(client.get("/heads"))
            done, _ = await asyncio.wait([answer], timeout=0.2)
            if done:
                break
            flood.append(answer)
    assert answer.result().status == 429
    assert answer.result().headers["Retry-After"] == "1"
    go_on.set()
    statuses = [(await one).status for one in flood]
    assert statuses.count(200) >= most
    assert (await client.get("/heads")).status == 200
