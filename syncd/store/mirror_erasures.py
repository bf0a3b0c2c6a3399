"""Erasures in mirror.db: what an entry or the roster orders, and epochs."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, delete, select

from syncd.flows.ports import Finding
from syncd.indicator import absent, claims, codec
from syncd.indicator.claims import Claim
from syncd.indicator.folding import Batch, Rows
from syncd.indicator.token import KIND_CODES
from syncd.store import bundles, erasing, findings, log_rows
from syncd.store.book import Book, of_log, reads, writes
from syncd.store.tables import (
    ENDED,
    claim,
    ending,
    mirror_log,
    mirror_sighting,
)
from syncd.tlog.merkle import BUNDLE


class MirrorErasures(Book):
    """What was erased of the logs, and stays so whatever comes in."""

    retired: frozenset[tuple[str, int]] = frozenset()
    """(kind, epoch) of which nothing is kept, whatever is merged"""

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
        findings.record(c, fresh, self._clock())

    @writes
    def drop_retired(self, c: Connection) -> None:
        """Drop all claims of the epochs that are `retired`."""
        for table in (claim, mirror_sighting, ending):
            gone = table.c.kind_epoch.in_(self._keys())
            c.execute(delete(table).where(gone))

    @writes
    def retire(self, c: Connection, origin: str, first: int, end: int) -> None:
        """Close what is of `retired` epochs in bundles first..end-1."""
        log_id = log_rows.id_of(c, origin)
        failed = self._retire(c, log_id, origin, range(first, end))
        findings.record(c, failed, self._clock())

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
            acted.act(numbers, erasing.spans(erasing.erased(c, log_id)))
        failed = acted.failed + self._retire(c, log_id, origin, numbers)
        findings.record(c, failed, self._clock())

    def counting(self, batch: Batch) -> Batch:
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
        self, c: Connection, log_id: int, origin: str, numbers: Iterable[int]
    ) -> list[Finding]:
        """Close what is of retired epochs in some bundles."""
        failed: list[Finding] = []
        for n in numbers if self.retired else ():
            bundle = bundles.get(c, log_id, n)
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
        at, log = claim.c, mirror_log.c
        rows = (
            select(log.origin, at.ended_by, ending.c.day, at.idx, at.record)
            .join_from(claim, mirror_log, log.id == at.log_id)
            .outerjoin(ending, ENDED)
            .where(at.token == token, at.kind_epoch == key)
        )
        return [
            (Claim.parse(origin, (token, idx, key, record)), ended_by, day)
            for origin, ended_by, day, idx, record in c.execute(rows)
        ]

    async def purge(self) -> None:
        """Leave no byte of what was erased, in file or WAL."""
        await self._db.purge()


def erase_merged(
    c: Connection, log_id: int, batch: Batch, day: int
) -> list[Finding]:
    """Act on what a batch erases: its author answers for what still stood."""
    own = [r for r in batch.erases if r[2] != absent.RETIRED]
    return [
        *erasing.erase(c, log_id, batch.origin, own, day=day),
        *erasing.erase(c, log_id, batch.origin, batch.erases),
    ]
