"""A server leaves no connection open, and takes no more than it can bear."""

import asyncio
import contextlib
import gc
import gzip
import socket
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from syncd.pinning import ServerTls, client_context
from syncd.roster import certificate, keys
from syncd.web import runner as runners
from syncd.web.runner import Runner
from tests.alliance import until
from tests.cases import tried

HOST = "127.0.0.1"
HERE = keys.generate("here.example", "txwz", bytes, now=1_790_000_000)
CALLER = keys.generate("caller.example", "txwz", lambda n: b"c" * n, now=0)
TLS = client_context(
    CALLER.certificate, CALLER.tls_pem, certificate.pin(HERE.certificate)
)


async def _much(request: web.Request) -> web.Response:
    return web.Response(body=bytes(32 << 20))


async def _body(request: web.Request) -> web.Response:
    return web.Response(body=await runners.body_of(request, most=9))


class Slow(ServerTls):
    """Has to ask whom to admit, and the client's first words are there."""

    async def admit(self) -> None:
        await asyncio.sleep(0.05)
        self.update([CALLER.certificate])


async def opened(kind: type[ServerTls] = ServerTls) -> tuple[Runner, int]:
    """Start a server with TLS; return what runs it, and its port."""
    tls = kind(HERE.certificate, HERE.tls_pem)
    if kind is ServerTls:
        tls.update([CALLER.certificate])
    app = web.Application()
    app.router.add_get("/much", _much)
    app.router.add_post("/body", _body)
    runner = Runner(app, tls=tls, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    return runner, runner.addresses[0][1]


@tried("turns", range(6))
async def test_who_is_coming_in_leaves_no_socket_behind(turns: int) -> None:
    """Whatever turn of the loop stops it; pytest sees what is left."""
    runner, port = await opened()
    caller = socket.socket()
    caller.setblocking(False)
    loop = asyncio.get_running_loop()
    coming = loop.create_task(loop.sock_connect(caller, (HOST, port)))
    for _ in range(turns):
        await asyncio.sleep(0)
    await runner.cleanup()
    caller.close()
    await asyncio.gather(coming, return_exceptions=True)
    gc.collect()


def come_in(port: int) -> socket.socket:
    """Be answered over TLS; return the bare socket, which then is deaf."""
    with TLS.wrap_socket(
        socket.create_connection((HOST, port), 10), server_hostname=HOST
    ) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert caller.recv(1)
        return socket.socket(fileno=caller.detach())


async def test_a_handshake_waits_until_it_is_known_who_is_admitted() -> None:
    runner, port = await opened(Slow)
    (await asyncio.to_thread(come_in, port)).close()
    await runner.cleanup()


def read_all(caller: socket.socket) -> None:
    """Return when the other end is gone; it may go without a word.

    Raises:
        TimeoutError: it is not, in ten seconds.
    """
    caller.settimeout(10)
    with caller, contextlib.suppress(ConnectionError):
        while caller.recv(65_536):
            pass


async def test_who_says_no_goodbye_keeps_no_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor is it waited for as long as asyncio would: half a minute."""
    monkeypatch.setattr("syncd.web.runner.GOODBYE_S", 0.1)
    runner, port = await opened()
    caller = await asyncio.to_thread(come_in, port)
    await runner.cleanup()
    await asyncio.to_thread(read_all, caller)
    gc.collect()


async def test_who_was_shaking_hands_is_sent_away() -> None:
    """Else it were kept until its silence is noticed, seconds later."""
    runner, port = await opened()
    reader, writer = await asyncio.open_connection(HOST, port)
    await count(runner, handshakes=1)
    await runner.cleanup()
    assert await ended(reader)
    writer.close()


# ------------------------------------------------------- what one may cost


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runner]:
    monkeypatch.setattr(runners, "LINGERING_S", 0.05)
    runner, _ = await opened()
    yield runner
    await runner.cleanup()


@pytest.fixture
def port(server: Runner) -> int:
    return int(server.addresses[0][1])


async def count(server: Runner, handshakes: int = 0, here: int = 0) -> None:
    """Wait until so many shake hands, and so many have."""
    of: Any = server.server
    await until(
        lambda: (len(of.handshakes), len(of.here)) == (handshakes, here)
    )


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def silent(port: int, most: int) -> list[Ends]:
    """Open so many connections and send nothing."""
    return [await asyncio.open_connection(HOST, port) for _ in range(most)]


async def let_in(port: int) -> Ends:
    """Connect as the caller that the server knows."""
    return await asyncio.open_connection(HOST, port, ssl=TLS)


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait until the other end closes, at most ten seconds."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while await reader.read(65_536):
                pass
    return True


def open_among(ends: list[Ends]) -> list[bool]:
    return [not (r.at_eof() or r.exception()) for r, _ in ends]


async def close(*ends: Ends) -> None:
    for _, writer in ends:
        writer.transport.abort()
    await asyncio.sleep(0)


@tried("of", ["HANDSHAKES", "HANDSHAKES_OF_ADDRESS"])
async def test_the_longest_silent_gives_way(
    port: int, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    """So many shake hands at once; who has just come is served all the same."""
    monkeypatch.setattr(runners, of, 3)
    ends = await silent(port, 5)
    await asyncio.gather(*(ended(reader) for reader, _ in ends[:2]))
    assert open_among(ends) == [False, False, True, True, True]
    await close(await let_in(port), *ends)


async def test_one_address_begins_so_many_handshakes_a_second(
    server: Runner, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs a millisecond of the one loop, whoever it is."""
    monkeypatch.setattr(runners, "HANDSHAKES_A_SECOND", 2)
    monkeypatch.setattr(runners, "HANDSHAKE_S", 60)
    loop = asyncio.get_running_loop()
    began = int(loop.time())
    ends = await silent(port, 40)
    left: Any = server.server
    await until(lambda: sum(open_among(ends)) == len(left.handshakes))
    assert len(left.handshakes) <= 2 * (int(loop.time()) + 1 - began)
    await close(*ends)


async def test_a_handshake_has_its_time(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends nothing is sent away."""
    monkeypatch.setattr(runners, "HANDSHAKE_S", 0.05)
    ends = await silent(port, 1)
    assert await ended(ends[0][0])
    await close(*ends)


@tried("say", [b"", b"GET / HTTP/1.1\r\nHost: he"])
async def test_who_is_let_in_has_to_ask(
    port: int, monkeypatch: pytest.MonkeyPatch, say: bytes
) -> None:
    """The head of the first request has its time as well."""
    monkeypatch.setattr(runners, "FIRST_S", 0.05)
    ends = await let_in(port)
    ends[1].write(say)
    assert await ended(ends[0])
    await close(ends)


async def test_one_pin_has_so_many_connections(
    server: Runner, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more is closed; when one has gone, another is let in."""
    monkeypatch.setattr(runners, "CONNECTIONS_OF_PIN", 2)
    kept = [await let_in(port) for _ in range(2)]
    one_more = await let_in(port)
    assert await ended(one_more[0])
    assert open_among(kept) == [True, True]
    await close(kept.pop())
    await count(server, here=1)
    kept.append(await let_in(port))
    await count(server, here=2)
    assert open_among(kept) == [True, True]
    await close(one_more, *kept)


async def answered(port: int, body: bytes, status: bytes) -> None:
    """Send a body behind what its head says of it; then it is over."""
    reader, writer = await let_in(port)
    writer.write(b"POST /body HTTP/1.1\r\nHost: here\r\n" + body)
    assert (await reader.readline()).split()[1] == status
    assert await ended(reader)
    await close((reader, writer))


async def test_a_body_has_its_time(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a body is a 408, and the end of its connection."""
    monkeypatch.setattr(runners, "BODY_S", 0.05)
    await answered(port, b"Content-Length: 9\r\n\r\nhalf", b"408")


@tried(
    "body",
    [
        b"Content-Length: 10\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
    ],
)
async def test_a_body_above_its_routes_limit(port: int, body: bytes) -> None:
    """Whether or not its head says how long it is."""
    await answered(port, b"Connection: close\r\n" + body, b"413")


@tried("body", [b"garbage", gzip.compress(b"note", mtime=0)])
async def test_a_body_comes_as_it_is(
    port: int, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    """Nobody of ours compresses one; it is refused, and nothing is logged."""
    head = b"Connection: close\r\nContent-Encoding: gzip\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    await answered(port, head + length + body, b"415")
    assert caplog.text == ""


async def test_who_does_not_read_is_cut_off(
    server: Runner, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was to be sent does not stay in memory."""
    monkeypatch.setattr(runners, "STALLED_S", 0.05)
    reader, writer = await let_in(port)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await count(server, here=1)
    writer.write(b"GET /much HTTP/1.1\r\nHost: here\r\n\r\n")
    await count(server)
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    got = 0
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while more := await reader.read(1 << 20):
            got += len(more)
    assert got < 32 << 20
    await close((reader, writer))


def tls_ends() -> list[SSLProtocol]:
    return [o for o in gc.get_objects() if isinstance(o, SSLProtocol)]


async def test_a_connection_that_is_over_waits_for_no_collector(
    server: Runner, port: int
) -> None:
    """TLS keeps 256 kB for each: they would add up to gigabytes."""
    gc.collect()
    gc.disable()
    before = {id(one) for one in tls_ends()}  # those of other tests
    try:
        ends = [*await silent(port, 5), await let_in(port)]
        await count(server, handshakes=5, here=1)
        await close(*ends)
        ends.clear()
        await until(lambda: {*map(id, tls_ends())} <= before)
    finally:
        gc.enable()
