"""Trees, frontiers and proofs agree with RFC 6962 and with one another."""

import hashlib
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import BrokenSourceError, MalformedError, UntrustedError
from syncd.tlog import growth, merkle
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import EMPTY_ROOT, Frontier
from tests.cases import each, slow, tried, vectors
from tests.flows import growing
from tests.refusals import malformed, untrusted

ROOTS = vectors("tlog/roots")
CONSISTENCY = vectors("tlog/consistency")


def leaf(i: int) -> bytes:
    """Return entry `i` of the vectors' logs."""
    return hashlib.sha256(i.to_bytes(8)).digest()[: i % 33]


@cache
def leaves(size: int = 1 << 10) -> tuple[bytes, ...]:
    """Return the leaf hashes of the first entries."""
    return tuple(merkle.leaf_hashes(map(leaf, range(size))))


def subtree(level: int, index: int) -> bytes:
    """Return the hash of a complete subtree of the vectors' logs."""
    low = index << level
    return merkle.root(leaves()[low : low + (1 << level)])


# ------------------------------------------------------------------ trees


def test_leaves_and_nodes_are_hashed_as_the_rfc_says() -> None:
    assert merkle.leaf_hashes([b"ab"]) == [hashlib.sha256(b"\0ab").digest()]
    node = hashlib.sha256(b"\1" + b"l" * 32 + b"r" * 32).digest()
    assert merkle.node_hash(b"l" * 32, b"r" * 32) == node


@each("tlog/roots", "leaves", "case", "i")
def test_published_leaves(case: Any) -> None:
    assert leaf(case["i"]).hex() == case["leaf"]
    (hashed,) = merkle.leaf_hashes([leaf(case["i"])])
    assert hashed.hex() == case["leaf_hash"]


def test_published_roots() -> None:
    small = [case for case in ROOTS["roots"] if case["size"] <= 1 << 10]
    assert len(small) > 300
    for case in small:
        hashes = leaves()[: case["size"]]
        assert merkle.root(hashes).hex() == case["root"]
        assert Frontier.EMPTY.extend(hashes).root().hex() == case["root"]


@slow
def test_published_roots_of_large_trees() -> None:
    large = sorted((case["size"], case["root"]) for case in ROOTS["roots"])
    frontier = Frontier.EMPTY
    for size, root in large:
        more = map(leaf, range(frontier.size, size))
        frontier = frontier.extend(merkle.leaf_hashes(more))
        assert frontier.root().hex() == root
    assert frontier.size > 1 << 20


def test_nothing_hashes_to_the_empty_root() -> None:
    assert merkle.root([]) == EMPTY_ROOT == Frontier.EMPTY.root()
    assert EMPTY_ROOT.hex().startswith("e3b0c44298fc1c14")


# -------------------------------------------------------------- frontiers


def grown(size: int) -> Frontier:
    """Return the frontier of the vectors' log at `size`."""
    return Frontier.EMPTY.extend(leaves()[:size])


@given(st.lists(st.integers(0, 300), max_size=5))
def test_a_frontier_does_not_remember_how_it_grew(steps: list[int]) -> None:
    steps = [step for step in steps if step]
    frontier = Frontier.EMPTY
    for step in steps:
        if frontier.size + step > len(leaves()):
            break
        at = frontier.size
        frontier = frontier.extend(leaves()[at : at + step])
        assert frontier == grown(at + step)
        assert frontier.root() == merkle.root(leaves()[: at + step])


@given(st.integers(0, 1 << 10))
def test_peaks_are_the_complete_subtrees_largest_first(size: int) -> None:
    low = 0
    want = []
    for level in reversed(range(11)):
        if size >> level & 1:
            want.append(merkle.root(leaves()[low : low + (1 << level)]))
            low += 1 << level
    assert grown(size).peaks == tuple(want)


@given(st.integers(0, 8), st.integers(0, 3), st.integers(0, 3))
def test_subtrees_append_like_their_leaves(
    level: int, before: int, count: int
) -> None:
    old = grown(before << level)
    roots = [subtree(level, before + n) for n in range(count)]
    one_by_one = old
    for root in roots:
        one_by_one = one_by_one.extend((root,), level)
    assert old.extend(roots, level) == one_by_one
    if level < 8:
        assert one_by_one == grown(before + count << level)


def test_a_subtree_begins_where_its_size_divides() -> None:
    with malformed("size 3 ends inside a level 1"):
        grown(3).extend((bytes(32),), 1)


@given(st.integers(0, 1 << 10))
def test_whole_bundles_and_the_rest_make_the_frontier(size: int) -> None:
    frontier = grown(size)
    whole = frontier.at_bundles()
    assert whole == grown(size - size % 256)
    assert whole.peaks + frontier.rest() == frontier.peaks
    tail = Frontier.EMPTY.extend(leaves()[whole.size : size])
    assert tail.peaks == frontier.rest()


