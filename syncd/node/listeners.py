"""Where the daemon listens: sockets, files and addresses."""

import socket
import ssl

import structlog
from aiohttp import web

from syncd.config import Address
from syncd.errors import UsageError
from syncd.web.runner import Runner

log = structlog.get_logger("syncd.node")


class Listeners:
    """The applications that are being served."""

    def __init__(self) -> None:
        self.runners: list[web.AppRunner] = []

    async def serve(
        self,
        app: web.Application,
        at: Address,
        given: socket.socket | None,
        name: str,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Serve an application.

        Raises:
            UsageError: the address is taken, or cannot be had.
        """
        runner = Runner(
            app,
            tls=tls,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=5,
            max_line_size=8190,
        )
        await runner.setup()
        self.runners.append(runner)
        try:
            await _site(runner, at, given).start()
        except OSError as e:
            raise UsageError(
                "{name} API: cannot listen on {at}: {why}",
                hint="is another syncd running? else change [{name}] listen in "
                "config.toml",
                name=name,
                at=at,
                why=e.strerror,
            ) from e
        if at.path and given is None:
            at.path.chmod(0o600)
        where = runner.addresses[0] if runner.addresses else at
        log.info("listening", api=name, at=str(where))

    async def close(self) -> None:
        """Finish what is being answered, and listen no more."""
        for runner in self.runners:
            await runner.cleanup()


def _site(
    runner: web.AppRunner,
    at: Address,
    given: socket.socket | None,
) -> web.BaseSite:
    if given is not None:
        return web.SockSite(runner, given)
    if at.path:
        # asyncio takes away a socket that was left there, and no file.
        return web.UnixSite(runner, str(at.path))
    return web.TCPSite(runner, at.host, at.port)
