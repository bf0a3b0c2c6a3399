"""Copy a log that was ours into mirror.db when the next one takes over.

While a log is ours its bundles lie in own.db alone, and mirror.db has only
what it says. Once the next one has taken over, others ask us for it as for
any log that we mirror, claims rest on its entries, the roster cuts it and
erases in it: for all that the bundles are wanted in mirror.db. They stay in
own.db too, which is what must not be lost.
"""

import asyncio
from pathlib import Path

import structlog

from syncd.flows.ports import Bundle, MirrorHead
from syncd.indicator import codec
from syncd.node.upkeep import erasures
from syncd.store import cutting
from syncd.store.mirror import MirrorStore
from syncd.store.own import OwnLogStore
from syncd.tlog.merkle import BUNDLE, BUNDLE_LEVEL, Frontier

STEP = 64  # bundles in one transaction

log = structlog.get_logger("syncd.node")


async def adopt(home: Path, own: OwnLogStore, mirror: MirrorStore) -> None:
    """Have our earlier logs in mirror.db as far as they were merged.

    It may die on any line and simply run again.
    """
    *earlier, _ = await own.sizes()
    for origin in earlier:
        head = await mirror.head(origin)
        lacks = await mirror.lacks(origin)
        if not lacks:
            continue
        if not await _same(own, mirror, head):
            log.warning("own.db has another log than mirror.db", origin=origin)
            continue
        for first in range(0, len(lacks), STEP):
            some = [
                await _bundle(own, head, n)
                for n in lacks[first : first + STEP]
            ]
            await mirror.adopt(origin, [b for b in some if b is not None])
        # What was erased before is to be closed in own.db as well.
        (home / erasures.FILE).unlink(missing_ok=True)
        log.info("adopted", origin=origin, bundles=len(lacks))


async def _same(
    own: OwnLogStore, mirror: MirrorStore, head: MirrorHead
) -> bool:
    """Tell whether both together are what mirror.db says it has merged."""
    found = Frontier.EMPTY
    for n in range(-(-head.mirrored // BUNDLE)):
        bundle = await mirror.bundle(head.origin, n)
        bundle = bundle or await _bundle(own, head, n)
        if bundle is None:
            return False
        if bundle.width == BUNDLE:
            found = found.extend([bundle.root], BUNDLE_LEVEL)
        else:
            found = found.extend(
                codec.leaf_hashes(codec.records(head.origin, bundle))
            )
    return found == head.frontier


async def _bundle(own: OwnLogStore, head: MirrorHead, n: int) -> Bundle | None:
    """Return a bundle of own.db, as wide as it was merged."""
    bundle = await own.bundle(n, head.origin)
    width = min(BUNDLE, head.mirrored - n * BUNDLE)
    if bundle is None or bundle.width < width:
        return None
    return await asyncio.to_thread(cutting.narrow, head.origin, bundle, width)
