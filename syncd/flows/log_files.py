"""Write a log as static files, and check such files against its signature.

    files   what the peer API serves
    check   such files again, wherever they come from, to the last byte

Neither believes a byte that it did not recompute.
"""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from msgspec import Struct, field

from syncd.errors import (
    BrokenSourceError,
    DamagedError,
    MalformedError,
    becoming,
)
from syncd.flows import serve
from syncd.indicator import absent, codec, leaf
from syncd.indicator.leaf import Record
from syncd.tlog import checkpoint, growth, merkle, tiles
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE
from syncd.tlog.note import VerifierKey

Read = Callable[[str, int], bytes]
"""(path, most bytes) → the file; UnavailableError if larger or unreadable"""
Each = Callable[[int, list[Record], bytes], None]
"""(first index, records, their leaves' types)"""
NONE: AbstractSet[str] = frozenset()
BOOKS = 16  # from this type on a log speaks of itself


def bundles_of(size: int) -> Iterator[tuple[int, int]]:
    """Yield (n, width) of each bundle of a log of `size` entries."""
    for n in range(size // BUNDLE):
        yield n, BUNDLE
    if size % BUNDLE:
        yield size // BUNDLE, size % BUNDLE


def layout(size: int, *, audit: bool = False) -> Iterator[str]:
    """Yield the path of each static file of a log, but its checkpoint."""
    level, left = 0, size
    while left:
        for n, width in bundles_of(left):
            yield f"tile/{tiles.tile_tail(level, n, width)}"
        level, left = level + 1, left // BUNDLE
    body = "audit" if audit else "payload"
    for n, width in bundles_of(size):
        yield f"tile/entries/{tiles.path(n, width)}"
        yield f"{body}/{tiles.path(n, width)}"


async def files(
    log: serve.LogFiles, *, audit: bool = False, have: AbstractSet[str] = NONE
) -> AsyncIterator[tuple[str, bytes]]:
    """Yield (path, bytes) of each static file, the checkpoint last.

    But what one has.
    As the peer API serves them, payload bundles without their gzip.

    Raises:
        DamagedError: a bundle is missing or does not open.
    """
    for path in layout(log.size, audit=audit):
        if path in have:
            continue
        raw = await serve.file(log, path) or b""  # `layout` has what there is
        yield path, codec.inflate(raw) if path.startswith("payload/") else raw
    yield "checkpoint", log.checkpoint


class Files(NamedTuple):
    """What a directory of files was found to be."""

    head: Checkpoint
    audit: bool  # bundles for auditors, without indicators' payloads
    withheld: tuple[int, ...]  # neither present nor rightly erased
    types: Counter[int]  # entries by the leaf's type byte, 0 for no leaf


def check(
    names: AbstractSet[str],
    read: Read,
    key: VerifierKey,
    erased: Callable[[Checkpoint], Iterable[absent.Range]] = lambda _: (),
    each: Each = lambda *_: None,
) -> Files:
    """Return what files of a log say, every byte of them proven.

    Cosignatures under the checkpoint are the caller's to verify.

    Args:
        key: the log's.
        erased: what the roster erased of a log.
        each: is given each bundle.

    Raises:
        UntrustedError: the checkpoint is not signed by the log's key.
        DamagedError: a file is missing, too many, or not what was signed.
    """
    with becoming("checkpoint: {why}", DamagedError):
        head, _ = checkpoint.open_(
            read("checkpoint", checkpoint.MAX_SIZE), key
        )
    audit = not any(name.startswith("payload/") for name in names)
    paths = layout(head.size, audit=audit)  # more than one has, maybe
    wanted = {"checkpoint", *itertools.islice(paths, len(names) + 1)}
    for what, odd in (("missing", wanted - names), ("extra", names - wanted)):
        if odd:
            raise DamagedError(
                "{min}: {what}, for a log of {size} entries",
                head,
                min=min(odd),
                what=what,
            )
    state = _Opened(head, audit, read, each)
    if state.run() != head.root:
        raise DamagedError(
            "checkpoint: the entries hash to another root at {size}", head
        )
    gone = absent.covered(0, head.size, [*state.ranges, *erased(head)])
    withheld = [
        index
        for index, type_ in state.closed
        if index not in gone or type_ not in leaf.INDICATOR_TYPES
    ]
    return Files(head, audit, tuple(withheld), state.types)


class _Opened(Struct):
    """The bundles and tiles of a directory, recomputed from its entries."""

    _head: Checkpoint
    _audit: bool
    _read: Read
    _each: Each
    types: Counter[int] = field(default_factory=Counter)
    ranges: list[absent.Range] = []
    closed: list[tuple[int, int]] = []  # index, type

    def run(self) -> bytes:
        """Return the root that the files lead to."""
        roots = list[bytes]()
        tail = list[bytes]()
        for n, width in bundles_of(self._head.size):
            hashes = self._bundle(n, width)
            if width == BUNDLE:
                roots.append(merkle.root(hashes))
            else:
                tail = hashes
        row, level = roots, 1
        while row:
            for n, width in bundles_of(len(row)):
                self._tile(level, n, row[n * BUNDLE : n * BUNDLE + width])
            row = [
                merkle.root(row[at : at + BUNDLE])
                for at in range(0, len(row) // BUNDLE * BUNDLE, BUNDLE)
            ]
            level += 1
        return growth.prefix_root(self._head.size, roots, tail)

    def _bundle(self, n: int, width: int) -> list[bytes]:
        tail = tiles.path(n, width)
        path = f"tile/entries/{tail}"
        body = f"{'audit' if self._audit else 'payload'}/{tail}"
        entries = self._read(path, tiles.MAX_BUNDLE)
        raw = self._read(body, codec.MAX_RAW)
        try:
            leaves = tiles.split_bundle(entries, width)
            hashes = merkle.leaf_hashes(leaves)
            self._tile(0, n, hashes)
            path = body
            records = leaf.open_bundle(self._head.origin, raw, width, leaves)
        except (MalformedError, BrokenSourceError) as e:
            raise DamagedError("{path}: {why}", path=path, why=e) from e
        start, types = n * BUNDLE, bytes(map(type_of, records))
        self.types.update(types)
        self._each(start, records, types)
        self.ranges += absent.erases(start, records)
        if not self._audit:
            missing = absent.complete(start, records)
            self.closed += [(i, types[i - start]) for i in missing]
        elif max(types) >= BOOKS or any(salt for _, salt, _ in records):
            self._check_open(start, records, types, path)
        return hashes

    def _check_open(
        self, start: int, records: list[Record], types: bytes, path: str
    ) -> None:
        """See that auditors are shown the log's own book-keeping, and no more."""
        for index, (type_, (head, salt, _)) in enumerate(
            zip(types, records, strict=True), start
        ):
            if 0 < type_ < BOOKS and salt:
                raise DamagedError(
                    "{path}: entry {index} of type {type} is open, which "
                    "auditors are not to see",
                    path=path,
                    index=index,
                    type=type_,
                )
            if type_ >= BOOKS and not (salt or leaf.is_void(head)):
                self.closed.append((index, type_))

    def _tile(self, level: int, n: int, hashes: list[bytes]) -> None:
        path = f"tile/{tiles.tile_tail(level, n, len(hashes))}"
        if self._read(path, BUNDLE * 32) != b"".join(hashes):
            raise DamagedError(
                "{path}: not the hashes of the entries", path=path
            )


def type_of(record: Record) -> int:
    """Return the type byte of a record's leaf, 0 if it is none."""
    head = record[0]
    return head[1] if len(head) == leaf.LEAF_SIZE and head[0] == 1 else 0
