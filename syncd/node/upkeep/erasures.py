"""Erase what the roster orders, down to the bytes on disk.

A log's own erase statements act in the transaction that mirrors them. The
roster erases for an origin that cannot speak any more, in the tree that it
names by size and root. Either way SQLite keeps freed bytes until its file is
rewritten: that is done once after new erasures, by the daily job.
"""

import asyncio

import structlog

from syncd.errors import Message
from syncd.flows import held
from syncd.flows.ports import Finding
from syncd.node.context import Context
from syncd.tlog.merkle import BUNDLE

PURGED = "upkeep/purged"  # kept: how many erasures the last rewrite covered
RETIRED = "upkeep/retired"  # kept: the epochs of which nothing is kept
STEP = 64  # bundles closed in one transaction

log = structlog.get_logger("syncd.erasures")


async def by_roster(ctx: Context) -> None:
    """Act on the roster's erasures as far as we mirror their trees."""
    mirror = ctx.mirror
    for order in ctx.roster.erased:
        head = await mirror.head(order.origin)
        if head.mirrored < order.size:
            continue  # when we get there
        if await held.copy(mirror, head).root_at(order.size) != order.root:
            why = Message(
                "the roster erases in another tree of size {size}", order
            )
            await ctx.report(Finding("erase_root", order.origin, None, why))
            continue
        wanted = {(a, b, order.size) for a, b in order.ranges}
        fresh = wanted - set(await mirror.erased(order.origin))
        if fresh:
            await mirror.erase(order.origin, sorted(fresh))
            log.info("erased", origin=order.origin, ranges=len(fresh))


async def by_epoch(ctx: Context, lock: asyncio.Lock) -> None:
    """Erase what is of retired epochs wherever we keep it.

    From the first line on nothing of them is merged any more. It may die on
    any line and simply run again.
    """
    own, mirror = ctx.own, ctx.mirror
    mirror.retired = retired = ctx.roster.retired
    done = " ".join(sorted(f"{kind}/{epoch}" for kind, epoch in retired))
    if await own.events.reported(RETIRED) == done:
        return
    log.info("retiring", epochs=done)
    await mirror.drop_retired()
    for head in await mirror.heads():
        for first in range(0, -(-head.mirrored // BUNDLE), STEP):
            await mirror.retire(head.origin, first, first + STEP)
    await close_ours(ctx, lock)
    await own.vault.retire(retired)
    await own.database.purge()
    await own.events.now(RETIRED, done, "")


async def close_ours(ctx: Context, lock: asyncio.Lock) -> None:
    """Close in own.db what mirror.db knows to be erased of our logs.

    Under the `lock` of who appends: it writes the tail again as it read it.
    """
    own, span = ctx.own.log, STEP * BUNDLE
    for origin, size in (await own.sizes()).items():
        known = await ctx.mirror.erased(origin)
        for at in range(0, size, span):
            near = [
                (max(first, at), min(stop, at + span), by)
                for first, stop, by in known
                if first < at + span and at < min(stop, by)
            ]
            if near:
                async with lock:
                    await own.erase(origin, near)


async def purge(ctx: Context, lock: asyncio.Lock) -> None:
    """Leave no byte of what was erased since the last time.

    An own.db that was set back is behind in what it has closed, too.
    """
    own, mirror, count = ctx.own, ctx.mirror, 0
    for head in await mirror.heads():
        count += len(await mirror.erased(head.origin))
    if count == int(await own.events.reported(PURGED) or 0):
        return
    await close_ours(ctx, lock)
    await own.database.purge()
    await mirror.purge()
    await own.events.now(PURGED, str(count), "")
    log.info("purged", erasures=count)
