"""Tiles and bundles: how a log is cut into static files.

Per https://c2sp.org/tlog-tiles, with tiles of height 8. A tile of level L
holds up to 256 hashes of complete subtrees of 256**L leaves; a bundle up to
256 entries, each as

    length (2 bytes, big-endian) ‖ bytes

Files are numbered in groups of three digits, all but the last one marked
with an x, and a partial one says its width: 1234067 of width 5 is the tail
`x001/x234/067.p/5`. Below a log's prefix:

    tile/<L>/<tail>   tile/entries/<tail>   payload/<tail>   audit/<tail>
"""

import re
from collections.abc import Callable, Iterable, Mapping

from syncd.errors import MalformedError
from syncd.tlog import merkle, strict
from syncd.tlog.merkle import BUNDLE, BUNDLE_LEVEL, HASH_SIZE, Hashes

MAX_ENTRY = 0xFFFF  # bytes
MAX_LEVEL = 63
MAX_NUMBER = 2**55 - 1  # the last bundle of 2**63 entries
MAX_PATH = 64  # characters of a tail
MAX_BUNDLE = BUNDLE * (2 + MAX_ENTRY)  # bytes

_TAIL = re.compile(
    r"((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


def origin_hash(origin: str) -> str:
    """Return how an origin is named in a path: hex SHA-256."""
    return strict.sha256_hex(origin.encode())


def path(n: int, width: int = BUNDLE) -> str:
    """Return the tail of a tile or bundle: 1234067 is `x001/x234/067`."""
    n, last = divmod(n, 1000)
    text = f"{last:03}"
    while n:
        n, group = divmod(n, 1000)
        text = f"x{group:03}/{text}"
    return text if width == BUNDLE else f"{text}.p/{width}"


def parse_path(text: str) -> tuple[int, int]:
    """Read a tail as (n, width); `path(*parse_path(text)) == text`.

    Raises:
        MalformedError: not the one tail of such a tile.
    """
    match = _TAIL.fullmatch(text)
    if match is None or len(text) > MAX_PATH:
        raise MalformedError(
            "tile: {text} is no path", text=repr(text[:MAX_PATH])
        )
    groups, last, partial = match.groups()
    n = int(groups.replace("x", "").replace("/", "") + last)
    width = int(partial or BUNDLE)
    if n > MAX_NUMBER or width > BUNDLE or path(n, width) != text:
        raise MalformedError("tile: {text} is no path", text=repr(text))
    return n, width


def parse_tile(text: str) -> tuple[int, int, int]:
    """Read `<L>/<tail>` as (level, n, width): `0/x001/234.p/5`.

    Raises:
        MalformedError: not the one spelling of such a tile.
    """
    level, _, rest = text.partition("/")
    n, width = parse_path(rest)
    return strict.decimal(level, "tile: level", MAX_LEVEL), n, width


def tile_tail(level: int, n: int, width: int) -> str:
    """Return what `parse_tile` reads: the path below `tile/`."""
    return f"{level}/{path(n, width)}"


def exists(level: int, n: int, width: int, size: int) -> bool:
    """Tell whether a tree of `size` entries fills that much of a tile.

    Level 0 answers for bundles as well. What does not exist must never be
    served with 200.
    """
    return (n * BUNDLE + width) << (BUNDLE_LEVEL * level) <= size


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return the entries as a bundle.

    Raises:
        MalformedError: an entry is longer than 65,535 bytes.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise MalformedError("bundle: entry of {n} bytes", n=len(entry))
        parts.append(len(entry).to_bytes(2))
        parts.append(entry)
    return b"".join(parts)


def split_bundle(raw: bytes, width: int) -> list[bytes]:
    """Return the `width` entries of a bundle.

    Raises:
        MalformedError: `raw` is not exactly that many entries.
    """
    entries: list[bytes] = []
    append = entries.append
    at = 0
    try:
        for _ in range(width):
            start = at + 2
            at = start + (raw[at] << 8 | raw[at + 1])
            append(raw[start:at])
    except IndexError:
        at = -1
    if at != (n := len(raw)):
        raise MalformedError(
            "bundle: {n} bytes are not {width} entries", n=n, width=width
        )
    return entries


def split_tile(raw: bytes, width: int) -> list[bytes]:
    """Return the first `width` hashes of a tile, which may be longer.

    Longer: a full tile where a partial one was asked for and dropped since.

    Raises:
        MalformedError: `raw` is no tile of at least that width.
    """
    size = len(raw)
    if size % HASH_SIZE or not width <= size // HASH_SIZE <= BUNDLE:
        raise MalformedError(
            "tile: {size} bytes, want width {width}", size=size, width=width
        )
    end = width * HASH_SIZE
    return [raw[at : at + HASH_SIZE] for at in range(0, end, HASH_SIZE)]


def tile_of(level: int, index: int, size: int) -> tuple[int, int, int]:
    """Return the (level, n, width) of the tile that has a subtree's hashes.

    Of the complete subtree `index` of 2**level leaves, in a tree of `size`
    entries; the width is all that such a tree has.
    """
    tile_level, depth = divmod(level, BUNDLE_LEVEL)
    n = (index << depth) // BUNDLE
    there = (size >> BUNDLE_LEVEL * tile_level) - n * BUNDLE
    return tile_level, n, min(there, BUNDLE)


def read_by(size: int, walk: Callable[[Hashes], object]) -> tuple[str, ...]:
    """Return the tiles that a walk over a tree's hashes reads, each once."""
    wanted: dict[str, None] = {}

    def note_down(level: int, index: int) -> bytes:
        wanted[tile_tail(*tile_of(level, index, size))] = None
        return b""

    walk(note_down)
    return tuple(wanted)


def hashes(size: int, tiles: Mapping[str, bytes]) -> Hashes:
    """Return the hashes of a tree of `size` entries, read from its tiles.

    `tiles` are named by `tile_tail`. Nothing is proven by that. The callable
    raises KeyError for a tile that is not among them and MalformedError for
    one that is too short.
    """

    def read(level: int, index: int) -> bytes:
        at = tile_of(level, index, size)
        row = split_tile(tiles[tile_tail(*at)], at[2])
        depth = level % BUNDLE_LEVEL
        start = (index << depth) % BUNDLE
        return merkle.root(row[start : start + (1 << depth)])

    return read
