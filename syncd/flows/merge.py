"""Fold the entries of a log into the claims: what is mirrored, or is ours.

Members other than a log's source are asked for payloads that it did not give.
"""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.errors import (
    BrokenSourceError,
    DamagedError,
    MalformedError,
    Message,
    StaleError,
    UnavailableError,
)
from syncd.flows import held, ports
from syncd.flows.ports import Mirror, MirrorHead, Offload, Source
from syncd.flows.stretch import fold, open_
from syncd.indicator import absent, codec
from syncd.indicator.statement import Book
from syncd.tlog import tiles
from syncd.tlog.merkle import BUNDLE, BUNDLE_LEVEL

MOST_MISSING = 4096  # withheld indices that we keep in mind, per log
FILLED = 16  # bundles whose withheld payloads one pull asks for
FILL_FROM = 4  # sources that it asks for each


class Budget(Struct):
    """What may still be merged of one origin today, by the roster's limits.

    Above it merging lags, mirroring goes on, and nothing is refused.
    """

    entries: int = 2**63
    octets: int = 2**63  # record bytes, inflated
    counted: bool = True  # else what is merged was merged before

    @property
    def left(self) -> bool:
        """Whether more may be merged."""
        return self.entries > 0 and self.octets > 0

    def spend(self, entries: int, octets: int) -> None:
        """Count what was merged; the last batch may go a little over."""
        self.entries -= entries
        self.octets -= octets


async def _nobody(_: object) -> None:
    """Hear what nobody asked for."""


class PullContext(Struct, frozen=True, kw_only=True):
    """Whom to ask, what may be merged, and who hears of it."""

    mirror: Mirror
    offload: Offload
    sources: Sequence[Source] = ()  # asked in this order
    report: Callable[[ports.Finding], Awaitable[None]] = _nobody
    budget: Budget = field(default_factory=Budget)
    blame: Callable[[str], object] = len
    """takes the name of a source that gave what was not signed"""
    told: Callable[[Sequence[Book]], Awaitable[None]] = _nobody
    """takes what was merged of a log's book-keeping, before more is fetched"""
    excuse: bool = False
    """an epoch is retired: what none of those asked opens was of it"""

    async def wrong(
        self, origin: str, source: Source, index: int | None, why: Message
    ) -> None:
        """Blame a source that gave what was not signed, and report it."""
        self.blame(source.name)
        await self.report(ports.Finding("broken_source", origin, index, why))


async def own(
    log: ports.OwnLog,
    mirror: Mirror,
    offload: Offload,
    *,
    excuse: bool = False,
) -> int:
    """Mirror our own log, and merge it; return how far it is merged.

    With `excuse`, what we closed was of a retired epoch, if nothing else
    erased it.
    """
    origin = (await log.head()).origin
    while True:
        # In this order: a tip may not be older than what another caller of
        # ours has merged of a later one.
        old = await mirror.head(origin)
        tip = await log.head()
        if old.merged >= tip.frontier.size:
            return old.merged
        try:
            if old.merged == old.mirrored:
                await _go_on(log, tip, old, mirror, offload, excuse=excuse)
            elif not await stored(old, _ours(mirror, offload)):
                raise DamagedError(
                    "own.db: entry {merged} is closed, and not erased", old
                )
        except StaleError:
            # Another append of ours was folded by its own caller meanwhile.
            if await mirror.head(origin) == old:
                raise


def _ours(mirror: Mirror, offload: Offload) -> PullContext:
    """Return what merges without asking anybody, and by no day's limit."""
    return PullContext(
        mirror=mirror, offload=offload, budget=Budget(counted=False)
    )


async def _go_on(
    log: ports.OwnLog,
    tip: ports.OwnHead,
    old: MirrorHead,
    mirror: Mirror,
    offload: Offload,
    *,
    excuse: bool,
) -> None:
    """Mirror and merge the next bundles of our own log."""
    origin, mine = old.origin, held.own(log, tip)
    *whole, last = await mine.bundles(old.merged)
    left = tip.frontier.size - last.n * BUNDLE  # it may have grown since
    bundles = [*whole, await offload(codec.narrow, origin, last, left)]
    frontier, note = tip.frontier, tip.note
    if left > BUNDLE:
        roots = [bundle.root for bundle in bundles]
        frontier = old.frontier.at_bundles().extend(roots, BUNDLE_LEVEL)
        note = old.note
    fresh = await offload(held.opened, origin, bundles, old.merged)
    erased = await mirror.erased(origin)
    at = old.merged + len(fresh)
    while absent.complete(old.merged, fresh, erased=erased) and (
        later := await mine.records(at, offload)
    ):  # what is closed in own.db may be erased by a much later entry
        erased = [*erased, *absent.erases(at, later)]
        at += len(later)
    left_out = absent.complete(old.merged, fresh, erased=erased)
    gone = absent.gone_with_epoch(left_out) if excuse else []
    batch, _ = await offload(fold, origin, old.merged, fresh, [*erased, *gone])
    batch.erases += gone
    batch.octets = 0  # no day's limit holds for our own
    new = replace(old, frontier=frontier, merged=batch.stop, note=note)
    await mirror.advance(old, new, bundles, batch)


