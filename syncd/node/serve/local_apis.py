"""The local API and the console, opened where the settings say."""

import socket
from collections.abc import Sequence
from functools import partial

from aiohttp import web

from syncd import config as settings
from syncd import pinning
from syncd.console.app import Console
from syncd.node.context import Context, part
from syncd.node.listeners import Listeners, limits, listening
from syncd.node.serve.callers import whose
from syncd.node.serve.local_workers import LocalWorkers
from syncd.web import local_api


@part
class LocalApis:
    """What our own systems and people reach."""

    ctx: Context
    local_workers: LocalWorkers
    listeners: Listeners
    services: Sequence[object]  # that have its routes

    async def open(self, given: socket.socket | None) -> None:
        """Listen to them, or have workers do it.

        Raises:
            UsageError: an address is taken, or cannot be had.
        """
        config = self.ctx.config
        app = local_api.app(
            partial(whose, self.ctx.own.bearers),
            self.services,
            limits(config),
            relayed=config.own.workers > 0,
        )
        if config.console.enabled:
            await self._open_console(app)
        await self.local_workers.serve(app, given)

    async def _open_console(self, app: web.Application) -> None:
        """Show pages at the local API's address, and alone over TLS."""
        ctx, config = self.ctx, self.ctx.config
        ctx.own.sessions.idle_s = config.console.idle_s
        console = Console(
            member=config.member.id,
            region=config.member.region,
            own=config.console,
            bearers=ctx.own.bearers,
            sessions=ctx.own.sessions,
            services=self.services,
            zone=lambda: ctx.roster.zone,
            clock=ctx.now,
        )
        console.mount(app)
        at = config.console.tls_listen
        if files := settings.tls_files(config.own, at):
            [sockets] = listening(at, "console")
            tls = pinning.OpenTls(*files)
            await self.listeners.serve(
                console.alone(limits(config)), sockets, "console", tls
            )
