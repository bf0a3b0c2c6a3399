"""A hostile peer's answer is an error of ours, never of the interpreter's."""

import asyncio
import base64
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from syncd.errors import (
    AbsentError,
    BrokenSourceError,
    QuotaError,
    RefusedError,
    UnavailableError,
)
from syncd.peer import client
from syncd.peer.client import PeerClient
from syncd.peer.transport import CONCURRENT, Wanted
from syncd.pinning import ServerTls
from tests.cases import tried
from tests.refusals import broken, over_quota, unavailable
from tests.web.test_runner import CALLER, HERE, TLS


class Addresses(PeerClient):
    """A client of a member with two addresses, each with an answer."""

    now = 0.0

    def __init__(
        self,
        *answers: bytes | Exception | None,
        listed: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(
            "bank",
            [f"https://api{n}.example" for n in range(len(answers))],
            tls=ssl.create_default_context(),
            own_origins=frozenset(),
            listed=listed,
        )
        self.answers = answers
        self.asked: list[int] = []

    async def _once(self, url: str, wanted: Wanted) -> bytes:
        n = int(url.removeprefix("https://api")[0])
        self.asked.append(n)
        answer = self.answers[n]
        while answer is None:  # it hangs, and time goes on
            self.now += 0.01
            await asyncio.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        return answer or b""


def deaf(server: socket.socket, answer: bytes) -> socket.socket:
    """Answer one request, and be deaf from then on; return what is left."""
    tls = ServerTls(HERE.certificate, HERE.tls_pem)
    tls.update([CALLER.certificate])
    caller = tls.context.wrap_socket(server.accept()[0], server_side=True)
    caller.recv(4096)
    caller.sendall(answer)
    left = socket.socket(fileno=caller.detach())
    left.settimeout(10)
    return left


def until_its_end(left: socket.socket) -> None:
    with left, contextlib.suppress(ConnectionResetError):
        while left.recv(4096):
            pass


@contextlib.asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[PeerClient]:
    """Yield a client of one who answers once; its socket ends with it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = PeerClient(
            "here",
            [f"https://127.0.0.1:{server.getsockname()[1]}"],
            tls=TLS,
            own_origins=frozenset(),
            idle_s=0.1,
        )
        left = asyncio.create_task(asyncio.to_thread(deaf, server, answer))
        yield peer
        await peer.close()
        await asyncio.to_thread(until_its_end, await left)


async def passed_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """A proxy that knows one user, and reads nothing of what it passes on."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    host, port = head.split()[1].split(":")
    if "Basic c3luY2Q6c0BjcmV0" in head:  # syncd:s@cret
        there, on = await asyncio.open_connection(host, port)
        writer.write(b"HTTP/1.1 200 Go\r\n\r\n")
        ways = ((reader, on), (there, writer))
        await asyncio.gather(*(pumped(*way) for way in ways))
    else:
        writer.write(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
        writer.close()


async def pumped(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(OSError):
        while some := await reader.read(4096):
            writer.write(some)
    writer.close()


async def test_through_a_proxy_that_asks_for_a_password() -> None:
    """The pin holds through it; refused, it is in no message."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
    proxy = await asyncio.start_server(passed_on, "127.0.0.1", 0)
    at = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    async with proxy, answering(answer) as peer:
        for user, answers in (
            (b"syncd:wr0ng", False),
            (b"syncd:s@cret", True),
        ):
            secret = base64.b64encode(user).decode()
            header = {"Proxy-Authorization": f"Basic {secret}"}
            peer.proxy = {"proxy": f"http://{at}", "proxy_headers": header}
            if answers:
                assert await peer.evaluate(b"", 5) == b"yes"
                continue
            with unavailable("407") as no:
                await peer.evaluate(b"", 5)
            assert secret not in str(no.value)


@tried(
    "header, seconds, left",
    [
        ("Retry-After: 7", 7, 0),
        ("Retry-After: ", 60, 0),
        ("Retry-After: soon", 60, 0),
        ("Retry-After: -1", 60, 0),
        ("Retry-After: " + "9" * 5000, 999_999_999, 0),
        ("Quota-Left: 67", 60, 67),
        ("Quota-Left: -1", 60, 0),
        ("Quota-Left: " + "9" * 5000, 60, 999_999_999),
    ],
    ids=lambda c: str(c)[:20],
)
async def test_when_to_come_back_and_what_is_left(
    header: str, seconds: int, left: int
) -> None:
    """Read whatever stands there, thousands of digits too."""
    answer = f"HTTP/1.1 429 No\r\nContent-Length: 0\r\n{header}\r\n\r\n"
    async with answering(answer.encode()) as peer:
        with over_quota() as refused:
            await peer.evaluate(b"", 5)
    assert (refused.value.retry_after_s, refused.value.left) == (seconds, left)


@tried(
    "why",
    [
        UnavailableError("bank: answered 503"),
        aiohttp.ClientConnectionError("refused"),
        OSError("no route"),
    ],
)
async def test_the_second_address(why: Exception) -> None:
    """It is asked where the first is of no use, and first from then on."""
    addresses = Addresses(why, b"yes")
    assert await addresses.evaluate(b"", 1) == b"yes"
    assert await addresses.evaluate(b"", 1) == b"yes"
    assert addresses.asked == [0, 1, 1]


@tried(
    "answer",
    [
        AbsentError("bank: has no such thing"),
        BrokenSourceError("bank: answers HTML"),
        RefusedError("bank: answered 422"),
        QuotaError("bank: quota used up", retry_after_s=1),
    ],
)
async def test_an_answer_is_an_answer(answer: Exception) -> None:
    """What the member itself says is not asked of it again."""
    addresses = Addresses(answer, b"yes")
    with pytest.raises(type(answer)):
        await addresses.evaluate(b"", 1)
    assert addresses.asked == [0]


async def test_what_the_library_chokes_on() -> None:
    """A ValueError below us is that source's fault, and ends there."""
    with broken():
        await Addresses(ValueError("a header"), b"yes").heads("")


async def test_all_addresses_together_have_the_time_of_a_look_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that hangs leaves the others theirs, and all end in time."""
    one, all_ = Addresses(None, b"yes"), Addresses(*[None] * 9)
    monkeypatch.setattr(time, "monotonic", lambda: one.now + all_.now)
    assert await one.evaluate(b"", 0.2) == b"yes"
    with unavailable("no answer in time"):
        await all_.evaluate(b"", 0.9)
    assert all_.asked == [*range(9)]
    assert all_.now < 1  # each for itself: 8.1


async def test_no_address_answers() -> None:
    """The last one's reason is told, and all are asked again."""
    addresses = Addresses(
        OSError("down"), UnavailableError("bank: answered 503")
    )
    for _ in range(2):
        with unavailable("503"):
            await addresses.evaluate(b"", 1)
    assert addresses.asked == [0, 1, 0, 1]


async def test_who_is_not_listed_is_not_asked() -> None:
    """The roster is looked at before every request."""
    listed = True
    addresses = Addresses(b"yes", listed=lambda: listed)
    assert await addresses.evaluate(b"", 1) == b"yes"
    listed = False
    with unavailable("roster has changed"):
        await addresses.evaluate(b"", 1)
    assert addresses.asked == [0]


class Turned(PeerClient):
    """A client whose first request fails as soon as it is closed."""

    tries = 0

    async def _once(self, url: str, wanted: Wanted) -> bytes:
        self.tries += 1
        if self.tries == 1:
            await self.close()
            raise aiohttp.ServerDisconnectedError
        return await super()._once(url, wanted)


async def test_who_is_closed_opens_nothing_any_more() -> None:
    """Nor to show its other certificate: nobody would close that again."""
    other = ssl.create_default_context()
    turned = Turned(
        "bank",
        ["https://127.0.0.1:1"],
        tls=ssl.create_default_context(),
        tls_next=lambda: other,
        own_origins=frozenset(),
    )
    with unavailable("roster has changed"):
        await turned.heads("")


@tried(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["none", "half", "the last"],
)
async def test_who_says_no_goodbye_keeps_no_socket(answer: bytes) -> None:
    """TLS would wait for it for half a minute, after all is closed."""
    async with answering(answer) as peer:
        with unavailable():
            await peer.heads("")


async def test_what_no_calendar_has_is_no_window() -> None:
    """It would stop whoever shows it."""
    rest = b'"cursor":"","notes":[],"receipts":[],"roster":{"hash":"","version":0}'
    raw = b'{"away":[0,%d],%b,"time":0}'
    assert (await Addresses(raw % (9, rest)).heads("")).away == (0, 9)
    with broken("another shape"):
        await Addresses(raw % (2**60, rest)).heads("")


class Heavy(Addresses):
    """A client of a member whose bundles are as long as they may be."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.held = self.most = 0

    async def _once(self, url: str, wanted: Wanted) -> bytes:
        mine = 0
        try:
            for _ in range(20):
                await asyncio.sleep(0)
                self.held += 1 << 20
                mine += 1 << 20
                self.most = max(self.most, self.held)
                wanted.read(1 << 20)
        except AbsentError:
            self.held -= mine
            raise
        return wanted.path.encode()


async def test_bundles_together_are_bounded_while_they_come() -> None:
    """However long they are, some come, in order; the rest is asked again."""
    peer = Heavy()
    wanted = [f"payload/{n:03}" for n in range(16)]
    got = await peer.files("log", wanted)
    assert 1 <= len(got) < 4
    assert peer.most <= client.MAX_TOGETHER + (CONCURRENT << 20)
    assert got[0].endswith(b"/000")
    peer.held = 0
    rest = await peer.files("log", wanted[len(got) :])
    assert rest[0].endswith(b"/%03d" % len(got))


async def test_what_files_took_too_long_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That alone; also of what fails."""
    cost: list[float] = []
    peer = Addresses(b"tile")
    peer.slow = cost.append
    await peer.files("log", ["tile/0/000"])
    assert not cost
    monkeypatch.setattr(client, "ALLOWED_S", -1.0)
    peer.answers = (UnavailableError("gone"),)
    with unavailable():
        await peer.files("log", ["tile/0/000"])
    assert len(cost) == 1
