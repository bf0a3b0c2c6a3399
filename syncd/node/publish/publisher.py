"""The publisher: writes what waits in the vault into our log.

One task that wakes when something was accepted, and now and then by itself.
All that is appended goes through here, so that it is merged with the others'
claims and told to the others, whoever wrote it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from syncd.config import Config
from syncd.errors import (
    MalformedError,
    RefusedError,
    StaleError,
    SyncdError,
    UnavailableError,
)
from syncd.flows import merge, publish
from syncd.flows.ports import Offload, Published
from syncd.flows.publish import Writer
from syncd.flows.tokenise import Tokeniser
from syncd.indicator.statement import RosterAccepted, Statement
from syncd.node.follow.exchange import BUG, Exchange
from syncd.node.publish.append_guard import AppendGuard
from syncd.node.publish.elsewhere import Elsewhere
from syncd.roster.roster import Roster
from syncd.store.home import OwnStore
from syncd.store.mirror import MirrorStore

log = structlog.get_logger("syncd.node")

PUBLISH_BATCH = 2048  # vault rows in one append
BULK_TIMEOUT_S = 120.0  # for the holders to answer a batch of ours


class Publisher:
    """Appends to our log, and lets the others know."""

    def __init__(
        self,
        *,
        config: Config,
        own: OwnStore,
        mirror: MirrorStore,
        roster: Callable[[], Roster],
        writer: Writer,
        tokeniser: Tokeniser,
        standing: AppendGuard,
        exchange: Exchange,
        elsewhere: Elsewhere,
        failed: Callable[[], None],
        grown: Callable[[], None],
        aside: Callable[[Coroutine[Any, Any, None]], None],
        offload: Offload,
        today: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        """Take the parts; nothing runs yet.

        Args:
            config: our settings.
            own: our log and vault.
            mirror: everybody's claims, our own among them.
            roster: the one in force.
            writer: appends, one at a time.
            tokeniser: asks the holders.
            standing: says whether our log may grow.
            exchange: pokes the others.
            elsewhere: notes what others took back.
            failed: counts an attempt that failed.
            grown: called when our log has grown.
            aside: has something done that nobody waits for.
            offload: runs pure work elsewhere.
            today: the day it is in the roster's zone.
            clock: unix seconds.
        """
        self._config = config
        self._own = own
        self._mirror = mirror
        self._roster = roster
        self._writer = writer
        self._tokeniser = tokeniser
        self._standing = standing
        self._exchange = exchange
        self._elsewhere = elsewhere
        self._count_failure = failed
        self._grown = grown
        self._aside = aside
        self._offload = offload
        self._today = today
        self._clock = clock
        self._waking = asyncio.Event()
        self._why = ""  # the last attempt failed

    def why_not(self) -> str:
        """Say why nothing is published just now, "" if it is."""
        try:
            self._standing.may_append()
        except RefusedError as e:
            return str(e)
        return self._why

    def wake(self) -> None:
        """Publish what waits, now."""
        self._waking.set()

    # ------------------------------------------------------------ appending

    async def append(
        self,
        entries: Sequence[tuple[Statement, Published | None]],
        *,
        done: Sequence[str] = (),
        sighted: Sequence[int] = (),
    ) -> None:
        """Append statements of our own and let the others know."""
        await self._writer.append(entries, done=done, sighted=sighted)
        await self._after_append()

    async def say_roster(self) -> None:
        """Write which roster we accepted (type 19), once for each version."""
        roster = self._roster()
        name = f"roster/{roster.version}"
        if await self._own.log.was_done(name):
            return
        said = RosterAccepted(version=roster.version, hash_=roster.hash)
        # Else somebody else of us said it meanwhile: once is enough.
        with contextlib.suppress(StaleError):
            await self.append([(said, None)], done=[name])

    async def merge_own(self) -> None:
        """Fold what is new of our own log into the claims."""
        await merge.own(
            self._own.log,
            self._mirror,
            self._offload,
            excuse=bool(self._roster().retired),
        )

    async def _after_append(self, *, urgent: bool = False) -> None:
        """Merge what we appended, and let the others know.

        Nobody waits until all have heard: some of them may be down.
        """
        await self.merge_own()
        self._grown()
        if urgent and self._config.exchange.poke:
            self._aside(self._poke_all())

    async def _poke_all(self) -> None:
        note = self._own.log.released()
        log.info("poked", members=await self._exchange.poke_all(note))

    # ----------------------------------------------------------- publishing

    async def run(self) -> None:
        """Publish what waits; try again a little later if it cannot be."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._config.exchange.interval_s):
                    await self._waking.wait()
            self._waking.clear()
            try:
                await self.publish()
                self._why = ""
            except (UnavailableError, RefusedError) as e:
                self._failed(str(e))
                log.warning("publishing waits", why=str(e))
                await asyncio.sleep(1)
            except SyncdError as e:
                self._failed(str(e))
                log.exception("publishing failed")
                await asyncio.sleep(5)
            except Exception:
                # Ours to mend; but what waits is not to wait for a restart.
                self._failed(BUG)
                log.exception("publishing failed")
                await asyncio.sleep(5)

    def _failed(self, why: str) -> None:
        self._why = why
        self._count_failure()

    async def publish(self) -> None:
        """Write what waits, a batch of each in turn.

        So a retraction or an urgent URL waits for one batch of others, not
        for a million, and what needs no holder not for the holders.

        Raises:
            SyncdError: something is left, and this is why.
        """
        self._standing.may_append()
        if await self._own.log.release():  # the disk was full at an append
            await self._after_append(urgent=True)
        with contextlib.suppress(RefusedError):
            await self.say_roster()
        expired = self._roster().expired(int(self._clock()))
        types = [publish.DISPUTE, *([] if expired else [publish.REPORT])]
        kinds = [("url",), ("phone", "account")]
        waits: SyncdError | None = None
        moved = True
        while moved:
            moved = await self._retract()
            for some in [*kinds]:
                try:
                    moved = await self._publish(some, types) or moved
                except (UnavailableError, MalformedError) as e:
                    kinds.remove(some)
                    waits = e
        if waits is not None:
            raise waits
        if expired:
            raise RefusedError(
                "roster: expired: no new reports until a newer one",
                hint="ask the admins to publish the next version",
            )

    async def _retract(self) -> bool:
        """Retract a batch; tell if there was any."""
        count = await publish.retract(
            vault=self._own.vault,
            writer=self._writer,
            today=self._today(),
            limit=PUBLISH_BATCH,
        )
        if count:
            await self._after_append(urgent=True)
        return bool(count)

    async def _publish(
        self, kinds: Sequence[str], types: Sequence[int]
    ) -> bool:
        """Publish a batch; tell if there was any."""
        rows = await publish.publish(
            vault=self._own.vault,
            tokeniser=self._tokeniser,
            writer=self._writer,
            today=self._today(),
            kinds=kinds,
            limit=PUBLISH_BATCH,
            timeout_s=BULK_TIMEOUT_S,
            types=types,
        )
        if rows:
            await self._after_append(urgent=any(row.urgent for row in rows))
            await self._elsewhere.published([row.id for row in rows])
        return bool(rows)