@given(st.integers(0, 1 << 10))
def test_a_frontier_round_trips(size: int) -> None:
    raw = bytes(grown(size))
    assert Frontier.parse(raw) == grown(size)
    assert len(raw) == 8 + 32 * size.bit_count()


@given(
    st.binary(max_size=80)
    | st.builds(
        lambda size, peaks: size.to_bytes(8) + bytes(32 * peaks),
        st.integers(0, 2**64 - 1),
        st.integers(0, 64),
    )
)
def test_any_bytes_are_one_frontier_or_malformed(raw: bytes) -> None:
    try:
        frontier = Frontier.parse(raw)
    except MalformedError:
        return
    assert bytes(frontier) == raw


def test_the_largest_tree_has_a_frontier() -> None:
    largest = Frontier(2**63 - 1, (bytes(32),) * 63)
    assert Frontier.parse(bytes(largest)) == largest


@tried(
    "size, peaks, why",
    [
        (-1, (), "size -1 out of range"),
        (2**63, (bytes(32),), "out of range"),
        (3, (bytes(32),), "1 peaks at size 3"),
        (0, (bytes(32),), "1 peaks at size 0"),
        (1, (bytes(31),), "not 32 bytes"),
    ],
)
def test_what_is_no_frontier_is_refused(
    size: int, peaks: tuple[bytes, ...], why: str
) -> None:
    with malformed(why):
        Frontier(size, peaks)


# ----------------------------------------------------------------- proofs


def shows(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: list[bytes]
) -> None:
    """Hold a consistency proof as RFC 6962 has it."""
    nodes = [*([old_root] if old.bit_count() == 1 < new else []), *proof]
    heads = Checkpoint("a/b", old, old_root), Checkpoint("a/b", new, new_root)
    try:
        growth.hold(*heads, proof if old == new else nodes)
    except BrokenSourceError as e:
        raise UntrustedError("{why}", why=e) from e


def verify(case: Any) -> None:
    shows(
        *(case["old"], bytes.fromhex(case["old_root"])),
        *(case["new"], bytes.fromhex(case["new_root"])),
        [*map(bytes.fromhex, case["proof"])],
    )


def test_published_consistency_proofs() -> None:
    for case in CONSISTENCY["proofs"]:
        verify(case)


def test_published_proofs_are_those_that_we_make() -> None:
    made = [c for c in CONSISTENCY["proofs"] if c["new"] <= len(leaves())]
    assert len(made) > 200
    for case in made:
        proof = map(bytes.fromhex, case["proof"])
        assert growing.proof(leaves()[: case["new"]], case["old"]) == [*proof]


@each("tlog/consistency", "must_fail", "case", "why")
def test_published_proofs_that_must_fail(case: Any) -> None:
    with untrusted():
        verify(case)


sizes = st.integers(1, 600)


@given(sizes, st.data())
def test_a_consistency_proof_holds_for_its_sizes_only(
    new: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(0, new))
    new_root = merkle.root(leaves()[:new])
    old_root = merkle.root(leaves()[:old])
    proof = growing.proof(leaves()[:new], old)
    shows(old, old_root, new, new_root, proof)
    with untrusted():
        shows(old, bytes(32), new, new_root, proof)
    if old:
        with untrusted():
            shows(old, old_root, new, bytes(32), proof)
    spoiled = [[*proof, bytes(32)]]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        flipped = bytes([proof[at][0] ^ 1]) + proof[at][1:]
        spoiled += [proof[:-1], proof[1:]]
        spoiled += [
            [*proof[:at], wrong, *proof[at + 1 :]]
            for wrong in (flipped, proof[at][:-1])
        ]
    for wrong in spoiled:
        with untrusted():
            shows(old, old_root, new, new_root, wrong)


@tried("old, new", [(4, 3), (-1, 3)])
def test_a_tree_extends_smaller_ones_only(old: int, new: int) -> None:
    with malformed(f"not 0 < {old} < 3"):
        merkle.consistency_nodes(old, new, subtree)


def test_two_empty_trees_have_the_empty_root() -> None:
    shows(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    for old, new in ((EMPTY_ROOT, bytes(32)), (bytes(32), EMPTY_ROOT)):
        with untrusted():
            shows(0, old, 0, new, [])


@tried("old, new", [(3, 5), (4, 5), (6, 8), (300, 900)])
def test_too_few_nodes_make_no_roots(old: int, new: int) -> None:
    """Those of a smaller tree would pass for those of the size claimed."""
    nodes = merkle.consistency_nodes(old, new, subtree)
    for count in range(len(nodes)):
        with untrusted("too few"):
            merkle.consistency_roots(old, new, nodes[:count])
