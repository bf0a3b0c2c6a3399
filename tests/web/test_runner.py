"""A server that stops leaves no connection open."""

import asyncio
import contextlib
import gc
import socket

import pytest
from aiohttp import web

from syncd.pinning import ServerTls, client_context
from syncd.roster import certificate, keys
from syncd.web.runner import Runner

HOST = "127.0.0.1"
HERE = keys.generate("here.example", "txwz", bytes, now=1_790_000_000)
CALLER = keys.generate("caller.example", "txwz", lambda n: b"c" * n, now=0)


async def opened() -> tuple[Runner, int]:
    """Start a server with TLS; return what runs it, and its port."""
    tls = ServerTls(HERE.certificate, HERE.tls_pem)
    tls.update([CALLER.certificate])
    runner = Runner(web.Application(), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, ssl_context=tls.context).start()
    return runner, runner.addresses[0][1]


@pytest.mark.parametrize("turns", range(6))
async def test_who_is_just_coming_in_leaves_no_socket_behind(
    turns: int,
) -> None:
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
    pin = certificate.pin(HERE.certificate)
    tls = client_context(CALLER.certificate, CALLER.tls_pem, pin)
    with tls.wrap_socket(
        socket.create_connection((HOST, port), 10), server_hostname=HOST
    ) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert caller.recv(1)
        return socket.socket(fileno=caller.detach())


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
    """Else it were kept until its silence is noticed, a minute later."""
    runner, port = await opened()
    reader, writer = await asyncio.open_connection(HOST, port)
    await asyncio.sleep(0.05)  # let in, and expected to begin
    await runner.cleanup()
    pin = certificate.pin(HERE.certificate)
    tls = client_context(CALLER.certificate, CALLER.tls_pem, pin)
    await writer.start_tls(tls)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
