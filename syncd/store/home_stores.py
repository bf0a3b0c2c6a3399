"""Open the databases of a member's home, and lock it.

DIR/
  lock               flock of the one daemon, holds its pid
  own.db             log, vault, quotas, access records: must not be lost
  mirror.db          others' logs, all claims: can be fetched again
  high-water.note    the newest checkpoint that was released
  keys/              see keyring.py
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from syncd.errors import UsageError
from syncd.flows.ports import Finding
from syncd.store import events
from syncd.store import findings as finding_rows
from syncd.store.access import AccessBook
from syncd.store.appeals import Appeals
from syncd.store.bearer import Bearers
from syncd.store.cosigned import CosignRows
from syncd.store.database import Database
from syncd.store.durable import Lock
from syncd.store.events import EventBook
from syncd.store.findings import Row
from syncd.store.imports import Imports
from syncd.store.merge_marks import MergeMarks
from syncd.store.mirror import MirrorStore
from syncd.store.mutes import Mutes
from syncd.store.own import (
    HIGH_WATER,
    OwnLogStore,
    Succession,
    succeed,
)
from syncd.store.own_entries import OwnEntries
from syncd.store.published import PublishedCounts
from syncd.store.quota import Quotas
from syncd.store.screening import ScreeningBook
from syncd.store.sealing import Cipher
from syncd.store.sightings import Sightings
from syncd.store.vault import Vault

OWN = "own.db"
MIRROR = "mirror.db"
LOCK = "lock"
QUIET_S = 3600  # a finding that was not met for so long is reported again


@dataclass(frozen=True, slots=True)
class OwnStore:
    """own.db, part by part."""

    database: Database
    log: OwnLogStore
    vault: Vault
    imports: Imports
    quotas: Quotas
    published: PublishedCounts
    access: AccessBook
    cosigned: CosignRows
    bearers: Bearers
    sightings: Sightings
    events: EventBook
    appeals: Appeals
    marks: MergeMarks
    screening: ScreeningBook
    mutes: Mutes
    entries: OwnEntries
    clock: Callable[[], int]
    lock: Lock | None

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        cipher: Cipher,
        access_key: bytes,
        clock: Callable[[], int],
        read_only: bool = False,
        succession: Succession | None = None,
    ) -> "OwnStore":
        """Open a home's own.db, alone unless `read_only`.

        The log of a `succession` is begun first, if it is not there yet.

        Raises:
            UsageError: another process has the home; its pid is named.
            DamagedError: the database does not hold against its mark.
            NewerError: a newer syncd has migrated it.
        """
        if not home.is_dir():
            raise UsageError("home: {home} is no directory", home=home)
        lock = None if read_only else Lock(home / LOCK)
        with contextlib.ExitStack() as undo:
            if lock is not None:
                undo.callback(lock.release)
            database = Database(home / OWN, "own", read_only=read_only)
            undo.callback(database.close)
            if succession is not None:
                succeed(database, succession)
            log = OwnLogStore(
                database, home / HIGH_WATER, clock, read_only=read_only
            )
            access = AccessBook(database, access_key, clock)
            store = cls._of(database, log, access, cipher, clock, lock)
            undo.pop_all()
        return store

    @classmethod
    def _of(
        cls,
        database: Database,
        log: OwnLogStore,
        access: AccessBook,
        cipher: Cipher,
        clock: Callable[[], int],
        lock: Lock | None,
    ) -> "OwnStore":
        return cls(
            database,
            log,
            Vault(database, cipher, clock),
            Imports(database, cipher, clock),
            Quotas(database),
            PublishedCounts(database),
            access,
            CosignRows(database, clock),
            Bearers(database, clock),
            Sightings(database, cipher),
            EventBook(database, clock),
            Appeals(database, cipher, clock),
            MergeMarks(database, clock),
            ScreeningBook(database, cipher, clock),
            Mutes(database, cipher, clock),
            OwnEntries(database, cipher, clock),
            clock,
            lock,
        )

    async def record(
        self, findings: Sequence[Finding], *, once: bool = False
    ) -> Sequence[Finding]:
        """Keep findings and tell of those that are news; return these.

        One that is known is counted, or with `once` left as it is.
        """

        def job(c: sa.Connection) -> Sequence[Finding]:
            now = self.clock()
            news = finding_rows.news(c, findings, 0 if once else now - QUIET_S)
            finding_rows.record(c, news if once else findings, now)
            for finding in news:
                events.tell(c, now, "finding", events.of_finding(finding))
            return news

        return await self.database.write(job)

    async def findings(self, limit: int = 1000) -> list[Row]:
        """Return up to `limit` findings, the one met last first."""
        return await self.database.read(
            lambda c: finding_rows.newest(c, limit)
        )

    async def purge(self) -> None:
        """Leave no byte of what was erased, in file or WAL."""
        await self.database.purge()

    def close(self) -> None:
        """Finish what runs, close, and let another process have the home."""
        self.database.close()
        if self.lock is not None:
            self.lock.release()


def open_mirror(
    home: Path, *, clock: Callable[[], int], read_only: bool = False
) -> MirrorStore:
    """Open a home's mirror.db; hold the home's lock unless `read_only`."""
    return MirrorStore.open(home / MIRROR, clock=clock, read_only=read_only)
