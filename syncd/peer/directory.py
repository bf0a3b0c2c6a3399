"""A directory of files as the source of a log, for the air gap.

What `syncd log export` writes, read again elsewhere; as untrusted as any
peer, so paths are made from numbers alone and sizes are bounded.
"""

import asyncio
import gzip
from collections.abc import Sequence
from pathlib import Path

from syncd.errors import BrokenSourceError, UnavailableError
from syncd.peer.client import MAX_BUNDLE_GZ, MAX_ENTRIES, MAX_NOTE, MAX_TILE
from syncd.tlog import tiles


class DirectorySource:
    """One log's static files under `root`; implements `ports.Source`."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root

    async def checkpoint(self, origin: str) -> bytes:
        """Read the `checkpoint` file, whoever's log it is."""
        return await asyncio.to_thread(self._read, "checkpoint", MAX_NOTE)

    async def hash_tiles(
        self, origin: str, paths: Sequence[str]
    ) -> Sequence[bytes]:
        """Read tiles by their path after `tile/`, in order."""
        return [
            await asyncio.to_thread(self._read, f"tile/{p}", MAX_TILE)
            for p in paths
        ]

    async def payloads(
        self, origin: str, wanted: Sequence[tuple[int, int]]
    ) -> Sequence[bytes]:
        """Read payload bundles and return them as gzip, in order."""
        return [
            gzip.compress(
                await asyncio.to_thread(
                    self._read, tiles.payload_path(n, width), MAX_BUNDLE_GZ
                ),
                1,
            )
            for n, width in wanted
        ]

    async def entries(self, origin: str, n: int, width: int) -> bytes:
        """Read one `tile/entries` bundle."""
        path = tiles.entries_path(n, width)
        return await asyncio.to_thread(self._read, path, MAX_ENTRIES)

    def _read(self, path: str, limit: int) -> bytes:
        return read(self._root, path, limit)


def read(root: Path, path: str, limit: int) -> bytes:
    """Return a file's bytes.

    Raises:
        UnavailableError: it cannot be read.
        BrokenSourceError: it is longer than `limit`.
    """
    try:
        with (root / path).open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as e:
        raise UnavailableError(
            "{path}: {why}", path=path, why=e.strerror
        ) from e
    if len(raw) > limit:
        raise BrokenSourceError(
            "{path}: is over {most} bytes", path=path, most=limit
        )
    return raw
