"""Stretch: a stretch of another's log, from fetched bytes to rows.

    bytes ─ inflate ─ open ─ root proven? ─ fold ─ pack → rows

The part of a pull that only computes, and where most of its time goes. A
long pull runs it in a process of its own: so it imports little, takes and
returns few bytes, and does not give back what its caller holds.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncd.errors import BrokenSourceError, ForkError, MalformedError
from syncd.flows import serve
from syncd.indicator import claims, leaf
from syncd.indicator.claims import Batch, Folded, Packed, Range
from syncd.indicator.leaf import Record
from syncd.tlog import merkle, tiles
from syncd.tlog.merkle import BUNDLE

MAX_RAW = BUNDLE * (2 + leaf.MAX_BODY)  # bytes of a bundle after inflation
MAX_OCTETS = 64 << 20  # bytes of a stretch after inflation, or one bundle


@dataclass(frozen=True, slots=True)
class Run:
    """Some bundles in a row, and what each must hash to."""

    origin: str
    first: int  # bundle number
    widths: tuple[int, ...]  # records of each
    roots: tuple[bytes, ...]  # proven
    have: int  # entries that we mirror already
    mine: tuple[bytes, ...]  # leaf hashes of ours in the first bundle
    merge: bool  # nothing is missing below `have`: fold what is new
    erased: tuple[Range, ...]  # known erasures


@dataclass(frozen=True, slots=True)
class Checked:
    """The run up to the first bundle that was wrong, or would be too much."""

    count: int  # bundles that are what was signed
    batch: Batch  # of what can be merged at once, without its rows
    rows: Packed  # of the batch
    missing: tuple[int, ...]  # withheld, among the new entries
    octets: int  # record bytes of what is merged
    broken: int | None = None  # number of the bundle that was wrong
    why: str = ""

    @property
    def merged(self) -> int:
        """How many entries the batch merges."""
        return self.batch.stop - self.batch.start


def check(
    run: Run, fetched: Sequence[bytes], entries: Mapping[int, bytes]
) -> Checked:
    """Return the bundles whose leaves are what the origin signed. Pure.

    Args:
        run: what is expected.
        fetched: gzip bytes of the first so many bundles of the run.
        entries: `tile/entries` files, of bundles that do not tell their
            leaves, by number.

    Raises:
        ForkError: a bundle is what was signed, and not what we have.
    """
    records: list[Record] = []
    broken: int | None = None
    why = ""
    count = size = 0
    for gz, width, root in zip(fetched, run.widths, run.roots, strict=False):
        n = run.first + count
        try:
            raw = inflate(gz)
            size += len(raw)
            if count and size > MAX_OCTETS:
                break
            found = open_(run.origin, raw, width, entries.get(n, b""), root)
        except (MalformedError, BrokenSourceError) as e:
            broken, why = n, str(e)
            break
        if count == 0 and run.mine:
            hashes = serve.leaf_hashes(found[: len(run.mine)])
            if tuple(hashes) != run.mine:
                raise ForkError(
                    f"log: {run.origin} does not extend size {run.have}"
                )
        records += found
        count += 1
    fresh = records[run.have - run.first * BUNDLE :]
    batch, missing = fold(
        run.origin, run.have, fresh, run.erased, merge=run.merge
    )
    merged = fresh[: batch.stop - batch.start]
    octets = sum(len(payload) for _, _, payload in merged)
    rows, batch.adds = claims.pack(batch.adds), []
    return Checked(count, batch, rows, missing, octets, broken, why)


def open_(
    origin: str, raw: bytes, width: int, entries: bytes, root: bytes
) -> list[Record]:
    """Return a bundle's records, which hash to `root`.

    Raises:
        MalformedError: it does not parse.
        BrokenSourceError: it is another bundle.
    """
    leaves = tiles.split_bundle(entries, width) if entries else None
    found = leaf.open_bundle(origin, raw, width, leaves)
    if merkle.root(serve.leaf_hashes(found)) != root:
        raise BrokenSourceError("its root is another one")
    return found


def inflate(gz: bytes) -> bytes:
    """Return the records of a bundle that somebody else compressed.

    Raises:
        MalformedError: not one gzip member, or too large inside.
    """
    engine = zlib.decompressobj(wbits=31)
    try:
        raw = engine.decompress(gz, MAX_RAW + 1)
    except zlib.error as e:
        raise MalformedError(f"gzip: {e}") from e
    if len(raw) > MAX_RAW or not engine.eof or engine.unused_data:
        raise MalformedError("gzip: too large, truncated or trailing bytes")
    return raw


def fold(
    origin: str,
    start: int,
    fresh: Sequence[Record],
    erased: Sequence[Range],
    *,
    merge: bool,
) -> tuple[Folded, tuple[int, ...]]:
    """Return what fresh entries say up to the first withheld one.

    Erasures are read from all of them, also above that. Without `merge`
    nothing else is: an earlier gap has to be filled first.
    """
    missing = claims.complete(start, fresh, erased=erased)
    if merge and not missing:
        return claims.fold(origin, start, fresh, erased=erased), ()
    erases = claims.erases(start, fresh)
    known = [*erased, *erases]
    stop = start if not merge else missing[0] if missing else None
    upto = len(fresh) if stop is None else stop - start
    batch = claims.fold(origin, start, fresh[:upto], erased=known)
    batch.erases = erases
    return batch, tuple(missing)


def joined(checked: Sequence[Checked]) -> Batch:
    """Return one batch of runs that follow each other.

    Where one ends early, since something is withheld, those after it have
    merged nothing. Only the first may bring erasures: nothing is taken out
    of the rows of earlier runs here.
    """
    first = checked[0].batch
    whole = Batch(origin=first.origin, start=first.start, stop=first.stop)
    whole.adds = claims.Merged([run.rows for run in checked])
    whole.erases = first.erases
    for batch in (run.batch for run in checked):
        if batch.start == whole.stop:
            whole.stop = batch.stop
        whole.ends += batch.ends
        whole.sightings += batch.sightings
        whole.voids += batch.voids
        whole.rosters += batch.rosters
        whole.anchors += batch.anchors
        whole.usages += batch.usages
        whole.evidence += batch.evidence
    whole.ends.sort()
    whole.sightings.sort()
    return whole
