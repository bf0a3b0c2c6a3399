"""The service behind `/v1/system`: the daemon itself, and who may come in."""

import asyncio
import platform
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from syncd.config import Config, Target
from syncd.config.settings import SETTINGS
from syncd.errors import MissingError
from syncd.node.context import Context
from syncd.node.follow.rounds import Rounds
from syncd.node.serve.shown import shown
from syncd.node.serve.status import VERSION
from syncd.roster import certificate
from syncd.web.routes import OPERATORS, Caller, route
from syncd.web.system_forms import (
    FileSize,
    JobState,
    Revoked,
    SessionRow,
    Setting,
    SystemState,
    TokenRow,
)

log = structlog.get_logger("syncd.own")


class Jobs(Protocol):
    """What runs by the clock."""

    def states(self) -> Sequence[JobState]:
        """Return when each ran last and runs next."""


@dataclass(kw_only=True, eq=False)
class SystemService:
    """Shows what the daemon runs with; revokes tokens and sessions."""

    ctx: Context
    rounds: Rounds  # know our clock
    jobs: Jobs

    @route("GET", "/v1/system", OPERATORS, "read how the daemon is doing")
    async def system(self) -> SystemState:
        """Return jobs, sizes, settings without secrets, tokens, sessions."""
        own, home = self.ctx.own, self.ctx.config.home
        return SystemState(
            version=VERSION,
            python=platform.python_version(),
            skew_s=self.rounds.our_clock.skew_s() or 0,
            free=(await asyncio.to_thread(shutil.disk_usage, home)).free,
            jobs=tuple(self.jobs.states()),
            files=tuple(await asyncio.to_thread(_sizes, home)),
            settings=tuple(in_force(self.ctx.config)),
            tokens=tuple(
                shown(
                    TokenRow,
                    one,
                    certificate_ends=one.certificate
                    and certificate.expires(one.certificate),
                )
                for one in await own.bearers.all()
            ),
            sessions=tuple(
                shown(SessionRow, one, one.bearer)
                for one in await own.sessions.all()
            ),
        )

    @route("POST", "/v1/tokens/{name}/revoke", OPERATORS, "revoke a token")
    async def revoke(self, caller: Caller, name: str) -> Revoked:
        """Let a token, and the sessions that it began, open nothing more."""
        if not await self.ctx.own.bearers.revoke(name):
            raise MissingError("no live token of that name")
        log.info("token revoked", token=name, by=caller.name)
        return Revoked(revoked=name)

    @route("POST", "/v1/sessions/{id}/revoke", OPERATORS, "end a session")
    async def end(self, caller: Caller, id_: str) -> Revoked:
        """Log a browser out."""
        its = [s for s in await self.ctx.own.sessions.all() if s.id == id_]
        if not its:
            raise MissingError("no open session has that id")
        await self.ctx.own.sessions.end(id_)
        whose = its[0].bearer.name
        log.info("session ended", token=whose, by=caller.name)
        return Revoked(revoked=id_)


def in_force(config: Config) -> Iterator[Setting]:
    """Yield each setting; where targets are told may hold a secret."""
    for section, settings in SETTINGS.items():
        for key, setting in settings.items():
            value = getattr(getattr(config, section), key)
            yield Setting(
                name=f"{section}.{key}",
                value=_text(value),
                default=value == setting.default,
            )


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, Target):
        return value.name
    if isinstance(value, bool):
        return str(value).lower()
    return str(value or "") if not isinstance(value, int) else str(value)


def _sizes(home: Path) -> Iterator[FileSize]:
    """Yield what the files and directories of a home take."""
    for path in sorted(home.iterdir()):
        files = path.rglob("*") if path.is_dir() else (path,)
        size = sum(file.stat().st_size for file in files if file.is_file())
        yield FileSize(name=path.name, bytes=size)
