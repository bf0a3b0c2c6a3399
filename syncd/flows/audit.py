"""Audit: hold a log, and what was made of it, against its signatures.

Two journeys, and neither believes a byte that it did not recompute:

    files        a log as static files: what the peer door serves
    check_files  such files again, wherever they come from, to the last byte
    check_log    our own database: every bundle → leaves → roots → signed
                 checkpoints, and every statement → claim rows

`check_log` reads a log from its end. A retract and an erasure act only on
entries before them, so whoever goes backwards knows what has become of an
entry before he meets it: one pass, and no more memory than there are
retracts whose report is still to come. Rows are compared as sums of hashes,
one sum per bundle; only where two sums differ are rows looked at one by one,
to name the positions.
"""

import hashlib
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from syncd.errors import (
    BrokenSourceError,
    DamagedError,
    MalformedError,
    SyncdError,
    UntrustedError,
)
from syncd.flows import serve, stretch
from syncd.flows.ports import Bundle
from syncd.flows.serve import LogFiles
from syncd.indicator import claims, leaf
from syncd.indicator.claims import Range, Row
from syncd.indicator.leaf import Record
from syncd.tlog import checkpoint, growth, merkle, note, tiles
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import BUNDLE, Frontier
from syncd.tlog.note import Note, VerifierKey

CHUNK = 32  # bundles read together: 8,192 entries
TOLD = 20  # problems named for one log; the rest is counted
_EIGHT = struct.Struct(">Q").pack

Read = Callable[[str, int], bytes]
"""(path, most bytes) → the file; DamagedError if it is larger or unreadable"""


# -------------------------------------------------------------- the files


