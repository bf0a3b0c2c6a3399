"""An aiohttp runner that bounds connections, and words its own errors.

What a connection costs before anybody knows whose it is, is bounded here:
handshakes in number, by address and in time; then connections by pin, and
how long each may send nothing, or read nothing.

What is no HTTP at all never reaches a middleware: aiohttp answers it itself,
in plain text, and logs it with what came in. Here it is one problem
(RFC 9457), and the log holds nothing that a stranger sent.
"""

import asyncio
import io
import logging
from asyncio import (
    BaseTransport,
    TimerHandle,
    Transport,
    get_running_loop,
    sleep,
)
from collections import Counter
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.web import Request, Response, StreamResponse
from aiohttp.web_protocol import RequestHandler

from syncd import pinning
from syncd.errors import SyncdError
from syncd.pinning import ServerTls
from syncd.web import problem

log = logging.getLogger("syncd.web")

GOODBYE_S = 1.0  # for what is being sent, and for TLS's close_notify
HANDSHAKES = 256  # at once; asyncio's TLS takes 300 kB for each
HANDSHAKES_OF_ADDRESS = 64  # at once; members may share an address
HANDSHAKES_A_SECOND = 100  # of an address: each takes a millisecond of CPU
CONNECTIONS = 1024  # at once
CONNECTIONS_OF_PIN = 128  # at once; a client of ours opens 16
HANDSHAKE_S = 5.0
FIRST_S = 10.0  # from the handshake to the end of the first request's head
KEEPALIVE_S = 75.0  # between two requests
BODY_S = 30.0  # for a request's body
PIECE = 1 << 16  # bytes that are written at once
LINGERING_S = 2.0  # in which the rest of a refused body is thrown away
STALLED_S = 30.0  # in which a reader takes nothing of what it is sent


