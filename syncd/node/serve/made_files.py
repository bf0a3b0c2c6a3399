"""Log files that were made of bundles: elsewhere, and the last ones kept."""

from typing import Any

from syncd.flows.ports import Bundle, Offload
from syncd.flows.serve import File

MOST = 32 << 20  # bytes that are kept


class MadeFiles:
    """Makes log files in a pool; implements `flows.serve.Make`."""

    def __init__(self, offload: Offload, most: int = MOST) -> None:
        """Keep up to `most` bytes of what was asked for last."""
        self._offload = offload
        self._most = most
        self._kept: dict[tuple[Any, ...], bytes] = {}  # asked for last: last

    async def __call__(
        self, file: File, origin: str, bundle: Bundle, width: int
    ) -> bytes:
        """Return `file(origin, bundle, width)`."""
        # An erasure changes no root, but what gzip ends with: checksum, size.
        at = (bundle.n, bundle.root, width, bundle.gz[-8:])
        key = (file, origin, at)
        made = self._kept.pop(key, None)
        if made is None:
            made = await self._offload(file, origin, bundle, width)
        self._kept[key] = made
        size = sum(map(len, self._kept.values()))
        while size > self._most:
            size -= len(self._kept.pop(next(iter(self._kept))))
        return made
