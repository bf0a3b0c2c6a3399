"""Erase what the roster orders, down to the bytes on disk.

A log's own erase statements act in the transaction that mirrors them. The
roster erases for an origin that cannot speak any more, in the tree that it
names by size and root. Either way SQLite keeps freed bytes until its file is
rewritten: that is done once after new erasures, by the daily job.
"""

import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace

import structlog

from syncd.errors import DamagedError, Message, StaleError
from syncd.flows import held
from syncd.flows.ports import Finding
from syncd.indicator import absent, codec, leaf
from syncd.indicator.absent import Range
from syncd.roster.roster import Roster
from syncd.store import erasing
from syncd.store.erasing import Span
from syncd.store.home_stores import OwnStore
from syncd.store.mirror import MirrorStore
from syncd.tlog.merkle import BUNDLE

PURGED = "upkeep/purged"  # kept: how many erasures the last rewrite covered
RETIRED = "upkeep/retired"  # kept: the epochs of which nothing is kept
STEP = 64  # bundles closed in one transaction

log = structlog.get_logger("syncd.erasures")


async def by_roster(
    roster: Roster,
    mirror: MirrorStore,
    report: Callable[[Finding], Awaitable[None]],
) -> None:
    """Act on the roster's erasures as far as we mirror their trees."""
    for order in roster.erased:
        head = await mirror.head(order.origin)
        if head.mirrored < order.size:
            continue  # when we get there
        if await held.copy(mirror, head).root_at(order.size) != order.root:
            await report(
                Finding(
                    "erase_root",
                    order.origin,
                    None,
                    Message(
                        "the roster erases in another tree of size {size}",
                        size=order.size,
                    ),
                )
            )
            continue
        wanted = {(a, b, order.size) for a, b in order.ranges}
        fresh = wanted - set(await mirror.erased(order.origin))
        if fresh:
            await mirror.erase(order.origin, sorted(fresh))
            log.info("erased", origin=order.origin, ranges=len(fresh))


async def by_epoch(roster: Roster, own: OwnStore, mirror: MirrorStore) -> bool:
    """Erase what is of retired epochs wherever we keep it; tell if so.

    From the first line on nothing of them is merged any more. It may die on
    any line and simply run again.
    """
    mirror.retired = roster.retired
    names = sorted(f"{kind}/{epoch}" for kind, epoch in roster.retired)
    done = " ".join(names)
    if await own.events.reported(RETIRED) == done:
        return False
    log.info("retiring", epochs=names)
    await mirror.drop_retired()
    for head in await mirror.heads():
        bundles = -(-head.mirrored // BUNDLE)
        for first in range(0, bundles, STEP):
            await mirror.retire(head.origin, first, first + STEP)
    await close_ours(own, mirror, roster.retired)
    await own.vault.retire(roster.retired)
    await own.database.purge()
    await own.events.now(RETIRED, done, "")
    return True


async def close_ours(
    own: OwnStore,
    mirror: MirrorStore,
    retired: Collection[tuple[str, int]] = (),
) -> bool:
    """Close in own.db what is erased of our logs; tell if anything was.

    That is what is of the epochs `retired`, and of earlier logs what mirror.db
    knows to be erased. The log that grows can say by itself what it erases.
    """
    done = False
    *earlier, ours = (await own.log.sizes()).items()
    for origin, size in (*earlier, ours):
        known: list[Span] = []
        if (origin, size) != ours:
            known = erasing.spans(await mirror.erased(origin))
        for n in range(-(-size // BUNDLE)):
            first, stop = n * BUNDLE, (n + 1) * BUNDLE
            near = [(a, b, b) for a, b in known if a < stop and first < b]
            if not near and not retired:
                continue
            closed = None
            while closed is None:
                with contextlib.suppress(StaleError):  # its tail has grown
                    closed = await _close(
                        own, mirror, origin, n, near, retired
                    )
            done = done or closed
    return done


async def _close(
    own: OwnStore,
    mirror: MirrorStore,
    origin: str,
    n: int,
    near: Sequence[Range],
    retired: Collection[tuple[str, int]],
) -> bool:
    """Close what is erased in one bundle of our log; tell if anything was.

    Raises:
        StaleError: it has grown meanwhile.
    """
    bundle = await own.log.bundle(n, origin)
    if bundle is None:
        raise DamagedError("own.db: bundle {n} is missing", n=n)
    first = n * BUNDLE
    records = codec.records(origin, bundle)
    gone = absent.retired(first, records, retired)
    if gone:
        # Remembered first: what is closed must be known to be erased.
        await mirror.erase(origin, gone)
    erased = absent.covered(first, first + len(records), [*near, *gone])
    closed = [
        leaf.close(record)
        if i in erased and record[0][1] in leaf.INDICATOR_TYPES
        else record
        for i, record in enumerate(records, first)
    ]
    if closed == records:
        return False
    left = replace(bundle, gz=codec.deflate(closed))
    await own.log.rewrite(left, origin)
    return True


async def purge(own: OwnStore, mirror: MirrorStore) -> bool:
    """Leave no byte of what was erased since the last time; tell if any was."""
    # What was erased of a log of ours is closed in own.db once it has ended.
    count = len(await own.log.sizes()) - 1
    for head in await mirror.heads():
        count += len(await mirror.erased(head.origin))
    if count == int(await own.events.reported(PURGED) or 0):
        return False
    if await close_ours(own, mirror):
        await own.database.purge()
    await mirror.purge()
    await own.events.now(PURGED, str(count), "")
    log.info("purged", erasures=count)
    return True