async def all_stored(origin: str, mirror: Mirror, offload: Offload) -> None:
    """Merge all that is mirrored of a log up to what is withheld."""
    context = _ours(mirror, offload)
    while await stored(await mirror.head(origin), context):
        pass


async def stored(old: MirrorHead, context: PullContext) -> bool:
    """Merge the next stretch of stored bundles; tell if it moved."""
    mirror, offload, budget = context.mirror, context.offload, context.budget
    fresh = await held.copy(mirror, old).records(old.merged, offload)
    if not fresh:
        return False
    erased = await mirror.erased(old.origin)
    batch, missing = await offload(fold, old.origin, old.merged, fresh, erased)
    batch.erases = []  # read when they were mirrored
    above = old.merged + len(fresh)
    left = first((*missing, *(i for i in old.missing if i >= above)))
    if batch.stop == old.merged and left == old.missing:
        return False
    merged, octets = batch.stop - old.merged, batch.octets
    if not budget.counted:
        batch.octets = 0
    new = replace(old, merged=batch.stop, missing=left)
    await mirror.advance(old, new, (), batch)
    budget.spend(merged, octets)
    if batch.books:
        await context.told(batch.books)
    return bool(merged)


def first(missing: Sequence[int]) -> tuple[int, ...]:
    """Return the first withheld indices: the rest is found when due."""
    return tuple(missing[:MOST_MISSING])


async def fill(head: MirrorHead, context: PullContext) -> str:
    """Merge what is mirrored already, asking others for what is withheld.

    Return the name of the last source that had some. With `excuse`, what
    nobody opens counts as erased with a retired epoch: no leaf tells of which
    epoch it is, and those who could tell have erased it themselves.
    """
    named = ""
    while True:
        for n in sorted({index // BUNDLE for index in head.missing})[:FILLED]:
            named = await _bundle(head, n, context) or named
        while context.budget.left:
            old = await context.mirror.head(head.origin)
            if not await stored(old, context):
                break
        before, head = head, await context.mirror.head(head.origin)
        if not context.excuse or head.missing in ((), before.missing):
            return named


async def _bundle(head: MirrorHead, n: int, context: PullContext) -> str:
    """Fill one bundle; return who completed it, "" if nobody could."""
    asked = context.sources[:FILL_FROM]
    answers = list[list[int]]()
    for source in asked:
        left = await _complete(head, n, source, context)
        if left == []:
            return source.name
        if left:
            answers.append(left)
    if context.excuse and answers and len(answers) == len(asked):
        gone = absent.gone_with_epoch(answers[-1])
        await context.mirror.erase(head.origin, gone)
    return ""


async def _complete(
    head: MirrorHead, n: int, source: Source, context: PullContext
) -> list[int] | None:
    """Take payloads that we lack from a source; return what is left to have.

    None: it had no right answer.
    """
    origin, mirror = head.origin, context.mirror
    mine = await held.copy(mirror, head).stored(n)
    try:
        path = f"payload/{tiles.path(n, mine.width)}"
        (gz,) = await source.files(origin, [path])
        theirs = open_(origin, codec.inflate(gz), mine)
    except (MalformedError, BrokenSourceError) as e:
        why = Message("{member}: {why}", member=source.name, why=e)
        await context.wrong(origin, source, n * BUNDLE, why)
        return None
    except (UnavailableError, ValueError):
        return None
    ours = codec.records(origin, mine)
    joined = [a if a[1] else b for a, b in zip(ours, theirs, strict=True)]
    if joined != ours:
        gz = codec.deflate(joined)
        try:
            await mirror.replace_bundle(origin, replace(mine, gz=gz))
        except StaleError:
            return None
    erased = await mirror.erased(origin)
    return absent.complete(n * BUNDLE, joined, erased=erased)
