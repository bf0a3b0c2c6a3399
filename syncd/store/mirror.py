"""mirror.db: others' logs as verified, and everybody's claims.

All of it can be fetched again; it is a database of its own so that long
merges do not block urgent appends. Our own claims are kept here among the
others': our own origin has a `log` row with its `merged`, no bundles.

A claim row stays when a retract ends it (`ended_by`), and `ending` keeps
what each retract names: so the digest at any earlier size can be computed,
and a claim whose retract is erased stands again.
"""

import hashlib
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import sqlalchemy as sa

from syncd.errors import StaleError
from syncd.flows.ports import Bundle, Finding, MirrorHead, Position
from syncd.indicator import absent, codec
from syncd.indicator import claims as claim_rows
from syncd.indicator.absent import Range
from syncd.indicator.claims import Claim, Row
from syncd.indicator.folding import Batch, Rows
from syncd.indicator.token import KIND_CODES
from syncd.store import bundles as bundle_rows
from syncd.store import cutting, elsewhere, erasing, failpoint, findings
from syncd.store import disputes as dispute_rows
from syncd.store.database import Database, execute_many, select_in
from syncd.tlog.merkle import BUNDLE, Frontier

_NOTES_AHEAD = 32  # verified notes kept above `merged`, at most
_PAGE = 10_000  # rows read at a time when all are walked
_DAY_S = 86_400
_TOKENS_KEPT = 65_536  # tokens of entries that claims rest on

Key = tuple[bytes, int, int, int]  # (token, key, log_id, index) of a claim
Sizes = Mapping[str, int]  # merged entries, by origin


