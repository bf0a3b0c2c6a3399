"""An aiohttp runner whose own errors are problems (RFC 9457) too.

What is no HTTP at all never reaches a middleware: aiohttp answers it itself,
in plain text, and logs it with what came in. Here it is one problem, and the
log holds nothing that a stranger sent.
"""

import asyncio
import logging
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from syncd.web import problem

log = logging.getLogger("syncd.web")

GOODBYE_S = 1.0  # for what is being sent, and for TLS's close_notify


class _Connection(RequestHandler):
    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless the server stopped during the handshake."""
        super().connection_made(transport)
        server = cast(_Server, self._manager)
        server.here[self] = cast(asyncio.Transport, transport)
        if server.shut:
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        if self._manager is not None:
            cast(_Server, self._manager).here.pop(self, None)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        log.warning("not a request: %s", type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        fault = (
            problem.plain(status, "internal error; the log says more")
            if status >= 500
            else problem.plain(status, "not a request that HTTP/1.1 knows")
        )
        answer = problem.response(fault)
        answer.force_close()
        return answer


class _Server(web.Server):
    def __init__(self, *rest: Any, **named: Any) -> None:
        super().__init__(*rest, **named)
        self.shut = False
        self.here: dict[_Connection, asyncio.Transport] = {}

    def pre_shutdown(self) -> None:
        self.shut = True
        super().pre_shutdown()

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application; use like `web.AppRunner`."""

    async def cleanup(self) -> None:
        """Stop listening, and abort connections that ignore close_notify.

        asyncio accepts a socket one turn before it makes its transport, and
        forgets those that it finds the server closed for: they would stay
        open. And it waits 30 s for a peer's close_notify.
        """
        loop = asyncio.get_running_loop()
        for site in self.sites:
            for listening in getattr(site._server, "sockets", ()):
                loop.remove_reader(listening.fileno())
        await asyncio.sleep(0)
        server = cast(_Server | None, self.server)
        await super().cleanup()
        here = server.here if server else {}
        until = loop.time() + GOODBYE_S
        while here and loop.time() < until:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.005)
        for transport in [*here.values()]:
            transport.abort()
        await asyncio.sleep(0)  # then it is closed

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            **made._kwargs,
        )
