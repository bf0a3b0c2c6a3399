"""Bundles: how both databases keep a log, 256 records to a row.

A log's tiles are not stored: level 0 follows from a bundle's leaves, all
above from the roots. An append or a pull rewrites the partial last bundle.
"""

from collections.abc import Collection, Sequence

from msgspec.structs import replace
from sqlalchemy import Connection, select, update

from syncd.errors import DamagedError, StaleError
from syncd.flows.ports import Bundle
from syncd.indicator import codec, leaf
from syncd.store.portable import upsert
from syncd.store.prepared import Prepared, given
from syncd.store.tables import bundle
from syncd.tlog import growth, merkle
from syncd.tlog.merkle import BUNDLE

_log_id, *_COLUMNS = bundle.c  # those of flows.ports.Bundle
_n = bundle.c.n
OF_LOG = select(*_COLUMNS).where(given(_log_id))
_PUT = Prepared(
    upsert(bundle, *bundle.c.keys()[2:], least="width"), *bundle.c.keys()
)
_GET = Prepared(OF_LOG.where(given(_n)))
_ERASABLE = {bytes((type_,)) for type_ in leaf.INDICATOR_TYPES}


def put(c: Connection, log_id: int, bundles: Sequence[Bundle]) -> None:
    """Keep the bundles; a narrower one of the same number is replaced."""
    rows = [(log_id, b.n, b.width, b.gz, b.root, b.entries) for b in bundles]
    _PUT.many(c, rows)


def rewrite(c: Connection, log_id: int, b: Bundle) -> None:
    """Replace records of a bundle, leaves unchanged.

    Raises:
        StaleError: it has grown, or is not there at all.
    """
    its = {"log_id": log_id, "n": b.n, "width": b.width, "root": b.root}
    new = update(bundle).filter_by(**its).values(gz=b.gz, entries=b.entries)
    if not c.execute(new).rowcount:
        raise StaleError("log: bundle {n} is not {width} wide now", b)


def close(
    c: Connection, log_id: int, origin: str, n: int, gone: Collection[int]
) -> dict[int, bytes]:
    """Close the records of types 1–7 of a bundle whose indices are `gone`.

    Return the payloads by index, b"" of what was closed before.

    Raises:
        DamagedError: the bundle does not hash to its root.
    """
    old = get(c, log_id, n)
    records = codec.records(origin, old) if old else []
    if old and merkle.root(codec.leaf_hashes(records)) != old.root:
        raise DamagedError(
            "bundle {n} does not hash to its root: not erased", n=n
        )
    closed = {
        index: record[2]
        for index, record in enumerate(records, n * BUNDLE)
        if index in gone and record[0][1:2] in _ERASABLE
    }
    for index in closed:
        records[index % BUNDLE] = leaf.close(records[index % BUNDLE])
    if old and any(closed.values()):
        rewrite(c, log_id, replace(old, gz=codec.deflate(records)))
    return closed


def get(c: Connection, log_id: int, n: int) -> Bundle | None:
    """Return bundle `n` of a log, or None."""
    row = _GET.one(c, log_id, n)
    return None if row is None else Bundle(*row)


def roots(c: Connection, log_id: int, first: int, last: int) -> list[bytes]:
    """Return the roots of full bundles first..last-1, in order.

    Raises:
        DamagedError: one of them is missing or not full.
    """
    full = select(bundle.c.root).filter_by(log_id=log_id, width=BUNDLE)
    found = [*c.scalars(full.where(_n.between(first, last - 1)).order_by(_n))]
    if len(found) != max(last - first, 0):
        raise DamagedError(
            "log: {n} full bundles of {first} to {last}",
            n=len(found),
            first=first,
            last=last,
        )
    return found


def need(c: Connection, log_id: int, origin: str, n: int) -> Bundle:
    """Return bundle `n` of a log.

    Raises:
        DamagedError: it is missing.
    """
    found = get(c, log_id, n)
    if found is None:
        raise DamagedError(
            "log: {origin}: bundle {n} is missing", origin=origin, n=n
        )
    return found


def root_at(c: Connection, log_id: int, origin: str, size: int) -> bytes:
    """Return the root of the first `size` entries.

    Raises:
        DamagedError: a bundle of them is missing.
    """
    n, width = divmod(size, BUNDLE)
    whole, tail = roots(c, log_id, 0, n), list[bytes]()
    if width:
        records = codec.records(origin, need(c, log_id, origin, n))[:width]
        tail = codec.leaf_hashes(records)
    return growth.prefix_root(size, whole, tail)
