"""The service behind `/v1/system`: the daemon itself, and who may come in."""

import asyncio
import platform
import shutil
from pathlib import Path
from typing import Any

import structlog

from syncd.config import Address, Config, Target
from syncd.config.settings import SETTINGS
from syncd.errors import MissingError
from syncd.node.context import Context, part
from syncd.node.follow.rounds import Rounds
from syncd.node.serve.shown import shown
from syncd.node.serve.status import VERSION
from syncd.roster import certificate
from syncd.web import status_forms as forms
from syncd.web.routes import OPERATORS, Caller, route

log = structlog.get_logger("syncd.own")


@part
class SystemService:
    """Shows what the daemon runs with; revokes tokens and sessions."""

    ctx: Context
    rounds: Rounds  # know our clock
    jobs: Any  # `node.jobs.Jobs`

    @route("GET /v1/system", OPERATORS, "read how the daemon is doing")
    async def system(self) -> forms.SystemState:
        """Return jobs, sizes, settings without secrets, tokens, sessions."""
        own, home = self.ctx.own, self.ctx.config.home
        server = self.ctx.home.election
        tokens = [
            shown(
                *(forms.TokenRow, one),
                ends_at=one.certificate
                and certificate.expires(one.certificate),
            )
            for one in await own.bearers.all()
        ]
        return forms.SystemState(
            version=VERSION,
            python=platform.python_version(),
            skew_s=self.rounds.our_clock.skew_s() or 0,
            free=shutil.disk_usage(home).free,
            files=await asyncio.to_thread(_sizes, home)
            | (await server.sizes() if server else {}),
            settings=in_force(self.ctx.config),
            jobs=self.jobs.states(),
            tokens=tuple(tokens),
            sessions=tuple(
                shown(forms.SessionRow, one, one.bearer)
                for one in await own.sessions.all()
            ),
        )

    @route("POST /v1/tokens/{name}/revoke", OPERATORS, "revoke a token")
    async def revoke(self, caller: Caller, name: str) -> forms.Revoked:
        """Let a token, and the sessions that it began, open nothing more."""
        if not await self.ctx.own.bearers.revoke(name):
            raise MissingError("no live token of that name")
        log.info("token revoked", token=name, by=caller.name)
        return forms.Revoked(revoked=name)

    @route("POST /v1/sessions/{name}/revoke", OPERATORS, "end a session")
    async def end(self, caller: Caller, name: str) -> forms.Revoked:
        """Log a browser out."""
        sessions = self.ctx.own.sessions
        if name not in {one.id for one in await sessions.all()}:
            raise MissingError("no open session has that id")
        await sessions.end(name)
        log.info("session ended", session=name, by=caller.name)
        return forms.Revoked(revoked=name)


def in_force(config: Config) -> dict[str, str]:
    """Return each setting; where targets are told may hold a secret."""
    return {
        f"{section}.{key}": _text(getattr(getattr(config, section), key))
        for section, settings in SETTINGS.items()
        for key in settings
    }


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, Target):
        return value.name
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value in (None, Address()) else str(value)


def _sizes(home: Path) -> dict[str, int]:
    """Return what the files and directories of a home take, in bytes."""
    return {
        top.name: sum(
            one.stat().st_size
            for one in (top.rglob("*") if top.is_dir() else (top,))
            if one.is_file()
        )
        for top in sorted(home.iterdir())
    }