class MirrorStore:
    """flows.ports.Mirror on SQLite."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._db = database
        self._clock = clock
        self._names = _Names()
        # (kind, epoch) of which nothing is kept, whatever is merged.
        self.retired: frozenset[tuple[str, int]] = frozenset()
        self._tokens: dict[tuple[int, int], bytes] = {}  # by (log_id, index)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], int],
        read_only: bool = False,
    ) -> "MirrorStore":
        """Open or create the database at `path`.

        Raises:
            NewerError: a newer syncd has migrated it.
            DamagedError: it is no database, or a broken one.
        """
        return cls(Database(path, "mirror", read_only=read_only), clock)

    def close(self) -> None:
        """Finish what runs, then close."""
        self._db.close()

    # ---------------------------------------------------------- moving

    async def head(self, origin: str) -> MirrorHead:
        """Return how far we are (size 0 if we never heard of it)."""
        return await self._db.read(lambda c: _head(c, origin))

    async def heads(self) -> list[MirrorHead]:
        """Return how far we are with each origin that we heard of."""

        def job(c: sa.Connection) -> list[MirrorHead]:
            names = c.exec_driver_sql("SELECT origin FROM log ORDER BY origin")
            return [_head(c, name) for name in names.scalars().all()]

        return await self._db.read(job)

    async def sizes(self) -> dict[str, tuple[int, int]]:
        """Return how much of each origin's log is (mirrored, merged)."""

        def job(c: sa.Connection) -> dict[str, tuple[int, int]]:
            rows = c.exec_driver_sql("SELECT origin, size, merged FROM log")
            return {origin: (size, merged) for origin, size, merged in rows}

        return await self._db.read(job)

    async def advance(
        self,
        old: MirrorHead,
        new: MirrorHead,
        bundles: Sequence[Bundle],
        batch: Batch,
        findings: Sequence[Finding] = (),
    ) -> None:
        """Move from `old` to `new` in one transaction with its claims.

        Raises:
            StaleError: (mirrored, merged) is not `old`'s any more, or the
                origin was found to be forked.
        """
        if old.origin != new.origin or not (
            old.mirrored <= new.mirrored
            and old.merged <= new.merged <= new.mirrored
        ):
            raise StaleError(
                "mirror: {origin}: from {merged}/{mirrored} to "
                "{new_merged}/{new_mirrored} is no advance",
                origin=new.origin,
                merged=old.merged,
                mirrored=old.mirrored,
                new_merged=new.merged,
                new_mirrored=new.mirrored,
            )

        def job(c: sa.Connection) -> None:
            log_id = _advance_head(c, old, new)
            failpoint.hit("merge.head")
            _set_missing(c, log_id, new.missing)
            # Before the bundles: those that come may lack what is erased,
            # and only a payload tells which claim it made.
            day = self._clock() // _DAY_S
            own = [r for r in batch.erases if r[2] != absent.RETIRED]
            failed = erasing.erase(c, log_id, new.origin, own, day=day)
            failed += erasing.erase(c, log_id, new.origin, batch.erases)
            bundle_rows.put(c, log_id, _joined(c, log_id, new.origin, bundles))
            failpoint.hit("merge.bundles")
            counting = self._counting(batch)
            _add_claims(c, log_id, counting)
            failpoint.hit("merge.claims")
            _end_claims(c, log_id, counting)
            _spend(c, log_id, batch, day)
            failpoint.hit("merge.ends")
            _keep_note(c, log_id, new.merged, new.note)
            # What was erased before may come in again from a slow mirror.
            failed += erasing.erase_again(
                c, log_id, new.origin, [b.n for b in bundles]
            )
            failed += self._retire(
                c, log_id, new.origin, [b.n for b in bundles]
            )
            _record(c, [*findings, *failed], self._clock())

        def step() -> None:
            self._db.write_now(job)
            failpoint.hit("merge.committed")

        await self._db.in_writer(step)

    async def merged_today(self, origin: str) -> tuple[int, int]:
        """Return how many entries, with how many bytes, were merged today."""

        def job(c: sa.Connection) -> tuple[int, int]:
            row = c.exec_driver_sql(
                "SELECT entries, octets FROM spent"
                " WHERE log_id = ? AND day = ?",
                (_log_id(c, origin), self._clock() // _DAY_S),
            ).fetchone()
            return (row[0], row[1]) if row else (0, 0)

        return await self._db.read(job)

    async def fold_again(self, origin: str) -> None:
        """Drop the claims of `origin` and set its `merged` to 0.

        For a risen `format`: the logs are folded again from the mirror.
        """

        def job(c: sa.Connection) -> None:
            log_id = _log_id(c, origin)
            for table in ("claim", "ending", "sighting"):
                c.exec_driver_sql(
                    f"DELETE FROM {table} WHERE log_id = ?",  # noqa: S608
                    (log_id,),
                )
            c.exec_driver_sql(
                "UPDATE log SET merged = 0 WHERE id = ?", (log_id,)
            )

        await self._db.write(job)

    # --------------------------------------------------------- bundles

    async def bundle(self, origin: str, n: int) -> Bundle | None:
        """Return bundle `n` of a mirrored log, or None."""
        return await self._db.read(
            lambda c: bundle_rows.get(c, _log_id(c, origin), n)
        )

    async def roots(self, origin: str, first: int, last: int) -> list[bytes]:
        """Return the roots of full bundles first..last-1, in order."""
        return await self._db.read(
            lambda c: bundle_rows.roots(c, _log_id(c, origin), first, last)
        )

    async def replace_bundle(self, origin: str, bundle: Bundle) -> None:
        """Keep a bundle whose withheld payloads have arrived.

        Erased entries stay erased, whatever the bundle brings.

        Raises:
            StaleError: the bundle has grown meanwhile, or is not here.
        """

        def job(c: sa.Connection) -> None:
            log_id = _log_id(c, origin)
            bundle_rows.rewrite(c, log_id, [bundle])
            again = erasing.erase_again(c, log_id, origin, [bundle.n])
            again += self._retire(c, log_id, origin, [bundle.n])
            _record(c, again, self._clock())

        await self._db.write(job)

    async def lacks(self, origin: str) -> list[int]:
        """Return the numbers of the bundles that are mirrored, and not here.

        Only of a log that we wrote ourselves: own.db has those.
        """

        def job(c: sa.Connection) -> list[int]:
            log_id = _log_id(c, origin)
            there = c.exec_driver_sql(
                "SELECT n FROM bundle WHERE log_id = ?", (log_id,)
            )
            bundles = -(-_head(c, origin).mirrored // BUNDLE)
            return sorted(set(range(bundles)) - {n for (n,) in there})

        return await self._db.read(job)

    async def adopt(self, origin: str, bundles: Sequence[Bundle]) -> None:
        """Keep bundles that `lacks` named; what is erased is closed."""

        def job(c: sa.Connection) -> None:
            log_id = _log_id(c, origin)
            numbers = [b.n for b in bundles]
            bundle_rows.put(c, log_id, bundles)
            failed = erasing.erase_again(c, log_id, origin, numbers)
            failed += self._retire(c, log_id, origin, numbers)
            _record(c, failed, self._clock())

        await self._db.write(job)

    # ----------------------------------------------------------- notes

    async def keep_note(self, origin: str, size: int, note: bytes) -> None:
        """Keep a verified signed checkpoint that is ahead of `mirrored`."""

        def job(c: sa.Connection) -> None:
            log_id = _log_id(c, origin, make=True)
            merged = c.exec_driver_sql(
                "SELECT merged FROM log WHERE id = ?", (log_id,)
            ).scalar_one()
            _keep_note(c, log_id, merged, note, size)

        await self._db.write(job)

    async def notes(self, origin: str) -> Mapping[int, bytes]:
        """Return the kept signed checkpoints by size."""

        def job(c: sa.Connection) -> dict[int, bytes]:
            rows = c.exec_driver_sql(
                "SELECT size, note FROM kept_note WHERE log_id = ?"
                " ORDER BY size",
                (_log_id(c, origin),),
            )
            return {size: note for size, note in rows}  # noqa: C416

        return await self._db.read(job)

    async def contest(
        self, origin: str, notes: Sequence[bytes], finding: Finding
    ) -> None:
        """Freeze a forked origin, keeping both of its signed notes."""

        def job(c: sa.Connection) -> None:
            log_id = _log_id(c, origin, make=True)
            c.exec_driver_sql(
                "UPDATE log SET contested = 1 WHERE id = ?", (log_id,)
            )
            _keep_evidence(c, log_id, notes)
            _record(c, [finding], self._clock())

        await self._db.write(job)

    async def contested(self) -> Mapping[str, Sequence[bytes]]:
        """Return the forked origins, each with its contradicting notes."""

        def job(c: sa.Connection) -> dict[str, list[bytes]]:
            rows = c.exec_driver_sql(
                "SELECT log.origin, fork_note.note FROM log"
                " LEFT JOIN fork_note ON fork_note.log_id = log.id"
                " WHERE log.contested = 1 ORDER BY log.origin, fork_note.hash"
            )
            found: dict[str, list[bytes]] = {}
            for name, note in rows:
                found.setdefault(name, [])
                if note is not None:
                    found[name].append(note)
            return found

        return await self._db.read(job)

    async def decide(
        self, old: MirrorHead, size: int, rejected: Sequence[bytes]
    ) -> None:
        """Hold only the first `size` entries of a log, uncontested.

        `rejected` are notes of its key that do not count any more: they are
        kept as evidence.

        Raises:
            StaleError: (mirrored, merged) is not `old`'s any more.
        """

        def job(c: sa.Connection) -> None:
            log_id = _log_id(c, old.origin)
            left = cutting.Remainder(old.frontier, old.merged, old.note)
            if size < old.mirrored:
                left = cutting.cut(c, log_id, old.origin, size, old.merged)
            done = c.exec_driver_sql(
                "UPDATE log SET size = ?, peaks = ?, merged = ?, note = ?,"
                " contested = 0 WHERE id = ? AND size = ? AND merged = ?",
                (
                    left.frontier.size,
                    bytes(left.frontier),
                    left.merged,
                    left.note,
                    log_id,
                    old.mirrored,
                    old.merged,
                ),
            )
            if done.rowcount != 1:
                raise StaleError(
                    "mirror: {origin}: moved meanwhile", origin=old.origin
                )
            _keep_evidence(c, log_id, rejected)
            for note in rejected:
                c.exec_driver_sql(
                    "INSERT INTO rejected_note (log_id, hash)"
                    " VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (log_id, hashlib.sha256(note).digest()),
                )
                c.exec_driver_sql(
                    "DELETE FROM kept_note WHERE log_id = ? AND note = ?",
                    (log_id, note),
                )
            failpoint.hit("merge.head")

        await self._db.write(job)
        # Another entry may stand at an index now. A read that began before
        # goes on with the old ones, and leaves nothing behind.
        self._tokens = {}

    async def evidence(self, origin: str) -> list[bytes]:
        """Return the notes of a log that contradict each other, or did."""

        def job(c: sa.Connection) -> list[bytes]:
            notes = "SELECT note FROM fork_note WHERE log_id = ? ORDER BY hash"
            rows = c.exec_driver_sql(notes, (_log_id(c, origin),))
            return [note for (note,) in rows]

        return await self._db.read(job)

    async def rejected(self, origin: str) -> list[bytes]:
        """Return those of them that the roster decided against."""

        def job(c: sa.Connection) -> list[bytes]:
            rows = c.exec_driver_sql(
                "SELECT f.note FROM fork_note AS f JOIN rejected_note AS r"
                " ON r.log_id = f.log_id AND r.hash = f.hash"
                " WHERE f.log_id = ? ORDER BY f.hash",
                (_log_id(c, origin),),
            )
            return [note for (note,) in rows]

        return await self._db.read(job)

    # ---------------------------------------------------------- claims

    async def claims(
        self,
        tokens: Sequence[bytes],
        kind: int,
        epoch: int,
        at: Sizes | None = None,
    ) -> Mapping[bytes, Sequence[Claim]]:
        """Return the claims in force of each token that has any.

        In force: not ended by a retract, not erased; now, or `at` such
        sizes. Expired ones are among them: what a day makes of a claim is
        the verdict's work.
        """
        key = claim_rows.key(kind, epoch)

        def job(c: sa.Connection) -> dict[bytes, list[Claim]]:
            name_of = partial(self._names.of, c)
            found: dict[bytes, list[Claim]] = {}
            for value, log_id, idx, record, ended_by in select_in(
                c,
                "SELECT token, log_id, idx, record, ended_by FROM claim"
                " WHERE kind_epoch = ? AND (ended_by IS NULL OR ?)"
                " AND token IN (?*)",
                list(dict.fromkeys(tokens)),
                *(key, at is not None),
            ):
                origin = name_of(log_id)
                if _in_force(origin, idx, ended_by, at):
                    found.setdefault(value, []).append(
                        Claim.parse(origin, (value, idx, key, record))
                    )
            return found

        return await self._db.read(job)

    async def claims_at(
        self, positions: Sequence[Position], at: Sizes | None = None
    ) -> Mapping[Position, Claim]:
        """Return the claims in force at some positions: for a `basis`.

        There is no index by position; the entry itself names its token. A
        position of our own log is found only through `own`'s bundles, so
        the caller asks for those by token.
        """
        known = self._tokens

        def job(c: sa.Connection) -> dict[Position, Claim]:
            found: dict[Position, Claim] = {}
            for origin, index in positions:
                log_id = _log_id(c, origin)
                value = _token_at(c, known, log_id, index)
                claim = _claim(c, origin, log_id, index, value, at)
                if claim is not None:
                    found[origin, index] = claim
            return found

        return await self._db.read(job)

    async def claim_of(
        self, origin: str, index: int, value: bytes, at: Sizes | None = None
    ) -> Claim | None:
        """Return the claim in force at a position whose token is known."""
        return await self._db.read(
            lambda c: _claim(c, origin, _log_id(c, origin), index, value, at)
        )

    async def disputes(self, ours: Collection[str]) -> list[Claim]:
        """Return disputes in force on what `ours` have a claim on too."""
        return await self._db.read(lambda c: dispute_rows.find(c, ours))

    async def taken_back(
        self,
        tokens: Sequence[bytes],
        key: tuple[int, int],
        reasons: Collection[str],
        ours: Collection[str],
    ) -> Mapping[bytes, tuple[str, str]]:
        """Return who, by origin, took a token back, and why: not `ours`."""
        return await self._db.read(
            lambda c: elsewhere.find(c, tokens, key, reasons, ours)
        )

    async def page(
        self, after: tuple[bytes, int], limit: int
    ) -> list[tuple[bytes, int, list[Claim]]]:
        """Return the next tokens that have claims in force, with these.

        Each is (token, key, claims), in the order of (token, key); `after`
        is such a pair, (b"", 0) for the first page.
        """

        def job(c: sa.Connection) -> list[tuple[bytes, int, list[Claim]]]:
            found: dict[tuple[bytes, int], list[Claim]] = {}
            name_of = partial(self._names.of, c)
            rows = c.exec_driver_sql(
                "SELECT c.token, c.kind_epoch, c.log_id, c.idx, c.record"
                " FROM (SELECT DISTINCT token, kind_epoch FROM claim"
                " WHERE (token, kind_epoch) > (?, ?) AND ended_by IS NULL"
                " ORDER BY token, kind_epoch LIMIT ?) AS next"
                " JOIN claim AS c ON c.token = next.token"
                " AND c.kind_epoch = next.kind_epoch"
                " WHERE c.ended_by IS NULL"
                " ORDER BY c.token, c.kind_epoch, c.log_id, c.idx",
                (*after, limit),
            )
            for value, number, log_id, idx, record in rows:
                row = value, idx, number, record
                found.setdefault((value, number), []).append(
                    Claim.parse(name_of(log_id), row)
                )
            return [(*pair, claims) for pair, claims in found.items()]

        return await self._db.read(job)

    async def rows(self, origin: str, size: int) -> AsyncIterator[list[Row]]:
        """Yield the rows of `origin` that stand at a size ≤ `merged`.

        In order of the token, some thousand at a time, each page from one
        snapshot. Rows are only added above `merged`, and marked with the
        index that ended them, so merging between two pages changes nothing.
        """
        log_id = await self._db.read(lambda c: _log_id(c, origin))
        after: Key | None = (b"", -1, -1, -1)
        while after is not None:
            page, after = await self._db.read(
                partial(_page, log_id=log_id, size=size, after=after)
            )
            if page:
                yield page

    async def counts(self) -> Mapping[str, int]:
        """Return the number of claims in force per origin."""

        def job(c: sa.Connection) -> dict[str, int]:
            rows = c.exec_driver_sql(
                "SELECT origin, count(*) FROM claim JOIN log ON id = log_id"
                " WHERE ended_by IS NULL GROUP BY log_id"
            )
            return {origin: n for origin, n in rows}  # noqa: C416

        return await self._db.read(job)

    # --------------------------------------------------------- erasing

    async def erase(self, origin: str, ranges: Sequence[Range]) -> None:
        """Act on erasures (from, to, by): payloads, salts and claims go.

        An erasure at index `by` acts on entries of types 1–7 below `by`;
        for one that the roster orders, `by` is the size that it names.
        `purge` makes the bytes themselves go.
        """
        wanted = list(ranges)

        def job(c: sa.Connection) -> None:
            log_id = _log_id(c, origin, make=True)
            fresh = erasing.erase(c, log_id, origin, wanted)
            _record(c, fresh, self._clock())

        await self._db.write(job)

    async def drop_retired(self) -> None:
        """Drop all claims of the epochs that are `retired`."""
        keys = [(key,) for key in self._keys()]

        def job(c: sa.Connection) -> None:
            for table in ("claim", "sighting", "ending"):
                execute_many(
                    c,
                    f"DELETE FROM {table} WHERE kind_epoch = ?",  # noqa: S608
                    keys,
                )

        await self._db.write(job)

    async def retire(self, origin: str, first: int, last: int) -> None:
        """Close what is of `retired` epochs in bundles first..last-1."""

        def job(c: sa.Connection) -> None:
            log_id = _log_id(c, origin)
            failed = self._retire(c, log_id, origin, range(first, last))
            _record(c, failed, self._clock())

        await self._db.write(job)

    def _keys(self) -> frozenset[int]:
        return frozenset(
            claim_rows.key(KIND_CODES[kind], epoch)
            for kind, epoch in self.retired
        )

    def _counting(self, batch: Batch) -> Batch:
        """Return a batch without what is of retired epochs."""
        keys = self._keys()
        if not keys:
            return batch
        return msgspec.structs.replace(
            batch,
            adds=Rows.pack([r for r in batch.adds if r[2] not in keys]),
            ends=[end for end in batch.ends if end[3] not in keys],
            sightings=[row for row in batch.sightings if row[2] not in keys],
        )

    def _retire(
        self,
        c: sa.Connection,
        log_id: int,
        origin: str,
        numbers: Iterable[int],
    ) -> list[Finding]:
        """Close what is of retired epochs in some bundles."""
        failed: list[Finding] = []
        for n in numbers if self.retired else ():
            bundle = bundle_rows.get(c, log_id, n)
            if bundle is None:
                continue
            gone = absent.retired(
                n * BUNDLE, codec.records(origin, bundle), self.retired
            )
            failed += erasing.erase(c, log_id, origin, gone)
        return failed

    async def erased(self, origin: str) -> list[Range]:
        """Return what was erased of `origin`: (from, to, by)."""
        return await self._db.read(
            lambda c: erasing.erased(c, _log_id(c, origin))
        )

    async def purge(self) -> None:
        """Leave no byte of what was erased, in file or WAL."""
        await self._db.purge()

    # -------------------------------------------------------- findings

    async def findings_after(
        self, number: int, limit: int
    ) -> list[tuple[int, Finding]]:
        """Return findings above a row number, with theirs, in its order."""
        return await self._db.read(lambda c: findings.after(c, number, limit))

    async def findings(self, limit: int = 1000) -> list[findings.Row]:
        """Return up to `limit` findings, the one met last first."""
        return await self._db.read(lambda c: findings.newest(c, limit))


class _Names:
    """Row id → origin. Neither ever changes, so each is read once."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def of(self, c: sa.Connection, log_id: int) -> str:
        """Return the origin of a row id."""
        name = self._known.get(log_id)
        if name is None:
            row = c.exec_driver_sql(
                "SELECT origin FROM log WHERE id = ?", (log_id,)
            )
            self._known[log_id] = name = str(row.scalar_one())
        return name


# ------------------------------------------------------------------- logs


def _record(c: sa.Connection, found: Sequence[Finding], now: int) -> None:
    findings.record(c, found, now)


def _log_id(c: sa.Connection, origin: str, *, make: bool = False) -> int:
    """Return the row id of an origin; 0 stands for one never heard of."""
    found = c.exec_driver_sql(
        "SELECT id FROM log WHERE origin = ?", (origin,)
    ).scalar()
    if found is not None:
        return int(found)
    if not make:
        return 0
    row = c.exec_driver_sql(
        "INSERT INTO log (origin, size, peaks, merged, note, contested)"
        " VALUES (?, 0, ?, 0, ?, 0) RETURNING id",
        (origin, bytes(Frontier.EMPTY), b""),
    )
    return int(row.scalar_one())


def _head(c: sa.Connection, origin: str) -> MirrorHead:
    row = c.exec_driver_sql(
        "SELECT id, peaks, merged, note, contested FROM log WHERE origin = ?",
        (origin,),
    ).fetchone()
    if row is None:
        return MirrorHead(origin, Frontier.EMPTY)
    log_id, peaks, merged, note, contested = row
    missing = c.exec_driver_sql(
        "SELECT idx FROM missing WHERE log_id = ? ORDER BY idx", (log_id,)
    )
    return MirrorHead(
        origin,
        Frontier.parse(peaks),
        merged,
        note,
        bool(contested),
        tuple(idx for (idx,) in missing),
    )


def _advance_head(c: sa.Connection, old: MirrorHead, new: MirrorHead) -> int:
    log_id = _log_id(c, new.origin, make=True)
    done = c.exec_driver_sql(
        "UPDATE log SET size = ?, peaks = ?, merged = ?, note = ?"
        " WHERE id = ? AND size = ? AND merged = ? AND contested = 0",
        (
            new.mirrored,
            bytes(new.frontier),
            new.merged,
            new.note,
            log_id,
            old.mirrored,
            old.merged,
        ),
    )
    if done.rowcount != 1:
        raise StaleError(
            "mirror: {origin}: not at {merged}/{mirrored} now",
            origin=new.origin,
            merged=old.merged,
            mirrored=old.mirrored,
        )
    return log_id


def _keep_evidence(
    c: sa.Connection, log_id: int, notes: Iterable[bytes]
) -> None:
    for note in notes:
        c.exec_driver_sql(
            "INSERT INTO fork_note (log_id, hash, note)"
            " VALUES (?, ?, ?) ON CONFLICT (log_id, hash) DO NOTHING",
            (log_id, hashlib.sha256(note).digest(), note),
        )


def _joined(
    c: sa.Connection, log_id: int, origin: str, bundles: Sequence[Bundle]
) -> Sequence[Bundle]:
    """Return the bundles with the payloads of our tail that they lack.

    A source that withholds what we hold must not make us lose it.
    """
    if not bundles:
        return bundles
    first, *rest = bundles
    mine = bundle_rows.get(c, log_id, first.n)
    if mine is None or mine.gz == first.gz:
        return bundles
    theirs = codec.records(origin, first)
    ours = codec.records(origin, mine)
    if all(a[1] or not b[1] for a, b in zip(theirs, ours, strict=False)):
        return bundles
    whole = [
        a if a[1] or a[0] != b[0] else b
        for a, b in zip(theirs, ours, strict=False)
    ]
    whole += theirs[len(ours) :]
    return [replace(first, gz=codec.deflate(whole)), *rest]


def _set_missing(
    c: sa.Connection, log_id: int, missing: Sequence[int]
) -> None:
    c.exec_driver_sql("DELETE FROM missing WHERE log_id = ?", (log_id,))
    if missing:
        c.exec_driver_sql(
            "INSERT INTO missing (log_id, idx) VALUES (?, ?)",
            [(log_id, index) for index in sorted(set(missing))],
        )


def _keep_note(
    c: sa.Connection,
    log_id: int,
    merged: int,
    note: bytes,
    size: int | None = None,
) -> None:
    """Keep a note, and of all those only what receipts may still need.

    That is the largest one up to `merged`, and above it a thinned few: a
    merge that is far behind signs some of the sizes on its way, not all.
    """
    if note:
        if size is None:
            size = int(note.split(b"\n", 2)[1])
        c.exec_driver_sql(
            "INSERT INTO kept_note (log_id, size, note) VALUES (?, ?, ?)"
            " ON CONFLICT (log_id, size) DO UPDATE SET note = excluded.note",
            (log_id, size, note),
        )
    sizes = [
        row[0]
        for row in c.exec_driver_sql(
            "SELECT size FROM kept_note WHERE log_id = ? ORDER BY size",
            (log_id,),
        )
    ]
    covered = [n for n in sizes if n <= merged]
    ahead = [n for n in sizes if n > merged]
    drop = covered[:-1]
    if len(ahead) > _NOTES_AHEAD:
        drop += ahead[1:-1:2]  # the nearest and the largest stay
    if drop:
        c.exec_driver_sql(
            "DELETE FROM kept_note WHERE log_id = ? AND size = ?",
            [(log_id, n) for n in drop],
        )


# ----------------------------------------------------------------- claims


def _add_claims(c: sa.Connection, log_id: int, batch: Batch) -> None:
    """Add rows as they come, sorted: random ones make the tree's pages travel.

    They go to the driver as they are, since every tuple made here would cost
    a tenth of the insert; so the log's number stands in the statement.
    """
    for table, rows in (("claim", batch.adds), ("sighting", batch.sightings)):
        execute_many(
            c,
            f"INSERT INTO {table} (token, idx, kind_epoch, record, log_id)"  # noqa: S608
            f" VALUES (?, ?, ?, ?, {int(log_id)})",
            rows,
        )


def _spend(c: sa.Connection, log_id: int, batch: Batch, day: int) -> None:
    """Count what is merged towards the day's limits."""
    if not batch.octets:
        return
    c.exec_driver_sql(
        "INSERT INTO spent (log_id, day, entries, octets)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (log_id) DO UPDATE SET"
        " entries = excluded.entries + CASE WHEN spent.day = excluded.day"
        " THEN spent.entries ELSE 0 END,"
        " octets = excluded.octets + CASE WHEN spent.day = excluded.day"
        " THEN spent.octets ELSE 0 END,"
        " day = excluded.day",
        (log_id, day, batch.stop - batch.start, batch.octets),
    )


def _end_claims(c: sa.Connection, log_id: int, batch: Batch) -> None:
    if not batch.ends:
        return
    c.exec_driver_sql(
        "INSERT INTO ending (log_id, by_idx, idx, token, kind_epoch)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(log_id, by, index, t, key) for t, index, by, key in batch.ends],
    )
    c.exec_driver_sql(
        "UPDATE claim SET ended_by = ?"
        " WHERE token = ? AND kind_epoch = ? AND log_id = ? AND idx = ?"
        " AND idx < ? AND (ended_by IS NULL OR ended_by > ?)",
        [
            (by, t, key, log_id, index, by, by)
            for t, index, by, key in batch.ends
        ],
    )


def _token_at(
    c: sa.Connection,
    known: dict[tuple[int, int], bytes],
    log_id: int,
    index: int,
) -> bytes:
    """Return the token that an entry names, b"" if none is here.

    What its bundle names is remembered in `known`: inflating one costs a
    look-up's worth of time.
    """
    value = known.get((log_id, index))
    if value is not None:
        return value
    bundle = bundle_rows.get(c, log_id, index // BUNDLE)
    if bundle is None or index % BUNDLE >= bundle.width:
        return b""
    value = erasing.token_of(codec.payload_at(bundle, index % BUNDLE))
    if value:
        if len(known) >= _TOKENS_KEPT:
            known.clear()
        known[log_id, index] = value
    return value


def _in_force(
    origin: str, index: int, ended_by: int | None, at: Sizes | None
) -> bool:
    """Tell whether a claim stands, now or at some sizes."""
    if at is None:
        return ended_by is None
    size = at.get(origin, 0)
    return index < size and (ended_by is None or ended_by >= size)


def _claim(
    c: sa.Connection,
    origin: str,
    log_id: int,
    index: int,
    value: bytes,
    at: Sizes | None,
) -> Claim | None:
    row = c.exec_driver_sql(
        "SELECT kind_epoch, record, ended_by FROM claim"
        " WHERE token = ? AND log_id = ? AND idx = ?",
        (value, log_id, index),
    ).fetchone()
    if row is None or not _in_force(origin, index, row[2], at):
        return None
    return Claim.parse(origin, (value, index, row[0], row[1]))


def _page(
    c: sa.Connection, *, log_id: int, size: int, after: Key
) -> tuple[list[Row], Key | None]:
    """Return what stands of one log among the next `_PAGE` rows of all."""
    rows = c.exec_driver_sql(
        "SELECT token, kind_epoch, log_id, idx, record, ended_by FROM claim"
        " WHERE (token, kind_epoch, log_id, idx) > (?, ?, ?, ?)"
        " ORDER BY token, kind_epoch, log_id, idx LIMIT ?",
        (*after, _PAGE),
    ).fetchall()
    page = [
        (value, idx, key, record)
        for value, key, owner, idx, record, ended_by in rows
        if owner == log_id
        and idx < size
        and (ended_by is None or ended_by >= size)
    ]
    if len(rows) < _PAGE:
        return page, None
    value, key, owner, idx, _, _ = rows[-1]
    return page, (value, key, owner, idx)