async def body_of(request: Request, most: int = 0) -> bytes:
    """Return a request's body, which has come in time and as it is.

    Raises:
        HTTPRequestTimeout, HTTPUnsupportedMediaType: it has not.
        HTTPRequestEntityTooLarge: it has over `most` bytes, if that is set.
    """
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
        raise web.HTTPUnsupportedMediaType(text="send bodies as they are\n")
    if most and (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(most, request.content_length or 0)
    try:
        async with asyncio.timeout(BODY_S):
            body = await request.read()
    except TimeoutError:
        late = web.HTTPRequestTimeout(text="the body is too slow\n")
        late.force_close()
        raise late from None
    if most and len(body) > most:  # sent in chunks
        raise web.HTTPRequestEntityTooLarge(most, len(body))
    return body


def paced(answer: StreamResponse) -> None:
    """Have a long body be written in pieces, as fast as they are read.

    Written whole, all of it were in asyncio's buffers at once, and nobody
    would see that it is not read.
    """
    if isinstance(answer, Response):
        body = answer.body
        if isinstance(body, bytes) and len(body) > PIECE:
            answer.body = io.BytesIO(body)  # shares the bytes


class _Handshake(asyncio.Protocol):
    """A connection that has come in and is nobody's yet."""

    def __init__(self, server: "_Server", tls: ServerTls) -> None:
        self._server, self._tls = server, tls
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Shake hands, if there is room; the longest silent gives way."""
        raw = cast(Transport, transport)
        if self._server.makes_room(raw):
            loop = get_running_loop()
            self._task = loop.create_task(self._shake(raw))
        else:
            raw.abort()

    async def _shake(self, raw: Transport) -> None:
        server, loop = self._server, get_running_loop()
        raw.pause_reading()  # what it says first is for TLS
        connection = server.connection()
        tls: Transport | None = None
        try:
            await self._tls.admit()
            if raw.is_closing():  # it gave way before this had begun
                return
            tls = await loop.start_tls(
                raw,
                connection,
                self._tls.context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=HANDSHAKE_S,
            )
        except (OSError, SyncdError) as e:
            # Its frames hold the connection, and it is held by them: so much
            # memory would wait for the collector, which is seldom.
            e.with_traceback(None)
        finally:
            server.handshakes.pop(raw, None)
            if tls is None or server.shut:
                raw.abort()
        if tls is not None and not raw.is_closing():
            connection.connection_made(tls)


class _Connection(RequestHandler):
    __slots__ = ("_late", "_pin", "_stalled")

    _pin: str | None
    _late: TimerHandle
    _stalled: TimerHandle  # the same, until its reader stalls

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin, unless the server stopped, or this is one too many."""
        super().connection_made(transport)
        server = cast(_Server, self._manager)
        mine = cast(Transport, transport)
        server.here[self] = mine
        self._pin = pinning.peer_pin(mine.get_extra_info("ssl_object"))
        server.pins[self._pin] += 1
        mine.set_write_buffer_limits(2 * PIECE)
        # All newcomers together count as one; who needs no pin, not at all.
        known = self._pin or (server.tls and server.tls.strangers)
        late = self._loop.call_later(FIRST_S, self._unless_asked)
        self._late = self._stalled = late
        if (
            server.shut
            or len(server.here) > CONNECTIONS
            or (known and server.pins[self._pin] > CONNECTIONS_OF_PIN)
        ):
            mine.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        server = cast(_Server | None, self._manager)
        if server is not None and self in server.here:
            del server.here[self]
            server.pins[self._pin] -= 1
            server.pins += Counter()  # keeps what is above zero
            self._late.cancel()
            self._stalled.cancel()
        super().connection_lost(exc)

    async def finish_response(
        self,
        request: web.BaseRequest,
        resp: StreamResponse,
        start_time: float | None,
    ) -> tuple[StreamResponse, bool]:
        paced(resp)
        return await super().finish_response(request, resp, start_time)

    def pause_writing(self) -> None:
        """Wait for the reader, but not for long."""
        super().pause_writing()
        self._stalled = self._loop.call_later(STALLED_S, self._abort)

    def resume_writing(self) -> None:
        self._stalled.cancel()
        super().resume_writing()

    def _unless_asked(self) -> None:
        if not self._request_count:
            self._abort()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        log.warning("not a request: %s", type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        answer = problem.plain(
            status,
            "internal error; the log says more"
            if status >= 500
            else "not a request that HTTP/1.1 knows",
        )
        answer.force_close()
        return answer


class _Server(web.Server):
    def __init__(self, *rest: Any, tls: ServerTls | None, **more: Any) -> None:
        super().__init__(*rest, **more)
        self.tls = tls
        self.shut = False
        self.here = dict[_Connection, Transport]()
        self.pins = Counter[str | None]()
        self.handshakes = dict[Transport, str]()  # with addresses
        self._begun = Counter[str]()  # handshakes of each in this second
        self._second = 0

    def makes_room(self, raw: Transport) -> bool:
        """Count a handshake that is to begin; tell whether it may."""
        (address, *_) = raw.get_extra_info("peername") or ("",)
        second = int(self._loop.time())
        if second != self._second:
            self._begun.clear()
            self._second = second
        self._begun[address] += 1
        if self.shut or self._begun[address] > HANDSHAKES_A_SECOND:
            return False
        same = [t for t, a in self.handshakes.items() if a == address]
        crowd = same if len(same) >= HANDSHAKES_OF_ADDRESS else ()
        if not crowd and len(self.handshakes) >= HANDSHAKES:
            crowd = [*self.handshakes]
        for oldest in crowd[:1]:
            del self.handshakes[oldest]
            oldest.abort()
        self.handshakes[raw] = address
        return True

    def pre_shutdown(self) -> None:
        self.shut = True
        super().pre_shutdown()

    def connection(self) -> _Connection:
        return _Connection(self, loop=self._loop, **self._kwargs)

    def __call__(self) -> Any:
        if self.tls:
            return _Handshake(self, self.tls)
        return self.connection()


class Runner(web.AppRunner):
    """Runs an application; use like `web.AppRunner`, but for TLS.

    Its sites are given no context: `tls` is for all of them.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        tls: ServerTls | None = None,
        **more: Any,
    ) -> None:
        """Run nothing yet."""
        super().__init__(
            app,
            keepalive_timeout=KEEPALIVE_S,
            lingering_time=LINGERING_S,
            auto_decompress=False,  # else a bad one is a traceback in the log
            **more,
        )
        self._tls = tls

    async def cleanup(self) -> None:
        """Stop listening, and abort connections that ignore close_notify.

        asyncio accepts a socket one turn before it makes its transport, and
        forgets those that it finds the server closed for: they would stay
        open. And it waits 30 s for a peer's close_notify.
        """
        loop = get_running_loop()
        for site in self.sites:
            for listening in getattr(site._server, "sockets", ()):
                loop.remove_reader(listening.fileno())
        await sleep(0)
        server = cast(_Server | None, self.server)
        await super().cleanup()
        here = server.here if server else {}
        for raw in [*server.handshakes] if server else ():
            raw.abort()
        until = loop.time() + GOODBYE_S
        while here and loop.time() < until:  # noqa: ASYNC110  nobody tells
            await sleep(0.005)
        for transport in [*here.values()]:
            transport.abort()
        await sleep(0)  # then it is closed

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler,
            request_factory=made.request_factory,
            loop=get_running_loop(),
            tls=self._tls,
            **made._kwargs,
        )
