"""The never-list by token: for look-ups by token, and for an alarm.

The roster lists normal forms; what comes in from other members' logs are
tokens. So the tokens of the list are asked of the holders once per roster
and epoch, like anybody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from syncd.errors import SyncdError
from syncd.flows.ports import Finding, Mirror, Position
from syncd.flows.tokenise import Tokeniser
from syncd.indicator import identifier, token
from syncd.indicator.claims import REPORT
from syncd.indicator.identifier import Identifier
from syncd.roster.roster import Roster

log = structlog.get_logger("syncd.never")

TIMEOUT_S = 30.0
Listed = tuple[str, int, bytes]  # (kind, epoch, token)


class NeverList:
    """The tokens of the roster's never-list, as far as they are known."""

    def __init__(
        self,
        *,
        roster: Callable[[], Roster],
        tokeniser: Tokeniser,
        mirror: Mirror,
        report: Callable[..., Awaitable[None]],
    ) -> None:
        self._roster = roster
        self._tokeniser = tokeniser
        self._mirror = mirror
        self._report = report
        self._known: dict[tuple[Identifier, int], bytes] = {}
        self._alarmed: set[Position] = set()
        self._lock = asyncio.Lock()
        self.listed: frozenset[Listed] = frozenset()

    @property
    def tokens(self) -> frozenset[tuple[str, bytes]]:
        """The listed tokens by kind."""
        return frozenset((kind, short) for kind, _, short in self.listed)

    async def refresh(self) -> None:
        """Know the tokens of the newest roster's list; then look for them.

        What holders do not answer now is asked for the next time.
        """
        async with self._lock:
            roster = self._roster()
            wanted = {
                (Identifier(n.kind, n.value), epoch.epoch)
                for n in roster.never
                if (epoch := roster.epoch(n.kind)) is not None
            }
            for kind in identifier.KINDS:
                await self._ask([w for w in wanted if w[0].kind == kind])
            self._known = {
                k: short for k, short in self._known.items() if k in wanted
            }
            self.listed = frozenset(
                (one.kind, epoch, short)
                for (one, epoch), short in self._known.items()
            )
        await self.check()

    async def _ask(self, wanted: list[tuple[Identifier, int]]) -> None:
        missing = [w for w in wanted if w not in self._known]
        if not missing:
            return
        outputs: dict[Identifier, bytes] = {}
        try:
            await self._tokeniser.collect(
                [one for one, _ in missing],
                outputs,
                purpose="test",
                timeout_s=TIMEOUT_S,
            )
        except SyncdError as e:
            log.info("never-list not whole", why=str(e))
        for one, epoch in missing:
            if one in outputs:
                self._known[one, epoch] = token.token(outputs[one])

    async def check(self) -> None:
        """Alarm on each report that stands on a listed token, once."""
        by_key: dict[tuple[str, int], list[bytes]] = {}
        for kind, epoch, short in self.listed:
            by_key.setdefault((kind, epoch), []).append(short)
        for (kind, epoch), tokens in by_key.items():
            code = token.KIND_CODES[kind]
            groups = await self._mirror.claims(tokens, code, epoch)
            fresh = [
                claim.position
                for group in groups.values()
                for claim in group
                if claim.type == REPORT
                and not claim.test
                and claim.position not in self._alarmed
            ]
            if fresh:  # all at once: somebody may report a number often
                why = f"a report on a {kind} of the never-list"
                found = [Finding("never_listed", *at, why) for at in fresh]
                self._alarmed.update(fresh)
                try:
                    await self._report(*found)
                except SyncdError:
                    self._alarmed.difference_update(fresh)
                    raise