def bundles_of(size: int) -> Iterator[tuple[int, int]]:
    """Yield (n, width) of each bundle of a log of `size` entries."""
    for n in range(size // BUNDLE):
        yield n, BUNDLE
    if size % BUNDLE:
        yield size // BUNDLE, size % BUNDLE


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield (level, n, width) of each tile of a log of `size` entries."""
    level = 0
    while size:
        for n, width in bundles_of(size):
            yield level, n, width
        size //= BUNDLE
        level += 1


def layout(size: int, *, audit: bool = False) -> Iterator[str]:
    """Yield the path of each static file of a log of `size` entries."""
    yield "checkpoint"
    for level, n, width in tiles_of(size):
        yield tiles.tile_path(level, n, width)
    body = tiles.audit_path if audit else tiles.payload_path
    for n, width in bundles_of(size):
        yield tiles.entries_path(n, width)
        yield body(n, width)


async def files(
    log: LogFiles, *, audit: bool = False
) -> AsyncIterator[tuple[str, bytes]]:
    """Yield (path, bytes) of each static file, the checkpoint last.

    As the peer door serves them, payload bundles without their gzip.

    Raises:
        DamagedError: a bundle is missing or does not open.
    """
    for n, width in bundles_of(log.size):
        entries = await serve.entries(log, n, width)
        yield tiles.entries_path(n, width), _there(entries)
        if audit:
            body = await serve.audit(log, n, width)
            yield tiles.audit_path(n, width), _there(body)
        else:
            body = await serve.payload(log, n, width)
            raw = stretch.inflate(_there(body))
            yield tiles.payload_path(n, width), raw
    for level, n, width in tiles_of(log.size):
        tile = await serve.tile(log, level, n, width)
        yield tiles.tile_path(level, n, width), _there(tile)
    yield "checkpoint", log.checkpoint


def _there(raw: bytes | None) -> bytes:
    if raw is None:  # pragma: no cover  `layout` asks for what there is
        raise DamagedError("log: a file below its own size is missing")
    return raw


@dataclass(frozen=True, slots=True)
class Files:
    """What a directory of files was found to be."""

    head: Checkpoint
    audit: bool  # bundles for auditors, without indicators' payloads
    signed: tuple[str, ...]  # names of the keys whose lines verified
    unverified: tuple[str, ...]  # names on lines that nobody could check
    withheld: tuple[int, ...]  # neither present nor rightly erased
    types: Counter[int]  # entries by the leaf's type byte, 0 for no leaf


def check_files(
    names: AbstractSet[str],
    read: Read,
    *,
    log_key: Callable[[str], VerifierKey],
    cosigners: Iterable[VerifierKey] | None = None,
    erased: Callable[[Checkpoint], Iterable[Range]] = lambda _: (),
) -> Files:
    """Return what files of a log say, every byte of them proven.

    Args:
        names: all files that there are.
        read: reads one of them.
        log_key: the key of an origin, or UntrustedError.
        cosigners: all keys whose lines may stand under the checkpoint;
            None if they are not known: then such lines are `unverified`.
        erased: what the roster erased of a log.

    Raises:
        UntrustedError: the checkpoint, or a line of it, is not signed by a
            known key.
        DamagedError: a file is missing, too many, or not what was signed.
    """
    try:
        signed = note.parse(read("checkpoint", checkpoint.MAX_SIZE))
        key = log_key(signed.text.partition("\n")[0])
        head, _ = checkpoint.open_(bytes(signed), key)
    except MalformedError as e:
        raise DamagedError(f"checkpoint: {e}") from e
    good, unverified = _lines(signed, key, cosigners)
    audit = not any(name.startswith("payload/") for name in names)
    wanted = set(layout(head.size, audit=audit))
    for what, odd in (("missing", wanted - names), ("extra", names - wanted)):
        if odd:
            raise DamagedError(
                f"{min(odd)}: {what}, for a log of {head.size} entries"
            )
    state = _Opened(head, audit, read)
    root = state.run()
    if root != head.root:
        raise DamagedError(
            f"checkpoint: the entries hash to another root at {head.size}"
        )
    ranges = [*state.ranges, *erased(head)]
    gone = claims.covered(0, head.size, ranges)
    withheld = [
        index
        for index, type_ in state.closed
        if index not in gone or type_ not in leaf.INDICATOR_TYPES
    ]
    return Files(head, audit, good, unverified, tuple(withheld), state.types)


def _lines(
    signed: Note, key: VerifierKey, cosigners: Iterable[VerifierKey] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the keys that signed, and of those unknown."""
    verified = note.verify(signed, (key, *(cosigners or ())))
    lines = [line for _, line in verified]
    # a key's line twice is verified once: the other one stays unproven
    others = list(signed.signatures)
    for line in lines:
        others.remove(line)
    if others and cosigners is not None:
        raise UntrustedError(
            f"checkpoint: {len(others)} lines of no known key, the first by"
            f" {others[0].name[:100]}"
        )
    return (
        tuple(line.name for line in lines),
        tuple(line.name for line in others),
    )


class _Opened:
    """The bundles and tiles of a directory, recomputed from its entries."""

    def __init__(self, head: Checkpoint, audit: bool, read: Read) -> None:
        self._head = head
        self._audit = audit
        self._read = read
        self.types: Counter[int] = Counter()
        self.ranges: list[Range] = []
        self.closed: list[tuple[int, int]] = []  # (index, type)

    def run(self) -> bytes:
        """Return the root that the files lead to."""
        roots: list[bytes] = []
        tail: list[bytes] = []
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
        path = tiles.entries_path(n, width)
        try:
            leaves = tiles.split_bundle(
                self._read(path, tiles.MAX_BUNDLE), width
            )
            hashes = merkle.leaf_hashes(leaves)
            self._tile(0, n, hashes)
            name = tiles.audit_path if self._audit else tiles.payload_path
            path = name(n, width)
            raw = self._read(path, stretch.MAX_RAW)
            records = leaf.open_bundle(self._head.origin, raw, width, leaves)
        except (MalformedError, BrokenSourceError) as e:
            raise DamagedError(f"{path}: {e}") from e
        self._note(n * BUNDLE, records, path)
        return hashes

    def _note(self, start: int, records: list[Record], path: str) -> None:
        self.types.update(_type(record) for record in records)
        self.ranges += claims.erases(start, records)
        if not self._audit:
            missing = claims.complete(start, records)
            self.closed += [(i, _type(records[i - start])) for i in missing]
            return
        for index, record in enumerate(records, start):
            type_ = _type(record)
            if type_ in range(1, 16) and record[1]:
                raise DamagedError(
                    f"{path}: entry {index} of type {type_} is open, which"
                    " auditors are not to see"
                )
            if type_ >= 16 and not record[1] and not leaf.is_void(record[0]):
                self.closed.append((index, type_))

    def _tile(self, level: int, n: int, hashes: list[bytes]) -> None:
        path = tiles.tile_path(level, n, len(hashes))
        if self._read(path, BUNDLE * 32) != tiles.encode_tile(hashes):
            raise DamagedError(f"{path}: not the hashes of the entries")


def _type(record: Record) -> int:
    head = record[0]
    return head[1] if len(head) == leaf.LEAF_SIZE and head[0] == 1 else 0


# ------------------------------------------------------------ the database

# (token, key, index, record, index of the retract that ended it)
Held = tuple[bytes, int, int, bytes, int | None]


@dataclass(slots=True)
class Tally:
    """The rows of one log in one table, as sums of hashes by bundle."""

    sums: dict[int, int] = field(default_factory=dict)
    digest: dict[int, int] = field(default_factory=dict)  # standing, by key
    standing: int = 0  # rows
    odd: list[str] = field(default_factory=list)  # rows that do not read

    def add(self, origin: str, row: Held) -> None:
        """Count one row."""
        token, key, index, record, by = row
        try:
            hashed = claims.digest(origin, ((token, index, key, record),))
            total = _with_end(hashed, by)
            n = index // BUNDLE
        except (struct.error, TypeError, AttributeError):
            self.odd.append(
                f"row at {index!r:.24}: a column is of a wrong type"
            )
            return
        self.sums[n] = claims.plus(self.sums.get(n, 0), total)
        if by is None:
            self.standing += 1
            self.digest[key] = claims.plus(self.digest.get(key, 0), hashed)


def _with_end(hashed: int, by: int | None) -> int:
    if by is None:
        return hashed
    raw = claims.digest_bytes(hashed) + _EIGHT(by)
    return int.from_bytes(hashlib.sha256(raw).digest(), "big")


@dataclass(frozen=True, slots=True)
class Proof:
    """A kept note, and what it must be."""

    what: str  # how a person finds it: `checkpoint`, `receipt of …`
    note: bytes
    signers: tuple[VerifierKey, ...] = ()  # beside the log, all of them
    size: int | None = None  # what the row beside it says
    root: bytes = b""
    merged: bool = False  # says that we hold all below its size


@dataclass(frozen=True, slots=True)
class LogView:
    """One log as our databases have it."""

    origin: str
    key: VerifierKey
    size: int  # entries mirrored, or of our own log
    peaks: bytes
    note: bytes  # its newest signed checkpoint
    merged: int  # entries whose claims we hold
    bundles: Iterable[Bundle]  # the newest first
    proofs: tuple[Proof, ...] = ()
    erased: tuple[Range, ...] = ()  # as the database has it
    ordered: tuple[Range, ...] = ()  # what the roster erased of it
    claims: Tally = field(default_factory=Tally)
    sightings: Tally = field(default_factory=Tally)
    rows: Callable[[bool, int, int], Iterable[Held]] = lambda *_: ()
    """(sightings?, first, last) → rows of that log with those indices"""
    contested: bool = False
    rejected: frozenset[str] = frozenset()
    """texts that it signed on a branch which the roster did not choose"""


@dataclass(slots=True)
class LogReport:
    """What came of checking one log."""

    origin: str
    size: int
    merged: int
    root: bytes  # as recomputed; as stored if it could not be
    digest: dict[int, int]  # by key, recomputed from the log's bytes
    rows: int  # claims that stand, recomputed
    contested: bool
    problems: list[str]  # each with its position, where it has one

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems


def check_log(view: LogView, *, chunk: int = CHUNK) -> LogReport:
    """Recompute a log, its roots and its claims; tell what does not hold.

    `chunk` bundles are read together: no result depends on it.
    """
    check = _LogCheck(view, chunk)
    try:
        check.run()
    except (SyncdError, ValueError) as e:
        check.problem(f"{e}")
    return check.report()


class _LogCheck:
    def __init__(self, view: LogView, chunk: int) -> None:
        self._view = view
        self._chunk = chunk
        self._origin = view.origin
        self._problems: list[str] = []
        self._count = 0
        self._root = b""
        ordered = {*view.ordered}  # a retired epoch leaves very many
        self._ranges = [r for r in view.erased if r in ordered]
        self._pending: dict[tuple[int, bytes, int], int] = {}
        self._digest: dict[int, int] = {}
        self._rows = 0
        self._tails: dict[int, list[bytes]] = {}
        self._held = [dict(view.claims.sums), dict(view.sightings.sums)]

    def problem(self, text: str) -> None:
        """Note something that does not hold."""
        self._count += 1
        if self._count <= TOLD:
            self._problems.append(text)

    def report(self) -> LogReport:
        """Return what was found."""
        told = list(self._problems)
        if self._count > TOLD:
            told.append(f"and {self._count - TOLD} more")
        view = self._view
        return LogReport(
            self._origin,
            view.size,
            view.merged,
            self._root,
            {k: d for k, d in sorted(self._digest.items()) if d},
            self._rows,
            view.contested,
            told,
        )

    def run(self) -> None:
        """Check all."""
        view = self._view
        for text in (*view.claims.odd, *view.sightings.odd):
            self.problem(text)
        if not 0 <= view.merged <= view.size:
            self.problem(f"merged {view.merged} is beyond size {view.size}")
            return
        self._root = Frontier.parse(view.peaks).root()
        proofs = self._proofs()
        roots = self._walk({head.size for _, head in proofs})
        if roots is None:
            return
        self._frontier(roots)
        for proof, head in proofs:
            self._hold(proof, head, roots)
        self._compare_erased()
        for sightings in (False, True):
            for n in sorted(self._held[sightings]):
                self._differ(n, [], sightings=sightings)

    # --------------------------------------------------------- notes

    def _proofs(self) -> list[tuple[Proof, Checkpoint]]:
        view = self._view
        newest = Proof("checkpoint", view.note)
        found = []
        proofs = view.proofs
        if view.note or view.size:
            proofs = (newest, *proofs)
        for proof in proofs:
            try:
                found.append((proof, self._open(proof)))
            except SyncdError as e:
                self.problem(f"{proof.what}: {e}")
        return found

    def _open(self, proof: Proof) -> Checkpoint:
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
            raise DamagedError(f"its row is not its note of {head.size}")
        return head

    def _hold(
        self, proof: Proof, head: Checkpoint, roots: list[bytes]
    ) -> None:
        view = self._view
        if str(head) in view.rejected:
            return
        if proof.merged and head.size > view.merged:
            self.problem(
                f"{proof.what}: signed {head.size}, merged {view.merged}"
            )
        if head.size > view.size:
            if proof.what == "high-water mark":
                self.problem(
                    f"high-water mark: size {head.size} was released, the"
                    f" database is at {view.size}"
                )
            return  # ahead of us: only its signature can be checked
        whole = head.size // BUNDLE
        tail = self._tails.get(whole, [])
        if growth.prefix_root(head.size, roots[:whole], tail) != head.root:
            self.problem(f"{proof.what}: another root at size {head.size}")

    def _frontier(self, roots: list[bytes]) -> None:
        view = self._view
        whole = Frontier.EMPTY.extend(
            roots[: view.size // BUNDLE], merkle.BUNDLE_LEVEL
        )
        tail = self._tails.get(view.size // BUNDLE, [])
        frontier = whole.extend(tail[: view.size % BUNDLE])
        self._root = frontier.root()
        if bytes(frontier) != view.peaks:
            self.problem(f"frontier: not that of the {view.size} entries")

    # ---------------------------------------------------------- walk

    def _walk(self, sizes: set[int]) -> list[bytes] | None:
        """Check all bundles, from the last; return their roots in order."""
        wanted = {size // BUNDLE for size in (*sizes, self._view.size)}
        left = -(-self._view.size // BUNDLE)
        roots: list[bytes] = []
        chunk: list[tuple[Bundle, list[Record]]] = []
        for bundle in self._view.bundles:
            left -= 1
            width = min(BUNDLE, self._view.size - left * BUNDLE)
            if (bundle.n, bundle.width) != (left, width):
                self.problem(
                    f"bundle {bundle.n} of {bundle.width} entries is where"
                    f" {left} of {width} should be"
                )
                return None
            records = self._open_bundle(bundle)
            if records is None:
                return None
            roots.append(bundle.root)
            if left in wanted:
                self._tails[left] = serve.leaf_hashes(records)
            chunk.append((bundle, records))
            if len(chunk) == self._chunk:
                self._fold(chunk)
                chunk = []
        self._fold(chunk)
        if left:
            self.problem(f"bundle {left - 1} is missing")
            return None
        roots.reverse()
        return roots

    def _open_bundle(self, bundle: Bundle) -> list[Record] | None:
        first = bundle.n * BUNDLE
        span = f"entries {first} to {first + bundle.width - 1}"
        try:
            stretch.inflate(bundle.gz)  # bounded: nobody says who wrote it
            records = serve.records(self._origin, bundle)
        except SyncdError as e:
            self.problem(f"{span}: {e}")
            return None
        if merkle.root(serve.leaf_hashes(records)) != bundle.root:
            self.problem(f"{span}: not what their bundle's root says")
            return None
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
            for r in claims.erases(start, records)
            if r in acted or r[2] < self._view.merged
        ]
        upto = max(self._view.merged - start, 0)
        del records[upto:]
        for index in claims.complete(start, records, erased=self._ranges):
            self.problem(f"entry {index}: withheld, but below merged")
        batch = claims.fold(self._origin, start, records, erased=self._ranges)
        pending = self._pending
        for token, index, by, key in batch.ends:
            at = (index, token, key)
            pending[at] = min(by, pending.get(at, by))
        rows: dict[int, list[Held]] = {}
        for row in batch.adds:
            token, index, key, record = row
            ended = pending.pop((index, token, key), None)
            rows.setdefault(index // BUNDLE, []).append(
                (token, key, index, record, ended)
            )
        seen: dict[int, list[Held]] = {}
        for token, index, key, record in batch.sightings:
            seen.setdefault(index // BUNDLE, []).append(
                (token, key, index, record, None)
            )
        for bundle, _ in chunk:
            self._match(bundle.n, rows.get(bundle.n, []), sightings=False)
            self._match(bundle.n, seen.get(bundle.n, []), sightings=True)

    # ---------------------------------------------------------- rows

    def _match(self, n: int, rows: list[Held], *, sightings: bool) -> None:
        total = 0
        for row in rows:
            token, key, index, record, by = row
            found: Row = (token, index, key, record)
            hashed = claims.digest(self._origin, (found,))
            total = claims.plus(total, _with_end(hashed, by))
            if by is None and not sightings:
                self._rows += 1
                known = self._digest.get(key, 0)
                self._digest[key] = claims.plus(known, hashed)
        if self._held[sightings].pop(n, 0) != total:
            self._differ(n, rows, sightings=sightings)

    def _differ(self, n: int, rows: list[Held], *, sightings: bool) -> None:
        """Name the positions at which two sums differ."""
        what = "sighting" if sightings else "claim"
        before = self._count
        held: dict[int, list[Held]] = {}
        for row in self._view.rows(sightings, n * BUNDLE, (n + 1) * BUNDLE):
            held.setdefault(row[2], []).append(row)
        wanted = {row[2]: row for row in rows}
        for index in sorted({*held, *wanted}):
            there, want = held.get(index, []), wanted.get(index)
            if want is not None and there == [want]:
                continue
            self.problem(f"{what} {index}: {_how(want, there)}")
        if self._count == before:  # pragma: no cover  SHA-256 collides
            self.problem(f"{what}s of bundle {n}: sums differ, rows do not")

    def _compare_erased(self) -> None:
        view = self._view
        known = {*self._ranges}
        for start, stop, by in sorted(
            {*view.erased} - known - {*view.ordered}
        ):
            self.problem(
                f"erasure of {start} to {stop} at {by}: nobody ordered it"
            )
        for start, stop, by in sorted(known - {*view.erased}):
            self.problem(
                f"entry {by}: its erasure of {start} to {stop} was not"
                " acted on"
            )


_COLUMNS = ("token", "kind_epoch", "idx", "record", "ended_by")


def _how(want: Held | None, there: list[Held]) -> str:
    if want is None:
        return "a row that no statement makes"
    if not there:
        return "its row is missing"
    if len(there) > 1:
        return f"{len(there)} rows for one statement"
    differ = [
        name
        for name, a, b in zip(_COLUMNS, want, there[0], strict=True)
        if a != b
    ]
    return f"its row differs in {', '.join(differ)}"
