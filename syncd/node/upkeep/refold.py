"""Refold: when the roster's `format` rises, all logs are folded again.

What was void may say something now. Nothing is fetched: each log is folded
from its mirror, one after the other, so that look-ups miss the claims of one
of them at a time. A build that does not implement the format stops merging
instead; the build that replaces it does this when it starts.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from syncd.errors import DamagedError
from syncd.store import durable
from syncd.store.mirror import MirrorStore

FILE = "folded"  # in the home: the format by which claims were folded

log = structlog.get_logger("syncd.refold")


async def refold(
    home: Path,
    format_: int,
    mirror: MirrorStore,
    merge: Callable[[str], Awaitable[None]],
) -> bool:
    """Fold every log by a format that this build implements; tell if so.

    `merge` folds what is mirrored of one log. It may die on any line and
    simply run again.
    """
    raw = durable.read(home / FILE) or b"1"
    if not raw.isdigit():
        raise DamagedError(f"{home / FILE}: is no number", hint="delete it")
    if format_ == int(raw):
        return False
    log.warning("folding all logs again", before=int(raw), format=format_)
    for head in await mirror.heads():
        if head.contested:  # it could not move on from an empty start
            continue
        await mirror.fold_again(head.origin)
        await merge(head.origin)
    durable.write(home / FILE, b"%d" % format_)
    return True
