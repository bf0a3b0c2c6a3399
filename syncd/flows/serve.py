"""Make a log's static files from its bundles on demand.

Tiles are derived, never stored: a level-0 tile is its bundle's leaf hashes,
a level-1 tile 256 bundle roots, and so on. Nothing beyond `size`, the size
of the checkpoint that was released, is ever answered.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import NamedTuple

from syncd.errors import DamagedError
from syncd.flows.ports import Bundle, at_once
from syncd.indicator import codec, leaf
from syncd.tlog import merkle, tiles
from syncd.tlog.merkle import BUNDLE

File = Callable[[str, Bundle, int], bytes]
"""(origin, bundle, width) → a file of the bundle's first records"""
Make = Callable[[File, str, Bundle, int], Awaitable[bytes]]
"""has a file made, elsewhere perhaps"""


class LogFiles(NamedTuple):
    """One log as it may be served: everything below `size`, or nothing."""

    origin: str
    size: int  # entries, as in `checkpoint`
    checkpoint: bytes  # the signed note, with cosignatures
    bundle: Callable[[int], Awaitable[Bundle | None]]
    roots: Callable[[int, int], Awaitable[list[bytes]]]
    make: Make = at_once


async def _made(file: File, log: LogFiles, n: int, width: int) -> bytes | None:
    """Make a file of bundle `n`, if `width` records of it exist."""
    if not tiles.exists(0, n, width, log.size):
        return None
    bundle = await log.bundle(n)
    if bundle is None or bundle.width < width:
        raise DamagedError("log: {origin}: bundle {n} is missing", log, n=n)
    return await log.make(file, log.origin, bundle, width)


def _payload(origin: str, bundle: Bundle, width: int) -> bytes:
    return codec.narrow(origin, bundle, width).gz


def _of(make: Callable[[list[leaf.Record]], bytes]) -> File:
    return lambda origin, bundle, width: make(
        codec.records(origin, bundle)[:width]
    )


_audit = _of(lambda some: leaf.encode_records(leaf.for_audit(some)))
_entries = _of(lambda some: tiles.encode_bundle([one[0] for one in some]))
_leaf_hashes = _of(lambda some: b"".join(codec.leaf_hashes(some)))


async def _tile(log: LogFiles, level: int, n: int, width: int) -> bytes | None:
    """Return `tile/<L>/<N>[.p/<W>]`, or None if no signed size implies it."""
    if level == 0:
        return await _made(_leaf_hashes, log, n, width)
    if not tiles.exists(level, n, width, log.size):
        return None
    return b"".join(await _hashes(log, level, n * BUNDLE, n * BUNDLE + width))


Read = Callable[..., Awaitable[bytes | None]]
Tail = Callable[[str], tuple[int, ...]]  # reads what follows
FILES: Mapping[str, tuple[Read, Tail]] = {  # by what their paths begin with
    "tile/entries/": (partial(_made, _entries), tiles.parse_path),
    "tile/": (_tile, tiles.parse_tile),
    "payload/": (partial(_made, _payload), tiles.parse_path),
    "audit/": (partial(_made, _audit), tiles.parse_path),
}


async def file(log: LogFiles, path: str) -> bytes | None:
    """Return the file at a path below a log's prefix, or None for nothing.

    Raises:
        MalformedError: nothing that is there is spelt like that.
    """
    start = next(filter(path.startswith, FILES))
    read, parse = FILES[start]
    return await read(log, *parse(path.removeprefix(start)))


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
