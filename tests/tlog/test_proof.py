"""Proofs lead from every entry to the published root, and from no other."""

import pytest

from syncd.errors import MalformedError, UntrustedError
from syncd.tlog import checkpoint, key, merkle, proof, tiles
from syncd.tlog.checkpoint import Checkpoint
from tests.cases import each, tried, vectors
from tests.refusals import malformed
from tests.tlog.test_merkle import leaf, leaves

ROOTS = {
    case["size"]: bytes.fromhex(case["root"])
    for case in vectors("tlog/roots")["roots"]
    if 1 <= case["size"] <= 300
}
ALPHA = key.SigningKey("alpha.example/log", key.ED25519, b"1" * 32)


LEAVES = leaves(300)


def tile(name: str) -> bytes:
    level, n, width = tiles.parse_tile(name)
    row = LEAVES[n * 256 : n * 256 + width]
    return merkle.root(LEAVES[:256]) if level else b"".join(row)


def proved(index: int, size: int, held: int) -> str:
    """Return the proof of an entry in a tree, from a longer log's tiles."""
    head = Checkpoint(ALPHA.name, size, ROOTS[size])
    fetched = [tile(name) for name in proof.plan(index, size, held)]
    signed = bytes(checkpoint.sign(head, ALPHA))
    return proof.text(index, held, fetched, signed)


@tried("size", [1, 2, 3, 7, 8, 9, 255, 256, 257, 300])
def test_every_entry_leads_to_the_published_root(size: int) -> None:
    """From the tiles of that log and of a longer one; to no other place."""
    for index in {*range(0, size, 7), size - 1, size // 2}:
        for held in (size, 300):
            text = proved(index, size, held)
            assert text.startswith(f"c2sp.org/tlog-proof@v1\nindex {index}\n")
            head, _ = checkpoint.open_(
                bytes(proof.check(text, index, leaf(index))), ALPHA.verifier
            )
            assert head.size == size
            for wrong in (index + 1, index - 1, index + size):
                with pytest.raises((UntrustedError, MalformedError)):
                    proof.check(text, wrong, leaf(index))


@each("syncd/entry", "altered_proofs", "old, new")
def test_an_altered_proof_is_none(old: str, new: str) -> None:
    text = proved(5, 300, 300)
    assert old in text
    with pytest.raises((UntrustedError, MalformedError)):
        proof.check(text.replace(old, new, 1), 5, leaf(5))


def test_what_is_not_there_has_no_proof() -> None:
    for index in (-1, 3):
        with malformed(f"entry {index} of 3"):
            proof.plan(index, 3, 3)
