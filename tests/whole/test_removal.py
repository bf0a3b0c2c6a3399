"""A removed member is out at the next request, in both directions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from syncd.node.audit import checkup
from syncd.node.serve import status
from syncd.peer.client import PeerClient
from tests.alliance import Alliance, Gate, Member
from tests.cases import once, tried
from tests.refusals import refused, unavailable

PHONE = "+12025550123"
OTHERS = ("police", "bank", "carrier")


class Line(NamedTuple):
    """One TLS connection, kept alive, with nothing clever about it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, caller: Member, server: Member) -> "Line":
        pair = await asyncio.open_connection(
            *server.address, ssl=caller.tls_to(server), server_hostname="x"
        )
        return cls(*pair)

    async def ask(self, path: str) -> int:
        """Send a request and return the status."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await self.writer.drain()
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await self.reader.readexactly(int(line.split(b":")[1]))
        return int(head.split(b" ", 2)[1])

    async def close(self) -> None:
        """Close it; what the other end thinks of that does not matter."""
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@dataclass
class Before:
    """What was open when the platform was removed."""

    alliance: Alliance
    lines: dict[str, Line]
    in_flight: Line
    asking: "asyncio.Task[int]"
    finish: asyncio.Event
    client: PeerClient
    size: int  # of the police's log at that time


UNHEARD = {"", str(status.UNHEARD)}  # why logs have nothing new
PATHS = (
    "/heads",
    "/log/checkpoint",
    "/log/payload/000.p/1",
    "/roster",
    "/monitor/" + "0" * 64 + "/checkpoint",
    "/nowhere",
)


@once
async def before(root: Path) -> AsyncIterator[Before]:
    """The platform, busy in both directions, is removed."""
    # The bank is to hear of it late, and no time limit to do what that does.
    late = {"poke": False, "read_timeout_s": 60, "request_timeout_s": 60}
    async with Alliance.found(root, settings={"exchange": late}) as alliance:
        police, bank = alliance.police, alliance.bank
        platform = alliance.platform
        await platform.report("phone", PHONE)
        await police.fill(*range(300))
        await alliance.settle("police", "platform", receipts=False)
        await alliance.settle(receipts=False)
        await police.fill(*range(9))
        await alliance.settle("police", "platform", receipts=False)

        half, finish = asyncio.Event(), asyncio.Event()
        police.node.gate = slow(half, finish)
        held = contextlib.ExitStack()
        asked = held.enter_context(platform.holding("/payload/", "bank"))
        lines = {path: await Line.open(platform, police) for path in PATHS}
        for line in lines.values():
            assert await line.ask("/heads") == 200
        in_flight = await Line.open(platform, police)
        asking = asyncio.create_task(in_flight.ask("/log/payload/000"))
        await half.wait()
        client = bank.node.peers.get("platform")
        await client.heads("")
        await bank.node.logs.offer("platform", police.own.log.released())
        bank.node.pulls.begin(police.origin)
        await asked.wait()

        size = await police.size()
        assert (await alliance.remove("platform", at="police")).version == 3
        # Nor is it asked while the new roster is still being acted on.
        bank.node.home.trusted.update(alliance.notes[-1])
        with unavailable("roster has changed"):
            await client.heads("")
        await bank.node.rosters.moved(2)
        alliance.network.asked.clear()
        yield Before(alliance, lines, in_flight, asking, finish, client, size)
        held.close()
        for line in (*lines.values(), in_flight):
            await line.close()


def slow(half: asyncio.Event, finish: asyncio.Event) -> Gate:
    """Return a server that stops half-way through the platform's payload."""

    async def stand(
        request: web.Request, caller: str, handler: Handler
    ) -> web.StreamResponse:
        whole = await handler(request)
        if caller != "platform" or request.path != "/log/payload/000":
            return whole
        assert isinstance(whole, web.Response)
        assert isinstance(whole.body, bytes)
        answer = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        answer.content_length = len(whole.body)
        await answer.prepare(request)
        await answer.write(whole.body[:10])
        half.set()
        await finish.wait()
        await answer.write(whole.body[10:])
        return answer

    return stand


async def test_a_pull_under_way_leaves_it(before: Before) -> None:
    """What the bank was fetching from it comes from another member."""
    bank, police = before.alliance.bank, before.alliance.police
    async with asyncio.timeout(20):
        await before.alliance.bank.node.pulls.idle()
    assert (await bank.head(police.origin)).merged == before.size


@tried("path", PATHS)
async def test_a_kept_alive_connection_is_refused(
    before: Before, path: str
) -> None:
    """The pin is read on every request, and the connection then closed."""
    line = before.lines[path]
    assert await line.ask(path) == 403
    assert await line.reader.read() == b""


