"""Fold the entries of a log into the claims: what is mirrored, or is ours."""

from collections.abc import Sequence

from msgspec.structs import replace

from syncd.errors import DamagedError, StaleError
from syncd.flows import held
from syncd.flows.ports import (
    Mirror,
    MirrorHead,
    Offload,
    OwnHead,
    OwnLog,
)
from syncd.flows.pull_context import Budget, PullContext
from syncd.flows.stretch import fold
from syncd.indicator import absent, codec
from syncd.tlog.merkle import BUNDLE, BUNDLE_LEVEL

MOST_MISSING = 4096  # withheld indices that we keep in mind, per log


async def own(
    log: OwnLog,
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
    log: OwnLog,
    tip: OwnHead,
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
