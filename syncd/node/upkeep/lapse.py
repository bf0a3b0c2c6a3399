"""Hold back what members write after the roster has expired.

Seven days after the roster expired, the sizes merged so far are written down
once, in the home's `lapse.json`. Reports and vouches first merged above them
are kept, counted and served on like all others, but look-ups leave them out
until a newer roster is accepted.
"""

import msgspec
import structlog

from syncd.errors import DamagedError
from syncd.indicator.claims import Claim
from syncd.indicator.statement import Report, Vouch
from syncd.node.context import Reading, part
from syncd.store import durable

FILE = "lapse.json"

log = structlog.get_logger("syncd.lapse")


class LapseRecord(msgspec.Struct, frozen=True):
    """What was written down: of which version, and the sizes by origin."""

    version: int = 0  # of none
    merged: dict[str, int] = {}


@part
class Lapse:
    """Where merging stood when the roster had been expired for too long."""

    ctx: Reading

    def __post_init__(self) -> None:
        """Read what was written down before.

        Raises:
            DamagedError: the file is there and does not parse.
        """
        self._at = self.ctx.config.home / FILE
        raw = durable.read(self._at) or b"{}"
        try:
            self.record = msgspec.json.decode(raw, type=LapseRecord)
        except ValueError as e:
            raise DamagedError("{path}: does not parse", path=self._at) from e

    @property
    def now(self) -> bool:
        """Whether the roster has been expired for more than seven days."""
        return self.ctx.roster.lapsed(self.ctx.now())

    async def check(self) -> None:
        """Write down the merged sizes, once, before more is merged."""
        version = self.ctx.roster.version
        if not self.now or version == self.record.version:
            return
        merged = {h.origin: h.merged for h in await self.ctx.mirror.heads()}
        lapsed = LapseRecord(version, merged)
        durable.write(self._at, msgspec.json.encode(lapsed))
        self.record = lapsed
        log.critical("the roster has lapsed", version=version)

    def effective(self, claim: Claim) -> bool:
        """Tell whether a claim has effect as the roster stands."""
        if not self.now or self.record.version != self.ctx.roster.version:
            return True
        return not isinstance(
            claim.statement, Report | Vouch
        ) or claim.index < self.record.merged.get(claim.origin, 0)