async def test_a_new_handshake_is_refused(before: Before) -> None:
    """Its certificate is no member's any more; no ticket could be."""
    alliance = before.alliance
    with pytest.raises(aiohttp.ClientConnectionError):
        await alliance.platform.ask(alliance.police, "GET", "/heads")


async def test_a_response_in_flight(before: Before) -> None:
    """What was begun may end; the next request is refused."""
    assert not before.asking.done()
    before.finish.set()
    assert await before.asking == 200
    assert await before.in_flight.ask("/log/payload/000") == 403


async def test_nobody_asks_it_any_more(before: Before) -> None:
    """The other direction: not even with a client from before."""
    alliance = before.alliance
    bank, platform = alliance.bank, alliance.platform
    with refused():
        bank.node.peers.get("platform")
    with unavailable():
        await before.client.heads("")
    await platform.fill(1)
    await bank.round()
    asked = {(one.client, one.server) for one in alliance.network.asked}
    assert ("bank", "platform") not in asked


async def test_the_others_hear_of_it_and_go_on(before: Before) -> None:
    """The carrier learns it from the others; all converge without it."""
    alliance = before.alliance
    await alliance.carrier.round()
    assert alliance.carrier.roster.version == 3
    await alliance.bank.report("phone", "+12025550199", urgent=True)
    await alliance.settle(*OTHERS)
    for name in OTHERS:  # the roster keeps what it said
        assert (
            await alliance.members[name].verdict("phone", PHONE) == "suspected"
        )


async def test_it_hears_of_nothing_new(before: Before) -> None:
    """It goes on with what it has, and neither breaks nor learns more."""
    alliance, platform = before.alliance, before.alliance.platform
    held = await platform.head(alliance.bank.origin)
    await platform.round()
    assert await platform.head(alliance.bank.origin) == held
    states = platform.node.peer_choice.states
    assert all(states[name].failures for name in OTHERS)
    seen = await platform.status()
    assert "3 members do not admit our certificate" in str(seen.todo[0])
    assert {str(log.why or "") for log in seen.logs} == UNHEARD
    assert seen.cut_off is not None
    assert {row.member: row.state for row in seen.members} == {
        "platform": "self",
        **dict.fromkeys(OTHERS, "failing"),
    }
    assert "does not admit our certificate" in str(seen.members[0].why)
    bank = await alliance.bank.status()
    assert {row.member: row.state for row in bank.members} == {
        "bank": "self",
        "police": "ok",
        "carrier": "ok",
        "platform": "removed",
    }
    assert not [line for line in bank.todo if str(line).startswith("peers")]
    assert str(status.UNHEARD) not in {str(log.why) for log in bank.logs}


async def test_its_doctor_says_so(before: Before) -> None:
    """A disconnect before any answer has a name, and a remedy."""
    seen = msgspec.to_builtins(await before.alliance.platform.status())
    rows = {row["member"]: row for row in seen["members"]}
    step = next(checkup.theirs(rows["bank"], seen))
    assert not step.ok
    assert "this peer does not admit our certificate" in str(step.found)
    assert "we were removed" in str(step.remedy)


async def test_a_key_that_is_not_pinned(before: Before) -> None:
    """The doctor says it of a name that leads to another machine."""
    police, bank = before.alliance.police, before.alliance.bank
    node = police.node
    known = node.ctx.roster.known(bank.id)
    elsewhere = msgspec.structs.replace(
        node.ctx.roster.known("carrier"), urls=known.urls
    )
    tls = node.peers.shown(), node.home.keys.tls_pem
    steps = await checkup.way(elsewhere, tls)
    assert [(s.step, s.ok) for s in steps][2:] == [
        *(("TLS", True), ("pin", False))
    ]
    assert "another key than the roster pins" in str(steps[-1].found)
    assert "call carrier" in str(steps[-1].remedy)
    nowhere = msgspec.structs.replace(elsewhere, urls=())
    assert await checkup.way(nowhere, tls) == []  # it calls us


async def test_its_removal_may_be_served_to_it(before: Before) -> None:
    """With the new roster it says that it was removed, and what to do."""
    platform = before.alliance.platform
    for raw in before.alliance.notes[2:]:
        await platform.node.rosters.publish(raw)
    seen = await platform.status()
    assert "does not list us as active (syncd roster show)" in str(
        seen.todo[0]
    )
    assert {str(log.why or "") for log in seen.logs} == UNHEARD


async def test_its_reports_may_be_annulled(before: Before) -> None:
    """A later roster may take back all that a removed member reported."""
    alliance = before.alliance
    await alliance.remove("platform", at="police", past="annul")
    for name in OTHERS:
        await alliance.members[name].round()
        assert await alliance.members[name].verdict("phone", PHONE) == "none"
