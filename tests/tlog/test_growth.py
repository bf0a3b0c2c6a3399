"""Growth finds every wrong byte, and accuses only who has forked."""

import contextlib
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import BrokenSourceError, ForkError
from syncd.tlog import growth, merkle, tiles
from syncd.tlog.checkpoint import Checkpoint
from tests.cases import each
from tests.refusals import broken, forked

FULL = 256
ORIGIN = "police.example/syncd/txwz/1"
(OTHER,) = merkle.leaf_hashes([b"another entry"])


class Log:
    """A log in memory that signs nothing, and serves tiles of any size."""

    def __init__(self, leaves: Sequence[bytes], roots: list[bytes]) -> None:
        self.leaves = list(leaves)
        self.roots = roots

    def forked(self, at: int) -> "Log":
        """Return the same log with another entry `at`."""
        twin = Log(self.leaves, list(self.roots))
        twin.leaves[at] = OTHER
        n = at // FULL
        if n < len(twin.roots):
            twin.roots[n] = merkle.root(twin.bundle(n, FULL))
        return twin

    def bundle(self, n: int, width: int) -> list[bytes]:
        """Return the leaf hashes of a bundle."""
        return self.leaves[n * FULL : n * FULL + width]

    def tail(self, size: int) -> list[bytes]:
        """Return the leaf hashes of the partial last bundle."""
        return self.bundle(size // FULL, size % FULL)

    def frontier(self, size: int) -> merkle.Frontier:
        """Return the frontier at `size`."""
        whole = merkle.Frontier.EMPTY.extend(self.roots[: size // FULL], 8)
        return whole.extend(self.tail(size))

    def head(self, size: int) -> Checkpoint:
        """Return the checkpoint at `size`."""
        return Checkpoint(ORIGIN, size, self.frontier(size).root())

    def tile(self, name: str) -> bytes:
        """Return one tile."""
        level, n, width = tiles.parse_tile(name)
        row = self.leaves if level == 0 else self.roots
        for _ in range(level - 1):
            row = [
                merkle.root(row[i : i + FULL])
                for i in range(0, len(row) // FULL * FULL, FULL)
            ]
        hashes = row[n * FULL : n * FULL + width]
        assert len(hashes) == width, f"{name} does not exist"
        return b"".join(hashes)

    def tiles(self, names: Sequence[str]) -> list[bytes]:
        """Return some tiles."""
        return [self.tile(name) for name in names]


# A log of 68,000 entries: 265 bundles, two level-1 tiles. Most bundles are
# alike: what is tested is how they are put together.
_first, _middle, _last = (
    merkle.leaf_hashes(named % i for i in range(count))
    for named, count in (
        (b"%d", 6 * FULL),
        (b"x%d", FULL),
        (b"z%d", 68_000 - 264 * FULL),
    )
)
_leaves = _first + _middle * 258 + _last
MINE = Log(
    _leaves,
    [
        *(merkle.root(_leaves[i : i + FULL]) for i in range(0, 1536, FULL)),
        *[merkle.root(_middle)] * 258,
        merkle.root(_leaves[264 * FULL : 265 * FULL]),
    ],
)

small = st.integers(0, 1500)
interesting = small | st.sampled_from(
    [FULL * FULL + d for d in (-300, -1, 0, 1, 77, 256, 2000)]
)
pairs = st.tuples(interesting, interesting).map(sorted).map(tuple)


def flip(raw: bytes, at: int) -> bytes:
    """Return `raw` with one bit changed."""
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


# ------------------------------------------------------------------- plan


@each("tlog", "a_plan_covers_what_is_new", "old, new, plan")
def test_a_plan_covers_what_is_new(old: int, new: int, plan: object) -> None:
    assert json.loads(json.dumps(growth.plan(old, new))) == plan


# ------------------------------------------------------------------ roots


@given(pairs)
def test_an_honest_log_grows_by_tiles(sizes: tuple[int, int]) -> None:
    old, new = sizes
    was, head, tail = MINE.frontier(old), MINE.head(new), MINE.tail(new)
    fetched = MINE.tiles(growth.plan(old, new).tiles)
    roots = growth.bundle_roots(was, head, fetched, tail)
    assert roots == MINE.roots[old // FULL : new // FULL]


def test_a_full_tile_serves_where_the_partial_one_was_dropped() -> None:
    roots = growth.bundle_roots(
        MINE.frontier(0), MINE.head(600), [MINE.tile("1/000")], MINE.tail(600)
    )
    assert roots == MINE.roots[:2]


@given(pairs, st.data())
def test_a_broken_source_accuses_nobody(
    sizes: tuple[int, int], data: st.DataObject
) -> None:
    """No wrong byte from anybody makes an honest log a fork."""
    old, new = sizes

    def spoiled(names: Sequence[str]) -> list[bytes]:
        fetched = MINE.tiles(names)
        if fetched:
            which = data.draw(st.integers(0, len(fetched) - 1))
            at = data.draw(st.integers(0, len(fetched[which]) - 1))
            fetched[which] = flip(fetched[which], at)
        return fetched

    if fetched := spoiled(growth.plan(old, new).tiles):
        was, head, tail = MINE.frontier(old), MINE.head(new), MINE.tail(new)
        with broken():
            growth.bundle_roots(was, head, fetched, tail)
    # a tile holds more hashes than the proof needs
    with contextlib.suppress(BrokenSourceError):
        fetched = spoiled(growth.compare_plan(old, new))
        growth.compare(MINE.head(old), MINE.head(new), fetched)


@given(pairs.filter(lambda s: s[1] % FULL > 0), st.data())
def test_a_wrong_tail_is_found(
    sizes: tuple[int, int], data: st.DataObject
) -> None:
    old, new = sizes
    was, head = MINE.frontier(old), MINE.head(new)
    fetched = MINE.tiles(growth.plan(old, new).tiles)
    tail = MINE.tail(new)
    at = data.draw(st.integers(0, len(tail) - 1))
    changed = [*tail[:at], flip(tail[at], 0), *tail[at + 1 :]]
    for wrong in (tail[:-1], tail[1:], [*tail, OTHER], changed, []):
        with broken():
            growth.bundle_roots(was, head, fetched, wrong)


def test_tiles_of_other_sizes_are_a_broken_source() -> None:
    was, head, tail = MINE.frontier(300), MINE.head(600), MINE.tail(600)
    tile = MINE.tile("1/000.p/2")
    for wrong in ([], [tile, tile], [tile[:-1]], [tile[:-32]], [b""]):
        with broken():
            growth.bundle_roots(was, head, wrong, tail)


def test_a_smaller_size_is_no_growth() -> None:
    for size in (0, 299):
        head = MINE.head(size)
        with broken("is below 300"):
            growth.bundle_roots(MINE.frontier(300), head, [], MINE.tail(size))
        with broken("is below 300"):
            growth.compare(MINE.head(300), head, [])


# ------------------------------------------------------------------ forks


@given(pairs.filter(lambda s: s[0] > 0), st.data())
def test_a_fork_is_never_taken_for_growth(
    sizes: tuple[int, int], data: st.DataObject
) -> None:
    """Whichever entry was rewritten before the bundle in which ours ends.

    Of one in it the log is accused, if the new tree ends there too; else it
    shows when the bundle is here, under the root that is proven now.
    """
    old, new = sizes
    at = data.draw(st.integers(0, old - 1) | st.just(old - 1))
    twin = MINE.forked(at)
    was, head, tail = MINE.frontier(old), twin.head(new), twin.tail(new)
    fetched = twin.tiles(growth.plan(old, new).tiles)
    first, last = old // FULL, new // FULL
    if at >= first * FULL and first < last:
        proven = growth.bundle_roots(was, head, fetched, tail)
        assert proven[0] == twin.roots[first] != MINE.roots[first]
        return
    with pytest.raises(BrokenSourceError if at < first * FULL else ForkError):
        growth.bundle_roots(was, head, fetched, tail)


@given(pairs, st.data())
def test_compare_tells_growth_from_forks(
    sizes: tuple[int, int], data: st.DataObject
) -> None:
    old, new = sizes
    fetched = MINE.tiles(growth.compare_plan(old, new))
    growth.compare(MINE.head(old), MINE.head(new), fetched)
    if new == 0:
        return
    at = data.draw(st.integers(0, new - 1) | st.just(max(old - 1, 0)))
    twin = MINE.forked(at)
    fetched = twin.tiles(growth.compare_plan(old, new))
    if at < old:
        with forked():
            growth.compare(MINE.head(old), twin.head(new), fetched)
    else:
        growth.compare(MINE.head(old), twin.head(new), fetched)


@given(st.lists(st.binary(max_size=8192), max_size=3))
def test_rubbish_for_tiles_accuses_nobody(rubbish: list[bytes]) -> None:
    with broken():
        growth.compare(MINE.head(256), MINE.head(600), rubbish)
    with broken():
        growth.bundle_roots(
            MINE.frontier(256), MINE.head(600), rubbish, MINE.tail(600)
        )


def test_comparing_takes_few_tiles() -> None:
    assert growth.compare_plan(0, 5) == growth.compare_plan(5, 5) == ()
    want = {"0/001", "0/002.p/88", "1/000.p/2"}
    assert set(growth.compare_plan(300, 600)) == want
    assert len(growth.compare_plan(3_000_001, 100_000_001)) <= 8


def test_two_roots_at_one_size_are_a_fork() -> None:
    head = MINE.head(300)
    growth.compare(head, head, [])
    with forked("two roots at size 300"):
        growth.compare(head, MINE.forked(3).head(300), [])


def test_an_empty_log_has_one_root() -> None:
    empty = Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT)
    odd = Checkpoint(ORIGIN, 0, bytes(32))
    growth.compare(empty, MINE.head(5), [])
    for old, new in ((empty, odd), (odd, empty), (odd, odd)):
        with forked("two roots at size 0"):
            growth.compare(old, new, [])


@given(small)
def test_a_prefix_has_the_root_that_was_signed_then(size: int) -> None:
    tail = MINE.bundle(size // FULL, FULL)
    made = growth.prefix_root(size, MINE.roots[:6], tail)
    assert made == MINE.head(size).root
