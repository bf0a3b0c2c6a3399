"""Growth: how a log grows, and how we know that it did only that.

We hold a frontier of what we have of a log, `old`, and a checkpoint that the
log signed, `new`. Plan, fetch, check; each step here is pure:

    plan          which payload bundles and level-1 tiles show the way
    bundle_roots  the roots of whole bundles from tiles, proven into `new`

Where the bytes do not lead to the signed root, the source is broken, or the
log has forked: signed something that contradicts what it signed before. The
difference decides between asking another source and accusing a member, so a
fork is claimed only on what `new`'s own root commits to:

    compare_plan  the few tiles that show both sizes of one tree
    compare       ForkError if they lead to `new`, and not to `old`
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from syncd.errors import BrokenSourceError, ForkError, UntrustedError, becoming
from syncd.tlog import merkle, tiles
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE, BUNDLE_LEVEL, HASH_SIZE, Frontier


class Plan(NamedTuple):
    """What to fetch to grow."""

    bundles: tuple[tuple[int, int], ...]  # (n, width), in order
    tiles: tuple[str, ...]  # below tile/: `1/000`, `1/001.p/17`, in order


def plan(old: int, new: int) -> Plan:
    """Return the bundles over entries [old, new), and the tiles over those.

    The first bundle begins at or before `old`; the tiles are those of level
    1 that hold the roots of the whole bundles, none if there are none.
    """
    first, last = old // BUNDLE, new // BUNDLE
    bundles = [(n, BUNDLE) for n in range(first, last)]
    if new % BUNDLE and new > old:
        bundles.append((last, new % BUNDLE))
    return Plan(
        tuple(bundles),
        tuple(
            tiles.tile_tail(1, n, width) for n, width in _level1(first, last)
        ),
    )


def bundle_roots(
    old: Frontier,
    new: Checkpoint,
    fetched: Sequence[bytes],
    tail: Sequence[bytes],
) -> list[bytes]:
    """Return the roots of the whole bundles from `old` on, proven into `new`.

    Those of bundles old.size // 256 up to new.size // 256. `fetched` are the
    tiles of the plan, in order; `tail` the leaf hashes of the partial last
    bundle. What is proven is `new` above the bundle in which `old` ends: that
    this one begins with what we had is seen when it is here.

    Raises:
        BrokenSourceError: tiles and tail do not lead from the whole bundles
            of `old` to the root of `new`.
        ForkError: `new` ends in the bundle in which `old` does, and has
            other entries there.
    """
    _check_not_below(old, new)
    first, last = old.size // BUNDLE, new.size // BUNDLE
    roots = _split(fetched, _level1(first, last))
    before = first % BUNDLE  # those that we have already
    peaks = Frontier.EMPTY.extend(roots[:before]).peaks
    known = old.at_bundles().peaks
    if peaks != known[len(known) - len(peaks) :]:
        raise BrokenSourceError("tiles: earlier bundles are not as they were")
    del roots[:before]
    grown = old.at_bundles().extend(roots, BUNDLE_LEVEL).extend(tail)
    if grown.size != new.size:
        raise BrokenSourceError(
            "log: {size} entries came, {new_size} are signed",
            grown,
            new_size=new.size,
        )
    if grown.root() != new.root:
        raise BrokenSourceError(
            "log: entries up to {size} are not what was signed", new
        )
    had = Frontier.EMPTY.extend(tail[: old.size % BUNDLE])
    if first == last and had.peaks != old.rest():
        raise ForkError(
            "log: entries before {size} are not as they were signed", old
        )
    return roots


def prefix_root(
    size: int, roots: Sequence[bytes], tail: Sequence[bytes]
) -> bytes:
    """Return the tree hash of the first `size` entries of a tree.

    `roots` are those of its whole bundles from number 0 on, at least as many
    as `size` covers; `tail` the leaf hashes of the bundle in which it ends.
    """
    whole = Frontier.EMPTY.extend(roots[: size // BUNDLE], BUNDLE_LEVEL)
    return whole.extend(tail[: size % BUNDLE]).root()


def compare_plan(old: int, new: int) -> tuple[str, ...]:
    """Return the tiles that show the trees of both sizes, old <= new.

    A few per level of the tree, in order and without repeats; none for equal
    sizes and for an old size of 0.
    """
    if old in (0, new):
        return ()
    return tiles.read_by(new, partial(merkle.consistency_nodes, old, new))


def compare(
    old: Checkpoint, new: Checkpoint, fetched: Sequence[bytes]
) -> None:
    """Prove that the tree of `new` begins with that of `old`.

    `fetched` are the tiles of `compare_plan`, in order.

    Raises:
        BrokenSourceError: the tiles are not those of `new`.
        ForkError: they are, and the first entries are not those of `old`.
    """
    _check_not_below(old, new)
    nodes = list[bytes]()
    if names := compare_plan(old.size, new.size):
        _check_count(fetched, names)
        read = tiles.hashes(new.size, dict(zip(names, fetched, strict=True)))
        with becoming("source: {why}", BrokenSourceError):
            nodes = merkle.consistency_nodes(old.size, new.size, read)
    hold(old, new, nodes)


def hold(old: Checkpoint, new: Checkpoint, shown: Sequence[bytes]) -> None:
    """Prove by nodes that the tree of `new` begins with that of `old`.

    They are those of `merkle.consistency_nodes`, whoever shows them.

    Raises:
        BrokenSourceError: they do not lead to the root of `new`.
        UntrustedError: they are too many or too few, or none such.
        ForkError: they do, and the first entries are not those of `old`.
    """
    if any(len(node) != HASH_SIZE for node in shown):
        # Two of other lengths would hash to the root, cut at another place.
        raise UntrustedError("proof: a hash is not 32 bytes")
    if old.size in (0, new.size):
        if shown:
            raise UntrustedError("proof: has too many hashes")
        known = merkle.EMPTY_ROOT if old.size == 0 else new.root
        if old.root != known or (new.size == 0 and new.root != known):
            raise ForkError("log: two roots at size {size}", old)
        return
    was, now = merkle.consistency_roots(old.size, new.size, shown)
    if now != new.root:
        raise BrokenSourceError("tiles: not those of size {size}", new)
    if was != old.root:
        fork = ForkError(
            "log: size {size} does not extend size {old_size}",
            new,
            old_size=old.size,
        )
        fork.proof = shown
        raise fork


def _split(
    fetched: Sequence[bytes], wanted: Sequence[tuple[int, int]]
) -> list[bytes]:
    """Return the hashes of tiles (n, width)."""
    _check_count(fetched, wanted)
    with becoming("source: {why}", BrokenSourceError):
        return [
            hashed
            for raw, (_, width) in zip(fetched, wanted, strict=True)
            for hashed in tiles.split_tile(raw, width)
        ]


def _check_count(fetched: Sequence[bytes], wanted: Sequence[object]) -> None:
    n, most = len(fetched), len(wanted)
    if n != most:
        raise BrokenSourceError(
            "tiles: {n} came, {wanted} asked for", n=n, wanted=most
        )


def _check_not_below(old: Frontier | Checkpoint, new: Checkpoint) -> None:
    if new.size < old.size:
        raise BrokenSourceError(
            "log: size {size} is below {old_size}", new, old_size=old.size
        )


def _level1(first: int, last: int) -> list[tuple[int, int]]:
    # (n, width) of the level-1 tiles over bundles [first, last)
    if first >= last:
        return []
    numbers = range(first // BUNDLE, -(-last // BUNDLE))
    return [(n, min(BUNDLE, last - n * BUNDLE)) for n in numbers]
