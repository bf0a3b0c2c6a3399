"""Merkle trees of RFC 6962: hashes, frontiers and proofs.

    leaf = SHA-256(0x00 ‖ entry)        node = SHA-256(0x01 ‖ left ‖ right)

A tree of n leaves splits at the largest power of two below n; the empty one
hashes to SHA-256 of nothing. Hashing level by level, where an odd last node
moves up unchanged, gives the same tree and is what the code here does: lists
of 32-byte hashes, in tight loops. Everything else in the room builds on that.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from syncd.errors import MalformedError, UntrustedError

HASH_SIZE = 32  # bytes
EMPTY_ROOT = sha256(b"").digest()
BUNDLE = 256  # entries of a full bundle, hashes of a full tile
BUNDLE_LEVEL = 8  # 2**8 == BUNDLE
MAX_SIZE = 2**63 - 1  # entries

Hashes = Callable[[int, int], bytes]
"""(level, index) → hash of the complete subtree of 2**level leaves that
begins at leaf index * 2**level; level 0 gives leaf hashes."""

_SIZE = struct.Struct(">Q")


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the leaf hash of each entry."""
    hash_ = sha256
    return [hash_(b"\0" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the tree hash over leaf hashes (or equal complete subtrees)."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        above = _pair(level)
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def _pair(level: Sequence[bytes]) -> list[bytes]:
    # an odd last one is left over; one join and a slice per pair is a third
    # faster than two concatenations per pair
    hash_ = sha256
    flat = b"".join(level)
    end = (len(level) & -2) * HASH_SIZE
    return [
        hash_(b"\1" + flat[at : at + 64]).digest() for at in range(0, end, 64)
    ]


# ------------------------------------------------------------- frontier


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed of a tree to let it grow: its compact range.

    One peak per bit of the size, largest first: with 13 = 8 + 4 + 1 leaves
    the hashes of [0,8), [8,12) and [12,13).

    Raises:
        MalformedError: the peaks are not those of such a size.
    """

    size: int  # entries
    peaks: tuple[bytes, ...]  # 32 bytes each

    EMPTY: ClassVar["Frontier"]

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedError("frontier: size {size} out of range", self)
        if len(self.peaks) != self.size.bit_count():
            raise MalformedError(
                "frontier: {n} peaks at size {size}", self, n=len(self.peaks)
            )
        if any(len(peak) != HASH_SIZE for peak in self.peaks):
            raise MalformedError("frontier: a peak is not 32 bytes")

    def __bytes__(self) -> bytes:
        """Lay out as size (8 bytes, big-endian) ‖ peaks, largest first."""
        return _SIZE.pack(self.size) + b"".join(self.peaks)

    @classmethod
    def parse(cls, raw: bytes) -> "Frontier":
        """Read what `bytes` wrote.

        Raises:
            MalformedError: not exactly that.
        """
        if len(raw) < _SIZE.size:
            raise MalformedError("frontier: {n} bytes", n=len(raw))
        (size,) = _SIZE.unpack_from(raw)
        peaks = range(_SIZE.size, len(raw), HASH_SIZE)
        return cls(size, tuple(raw[at : at + HASH_SIZE] for at in peaks))

    def root(self) -> bytes:
        """Return the tree hash."""
        if not self.peaks:
            return EMPTY_ROOT
        *rest, top = self.peaks
        for peak in reversed(rest):
            top = node_hash(peak, top)
        return top

    def extend(self, hashes: Sequence[bytes], level: int = 0) -> "Frontier":
        """Return the frontier after more leaves, given by their hashes.

        With a `level` the hashes are those of complete subtrees of 2**level
        leaves each, and the size must be a multiple of 2**level.

        Raises:
            MalformedError: the size is no such multiple.
        """
        if self.size & ((1 << level) - 1):
            raise MalformedError(
                "frontier: size {size} ends inside a level {level} tree",
                self,
                level=level,
            )
        size = self.size + (len(hashes) << level)
        peaks = list(self.peaks)
        low: list[bytes] = []  # the new peaks, smallest first
        row = list(hashes)
        while row:
            if self.size >> level & 1:
                row.insert(0, peaks.pop())
            if len(row) % 2:
                low.append(row[-1])
            row = _pair(row)
            level += 1
        return Frontier(size, (*peaks, *reversed(low)))

    def at_bundles(self) -> "Frontier":
        """Return the frontier of the prefix of whole bundles."""
        size = self.size & -BUNDLE
        return Frontier(size, self.peaks[: size.bit_count()])

    def rest(self) -> tuple[bytes, ...]:
        """Return the peaks below the whole bundles: of size % 256 leaves."""
        return self.peaks[(self.size & -BUNDLE).bit_count() :]


Frontier.EMPTY = Frontier(0, ())


# --------------------------------------------------------------- proofs


def inclusion(index: int, size: int, hashes: Hashes) -> list[bytes]:
    """Return the hashes from a leaf's sibling up (RFC 6962, 2.1.1).

    Raises:
        MalformedError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise MalformedError(
            "proof: entry {index} of {size}", index=index, size=size
        )
    return _beside(index, size, 0, hashes)


def consistency_nodes(old: int, new: int, hashes: Hashes) -> list[bytes]:
    """Return the nodes from which `consistency_roots` makes both roots.

    Like a consistency proof, but always with the old tree's own node first.

    Raises:
        MalformedError: not 0 < old < new.
    """
    if not 0 < old < new:
        raise MalformedError("proof: not 0 < {old} < {new}", old=old, new=new)
    return _beside(old - 1, new, old, hashes)


def consistency_roots(
    old: int, new: int, nodes: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Return the roots of the trees of `old` < `new` leaves, from nodes.

    Both come from the same nodes: whoever signed the one has contradicted
    every other root of the other (RFC 9162, 2.1.4.2).

    Raises:
        UntrustedError: too many or too few nodes.
    """
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    if not nodes:
        raise UntrustedError("proof: has too few hashes")
    return tops(at, last, nodes[0], nodes[1:])


def tops(
    at: int, last: int, first: bytes, nodes: Iterable[bytes]
) -> tuple[bytes, bytes]:
    """Return the roots of the trees that end with node `at`, and with `last`.

    Counted on one level, from 0; `first` is the hash of `at`, and `nodes` stand
    beside the way up.

    Raises:
        UntrustedError: too many or too few nodes.
    """
    old_top = new_top = first
    for node in nodes:
        if last == 0:
            raise UntrustedError("proof: has too many hashes")
        if at & 1 or at == last:
            old_top = node_hash(node, old_top)
            new_top = node_hash(node, new_top)
            while at and not at & 1:  # levels where it has no sibling
                at, last = at >> 1, last >> 1
        else:
            new_top = node_hash(new_top, node)
        at, last = at >> 1, last >> 1
    if last:
        raise UntrustedError("proof: has too few hashes")
    return old_top, new_top


def _beside(index: int, size: int, end: int, hashes: Hashes) -> list[bytes]:
    # the hashes beside the way down to a leaf, or to what ends at `end`
    nodes = []
    low, high = 0, size
    while high != end and high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            nodes.append(_range_hash(middle, high, hashes))
            high = middle
        else:
            nodes.append(_range_hash(low, middle, hashes))
            low = middle
    if end:
        nodes.append(_range_hash(low, high, hashes))
    return nodes[::-1]


def _split(size: int) -> int:
    # the largest power of two strictly below
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(low: int, high: int, hashes: Hashes) -> bytes:
    # the tree hash of leaves [low, high), where low is a multiple of a power
    # of two that is no smaller than the range's largest complete subtree
    peaks = []
    count = high - low
    for level in reversed(range(count.bit_length())):
        if count >> level & 1:
            peaks.append(hashes(level, low >> level))
            low += 1 << level
    top = peaks.pop()
    while peaks:
        top = node_hash(peaks.pop(), top)
    return top
