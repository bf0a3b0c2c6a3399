"""What a signed size implies is served as the tree has it, nothing else."""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import cache

import pytest

from syncd.errors import DamagedError
from syncd.flows import serve
from syncd.flows.ports import Bundle
from syncd.flows.serve import LogFiles
from syncd.indicator import leaf
from syncd.tlog import merkle, tiles
from syncd.tlog.merkle import BUNDLE
from tests.flows.growing import ORIGIN, Log

SIZE = 2 * BUNDLE + 7
HIGH = 3 * BUNDLE**2 + 5  # entries of a log of which only the roots are there


@cache
def written() -> Log:
    """Return a log of reports, with a roster accepted now and then."""
    log = Log()
    types = [1 if i % 5 else 19 for i in range(SIZE)]
    log.add(
        *((t, b'{"n":%d,"type":%d}' % (i, t)) for i, t in enumerate(types))
    )
    return log


def files(held: Sequence[Bundle] = ()) -> LogFiles:
    log = written().copy()
    log.bundles = [*(held or log.bundles)]
    return replace(log.files(), size=SIZE)


def root(n: int) -> bytes:
    """Return the made-up root of bundle `n` of a large log."""
    return hashlib.sha256(n.to_bytes(4, "big")).digest()


def high() -> LogFiles:
    async def bundle(n: int) -> Bundle | None:
        raise AssertionError("no bundle is read")

    async def roots(first: int, last: int) -> list[bytes]:
        return [root(n) for n in range(first, last)]

    return LogFiles(ORIGIN, HIGH, b"", bundle, roots)


SPANS = [(0, 1), (0, 255), (0, BUNDLE), (1, BUNDLE), (2, 3), (2, 7)]
File = Callable[[LogFiles, int, int], Awaitable[bytes | None]]


@pytest.mark.parametrize(("n", "width"), SPANS)
async def test_files_hold_the_first_records_of_a_bundle(
    n: int, width: int
) -> None:
    """As payloads, leaves and hashes, all of the same records."""
    want = list(written().records[n * BUNDLE : n * BUNDLE + width])
    gz = await serve.payload(files(), n, width)
    assert gz is not None
    assert leaf.open_bundle(ORIGIN, gzip.decompress(gz), width) == want
    leaves = tiles.encode_bundle(record[0] for record in want)
    assert await serve.entries(files(), n, width) == leaves
    hashes = merkle.leaf_hashes(record[0] for record in want)
    assert await serve.tile(files(), 0, n, width) == b"".join(hashes)


async def test_an_auditor_reads_the_book_keeping_alone() -> None:
    """What tells of an indicator is its leaf, and no more."""
    raw = await serve.audit(files(), 0, 11)
    assert raw is not None
    read = leaf.split_records(raw, 11)
    opened = [bool(salt) for _, salt, _ in read]
    assert opened == [i % 5 == 0 for i in range(11)]
    assert leaf.open_bundle(
        ORIGIN, raw, 11, [record[0] for record in written().records[:11]]
    )


@pytest.mark.parametrize("file", [serve.payload, serve.audit, serve.entries])
@pytest.mark.parametrize(
    ("n", "width"),
    [(0, 0), (0, -1), (0, BUNDLE + 1), (2, 8), (2, BUNDLE), (3, 1)],
)
async def test_beyond_the_signed_size_there_is_nothing(
    file: File, n: int, width: int
) -> None:
    """Even of what the database may hold by then."""
    assert await file(files(), n, width) is None
    assert await serve.tile(files(), 0, n, width) is None


async def test_upper_tiles_hold_the_roots_of_what_is_whole() -> None:
    """A hash of level L stands for 256^L entries, all of them there."""
    first, second, _ = written().bundles
    assert await serve.tile(files(), 1, 0, 2) == first.root + second.root
    assert await serve.tile(files(), 1, 0, 3) is None
    want = [
        merkle.root([root(n) for n in range(at * BUNDLE, (at + 1) * BUNDLE)])
        for at in range(3)
    ]
    assert await serve.tile(high(), 2, 0, 3) == b"".join(want)
    assert await serve.tile(high(), 2, 0, 2) == b"".join(want[:2])
    for level, n, width in [(2, 0, 4), (2, 0, 0), (2, 1, 1), (3, 0, 1)]:
        assert await serve.tile(high(), level, n, width) is None


@pytest.mark.parametrize(
    "held", [written().bundles[:2], (*written().bundles[:2], None)]
)
async def test_a_bundle_below_our_size_that_is_missing_is_damage(
    held: Sequence[Bundle | None],
) -> None:
    """It is never answered as if the log did not have it."""
    short = replace(written().bundles[2], width=3)
    kept = [short if bundle is None else bundle for bundle in held]
    with pytest.raises(DamagedError, match=r"/1: bundle 2 is missing"):
        await serve.payload(files(kept), 2, 7)
