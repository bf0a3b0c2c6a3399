"""Proofs lead from every entry to the published root, and from no other."""

import base64
import hashlib

import pytest

from syncd.errors import MalformedError
from syncd.tlog import merkle, proof, tiles
from tests.cases import vectors

ROOTS = {
    case["size"]: bytes.fromhex(case["root"])
    for case in vectors("tlog/roots")["roots"]
    if 1 <= case["size"] <= 300
}
LEAVES = merkle.leaf_hashes(
    hashlib.sha256(i.to_bytes(8, "big")).digest()[: i % 33] for i in range(300)
)
NOTE = "police.example/syncd/txwz/1\n3\n\n"


def tile(name: str) -> bytes:
    level, n, width = tiles.parse_tile(name)
    row = LEAVES[n * 256 : n * 256 + width]
    if level:
        row = [merkle.root(LEAVES[i * 256 : i * 256 + 256]) for i in (0,)]
    return b"".join(row)


def nodes(index: int, size: int) -> list[bytes]:
    """Return the hashes in the text that is made of one entry."""
    fetched = [tile(name) for name in proof.plan(index, size)]
    text = proof.text(index, size, fetched, NOTE)
    head, _, note = text.partition("\n\n")
    assert note == NOTE
    name, at, *lines = head.split("\n")
    assert (name, at) == ("c2sp.org/tlog-proof@v1", f"index {index}")
    return [base64.b64decode(line, validate=True) for line in lines]


def root_of(index: int, size: int, found: list[bytes]) -> bytes:
    """Return where a proof leads, as RFC 9162, 2.1.3.2 has it."""
    at, last, hashed = index, size - 1, LEAVES[index]
    for node in found:
        assert last
        if at & 1 or at == last:
            hashed = merkle.node_hash(node, hashed)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            hashed = merkle.node_hash(hashed, node)
        at, last = at >> 1, last >> 1
    assert last == 0
    return hashed


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 255, 256, 257, 300])
def test_every_entry_leads_to_the_published_root(size: int) -> None:
    for index in {*range(0, size, 7), size - 1, size // 2}:
        assert root_of(index, size, nodes(index, size)) == ROOTS[size]


def test_what_is_not_there_has_no_proof() -> None:
    for index in (-1, 3):
        with pytest.raises(MalformedError, match=f"entry {index} of 3"):
            proof.plan(index, 3)
