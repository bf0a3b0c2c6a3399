"""Verify a log in our database, and the claims derived from it.

    every bundle → leaves → roots → signed checkpoints
    every statement → claim rows

Nothing is believed that was not recomputed. A log is read from its end: what a
retract and an erasure act on comes before them, so one pass will do, and no
more memory than there are retracts whose report is still to come. Rows are
compared as sums of hashes, one sum per bundle.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from syncd.errors import DamagedError, SyncdError, UntrustedError
from syncd.flows.ports import Bundle
from syncd.indicator import absent, claims, codec, folding
from syncd.indicator.leaf import Record
from syncd.tlog import checkpoint, growth, merkle, note
from syncd.tlog.merkle import BUNDLE, Frontier
from syncd.tlog.note import VerifierKey

CHUNK = 32  # bundles read together, 8,192 entries: no result depends on it
NAMED = 20  # problems named for one log; the rest is counted
_EIGHT = struct.Struct(">Q").pack

# (token, key, index, record, index of the retract that ended it)
StoredRow = tuple[bytes, int, int, bytes, int | None]


class Tally(Struct):
    """The rows of one log in one table, as sums of hashes by bundle."""

    sums: dict[int, int] = {}
    digest: dict[int, int] = {}  # in force, by key
    in_force: int = 0  # rows
    odd: list[str] = []  # rows that do not read

    def add(self, origin: str, row: StoredRow) -> None:
        """Count one row."""
        token, key, index, record, by = row
        try:
            total = hashed = claims.digest(
                origin, ((token, index, key, record),)
            )
            if by is not None:
                raw = hashed.to_bytes(32) + _EIGHT(by)
                total = int.from_bytes(hashlib.sha256(raw).digest(), "big")
            n = index // BUNDLE
        except (struct.error, TypeError, AttributeError):
            self.odd.append(
                f"row at {index!r:.24}: a column is of a wrong type"
            )
            return
        self.sums[n] = (self.sums.get(n, 0) + total) % 2**256
        if by is None:
            self.in_force += 1
            sum_ = self.digest.get(key, 0) + hashed
            self.digest[key] = sum_ % 2**256


class Proof(NamedTuple):
    """A kept note, and what it must be."""

    what: str  # how a person finds it: `checkpoint`, `receipt of …`
    note: bytes
    signers: tuple[VerifierKey, ...] = ()  # beside the log, all of them
    size: int | None = None  # what the row beside it says
    root: bytes = b""
    merged: bool = False  # says that we hold all below its size


class LogView(Struct, frozen=True):
    """One log as our databases have it."""

    origin: str
    key: VerifierKey
    size: int  # entries mirrored, or of our own log
    peaks: bytes
    note: bytes  # its newest signed checkpoint
    merged: int  # entries whose claims we hold
    bundles: Iterable[Bundle]  # the newest first
    tables: Sequence[Tally]  # its claim rows, and its sighting rows
    proofs: tuple[Proof, ...] = ()
    pins: tuple[checkpoint.Checkpoint, ...] = ()  # by the roster, without note
    erased: tuple[absent.Range, ...] = ()  # as the database has it
    ordered: tuple[absent.Range, ...] = ()  # what the roster erased of it
    contested: bool = False
    rejected: frozenset[str] = frozenset()
    """texts that it signed on a branch which the roster did not choose"""


class LogReport(Struct):
    """What came of checking one log."""

    origin: str
    size: int
    merged: int
    contested: bool = False
    root: bytes = b""  # as recomputed; as stored if it could not be
    digest: dict[int, int] = {}
    # by key, recomputed from the log's bytes
    rows: int = 0  # claims that stand, recomputed
    problems: list[str] = []
    # each with its position, where it has one
    access: str = ""
    # what its newest anchor that has any says of access records

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems


def check(view: LogView) -> LogReport:
    """Recompute a log, its roots and its claims; tell what does not hold."""
    return _LogCheck(view).report()


class _LogCheck:
    def __init__(self, view: LogView) -> None:
        self._view = view
        self._origin = view.origin
        self._found = LogReport(
            view.origin, view.size, view.merged, view.contested
        )
        self._count = 0
        ordered = {*view.ordered}  # a retired epoch leaves very many
        self._ranges = [r for r in view.erased if r in ordered]
        self._pending = dict[tuple[int, bytes, int], int]()
        self._made = Tally(), Tally()  # rows, as they must be; sightings
        self._tails = dict[int, list[bytes]]()
        self._held = [dict(table.sums) for table in view.tables]

    def _problem(self, text: str) -> None:
        """Note something that does not hold."""
        self._count += 1
        if self._count <= NAMED:
            self._found.problems.append(text)

    def report(self) -> LogReport:
        """Check all; return what was found."""
        try:
            self._run()
        except (SyncdError, ValueError) as e:
            self._problem(f"{e}")
        found, made = self._found, self._made[0]
        if self._count > NAMED:
            found.problems.append(f"and {self._count - NAMED} more")
        found.digest = {k: d for k, d in sorted(made.digest.items()) if d}
        found.rows = made.in_force
        return found

    def _run(self) -> None:
        view = self._view
        for text in (text for table in view.tables for text in table.odd):
            self._problem(text)
        if not 0 <= view.merged <= view.size:
            raise ValueError(
                f"merged {view.merged} is beyond size {view.size}"
            )
        self._found.root = Frontier.parse(view.peaks).root()
        proofs = self._proofs()
        roots = self._walk({head.size for _, head in proofs})
        whole, tail = view.size // BUNDLE, view.size % BUNDLE
        frontier = Frontier.EMPTY.extend(roots[:whole], merkle.BUNDLE_LEVEL)
        frontier = frontier.extend(self._tails.get(whole, [])[:tail])
        self._found.root = frontier.root()
        if bytes(frontier) != view.peaks:
            self._problem(f"frontier: not that of the {view.size} entries")
        for proof, head in proofs:
            self._hold(proof, head, roots)
        self._compare_erased()
        for sightings in (False, True):
            for n in sorted(self._held[sightings]):
                self._differ(n, sightings=sightings)

    def _proofs(self) -> list[tuple[Proof, checkpoint.Checkpoint]]:
        view = self._view
        there = view.note or (view.size and not view.pins)
        newest = [Proof("checkpoint", view.note)] if there else []
        found = [(Proof("roster", b""), pin) for pin in view.pins]
        for proof in (*newest, *view.proofs):
            try:
                found.append((proof, self._open(proof)))
            except SyncdError as e:
                self._problem(f"{proof.what}: {e}")
        return found

    def _open(self, proof: Proof) -> checkpoint.Checkpoint:
        head, signed = checkpoint.open_(proof.note, self._view.key)
        if proof.signers:
            known = note.verify(signed, (self._view.key, *proof.signers))
            want = 1 + len(proof.signers)
            if len(known) != want or len(signed.signatures) != want:
                raise UntrustedError("is not signed by exactly its signers")
        if proof.size not in (None, head.size) or proof.root not in (
            b"",
            head.root,
        ):
            raise DamagedError("its row is not its note of {size}", head)
        return head

    def _hold(
        self, proof: Proof, head: checkpoint.Checkpoint, roots: list[bytes]
    ) -> None:
        view = self._view
        if str(head) in view.rejected:
            return
        if proof.merged and head.size > view.merged:
            self._problem(
                f"{proof.what}: signed {head.size}, merged {view.merged}"
            )
        if head.size > view.size:
            if proof.what == "high-water mark":
                self._problem(
                    f"high-water mark: size {head.size} was released, the"
                    f" database is at {view.size}"
                )
            return  # ahead of us: only its signature can be checked
        whole = head.size // BUNDLE
        tail = self._tails.get(whole, [])
        if growth.prefix_root(head.size, roots[:whole], tail) != head.root:
            self._problem(f"{proof.what}: another root at size {head.size}")

    def _walk(self, sizes: set[int]) -> list[bytes]:
        """Check all bundles, from the last; return their roots in order."""
        wanted = {size // BUNDLE for size in (*sizes, self._view.size)}
        left = -(-self._view.size // BUNDLE)
        roots = list[bytes]()
        chunk = list[tuple[Bundle, list[Record]]]()
        for bundle in self._view.bundles:
            left -= 1
            width = min(BUNDLE, self._view.size - left * BUNDLE)
            if (bundle.n, bundle.width) != (left, width):
                raise ValueError(
                    f"bundle {bundle.n} of {bundle.width} entries is where"
                    f" {left} of {width} should be"
                )
            records = self._open_bundle(bundle)
            roots.append(bundle.root)
            if left in wanted:
                self._tails[left] = codec.leaf_hashes(records)
            chunk.append((bundle, records))
            if len(chunk) == CHUNK:
                self._fold(chunk)
                chunk = []
        self._fold(chunk)
        if left:
            raise ValueError(f"bundle {left - 1} is missing")
        roots.reverse()
        return roots

    def _open_bundle(self, bundle: Bundle) -> list[Record]:
        first = bundle.n * BUNDLE
        span = f"entries {first} to {first + bundle.width - 1}"
        try:
            records = codec.records(self._origin, bundle)
        except SyncdError as e:
            raise ValueError(f"{span}: {e}") from e
        if merkle.root(codec.leaf_hashes(records)) != bundle.root:
            raise ValueError(f"{span}: not what their bundle's root says")
        return records

    def _fold(self, chunk: list[tuple[Bundle, list[Record]]]) -> None:
        """Hold the rows of a run of bundles, newest first, against ours."""
        if not chunk:
            return
        start = chunk[-1][0].n * BUNDLE
        records = [r for _, found in reversed(chunk) for r in found]
        # an own log's erasures are acted on when they are merged, others'
        # as soon as they are mirrored
        acted = {*self._view.erased}
        self._ranges += [
            r
            for r in absent.erases(start, records)
            if r in acted or r[2] < self._view.merged
        ]
        del records[max(self._view.merged - start, 0) :]
        for index in absent.complete(start, records, erased=self._ranges):
            self._problem(f"entry {index}: withheld, but below merged")
        batch = folding.fold(self._origin, start, records, erased=self._ranges)
        pending = self._pending
        for token, index, by, key, _ in batch.ends:
            at = (index, token, key)
            pending[at] = min(by, pending.get(at, by))
        rows: list[StoredRow] = [
            (token, key, index, record, pending.pop((index, token, key), None))
            for token, index, key, record in batch.adds
        ]
        seen: list[StoredRow] = [
            (token, key, index, record, None)
            for token, index, key, record in batch.sightings
        ]
        for said in reversed(batch.books):
            self._found.access = self._found.access or getattr(
                said, "access", ""
            )
        for sightings, found in enumerate((rows, seen)):
            made = self._made[sightings]
            for row in found:
                made.add(self._origin, row)
            for n in (bundle.n for bundle, _ in chunk):
                if self._held[sightings].pop(n, 0) != made.sums.pop(n, 0):
                    self._differ(n, sightings=sightings)

    def _differ(self, n: int, *, sightings: int) -> None:
        """Name a bundle of whose rows two sums differ."""
        what, first = ("claims", "sightings")[sightings], n * BUNDLE
        span = f"{what} of entries {first} to {first + BUNDLE - 1}"
        self._problem(f"{span}: rows are not those that statements make")

    def _compare_erased(self) -> None:
        view = self._view
        known = {*self._ranges}
        for start, stop, by in sorted(
            {*view.erased} - known - {*view.ordered}
        ):
            self._problem(
                f"erasure of {start} to {stop} at {by}: nobody ordered it"
            )
        for start, stop, by in sorted(known - {*view.erased}):
            self._problem(
                f"entry {by}: its erasure of {start} to {stop} was not"
                " acted on"
            )
