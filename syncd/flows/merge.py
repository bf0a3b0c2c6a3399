"""Fold the entries of a log into the claims.

Bundles stay where they are: only claims and a position move.
"""

from collections.abc import Sequence
from dataclasses import replace

from syncd.errors import DamagedError, Message, StaleError
from syncd.flows import held
from syncd.flows.ports import (
    Finding,
    Mirror,
    MirrorHead,
    Offload,
    OwnLogReader,
)
from syncd.flows.pull_context import Budget, PullContext
from syncd.flows.stretch import fold
from syncd.indicator import absent
from syncd.indicator.folding import Batch

MOST_MISSING = 4096  # withheld indices that we keep in mind, per log


async def own(
    log: OwnLogReader,
    mirror: Mirror,
    offload: Offload,
    *,
    excuse: bool = False,
) -> int:
    """Fold our own log into the claims; return how far it is merged.

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
        fresh = await held.own(log, tip).records(old.merged, offload)
        erased = await mirror.erased(origin)
        left = absent.complete(old.merged, fresh, erased=erased)
        gone = absent.gone_with_epoch(left) if excuse else []
        batch, _ = await offload(
            fold, origin, old.merged, fresh, [*erased, *gone]
        )
        batch.erases += gone
        batch.octets = 0  # no day's limit holds for our own
        if batch.stop == old.merged:
            raise DamagedError(
                "own.db: entry {merged} is closed, and not erased",
                merged=old.merged,
            )
        new = replace(
            old, frontier=tip.frontier, merged=batch.stop, note=tip.note
        )
        try:
            await mirror.advance(old, new, (), batch, voids(batch))
        except StaleError:
            # Another append of ours was folded by its own caller meanwhile.
            if await mirror.head(origin) == old:
                raise


async def all_stored(origin: str, mirror: Mirror, offload: Offload) -> None:
    """Merge all that is mirrored of a log up to what is withheld."""
    context = PullContext(
        mirror=mirror, offload=offload, budget=Budget(counted=False)
    )
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
    await mirror.advance(old, new, (), batch, voids(batch))
    budget.spend(merged, octets)
    if batch.rosters:
        await context.accepted(batch.rosters)
    return bool(merged)


def first(missing: Sequence[int]) -> tuple[int, ...]:
    """Return the first withheld indices: the rest is found when due."""
    return tuple(missing[:MOST_MISSING])


def voids(batch: Batch) -> list[Finding]:
    """Return a finding for each entry that is void."""
    return [
        Finding("void", batch.origin, index, Message(why))
        for index, why in batch.voids
    ]
