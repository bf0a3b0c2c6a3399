"""What of own.db a look-up reads and writes, whichever process answers it."""

from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from syncd.flows.ports import Bundle
from syncd.store import bundles
from syncd.store.access import WRITER, AccessBook
from syncd.store.bearer import Bearers
from syncd.store.book import Tables, reads
from syncd.store.database import Database
from syncd.store.own_entries import OwnEntries
from syncd.store.sealing import VaultCipher
from syncd.store.tables import log

LISTS: Final = "own-lists"  # whose key is derived from the vault's


class OwnBooks:
    """Access records, bearer tokens and own lists, over own.db."""

    log: Any  # has the bundles of our own log
    sightings: Any  # takes what was met

    def __init__(
        self,
        database: Database,
        clock: Callable[[], int],
        access_key: bytes,
        lists_key: bytes,
        writer: str = WRITER,
    ) -> None:
        """Take over the books; `writer` keeps access records."""
        self.database = database
        keys = VaultCipher(access_key)
        self.access = AccessBook(database, keys, clock, writer)
        self.bearers = Bearers(database, clock)
        self.entries = OwnEntries(database, VaultCipher(lists_key), clock)


class OwnBundles(Tables):
    """The bundles of the log that we write, for who does not write it."""

    @reads
    def bundle(self, c: sa.Connection, n: int) -> Bundle | None:
        """Return bundle `n` as committed (full or the partial tail)."""
        log_id = c.scalar(sa.select(sa.func.max(log.c.id)))
        return None if log_id is None else bundles.get(c, log_id, n)
