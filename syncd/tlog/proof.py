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

from syncd.tlog import merkle, strict, tiles


def plan(index: int, size: int) -> tuple[str, ...]:
    """Return the tiles that show the way of an entry to the root.

    Raises:
        MalformedError: a log of `size` entries has none such.
    """
    return tiles.read_by(size, partial(merkle.inclusion, index, size))


def text(
    index: int, size: int, fetched: Sequence[bytes], checkpoint: str
) -> str:
    """Return the proof by the tiles of the plan, in order."""
    names = plan(index, size)
    read = tiles.hashes(size, dict(zip(names, fetched, strict=True)))
    return spell(index, merkle.inclusion(index, size, read), checkpoint)


def spell(index: int, nodes: Sequence[bytes], checkpoint: str) -> str:
    """Return the proof that those hashes lead from an entry to a root."""
    lines = "".join(f"{strict.encode(node)}\n" for node in nodes)
    head = f"c2sp.org/tlog-proof@v1\nindex {index}\n"
    return f"{head}{lines}\n{checkpoint}"
