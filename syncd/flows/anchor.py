"""Anchors: our log says which of the others' checkpoints we have merged.

So a member's copy is held by its own signed log, and by all who mirror that:
what it merged, and that a log was not another one for somebody else. At most
one a day, of at most 16 logs, and only of those that gained something that is
not book-keeping: an anchor never causes another.
"""

import hashlib
from collections.abc import Mapping

from syncd.flows import held
from syncd.flows.log_files import type_of
from syncd.flows.ports import Cosigned, Mirror, Offload
from syncd.indicator import codec
from syncd.indicator.statement import AnchoredLog
from syncd.tlog import note
from syncd.tlog.merkle import BUNDLE

MOST = 16  # logs in one anchor
COUNTS = frozenset({*range(1, 16), 18, 20})  # types of which one is written


async def due(
    own: str,
    day: str,
    merged: Mapping[str, Cosigned],
    anchored: Mapping[str, int],
    mirror: Mirror,
    offload: Offload,
) -> tuple[AnchoredLog, ...]:
    """Return what an anchor of today has, sorted; nothing if nothing is due.

    Args:
        own: our origin. With the day it chooses, where more than 16 are due.
        merged: of each other log the last checkpoint that we have merged.
        anchored: sizes that earlier anchors of ours have.
    """

    def turn(origin: str) -> bytes:
        return hashlib.sha256(f"{own}{day}{origin}".encode()).digest()

    found = list[AnchoredLog]()
    for origin in sorted(merged, key=turn):
        new, old = merged[origin], anchored.get(origin, 0)
        if len(found) < MOST and await _gained(
            origin, old, new.size, mirror, offload
        ):
            made = note.parse(new.note)
            line = next(s for s in made.signatures if s.name == origin)
            found.append(
                AnchoredLog(origin, new.size, new.root.hex(), f"{line}")
            )
    return tuple(sorted(found))


async def _gained(
    origin: str, old: int, new: int, mirror: Mirror, offload: Offload
) -> bool:
    """Tell whether entries old..new-1 have one of those types; newest first."""
    copy = held.copy(mirror, await mirror.head(origin))
    top = -(-new // BUNDLE) if new > old else 0
    for n in reversed(range(old // BUNDLE, top)):
        records = await offload(codec.records, origin, await copy.stored(n))
        start = n * BUNDLE
        if any(
            type_of(record) in COUNTS
            for record in records[max(old - start, 0) : new - start]
        ):
            return True
    return False
