"""Check a stretch of another's log: from fetched bytes to rows.

    bytes ─ inflate ─ open: root proven? ─ Records ─ fold ─ Batch → Stretch

The part of a pull that only computes, and where most of its time goes. A
long pull runs it in a process of its own: so it imports little.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from syncd.errors import BrokenSourceError, ForkError, MalformedError
from syncd.flows.ports import Bundle
from syncd.indicator import absent, codec, folding
from syncd.indicator.folding import Batch
from syncd.indicator.leaf import Record
from syncd.tlog import merkle

MAX_OCTETS = 64 << 20  # bytes of a stretch after inflation, or one bundle


class Run(NamedTuple):
    """What some bundles in a row must be."""

    origin: str
    first: int  # bundle number
    widths: tuple[int, ...]  # records of each
    roots: tuple[bytes, ...]  # proven
    have: int  # entries that we mirror already
    mine: tuple[bytes, ...]  # leaf hashes of ours in the first bundle
    merge: bool  # nothing is missing below `have`: fold what is new
    erased: tuple[absent.Range, ...]  # known erasures


class Stretch(NamedTuple):
    """Bundles that are what was signed, and what can be merged of them."""

    bundles: tuple[Bundle, ...]
    batch: Batch
    missing: tuple[int, ...]  # withheld, among the new entries
    why: str = ""  # the bundle after them is not what was signed

    @property
    def stop(self) -> int:
        """How many entries are mirrored once it is stored."""
        last = self.bundles[-1]
        return last.n * merkle.BUNDLE + last.width


def check(
    run: Run, fetched: Sequence[bytes], entries: Mapping[int, bytes]
) -> Stretch:
    """Return the run up to the first bundle that is wrong, or too much. Pure.

    Args:
        run: what is expected.
        fetched: gzip bytes of the first so many bundles of the run.
        entries: `tile/entries` files, of bundles that do not tell their
            leaves, by number.

    Raises:
        ForkError: a bundle is what was signed, and not what we have.
    """
    records = list[Record]()
    bundles = list[Bundle]()
    why = ""
    size = 0
    for gz, width, root in zip(fetched, run.widths, run.roots, strict=False):
        n = run.first + len(bundles)
        bundle = Bundle(n, width, gz, root, entries.get(n, b""))
        try:
            raw = codec.inflate(gz)
            if bundles and size + len(raw) > MAX_OCTETS:
                break
            found = open_(run.origin, raw, bundle)
        except (MalformedError, BrokenSourceError) as e:
            why = str(e)
            break
        if not bundles and run.mine:
            ours = tuple(codec.leaf_hashes(found[: len(run.mine)]))
            if ours != run.mine:
                raise ForkError(
                    "log: {origin} does not extend size {have}", run
                )
        size += len(raw)
        records += found
        bundles.append(bundle)
    fresh = records[run.have - run.first * merkle.BUNDLE :]
    batch, missing = fold(
        run.origin, run.have, fresh, run.erased, merge=run.merge
    )
    return Stretch(tuple(bundles), batch, missing, why)


def open_(origin: str, raw: bytes, bundle: Bundle) -> list[Record]:
    """Return the records of a bundle's bytes, which hash to its root.

    Raises:
        MalformedError: it does not parse.
        BrokenSourceError: it is another bundle.
    """
    found = codec.open_(origin, raw, bundle)
    if merkle.root(codec.leaf_hashes(found)) != bundle.root:
        raise BrokenSourceError("its root is another one")
    return found


def fold(
    origin: str,
    start: int,
    fresh: Sequence[Record],
    erased: Sequence[absent.Range],
    *,
    merge: bool = True,
) -> tuple[Batch, tuple[int, ...]]:
    """Return what fresh entries say up to the first withheld one.

    Erasures are read from all of them, also above that. Without `merge`
    nothing else is: an earlier gap has to be filled first.
    """
    missing = absent.complete(start, fresh, erased=erased)
    stop = next(iter(missing), start + len(fresh)) if merge else start
    merged, above = fresh[: stop - start], fresh[stop - start :]
    erases = absent.erases(stop, above)
    batch = folding.fold(origin, start, merged, erased=[*erased, *erases])
    batch.erases += erases
    batch.octets = sum(len(payload) for _, _, payload in merged)
    return batch, tuple(missing)


def join(stretches: Sequence[Stretch]) -> Stretch:
    """Return stretches that follow each other as one.

    Where one ends early, since something is withheld, those after it have
    merged nothing. Only the first may bring erasures: nothing is taken out
    of the rows of earlier ones here.
    """
    first = stretches[0].batch
    whole = Batch(origin=first.origin, start=first.start, stop=first.stop)
    whole.erases = first.erases
    for batch in (stretch.batch for stretch in stretches):
        if batch.start == whole.stop:
            whole.stop = batch.stop
        whole.octets += batch.octets
        whole.adds += batch.adds
        whole.ends += batch.ends
        whole.sightings += batch.sightings
        whole.voids += batch.voids
        whole.books += batch.books
    whole.ends.sort()
    whole.sightings.sort()
    return Stretch(
        tuple(b for s in stretches for b in s.bundles),
        whole,
        tuple(i for s in stretches for i in s.missing),
    )
