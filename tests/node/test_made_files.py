"""Log files are made once, as long as they are wanted."""

from typing import Any

import pytest

from syncd.flows.ports import Bundle
from syncd.node import offload


class Made:
    def __init__(self) -> None:
        self.count = 0
        self.files = offload.MadeFiles(self.offload)

    async def offload(self, work: Any, *args: Any) -> bytes:
        self.count += 1
        made: bytes = work(*args)
        return made

    async def __call__(
        self, n: int = 0, width: int = 4, gz: bytes = b"gz"
    ) -> int:
        """Ask for a file of twelve bytes; return how many have been made."""
        bundle = Bundle(n, 8, gz, b"root")
        made = await self.files(_file, "o", bundle, width)
        assert made == _file("o", bundle, width)
        return self.count


def _file(origin: str, bundle: Bundle, width: int) -> bytes:
    return b"%s%d%d%9s" % (origin.encode(), bundle.n, width, bundle.gz)


async def test_the_same_file_is_made_once() -> None:
    """Another width, another bundle, or an erasure in it makes another."""
    made = Made()
    assert [await made(), await made()] == [1, 1]
    assert await made(width=5) == 2
    assert await made(n=1) == 3
    assert await made(gz=b"after") == 4
    assert await made() == 4


async def test_what_nobody_asked_for_lately_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So many bytes are kept; what was asked for last stays."""
    monkeypatch.setattr(offload, "MADE_MOST", 30)
    made = Made()
    for n in (0, 1, 0, 2):  # twelve bytes each: the second has to go
        await made(n)
    assert made.count == 3
    assert await made(0) == 3
    assert await made(1) == 4
