"""A directory of files as the source of a log, or more, for the air gap.

What `syncd log export` writes, read again elsewhere; as untrusted as any
peer, so paths are made from numbers alone and sizes are bounded.
"""

import asyncio
import gzip
from collections.abc import Sequence
from pathlib import Path

from syncd.errors import BrokenSourceError, UnavailableError, at_path
from syncd.peer.client import PAYLOAD, most


class DirectorySource:
    """One log's static files under `root`; implements `ports.Source`."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root

    async def files(self, origin: str, paths: Sequence[str]) -> list[bytes]:
        """Read files by their paths, in order, whoever's log it is."""
        return [await asyncio.to_thread(self._read, path) for path in paths]

    def _read(self, path: str) -> bytes:
        limit = most(path)
        file = self._root / path
        if file.is_fifo():  # it would be waited for
            raise UnavailableError("{path}: is no file", path=path)
        with at_path(path, UnavailableError), file.open("rb") as opened:
            raw = opened.read(limit + 1)
        if len(raw) > limit:
            raise BrokenSourceError(
                "{path}: is over {most} bytes", path=path, most=limit
            )
        return gzip.compress(raw, 1) if path.startswith(PAYLOAD) else raw
