"""Proofs that an entry is in a log, as a text to keep.

Per https://c2sp.org/tlog-proof, the hashes from the leaf's sibling up:

    c2sp.org/tlog-proof@v1
    index 2
    oMDOnJj5cRg7u3K0uE7KrUsUC1e1BFtzPDvI7YT7sS4=
    <empty line, then the checkpoint with all its lines>

Plan, fetch, write, as `growth` does: tiles show all hashes.
"""

from collections.abc import Sequence
from functools import partial

from syncd.errors import UntrustedError
from syncd.tlog import checkpoint, merkle, note, strict, tiles

FORMAT = "c2sp.org/tlog-proof@v1"


def plan(index: int, size: int, held: int) -> tuple[str, ...]:
    """Return the tiles of a log of `held` entries that show an entry's way.

    It leads to the root of the tree of the first `size`.

    Raises:
        MalformedError: a log of `size` entries has none such.
    """
    return tiles.read_by(held, partial(merkle.inclusion, index, size))


def text(
    index: int, held: int, fetched: Sequence[bytes], signed: bytes
) -> str:
    """Return the proof for a checkpoint by the tiles of the plan, in order."""
    size = checkpoint.size_of(signed)
    names = plan(index, size, held)
    read = tiles.hashes(held, dict(zip(names, fetched, strict=True)))
    nodes = map(strict.encode, merkle.inclusion(index, size, read))
    lines = FORMAT, f"index {index}", *nodes, "", signed.decode()
    return "\n".join(lines)


def check(proof: str, index: int, leaf: bytes) -> note.Note:
    """Return the checkpoint, its signatures not verified, that has a leaf.

    Per RFC 9162, 2.1.3.2.

    Raises:
        MalformedError: not a proof.
        UntrustedError: it does not lead from there to the checkpoint's root.
    """
    first, _, signed = proof.partition("\n\n")
    lines = first.split("\n")
    made = note.parse(strict.utf8(signed, "proof"))
    head = checkpoint.parse(made.text)
    nodes = [strict.decode(x, "proof", merkle.HASH_SIZE) for x in lines[2:]]
    [hashed] = merkle.leaf_hashes([leaf])
    _, top = merkle.tops(index, head.size - 1, hashed, nodes)
    found = lines[:2], index < head.size, top
    if found != ([FORMAT, f"index {index}"], True, head.root):
        raise UntrustedError("proof: does not lead from the entry to the root")
    return made
