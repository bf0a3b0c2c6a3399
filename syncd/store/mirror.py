"""mirror.db: others' logs as verified, and everybody's claims.

All of it can be fetched again; it is a database of its own so that long
merges do not block urgent appends. Our own log is mirrored like the others':
what reads, cuts or erases goes by one way.

A claim row stays when a retract ends it (`ended_by`), and `ending` keeps
what each retract names: so the digest at any earlier size can be computed,
and a claim whose retract is erased stands again.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from operator import attrgetter

from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, func, or_, select, update

from syncd.errors import Message, StaleError
from syncd.flows.ports import Bundle, Finding, MirrorHead
from syncd.indicator import absent, claims, codec
from syncd.indicator.claims import Claim
from syncd.indicator.folding import Batch, Rows
from syncd.indicator.token import KIND_CODES
from syncd.store import book, erasing, failpoint, kept_notes, log_rows
from syncd.store import bundles as bundle_rows
from syncd.store import findings as finding_rows
from syncd.store.book import of_log, reading, reads, reads_few, writes
from syncd.store.loading import load
from syncd.store.log_figures import LogFigures
from syncd.store.portable import upsert
from syncd.store.prepared import Prepared, given
from syncd.store.stored_claims import StoredClaims
from syncd.store.tables import (
    ENDED,
    claim,
    ending,
    mirror_log,
    mirror_sighting,
    missing,
    spent,
)
from syncd.tlog import checkpoint
from syncd.tlog.merkle import BUNDLE

_DAY_S = 86_400
KEPT_HOURS = 400 * 24  # that it is known when something was merged
log, held = mirror_log.c, claim.c
_SIZES = Prepared(select(log.origin, log.size, log.merged))
_END = Prepared(
    update(claim)
    .values(ended_by=bindparam("by"))
    .where(given(*claim.primary_key), held.idx < bindparam("by"))
    .where(or_(held.ended_by.is_(None), held.ended_by > bindparam("by"))),
    *("token", "idx", "by", "kind_epoch", "log_id"),
)
_CONTESTED = Prepared(select(log.origin).filter_by(contested=1))
_CLAIMS = claim, ending, mirror_sighting


class MirrorStore(StoredClaims, LogFigures):
    """flows.ports.Mirror over mirror.db."""

    retired: frozenset[tuple[str, int]] = frozenset()
    """(kind, epoch) of which nothing is kept, whatever is merged"""

    def close(self) -> None:
        """Finish what runs, then close."""
        self._db.close()

    head = reading(log_rows.head)
    bundle = of_log(bundle_rows.get)  # one of a log, or None
    roots = of_log(bundle_rows.roots)  # of full bundles first..last-1
    notes = of_log(kept_notes.of_log)  # the kept checkpoints by size
    evidence = of_log(kept_notes.evidence)  # contradict each other, or did
    rejected = of_log(kept_notes.rejected)  # the roster decided against them
    findings = reading(finding_rows.newest)
    findings_after = reading(finding_rows.after)

    @reads
    def heads(self, c: Connection) -> list[MirrorHead]:
        """Return how far we are with each origin that we heard of."""
        return sorted(log_rows.heads(c), key=attrgetter("origin"))

    @reads_few
    def sizes(self, c: Connection) -> dict[str, tuple[int, int]]:
        """Return how much of each origin's log is (mirrored, merged)."""
        rows = _SIZES.all(c)
        return {origin: (size, merged) for origin, size, merged in rows}

    async def advance(
        self,
        old: MirrorHead,
        new: MirrorHead,
        bundles: Sequence[Bundle],
        batch: Batch,
    ) -> None:
        """Move from `old` to `new` in one transaction, as the port says."""
        if old.origin != new.origin or not (
            old.mirrored <= new.mirrored
            and old.merged <= new.merged <= new.mirrored
        ):
            raise StaleError("mirror: {origin}: that is no advance", new)

        def job(c: Connection) -> None:
            log_id = log_rows.move(c, replace(old, contested=False), new)
            failpoint.hit("merge.head")
            log_rows.drop(c, missing, log_id)
            if new.missing:
                lacks = [{"log_id": log_id, "idx": i} for i in {*new.missing}]
                c.execute(missing.insert(), lacks)
            # Before the bundles: those that come may lack what is erased,
            # and only a payload tells which claim it made.
            hour = self._clock() // 3600
            own = [r for r in batch.erases if r[2] != absent.RETIRED]
            erase = partial(erasing.erase, c, log_id, batch.origin)
            failed = erase(own, day=hour // 24) + erase(batch.erases)
            bundle_rows.put(c, log_id, _joined(c, log_id, new.origin, bundles))
            failpoint.hit("merge.bundles")
            rows = self.counting(batch)
            load(c, log_id, rows.adds)
            load(c, log_id, rows.sightings, mirror_sighting)
            failpoint.hit("merge.claims")
            load(c, log_id, rows.ends, ending)
            _END.many(c, [(*end[:4], log_id) for end in rows.ends])
            _spend(c, log_id, batch, hour)
            failpoint.hit("merge.ends")
            kept_notes.keep(c, log_id, checkpoint.size_of(new.note), new.note)
            voids = (
                Finding("void", new.origin, index, Message(why))
                for index, why in batch.voids
            )
            finding_rows.record(c, [*voids, *failed], self._clock())
            # What was erased before may come in again from a slow mirror.
            self.close_erased(c, log_id, new.origin, [b.n for b in bundles])

        await self._db.write(job, lambda: failpoint.hit("merge.committed"))

    @reads
    def merged_today(self, c: Connection, origin: str) -> tuple[int, int]:
        """Return how many entries, with how many bytes, were merged today."""
        today = spent.c.hour >= self._clock() // _DAY_S * 24
        sums = map(func.sum, (spent.c.entries, spent.c.octets))
        counts = select(*sums).join_from(spent, mirror_log)
        row = c.execute(counts.where(log.origin == origin, today)).one()
        return row[0] or 0, row[1] or 0

    @writes
    def fold_again(self, c: Connection, origin: str) -> None:
        """Drop the claims of `origin` and set its `merged` to 0.

        For a risen `format`: the logs are folded again from the mirror.
        """
        log_id = log_rows.id_of(c, origin)
        for table in _CLAIMS:
            log_rows.drop(c, table, log_id)
        row = update(mirror_log).filter_by(id=log_id)
        c.execute(row.values(merged=0))

    @writes
    def replace_bundle(self, c: Connection, origin: str, one: Bundle) -> None:
        """Keep a bundle whose withheld payloads have arrived.

        Erased entries stay erased, whatever the bundle brings.
        """
        log_id = log_rows.id_of(c, origin)
        bundle_rows.rewrite(c, log_id, one)
        self.close_erased(c, log_id, origin, [one.n])

    async def decide(
        self, old: MirrorHead, size: int, rejected: Sequence[bytes]
    ) -> None:
        """Hold only the first `size` entries of a log, as the port says."""

        def job(c: Connection) -> None:
            log_id = log_rows.id_of(c, old.origin)
            new = replace(old, contested=False)
            if size < old.mirrored:
                new = erasing.cut(c, log_id, old, size)
            log_rows.move(c, old, new)
            kept_notes.reject(c, log_id, rejected)
            failpoint.hit("merge.head")

        await self._db.write(job)
        self.forget()

    @writes
    def keep_note(
        self, c: Connection, origin: str, size: int, note: bytes
    ) -> None:
        """Keep a verified signed checkpoint that is ahead of `mirrored`."""
        kept_notes.keep(c, log_rows.id_of(c, origin, make=True), size, note)

    @book.any_daemon_writes
    def contest(
        self,
        c: Connection,
        origin: str,
        notes: Sequence[bytes],
        finding: Finding,
    ) -> None:
        """Freeze a forked origin, keeping both of its signed notes."""
        log_id = log_rows.id_of(c, origin, make=True)
        row = update(mirror_log).filter_by(id=log_id)
        c.execute(row.values(contested=1))
        kept_notes.keep_evidence(c, log_id, notes)
        finding_rows.record(c, [finding], self._clock())

    @reads_few
    def contested(self, c: Connection) -> frozenset[str]:
        """Return the forked origins."""
        return frozenset(origin for (origin,) in _CONTESTED.all(c))

    @writes
    def erase(
        self, c: Connection, origin: str, ranges: Sequence[absent.Range]
    ) -> None:
        """Act on erasures (from, to, by): payloads, salts and claims go.

        An erasure at index `by` acts on entries of types 1–7 below `by`;
        for one that the roster orders, `by` is the size that it names.
        `purge` makes the bytes themselves go.
        """
        log_id = log_rows.id_of(c, origin, make=True)
        fresh = erasing.erase(c, log_id, origin, ranges)
        finding_rows.record(c, fresh, self._clock())

    @writes
    def drop_retired(self, c: Connection) -> None:
        """Drop all claims of the epochs that are `retired`."""
        for table in _CLAIMS:
            gone = table.c.kind_epoch.in_(self._keys())
            c.execute(table.delete().where(gone))

    @writes
    def retire(self, c: Connection, origin: str, first: int, end: int) -> None:
        """Close what is of `retired` epochs in bundles first..end-1."""
        log_id = log_rows.id_of(c, origin)
        failed = self._retire(c, log_id, origin, range(first, end))
        finding_rows.record(c, failed, self._clock())

    def _keys(self) -> frozenset[int]:
        return frozenset(
            claims.key(KIND_CODES[kind], epoch) for kind, epoch in self.retired
        )

    def close_erased(
        self, c: Connection, log_id: int, origin: str, numbers: Sequence[int]
    ) -> None:
        """Close what is erased in bundles that have just come in."""
        acted = erasing.Erasure(c, log_id, origin)
        if numbers:
            acted.act(numbers, absent.spans(erasing.erased(c, log_id)))
        failed = acted.failed + self._retire(c, log_id, origin, numbers)
        finding_rows.record(c, failed, self._clock())

    def counting(self, batch: Batch) -> Batch:
        """Return a batch without what is of retired epochs."""
        keys = self._keys()
        if not keys:
            return batch
        return replace(
            batch,
            adds=Rows.pack([r for r in batch.adds if r[2] not in keys]),
            ends=[end for end in batch.ends if end[3] not in keys],
            sightings=[row for row in batch.sightings if row[2] not in keys],
        )

    def _retire(
        self, c: Connection, log_id: int, origin: str, numbers: Iterable[int]
    ) -> list[Finding]:
        """Close what is of retired epochs in some bundles."""
        failed = list[Finding]()
        for n in numbers if self.retired else ():
            bundle = bundle_rows.get(c, log_id, n)
            if bundle is None:
                continue
            gone = absent.retired(
                n * BUNDLE, codec.records(origin, bundle), self.retired
            )
            failed += erasing.erase(c, log_id, origin, gone)
        return failed

    erased = of_log(erasing.erased)  # (from, to, by)

    @reads
    def all_claims(
        self, c: Connection, token: bytes, key: int
    ) -> list[tuple[Claim, int | None, int | None]]:
        """Return the claims on a token, those too that a retract ended.

        Each with the index of its first retract, and the day of that.
        """
        day = ending.c.day
        rows = (
            select(log.origin, held.ended_by, day, held.idx, held.record)
            .join_from(claim, mirror_log, log.id == held.log_id)
            .outerjoin(ending, ENDED)
            .where(held.token == token, held.kind_epoch == key)
        )
        return [
            (Claim.parse(origin, token, idx, key, record), ended_by, day)
            for origin, ended_by, day, idx, record in c.execute(rows)
        ]

    async def purge(self) -> None:
        """Leave no byte of what was erased, in file or WAL."""
        await self._db.purge()


def _joined(
    c: Connection, log_id: int, origin: str, bundles: Sequence[Bundle]
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
    whole = [
        a if a[1] or a[0] != b[0] else b
        for a, b in zip(theirs, ours, strict=False)
    ]
    whole += theirs[len(ours) :]
    if whole == theirs:
        return bundles
    return [replace(first, gz=codec.deflate(whole)), *rest]


def _spend(c: Connection, log_id: int, batch: Batch, hour: int) -> None:
    """Count what is merged towards the day's limits, and keep when it was."""
    if batch.stop == batch.start:
        return
    known = select(func.max(spent.c.size)).filter_by(log_id=log_id)
    new = {
        "log_id": log_id,
        "hour": hour,
        "size": max(batch.stop, c.scalar(known) or 0),  # folded anew, perhaps
        "entries": batch.stop - batch.start if batch.octets else 0,
        "octets": batch.octets,
    }
    c.execute(upsert(spent, "size", added=("entries", "octets")), new)
    log_rows.drop(c, spent, log_id, spent.c.hour < hour - KEPT_HOURS)
