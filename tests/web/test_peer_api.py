"""The peer API before its service: who is let in, and how much of one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from syncd.flows.ports import Heads, RosterHead
from syncd.web import peer_api

LocalClient = TestClient[Any, Any]


class FakeService:
    """A service that knows one member, until it does not."""

    def __init__(self) -> None:
        self.members = {"pin": "bank"}
        self.go_on = asyncio.Event()
        self.removed_meanwhile = False

    def caller(self, request_pin: str) -> tuple[str, str] | None:
        found = self.members.get(request_pin)
        return (found, "member") if found else None

    async def settled(self) -> None:
        if self.removed_meanwhile:
            await asyncio.sleep(0)
            self.members.clear()

    async def heads(self, caller: str, cursor: str) -> Heads:
        await self.go_on.wait()
        return Heads("a.1", (), (), RosterHead(0, ""), 0)

    async def mirror_log(self, origin_hash: str) -> None:
        return None

    async def held(self, caller: str, origin_hash: str) -> None:
        return None


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def client(service: FakeService) -> AsyncIterator[LocalClient]:
    app = peer_api.app(cast(peer_api.PeerService, service), lambda _: "pin")
    connector = aiohttp.TCPConnector(limit=0)
    async with TestClient(TestServer(app), connector=connector) as client:
        yield client


async def test_who_is_out_by_the_roster_on_its_way(
    client: LocalClient, service: FakeService
) -> None:
    """A payload waits for it, and only then it is asked who wants it."""
    path = f"/mirror/{'0' * 64}/payload/000"
    assert (await client.get(path)).status == 404
    service.removed_meanwhile = True
    assert (await client.get(path)).status == 403


async def test_one_caller_has_so_many_requests_at_once(
    client: LocalClient, service: FakeService
) -> None:
    """Whoever floods it is told to come back; later it may."""
    most = peer_api.MOST_AT_ONCE
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
    service.go_on.set()
    statuses = [(await one).status for one in flood]
    assert statuses.count(200) >= most
    assert (await client.get("/heads")).status == 200
