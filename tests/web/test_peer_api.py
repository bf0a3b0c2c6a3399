"""The peer API before its service: who is let in, and how much of one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from syncd.flows.ports import Bundle, Heads, RosterHead
from syncd.flows.serve import LogFiles
from syncd.web import peer_api
from tests.alliance import until
from tests.cases import each, tried

LocalClient = TestClient[Any, Any]


class FakeService:
    """A service that knows one member, until it does not."""

    def __init__(self) -> None:
        self.members = {"pin": "bank"}
        self.role = "member"
        self.go_on = asyncio.Event()
        self.removed_meanwhile = False
        self.making = self.most_made = 0
        self.asked = asyncio.Future[Callable[[], bool]]()

    def caller(self, request_pin: str) -> tuple[str, str] | None:
        found = self.members.get(request_pin)
        return (found, self.role) if found else None

    async def own_log(self) -> LogFiles:
        async def bundle(n: int) -> Bundle:
            return Bundle(n, 256, b"gz", b"root")

        async def roots(first: int, last: int) -> list[bytes]:
            return [b"root"] * (last - first)

        return LogFiles("o", 512, b"note", bundle, roots, self.make)

    async def make(
        self, file: Any, origin: str, bundle: Bundle, width: int
    ) -> bytes:
        self.making += 1
        self.most_made = max(self.most_made, self.making)
        await self.go_on.wait()
        self.making -= 1
        return bytes(2 * peer_api.IN_FLIGHT_OF_CALLER)

    async def evaluate(
        self, caller: str, raw: bytes, gone: Callable[[], bool]
    ) -> bytes:
        self.asked.set_result(gone)
        await self.go_on.wait()
        return b"{}"

    async def monitor(self, origin_hash: str, key: str) -> bytes:
        return b"note"

    async def roster_note(self, version: int | None) -> bytes:
        return b"note"

    async def poke(
        self, caller: str, note: bytes, *, urgent: bool = False
    ) -> None:
        assert note == b"note"

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
async def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def client(service: FakeService) -> AsyncIterator[LocalClient]:
    app = peer_api.app(service, lambda _: "pin")
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
    assert [(await one).status for one in flood].count(200) >= most
    assert (await client.get("/heads")).status == 200


@each("syncd/local-api", "auditor", "path, status")
async def test_an_auditor_reads_no_payload(
    client: LocalClient, service: FakeService, path: str, status: int
) -> None:
    """Nor asks for news; what is signed, and what is open to it, it reads."""
    service.go_on.set()
    service.role = "auditor"
    assert (await client.get(path)).status == status


@tried("path", ["/poke", "/oprf/v1/evaluate"])
async def test_an_auditor_sends_nothing(
    client: LocalClient, service: FakeService, path: str
) -> None:
    """It can neither evaluate nor have us pull."""
    service.role = "auditor"
    assert (await client.post(path, data=b"note")).status == 403


async def test_files_are_made_one_at_a_time_for_each_caller(
    client: LocalClient, service: FakeService
) -> None:
    """However many one asks for at once."""
    paths = [f"/log/audit/00{n % 2}" for n in range(8)]
    asked = [asyncio.create_task(client.get(path)) for path in paths]
    await until(lambda: service.making)
    service.go_on.set()
    for one in asyncio.as_completed(asked):
        assert len(await (await one).read()) > 0
    assert service.most_made == 1


async def test_who_reads_nothing_holds_no_more_than_its_share(
    client: LocalClient, service: FakeService
) -> None:
    """The next file is made when one that was made is read."""
    service.go_on.set()
    deaf = [await client.get("/log/audit/000")]
    more = asyncio.create_task(client.get("/log/audit/001"))
    await asyncio.sleep(0.1)
    assert not more.done()
    assert await deaf[0].read()
    assert (await more).status == 200


async def test_a_file_that_is_not_read_in_time_is_cut_off(
    client: LocalClient, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly it is read."""
    monkeypatch.setattr(peer_api, "ANSWER_S", 0.1)
    service.go_on.set()

    async def read_late() -> None:
        slow = await client.get("/log/audit/000")
        await asyncio.sleep(0.3)
        await slow.read()

    with pytest.raises(aiohttp.ClientError):
        await read_late()
    assert (await client.get("/log/checkpoint")).status == 200


async def test_who_hangs_up_is_seen_to_be_gone(
    client: LocalClient, service: FakeService
) -> None:
    """What it asked for need not be computed."""
    asking = asyncio.create_task(client.post("/oprf/v1/evaluate", data=b"x"))
    gone = await service.asked
    assert not gone()
    asking.cancel()
    await until(gone)
    service.go_on.set()


async def test_bytes_in_flight_are_bounded_over_all_callers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But for the first of each, which nobody can keep from it."""
    monkeypatch.setattr(peer_api, "IN_FLIGHT", 10)
    monkeypatch.setattr(peer_api, "IN_FLIGHT_OF_CALLER", 8)
    flight = peer_api.InFlight()
    await flight.enter("bank", 8)
    await flight.enter("police", 1)
    waits = asyncio.create_task(flight.enter("police", 2))
    await asyncio.sleep(0)
    assert not waits.done()
    await flight.enter("carrier", 100)
    await flight.leave("carrier", 100)
    await flight.leave("bank", 8)
    await asyncio.wait_for(waits, 20)


async def test_a_body_that_breaks_off_is_the_callers_fault(
    client: LocalClient,
) -> None:
    """What is no chunk is a 400, and no error of ours."""
    url = client.make_url("/poke")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        b"POST /poke HTTP/1.1\r\nHost: here\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
    )
    assert (await reader.readline()).split()[1] == b"400"
    writer.close()
