"""Bundles as they are kept and served: gzip of up to 256 records."""

import gzip
import zlib
from collections.abc import Sequence

from msgspec import Struct

from syncd.errors import DamagedError, MalformedError, becoming
from syncd.indicator import leaf
from syncd.indicator.leaf import Record
from syncd.tlog import merkle, tiles
from syncd.tlog.merkle import BUNDLE

MAX_RAW = BUNDLE * (2 + leaf.MAX_BODY)  # bytes of a bundle after inflation
GZIP_LEVEL = 6  # 48.7 bytes an entry; zstd -3 gives 48.0


class Bundle(Struct, frozen=True):
    """Up to 256 consecutive records, as served: gzip of the record bytes."""

    n: int  # bundle number: first index // 256
    width: int  # records, 1..256
    gz: bytes  # gzip(record ‖ record ‖ …)
    root: bytes  # RFC 6962 hash of its leaves (a full bundle: a level-1 hash)
    entries: bytes = b""  # its tile/entries file, kept only where a void
    # entry's type byte is not that of its payload: records do not tell leaves


def inflate(gz: bytes, most: int = MAX_RAW) -> bytes:
    """Return what somebody compressed, records of a bundle for example.

    Raises:
        MalformedError: not one gzip member, or more than `most` bytes.
    """
    engine = zlib.decompressobj(wbits=31)
    with becoming("gzip: {why}", MalformedError, zlib.error):
        raw = engine.decompress(gz, most + 1)
    if len(raw) > most:
        raise MalformedError("gzip: inflates to over {most} bytes", most=most)
    if not engine.eof or engine.unused_data:
        raise MalformedError("gzip: truncated or trailing bytes")
    return raw


def raw_of(bundle: Bundle) -> bytes:
    """Return the record bytes of a bundle of ours.

    Raises:
        DamagedError: it is not gzip any more.
    """
    try:
        return inflate(bundle.gz)
    except MalformedError as e:
        raise DamagedError("log: bundle {n} is not gzip", bundle) from e


def deflate(found: Sequence[Record]) -> bytes:
    """Return the payload file of records: gzip, the same for the same."""
    return gzip.compress(leaf.encode_records(found), GZIP_LEVEL, mtime=0)


def bundled(n: int, found: Sequence[Record]) -> Bundle:
    """Return up to 256 records as bundle `n`; only odd leaves beside them."""
    leaves = [made for made, _, _ in found]
    odd = any(
        salt and leaf.type_of(payload) != made[1]
        for made, salt, payload in found
    )
    return Bundle(
        n,
        len(found),
        deflate(found),
        merkle.root(leaf_hashes(found)),
        tiles.encode_bundle(leaves) if odd else b"",
    )


def records(origin: str, bundle: Bundle) -> list[Record]:
    """Return the records of a bundle of ours, each with its leaf."""
    return open_(origin, raw_of(bundle), bundle)


def open_(origin: str, raw: bytes, bundle: Bundle) -> list[Record]:
    """Return the records of a bundle's bytes, each with its leaf."""
    leaves = None
    if bundle.entries:
        leaves = tiles.split_bundle(bundle.entries, bundle.width)
    return leaf.open_bundle(origin, raw, bundle.width, leaves)


def narrow(origin: str, bundle: Bundle, width: int) -> Bundle:
    """Return a bundle of the first `width` entries of another."""
    if bundle.width <= width:
        return bundle
    return bundled(bundle.n, records(origin, bundle)[:width])


def payload_at(bundle: Bundle, at: int) -> bytes:
    """Return the payload of one record of a bundle, b"" if it is closed.

    Raises:
        DamagedError: the bundle of ours does not parse any more.
    """
    with becoming("log: bundle {n}: {why}", DamagedError, n=bundle.n):
        found = leaf.split_records(raw_of(bundle), bundle.width)
    return found[at][2]


def leaf_hashes(found: Sequence[Record]) -> list[bytes]:
    """Return the leaf hashes of records."""
    return merkle.leaf_hashes([record[0] for record in found])
