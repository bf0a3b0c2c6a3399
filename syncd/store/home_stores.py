"""Open the databases of a member's home, and lock it.

DIR/
  lock               flock of the one daemon, holds its pid
  own.db             log, vault, quotas, access records: must not be lost
  mirror.db          others' logs, all claims: can be fetched again
  high-water.note    the newest checkpoint that was released
  keys/              see keyring.py
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from syncd.errors import UsageError
from syncd.flows.ports import Finding
from syncd.store import events
from syncd.store import findings as finding_rows
from syncd.store.access import WRITER
from syncd.store.appeals import Appeals
from syncd.store.book import Clock, reading, writes
from syncd.store.calls import Calls
from syncd.store.cosigned import CosignRows
from syncd.store.database import Database, Fence
from syncd.store.durable import Lock
from syncd.store.history import History
from syncd.store.imports import Imports
from syncd.store.merge_marks import MergeMarks
from syncd.store.mirror import MirrorStore
from syncd.store.mutes import Mutes
from syncd.store.own import HIGH_WATER, OwnLogStore, Succession, succeed
from syncd.store.own_books import LISTS, OwnBooks
from syncd.store.pending import PendingBook
from syncd.store.quota import PublishedCounts, Quotas
from syncd.store.screening import ScreeningBook
from syncd.store.sealing import VaultCipher
from syncd.store.server import Server, writer_of
from syncd.store.sessions import Sessions
from syncd.store.sightings import Sightings
from syncd.store.vault import Vault

OWN = "own.db"
MIRROR = "mirror.db"
LOCK = "lock"
QUIET_S = 3600  # a finding that was not met for so long is reported again


class OwnStore(OwnBooks):
    """own.db, part by part."""

    log: OwnLogStore
    sightings: Sightings

    def __init__(
        self,
        home: Path,
        *,
        cipher: VaultCipher,
        access_key: bytes,
        clock: Clock,
        succession: Succession | None = None,
        server: Server | None = None,
    ) -> None:
        """Open a home's own.db, alone; it may be on a server.

        The log of a `succession` is begun first, if it is not there yet.

        Raises:
            UsageError: another process has the home; its pid is named.
            DamagedError: the database does not hold against its mark.
            NewerError: a newer syncd has migrated it.
        """
        if not home.is_dir():
            raise UsageError("home: {home} is no directory", home=home)
        with contextlib.ExitStack() as undo:
            undo.callback(Lock(home / LOCK).release)
            database = Database(server or home / OWN, "own")
            undo.callback(database.close)
            if succession is not None:
                database.write_now(lambda c: succeed(c, succession))
            self.log = OwnLogStore(database, home / HIGH_WATER, clock)
            self._open = undo.pop_all()
        lists = cipher.derived(LISTS)
        writer = writer_of(home, WRITER, server)
        super().__init__(database, clock, access_key, lists, writer)
        self.clock = clock
        plain, sealed = (database, clock), (database, cipher, clock)
        self.vault = Vault(*sealed)
        self.imports = Imports(*sealed)
        self.quotas = Quotas(database)
        self.published = PublishedCounts(*plain)
        self.cosigned = CosignRows(*plain)
        self.sightings = Sightings(*sealed)
        self.events = events.EventBook(*plain)
        self.appeals = Appeals(*sealed)
        self.calls = Calls(*sealed)
        self.marks = MergeMarks(*plain)
        self.screening = ScreeningBook(*sealed)
        self.mutes = Mutes(*sealed)
        self.sessions = Sessions(*plain)
        self.history = History(database)
        self.pending = PendingBook(*sealed)

    findings = reading(finding_rows.newest)

    @writes
    def record(
        self, c: Connection, some: Sequence[Finding], *, once: bool = False
    ) -> Sequence[Finding]:
        """Keep findings and tell of those that are news; return these.

        One that is known is counted, or with `once` left as it is.
        """
        now = self.clock()
        news = finding_rows.news(c, some, 0 if once else now - QUIET_S)
        finding_rows.record(c, news if once else some, now)
        for finding in news:
            events.tell(c, now, "finding", events.of_finding(finding))
        return news

    def close(self) -> None:
        """Finish what runs, close, and let another process have the home."""
        self._open.close()


def open_mirror(
    home: Path,
    *,
    clock: Clock,
    server: Server | None = None,
    read_only: bool = False,
    fence: Fence | None = None,
) -> MirrorStore:
    """Open or create a home's mirror.db, or a server's; its lock is held.

    It may be opened to read by who has no lock.

    Raises:
        NewerError: a newer syncd has migrated it.
        DamagedError: it is no database, or a broken one.
    """
    database = Database(server or home / MIRROR, "mirror", read_only=read_only)
    database.fence = fence
    return MirrorStore(database, clock)
