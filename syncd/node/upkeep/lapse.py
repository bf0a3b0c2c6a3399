"""Lapse: what an expired roster's members write has no effect for a while.

Seven days after the roster expired, the sizes merged so far are written down
once, in the home's `lapse.json`. Reports and vouches first merged above them
are kept, counted and served on like all others, but look-ups leave them out
until a newer roster is accepted.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import structlog

from syncd.errors import DamagedError
from syncd.indicator.claims import REPORT, VOUCH, Claim
from syncd.node.context import Context
from syncd.store import durable

FILE = "lapse.json"

log = structlog.get_logger("syncd.lapse")


class Lapse:
    """Where merging stood when the roster had been expired for too long."""

    def __init__(self, ctx: Context) -> None:
        """Read what was written down before.

        Raises:
            DamagedError: the file is there and does not parse.
        """
        self._ctx = ctx
        self._path = ctx.home.path / FILE
        self._version, self._merged = _read(self._path)

    @property
    def now(self) -> bool:
        """Whether the roster has been expired for more than seven days."""
        return self._ctx.roster.lapsed(self._ctx.now())

    async def check(self) -> None:
        """Write down the merged sizes, once, before more is merged."""
        version = self._ctx.roster.version
        if not self.now or version == self._version:
            return
        merged = {
            h.origin: h.merged for h in await self._ctx.home.mirror.heads()
        }
        text = json.dumps({"merged": merged, "version": version})
        durable.write(self._path, text.encode())
        self._version, self._merged = version, merged
        log.critical("the roster has lapsed", version=version)

    def effective(self, claim: Claim) -> bool:
        """Tell whether a claim has effect as the roster stands."""
        if not self.now or self._version != self._ctx.roster.version:
            return True
        return claim.type not in (
            REPORT,
            VOUCH,
        ) or claim.index < self._merged.get(claim.origin, 0)


def _read(path: Path) -> tuple[int, Mapping[str, int]]:
    raw = durable.read(path)
    if raw is None:
        return 0, {}
    try:
        match json.loads(raw):
            case {"merged": dict() as merged, "version": int() as version}:
                return version, merged
    except ValueError:
        pass
    raise DamagedError(
        f"{path}: does not parse",
        hint="delete it while the roster is not expired",
    )
