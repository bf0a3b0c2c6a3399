"""What a signed size implies is served as the tree has it, nothing else."""

import gzip
import hashlib
from collections.abc import Sequence
from functools import cache

from msgspec.structs import replace

from syncd.flows import serve
from syncd.flows.ports import Bundle
from syncd.indicator import leaf
from syncd.tlog import merkle, tiles
from syncd.tlog.merkle import BUNDLE
from tests.cases import tried
from tests.flows.growing import ORIGIN, Log
from tests.refusals import damaged

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


def files(held: Sequence[Bundle] = ()) -> serve.LogFiles:
    log = written().copy()
    log.bundles = [*(held or log.bundles)]
    return log.files()._replace(size=SIZE)


def root(n: int) -> bytes:
    """Return the made-up root of bundle `n` of a large log."""
    return hashlib.sha256(n.to_bytes(4, "big")).digest()


def high() -> serve.LogFiles:
    async def bundle(n: int) -> Bundle | None:
        raise AssertionError("no bundle is read")

    async def roots(first: int, last: int) -> list[bytes]:
        return [root(n) for n in range(first, last)]

    return serve.LogFiles(ORIGIN, HIGH, b"", bundle, roots)


SPANS = [(0, 1), (0, 255), (0, BUNDLE), (1, BUNDLE), (2, 3), (2, 7)]


@tried("n, width", SPANS)
async def test_files_hold_the_first_records_of_a_bundle(
    n: int, width: int
) -> None:
    """As payloads, leaves and hashes, all of the same records."""
    want = list(written().records[n * BUNDLE : n * BUNDLE + width])
    tail = tiles.path(n, width)
    gz = await serve.file(files(), f"payload/{tail}")
    assert gz is not None
    assert leaf.open_bundle(ORIGIN, gzip.decompress(gz), width) == want
    leaves = tiles.encode_bundle(record[0] for record in want)
    assert await serve.file(files(), f"tile/entries/{tail}") == leaves
    hashes = merkle.leaf_hashes(record[0] for record in want)
    assert await serve.file(files(), f"tile/0/{tail}") == b"".join(hashes)


async def test_an_auditor_reads_the_book_keeping_alone() -> None:
    """What tells of an indicator is its leaf, and no more."""
    raw = await serve.file(files(), "audit/000.p/11")
    assert raw is not None
    opened = [bool(salt) for _, salt, _ in leaf.split_records(raw, 11)]
    assert opened == [i % 5 == 0 for i in range(11)]
    assert leaf.open_bundle(
        ORIGIN, raw, 11, [record[0] for record in written().records[:11]]
    )


@tried("start", [*serve.FILES])
@tried("tail", ["002.p/8", "002", "003.p/1"])
async def test_beyond_the_signed_size_there_is_nothing(
    start: str, tail: str
) -> None:
    """Even of what the database may hold by then."""
    level = "0/" if start == "tile/" else ""
    assert await serve.file(files(), start + level + tail) is None


async def test_upper_tiles_hold_the_roots_of_what_is_whole() -> None:
    """A hash of level L stands for 256^L entries, all of them there."""
    first, second, _ = written().bundles
    roots = first.root + second.root
    assert await serve.file(files(), "tile/1/000.p/2") == roots
    assert await serve.file(files(), "tile/1/000.p/3") is None
    want = [
        merkle.root([root(n) for n in range(at * BUNDLE, (at + 1) * BUNDLE)])
        for at in range(3)
    ]
    assert await serve.file(high(), "tile/2/000.p/3") == b"".join(want)
    assert await serve.file(high(), "tile/2/000.p/2") == b"".join(want[:2])
    for path in ("2/000.p/4", "2/001.p/1", "3/000.p/1"):
        assert await serve.file(high(), f"tile/{path}") is None


@tried("held", [written().bundles[:2], (*written().bundles[:2], None)])
async def test_a_bundle_below_our_size_that_is_missing_is_damage(
    held: Sequence[Bundle | None],
) -> None:
    """It is never answered as if the log did not have it."""
    short = replace(written().bundles[2], width=3)
    kept = [short if bundle is None else bundle for bundle in held]
    with damaged(r"/1: bundle 2 is missing"):
        await serve.file(files(kept), "payload/002.p/7")
