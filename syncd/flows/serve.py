"""Serve: a log's static files, made from its bundles on demand.

Tiles are derived, never stored: a level-0 tile is its bundle's leaf hashes,
a level-1 tile 256 bundle roots, and so on. Nothing beyond `size`, the size
of the checkpoint that was released, is ever answered.
"""

import gzip
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from syncd.errors import DamagedError, MalformedError
from syncd.flows.ports import Bundle
from syncd.indicator import leaf
from syncd.indicator.leaf import Record
from syncd.tlog import merkle, tiles
from syncd.tlog.merkle import BUNDLE

GZIP_LEVEL = 6  # 48.7 bytes an entry; zstd -3 gives 48.0


@dataclass(frozen=True, slots=True)
class LogFiles:
    """One log as it may be served: everything below `size`, or nothing."""

    origin: str
    size: int  # entries, as in `checkpoint`
    checkpoint: bytes  # the signed note, with cosignatures
    bundle: Callable[[int], Awaitable[Bundle | None]]
    roots: Callable[[int, int], Awaitable[list[bytes]]]


def inflate(bundle: Bundle) -> bytes:
    """Return the record bytes of a bundle of ours.

    Raises:
        DamagedError: it is not gzip any more.
    """
    try:
        return gzip.decompress(bundle.gz)
    except (OSError, EOFError, zlib.error) as e:
        raise DamagedError(f"log: bundle {bundle.n} is not gzip") from e


def deflate(found: Sequence[Record]) -> bytes:
    """Return the payload file of records: gzip, the same for the same."""
    return gzip.compress(leaf.encode_records(found), GZIP_LEVEL, mtime=0)


def records(origin: str, bundle: Bundle) -> list[Record]:
    """Return a bundle's records, each with its leaf."""
    leaves = None
    if bundle.entries:
        leaves = tiles.split_bundle(bundle.entries, bundle.width)
    return leaf.open_bundle(origin, inflate(bundle), bundle.width, leaves)


def payload_at(bundle: Bundle, at: int) -> bytes:
    """Return the payload of one record of a bundle, b"" if it is closed.

    Raises:
        DamagedError: the bundle of ours does not parse any more.
    """
    try:
        found = leaf.split_records(inflate(bundle), bundle.width)
    except MalformedError as e:
        raise DamagedError(f"log: bundle {bundle.n}: {e}") from e
    return found[at][2] if found[at][1] else b""


async def _bundle(log: LogFiles, n: int, width: int) -> Bundle | None:
    """Return bundle `n`, of `width` records or more, if they exist."""
    if not 1 <= width <= BUNDLE or not tiles.exists(0, n, width, log.size):
        return None
    bundle = await log.bundle(n)
    if bundle is None or bundle.width < width:
        raise DamagedError(f"log: {log.origin}: bundle {n} is missing")
    return bundle


async def _first(log: LogFiles, n: int, width: int) -> list[Record] | None:
    """Return the first `width` records of bundle `n`, if they exist."""
    bundle = await _bundle(log, n, width)
    if bundle is None:
        return None
    return records(log.origin, bundle)[:width]


def leaf_hashes(found: Sequence[Record]) -> list[bytes]:
    """Return the leaf hashes of records."""
    return merkle.leaf_hashes([record[0] for record in found])


async def payload(log: LogFiles, n: int, width: int) -> bytes | None:
    """Return `payload/<N>[.p/<W>]` as gzip; None if there is no such file."""
    bundle = await _bundle(log, n, width)
    if bundle is None:
        return None
    if bundle.width == width:
        return bundle.gz
    return deflate(records(log.origin, bundle)[:width])


async def audit(log: LogFiles, n: int, width: int) -> bytes | None:
    """Return `audit/<N>[.p/<W>]`: book-keeping opened, the rest as leaves."""
    found = await _first(log, n, width)
    if found is None:
        return None
    return leaf.encode_records(leaf.for_audit(found))


async def entries(log: LogFiles, n: int, width: int) -> bytes | None:
    """Return `tile/entries/<N>[.p/<W>]`: an entry is a leaf."""
    found = await _first(log, n, width)
    if found is None:
        return None
    return tiles.encode_bundle([record[0] for record in found])


async def tile(log: LogFiles, level: int, n: int, width: int) -> bytes | None:
    """Return `tile/<L>/<N>[.p/<W>]`, or None if no signed size implies it."""
    if level == 0:
        found = await _first(log, n, width)
        return None if found is None else b"".join(leaf_hashes(found))
    if not 1 <= width <= BUNDLE or not tiles.exists(level, n, width, log.size):
        return None
    return b"".join(await _hashes(log, level, n * BUNDLE, n * BUNDLE + width))


async def _hashes(
    log: LogFiles, level: int, first: int, last: int
) -> list[bytes]:
    if level == 1:
        return await log.roots(first, last)
    return [
        merkle.root(
            await _hashes(log, level - 1, i * BUNDLE, (i + 1) * BUNDLE)
        )
        for i in range(first, last)
    ]


async def subtree(log: LogFiles, level: int, index: int) -> bytes:
    """Return the hash of 2^level complete entries at `index`."""
    if level < 8:
        first = index << level
        at = first % BUNDLE
        found = await _first(log, first // BUNDLE, at + (1 << level))
        if found is None:
            raise DamagedError(f"log: {log.origin}: no entry {first}")
        return merkle.root(leaf_hashes(found[at:]))
    wide = 1 << (level - 8)
    return merkle.root(await log.roots(index * wide, (index + 1) * wide))
