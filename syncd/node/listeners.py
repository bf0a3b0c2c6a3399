"""Where the daemon listens: sockets, files and addresses; and who calls there."""

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from syncd.config import Address, Config
from syncd.errors import DamagedError, UsageError
from syncd.indicator import statement
from syncd.pinning import ServerTls
from syncd.store.bearer import Bearers
from syncd.web import local_api
from syncd.web.routes import Caller
from syncd.web.runner import Runner

log = structlog.get_logger("syncd.node")


def limits(config: Config) -> local_api.Limits:
    """Return what the local API takes from whom, by its settings."""
    own, console = config.own, config.console
    listens = (own.listen, own.tls_listen, console.tls_listen)
    names = (
        *own.hosts,
        *(at.host for at in listens),
        urlsplit(console.url).hostname,
    )
    hosts = {(name or "").lower() for name in names}
    hosts -= {"", "0.0.0.0", "::"}  # noqa: S104
    return local_api.Limits(frozenset(hosts), own.max_request_bytes)


def listening(at: Address, name: str, n: int = 1) -> list[list[socket.socket]]:
    """Return listening sockets for each of n processes.

    Each has sockets of its own, between which the system shares out who
    connects: of one socket the process that wakes first takes nearly all. A
    path is one socket only, which all of them get.

    Raises:
        UsageError: the address is taken, or cannot be had.
    """
    try:
        if at.path:
            if at.path.is_socket():
                at.path.unlink()
            made = socket.create_server(str(at.path), family=socket.AF_UNIX)
            at.path.chmod(0o600)
            return [[made]] * n
        found = socket.getaddrinfo(
            at.host or None,
            at.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
        free = []
        for family, *_, where in found:  # nor may another share it with us
            with socket.create_server(where, family=family) as tried:
                free.append((family, tried.getsockname()))
        return [
            [
                socket.create_server(where, family=family, reuse_port=n > 1)
                for family, where in free
            ]
            for _ in range(n)
        ]
    except OSError as e:
        raise UsageError(
            "{name} API: cannot listen on {at}: {why}",
            name=name,
            at=at,
            why=e.strerror or e,
        ) from e


class Listeners:
    """The applications that are being served."""

    def __init__(self) -> None:
        self.runners = list[web.AppRunner]()

    async def serve(
        self,
        app: web.Application,
        sockets: Sequence[socket.socket],
        name: str,
        tls: ServerTls | None = None,
    ) -> None:
        """Serve an application on listening sockets."""
        runner = Runner(app, tls=tls, access_log=None, shutdown_timeout=5)
        await runner.setup()
        self.runners.append(runner)
        for sock in sockets:
            await web.SockSite(runner, sock).start()
        log.info("listening", api=name, at=str(sockets[0].getsockname()))

    async def close(self) -> None:
        """Finish what is being answered, and listen no more."""
        for runner in self.runners:
            await runner.cleanup()


# ------------------------------------------------------ who calls there


async def whose(bearers: Bearers, bearer: str) -> Caller | str:
    """Return whose token that is; else the day (UTC) of its end, or ""."""
    if found := await bearers.check(bearer):
        return Caller.of(found)
    at = await bearers.revoked_at(bearer)
    return "" if at is None else statement.day_text(at // 86_400)


class LocalTls(ServerTls):
    """Admits whose certificate stands for a token just now.

    They are read before each handshake: whoever was added, by whatever
    process, is admitted to the next connection.
    """

    def __init__(self, shown: bytes, key_pem: bytes, bearers: Bearers) -> None:
        """Admit nobody yet.

        Raises:
            UsageError: certificate and key do not go together.
        """
        try:
            super().__init__(shown, key_pem)
        except DamagedError as e:
            raise UsageError(
                "[own] tls_certificate, tls_key: {why}", why=e
            ) from e
        self._bearers = bearers
        self._known = frozenset[bytes]()

    async def admit(self) -> None:
        """Learn whose certificates these are."""
        found = await self._bearers.certificates()
        if found != self._known:
            for pin in self.update(found):
                log.error("certificate is of no use to OpenSSL", pin=pin)
            self._known = found
