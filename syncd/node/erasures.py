"""Erasures: what the roster orders, and that the bytes themselves go.

A log's own erase statements act in the transaction that mirrors them. The
roster erases for an origin that cannot speak any more, in the tree that it
names by size and root. Either way SQLite keeps freed bytes until its file is
rewritten: that is done once after new erasures, by the daily job.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import structlog

from syncd.errors import DamagedError
from syncd.flows import pull, serve
from syncd.flows.ports import Finding
from syncd.indicator import claims, leaf
from syncd.roster.roster import Roster
from syncd.store import durable
from syncd.store.home import OwnStore
from syncd.store.mirror import MirrorStore
from syncd.tlog.merkle import BUNDLE

FILE = "purged"  # in the home: how many erasures the last rewrite covered
RETIRED = "retired"  # in the home: the epochs of which nothing is kept
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
        if await pull.root_at(mirror, head, order.size) != order.root:
            await report(
                Finding(
                    "erase_root",
                    order.origin,
                    None,
                    f"the roster erases in another tree of size {order.size}",
                )
            )
            continue
        wanted = {(a, b, order.size) for a, b in order.ranges}
        fresh = wanted - set(await mirror.erased(order.origin))
        if fresh:
            await mirror.erase(order.origin, sorted(fresh))
            log.info("erased", origin=order.origin, ranges=len(fresh))


async def by_epoch(
    home: Path, roster: Roster, own: OwnStore, mirror: MirrorStore
) -> bool:
    """Erase what is of retired epochs wherever we keep it; tell if so.

    From the first line on nothing of them is merged any more. It may die on
    any line and simply run again.
    """
    mirror.retired = roster.retired
    names = sorted(f"{kind}/{epoch}\n" for kind, epoch in roster.retired)
    done = "".join(names).encode()
    if (durable.read(home / RETIRED) or b"") == done:
        return False
    log.info("retiring", epochs=done.decode().split())
    await mirror.drop_retired()
    for head in await mirror.heads():
        bundles = -(-head.mirrored // BUNDLE)
        for first in range(0, bundles, STEP):
            await mirror.retire(head.origin, first, first + STEP)
    await _close_ours(own, mirror, roster)
    await own.vault.retire(roster.retired)
    await own.database.purge()
    durable.write(home / RETIRED, done)
    return True


async def _close_ours(
    own: OwnStore, mirror: MirrorStore, roster: Roster
) -> None:
    """Close the entries of our own log that are of retired epochs."""
    tip = await own.log.head()
    for n in range(-(-tip.frontier.size // BUNDLE)):
        bundle = await own.log.bundle(n)
        if bundle is None:
            raise DamagedError(f"own.db: bundle {n} is missing")
        records = serve.records(tip.origin, bundle)
        gone = claims.retired(n * BUNDLE, records, roster.retired)
        if not gone:
            continue
        # Remembered first: what is closed must be known to be erased.
        await mirror.erase(tip.origin, gone)
        closed = [
            leaf.close(record) if claims.is_erased(index, 1, gone) else record
            for index, record in enumerate(records, n * BUNDLE)
        ]
        await own.log.rewrite([replace(bundle, gz=serve.deflate(closed))])


async def purge(home: Path, mirror: MirrorStore) -> bool:
    """Rewrite mirror.db if something was erased since; tell if so."""
    count = 0
    for head in await mirror.heads():
        count += len(await mirror.erased(head.origin))
    raw = durable.read(home / FILE) or b"0"
    if not raw.isdigit():
        raise DamagedError(f"{home / FILE}: is no number", hint="delete it")
    if count == int(raw):
        return False
    await mirror.purge()
    durable.write(home / FILE, b"%d" % count)
    log.info("purged", erasures=count)
    return True
