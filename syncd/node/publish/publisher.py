"""Write what waits in the vault into our log.

One task that wakes when something was accepted, and now and then by itself.
All that is appended goes through here, so that it is merged with the others'
claims and told to the others, whoever wrote it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace
from prometheus_client import Counter

from syncd.errors import (
    NOTHING,
    MalformedError,
    Message,
    RefusedError,
    StaleError,
    SyncdError,
    UnavailableError,
)
from syncd.flows import basis, merge, publish
from syncd.flows.ports import State
from syncd.flows.say_again import say_again
from syncd.flows.tokenise import Tokeniser
from syncd.indicator.claims import REPORT, VOUCH
from syncd.indicator.joined import named
from syncd.indicator.record import KEPT
from syncd.indicator.statement import RosterAccepted, Statement
from syncd.indicator.token import KIND_CODES
from syncd.indicator.vocabulary import ABOUT_THE_VALUE
from syncd.node.context import BUG, Aside, Context, log, part
from syncd.node.follow.peer_notifier import PeerNotifier
from syncd.node.publish.append_guard import AppendGuard
from syncd.roster.terms import Epoch
from syncd.store.vault import Query

PUBLISH_BATCH = 2048  # vault rows in one append
BULK_TIMEOUT_S = 120.0  # for the holders to answer a batch of ours


@part
class Publisher:
    """Appends to our log, and lets the others know."""

    ctx: Context
    writer: publish.Writer  # appends, one at a time
    tokeniser: Tokeniser
    guard: AppendGuard
    peer_notifier: PeerNotifier
    failures: Counter  # by what failed
    ours_grown: Callable[[], None]  # called when our log has
    aside: Aside

    def __post_init__(self) -> None:
        self._waking = asyncio.Event()
        self._why = NOTHING  # the last attempt failed
        self._tried = set[int]()  # rows that wait for holders
        self._owed = False  # what comes after an append was not done

    def why_not(self) -> Message:
        """Say why nothing is published just now, "" if it is."""
        try:
            self.guard.may_append()
        except SyncdError as e:
            return e.text
        return self._why

    def wake(self) -> None:
        """Publish what waits, now."""
        self._waking.set()

    # ------------------------------------------------------------ appending

    async def append(
        self,
        statements: Sequence[Statement],
        *,
        done: Sequence[str] = (),
        sighted: Sequence[int] = (),
        poke: bool = False,
    ) -> None:
        """Append what no row of the vault says, and let the others know."""
        entries = [(statement, None) for statement in statements]
        await self.writer.append(entries, done=done, sighted=sighted)
        await self.after_append(poke=poke)

    async def say_roster(self) -> None:
        """Write which roster we accepted (type 19), once for each version."""
        roster = self.ctx.roster
        name = f"roster/{roster.version}"
        if await self.ctx.own.log.was_done(name):
            return
        accepted = RosterAccepted(version=roster.version, hash_=roster.hash)
        # Else somebody else of us said it meanwhile: once is enough.
        with contextlib.suppress(StaleError):
            await self.append([accepted], done=[name])

    async def merge_own(self) -> None:
        """Fold what is new of our own log into the claims."""
        await merge.own(
            self.ctx.own.log,
            self.ctx.mirror,
            self.ctx.offload,
            excuse=bool(self.ctx.roster.retired),
        )

    async def after_append(
        self, *, poke: bool = False, urgent: bool = False
    ) -> None:
        """Merge what we appended, and let the others know.

        Nobody waits until all have heard: some of them may be down.
        """
        self._owed = True
        await self.merge_own()
        self._owed = False
        self.ours_grown()
        if (poke or urgent) and self.ctx.config.exchange.poke:
            self.aside(self.peer_notifier.notify_all(urgent=urgent))

    # ----------------------------------------------------------- publishing

    async def run(self) -> None:
        """Publish what waits; try again a little later if it cannot be."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    self.ctx.config.exchange.interval_s
                ):
                    await self._waking.wait()
            self._waking.clear()
            try:
                await self.publish()
                self._why = NOTHING
            except (UnavailableError, RefusedError) as e:
                self._failed(e.text)
                log.warning("publishing waits", why=str(e))
                await asyncio.sleep(1)
                if self._owed:
                    self.wake()
            except Exception as e:
                # Ours to mend; but what waits is not to wait for a restart.
                self._failed(e.text if isinstance(e, SyncdError) else BUG)
                log.exception("publishing failed")
                await asyncio.sleep(5)

    def _failed(self, why: Message) -> None:
        self._why = why
        self.failures.labels("publish").inc()

    async def publish(self) -> None:
        """Write what waits, a batch of each in turn.

        So a retraction or an urgent URL waits for one batch of others, not
        for a million, and what needs no holder not for the holders.

        Raises:
            SyncdError: something is left, and this is why.
        """
        self.guard.may_append()
        # The disk was full at the last append, or the server went away.
        if await self.ctx.own.log.release() or self._owed:
            await self.after_append(poke=True)
        with contextlib.suppress(RefusedError):
            await self.say_roster()
        expired = self.ctx.roster.expired(self.ctx.now())
        types = [n for n in KEPT if not (expired and n in (REPORT, VOUCH))]
        kinds = [("url",), ("phone", "account")]
        waits: SyncdError | None = None
        moved = True
        while moved:
            rows = await self.ctx.own.vault.ending(PUBLISH_BATCH)
            if moved := bool(rows):
                await publish.retract(rows, self.writer, self.ctx.today())
                await self.after_append(poke=True)
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
                "roster: expired: no new reports until a newer one"
            )

    async def say_again(self) -> None:
        """Say under the newest token key what of ours stands under an older.

        Raises:
            SyncdError: something is left, and this is why.
        """
        ctx, vault = self.ctx, self.ctx.own.vault
        expired = ctx.roster.expired(ctx.now())
        for old in () if expired else ctx.roster.replaced:
            wanted = self._under(old)
            while rows := await vault.page(wanted):
                wanted = replace(wanted, before=rows[-1].id)
                try:
                    await say_again(
                        *(rows, ctx.mirror, vault.by_index),
                        *(self.tokeniser, self.writer),
                        today=ctx.today(),
                        timeout_s=BULK_TIMEOUT_S,
                    )
                finally:
                    await self.after_append()

    def _under(self, old: Epoch) -> Query:
        return Query(
            limit=PUBLISH_BATCH,
            states=[State.PUBLISHED],
            kind=old.kind,
            epoch=old.epoch,
            lasting=self.ctx.today(),
        )

    async def still_to_say(self) -> list[Message]:
        """Say how much of ours stands under each key that is replaced."""
        ctx = self.ctx
        return [
            Message(
                "keys: {keys} is replaced: {n} statements of ours are still to"
                " be said again under the new key; it is to be retired on"
                " {day}",
                keys=old.label,
                n=n,
                day=ctx.day_of(old.until),
            )
            for old in ctx.roster.replaced
            if (n := await ctx.own.vault.count(self._under(old)))
        ]

    async def _publish(
        self, kinds: Sequence[str], types: Sequence[int]
    ) -> bool:
        """Publish a batch; tell if there was any."""
        waiting = await self.ctx.own.vault.waiting(PUBLISH_BATCH, kinds)
        rows = [row for row in waiting if row.type in types]
        if not rows:
            return False
        epochs = dict[str, int]()
        for old in self.ctx.roster.replaced:
            # What names a report under an older key stands there, too: it is
            # said again with that, or goes with it. Last, since that key's
            # holders may be gone.
            at = await self.ctx.mirror.claims_at(
                [place for row in rows for place in named(row.fields)]
            )
            its = {p for p, c in at.items() if basis.key(c)[:2] == old.key}
            others = [r for r in rows if not its & {*named(r.fields)}]
            epochs |= {} if others else {old.kind: old.epoch}
            rows = others or rows
        if self.tokeniser.by_files() and "url" not in kinds:
            # The same of a kind together as before: holders may have it.
            had = {row.kind for row in rows if row.id in self._tried}
            rows = [
                r for r in rows if r.id in self._tried or r.kind not in had
            ]
            self._tried = {row.id for row in rows}
        done = await publish.publish(
            rows,
            self.tokeniser,
            self.writer,
            today=self.ctx.today(),
            timeout_s=BULK_TIMEOUT_S,
            epochs=epochs,
        )
        urgent = [row.fields for row in done if row.urgent]
        await self.after_append(
            poke=bool(urgent),
            urgent=any(not getattr(one, "test", False) for one in urgent),
        )
        keys = dict[tuple[str, int], dict[int, bytes]]()
        for row in done:
            if row.type == REPORT and row.kind != "url":
                keys.setdefault((row.kind, row.epoch), {})[row.id] = row.token
        for key, tokens in keys.items():
            await note_elsewhere(self.ctx, *key, tokens)
        return True


async def note_elsewhere(
    ctx: Context, kind: str, epoch: int, tokens: Mapping[int, bytes]
) -> Mapping[int, str]:
    """Return `MEMBER REASON` by row, and keep it: of who took the value back.

    It binds nobody, but who reports should know. A URL's token needs no
    holder, so of URLs it is known at once; of others once their tokens are.
    `tokens` are of one kind and epoch, by row of the vault.
    """
    found = await ctx.mirror.taken_back(
        [*tokens.values()],
        (KIND_CODES[kind], epoch),
        ABOUT_THE_VALUE,
        ctx.own_origins,
    )
    owner, noted = ctx.roster.owner, dict[int, str]()
    for id_, token in tokens.items():
        if token in found:
            origin, reason = found[token]
            noted[id_] = f"{owner(origin) or origin} {reason}"
    await ctx.own.vault.note_elsewhere(noted)
    return noted
