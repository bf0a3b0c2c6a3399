"""A log's files have one name each, and hold exactly what they say."""

import contextlib
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.tlog import merkle, tiles
from tests.cases import each, tried, vectors
from tests.refusals import malformed
from tests.tlog.test_merkle import leaf

TILES = vectors("tlog/tiles")
TREES = {tree["size"]: tree for tree in TILES["trees"]}
SMALL = [size for size in TREES if size <= 1000]


def file(entries: list[bytes], path: str) -> bytes:
    """Return what a log of `entries` serves as `path`."""
    if path.startswith("tile/entries/"):
        n, width = tiles.parse_path(path.removeprefix("tile/entries/"))
        assert f"tile/entries/{tiles.path(n, width)}" == path
        return tiles.encode_bundle(entries[n * 256 : n * 256 + width])
    level, n, width = tiles.parse_tile(path.removeprefix("tile/"))
    assert f"tile/{tiles.tile_tail(level, n, width)}" == path
    row = merkle.leaf_hashes(entries)
    for _ in range(level):
        whole = len(row) - len(row) % 256
        row = [merkle.root(row[i : i + 256]) for i in range(0, whole, 256)]
    return b"".join(row[n * 256 : n * 256 + width])


def check_tree(tree: Any) -> None:
    """Compare every listed file of one tree with ours."""
    entries = [leaf(i) for i in range(tree["size"])]
    for case in tree["files"] or []:
        raw = file(entries, case["path"])
        assert len(raw) == case["bytes"], case["path"]
        assert hashlib.sha256(raw).hexdigest() == case["sha256"], case["path"]


@tried("size", SMALL)
def test_published_files_of_small_trees(size: int) -> None:
    check_tree(TREES[size])


@pytest.mark.slow
@tried("size", [s for s in TREES if s not in SMALL])
def test_published_files_of_large_trees(size: int) -> None:
    check_tree(TREES[size])


