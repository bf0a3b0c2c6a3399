"""Erasures: what the roster orders, and that the bytes themselves go.

A log's own erase statements act in the transaction that mirrors them. The
roster erases for an origin that cannot speak any more, in the tree that it
names by size and root. Either way SQLite keeps freed bytes until its file is
rewritten: that is done once after new erasures, by the daily job.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from syncd.errors import DamagedError
from syncd.flows import pull
from syncd.flows.ports import Finding
from syncd.roster.roster import Roster
from syncd.store import durable
from syncd.store.mirror import MirrorStore

FILE = "purged"  # in the home: how many erasures the last rewrite covered

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
