"""Notify systemd: ready, alive, stopping (sd_notify)."""

import asyncio

import sdnotify

from syncd.config import Environment


class Service:
    """Speaks to systemd, or to nobody where there is none."""

    def __init__(self, environment: Environment) -> None:
        self._every_s = environment.watchdog_s / 2
        self._notifier = sdnotify.SystemdNotifier()

    def ready(self) -> None:
        """Say that both APIs are served."""
        self._notifier.notify("READY=1")

    def stopping(self) -> None:
        """Say that we are about to end."""
        self._notifier.notify("STOPPING=1")

    async def watch(self) -> None:
        """Say that the loop still turns, as often as asked to."""
        while self._every_s:
            self._notifier.notify("WATCHDOG=1")
            await asyncio.sleep(self._every_s)