@tried("size", SMALL)
def test_a_file_exists_if_it_was_published(size: int) -> None:
    for level in (0, 1, 2):
        for n in range(5):
            for width in (1, 44, 255, 256):
                there = tiles.exists(level, n, width, size)
                row = min(max(size // 256**level - n * 256, 0), 256)
                assert there is (width <= row), (level, n, width)
    for case in TREES[size]["files"] or []:
        if "entries" not in case["path"]:
            tile = tiles.parse_tile(case["path"].removeprefix("tile/"))
            assert tiles.exists(*tile, size)


def test_published_first_files() -> None:
    entries = [leaf(i) for i in range(4)]
    bundle = bytes.fromhex(TILES["first_bundle_of_4_hex"])
    assert tiles.encode_bundle(entries) == bundle
    assert tiles.split_bundle(bundle, 4) == entries
    tile = b"".join(merkle.leaf_hashes(entries[:2]))
    assert tile.hex() == TILES["first_tile_of_2_hex"]


@each("tlog/tiles", "index_paths", "case", "path")
def test_published_paths(case: Any) -> None:
    assert tiles.path(case["n"]) == case["path"]
    assert tiles.parse_path(case["path"]) == (case["n"], 256)


@given(st.integers(0, tiles.MAX_NUMBER), st.integers(1, 256))
def test_paths_round_trip(n: int, width: int) -> None:
    assert tiles.parse_path(tiles.path(n, width)) == (n, width)
    assert tiles.parse_tile(tiles.tile_tail(63, n, width)) == (63, n, width)


def test_the_last_bundle_is_that_of_the_largest_tree() -> None:
    assert tiles.parse_path(tiles.path(2**55 - 1)) == (2**55 - 1, 256)
    with malformed("is no path"):
        tiles.parse_path(tiles.path(2**55))


@given(st.text("x0123456789/.p") | st.text())
def test_any_text_is_one_path_or_malformed(text: str) -> None:
    with contextlib.suppress(MalformedError):
        assert tiles.path(*tiles.parse_path(text)) == text
    with contextlib.suppress(MalformedError):
        assert tiles.tile_tail(*tiles.parse_tile(text)) == text


@tried(
    "text",
    [
        "",
        "0",
        "00",
        "0000",
        "x000/000",
        "x001/x234",
        "001/234",
        "x1/234",
        "X001/234",
        "x001//234",
        "/000",
        "000/",
        "000.p",
        "000.p/",
        "000.p/0",
        "000.p/01",
        "000.p/256",
        "000.p/999",
        "000.p/1000",
        "000.p/-1",
        "000.p/1/",
        "000\n",
        "０００",
        "x001/000.p/5.p/5",
        "000%2Ep/5",
        "x001/" * 12 + "000",
        "x001/" * 4000 + "000",
        "../000",
        "000?x",
    ],
)
def test_other_spellings_of_a_path_are_refused(text: str) -> None:
    with malformed(r"^tile: "):
        tiles.parse_path(text)


@tried(
    "text", ["/000", "00/000", "64/000", "-1/000", "0", "0/", "a/000", "8/0"]
)
def test_other_spellings_of_a_tile_are_refused(text: str) -> None:
    with malformed(r"^tile: "):
        tiles.parse_tile(text)


# ---------------------------------------------------------------- bundles

entries = st.lists(st.binary(max_size=40), max_size=20)


@given(entries)
def test_bundles_round_trip(held: list[bytes]) -> None:
    assert tiles.split_bundle(tiles.encode_bundle(held), len(held)) == held


def test_the_largest_entry_fits_and_no_larger() -> None:
    raw = tiles.encode_bundle([bytes(65535)])
    assert tiles.split_bundle(raw, 1) == [bytes(65535)]
    with malformed("entry of 65536 bytes"):
        tiles.encode_bundle([bytes(65536)])


@given(
    st.binary(max_size=60)
    | st.builds(
        lambda held, more, cut: (tiles.encode_bundle(held) + more)[:cut],
        entries,
        st.binary(max_size=3),
        st.none() | st.integers(-2, 2),
    ),
    st.integers(0, 22),
)
def test_any_bytes_are_one_bundle_or_malformed(raw: bytes, width: int) -> None:
    """With nothing missing or behind it, and of exactly its width."""
    with contextlib.suppress(MalformedError):
        found = tiles.split_bundle(raw, width)
        assert len(found) == width
        assert tiles.encode_bundle(found) == raw


# ------------------------------------------------------------------ tiles


@given(st.integers(1, 256), st.data())
def test_a_longer_tile_is_read_up_to_the_width(
    width: int, data: st.DataObject
) -> None:
    row = [bytes([i]) * 32 for i in range(width)]
    asked = data.draw(st.integers(1, width))
    assert tiles.split_tile(b"".join(row), asked) == row[:asked]


@tried("size, width", [(0, 1), (31, 1), (33, 1), (64, 3), (32 * 257, 256)])
def test_a_tile_of_another_size_is_refused(size: int, width: int) -> None:
    with malformed(f"{size} bytes, want width"):
        tiles.split_tile(bytes(size), width)


@given(st.integers(1, 700), st.data())
def test_subtrees_are_read_from_tiles(size: int, data: st.DataObject) -> None:
    held = [leaf(i) for i in range(size)]
    level = data.draw(st.integers(0, size.bit_length() - 1))
    index = data.draw(st.integers(0, (size >> level) - 1))
    name = tiles.tile_tail(*tiles.tile_of(level, index, size))
    read = tiles.hashes(size, {name: file(held, f"tile/{name}")})
    low = index << level
    want = merkle.root(merkle.leaf_hashes(held[low : low + (1 << level)]))
    assert read(level, index) == want


def test_a_tile_that_was_not_fetched_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        tiles.hashes(300, {})(0, 0)


def test_an_origin_in_a_path() -> None:
    assert tiles.origin_hash("a") == hashlib.sha256(b"a").hexdigest()
