"""What of own.db a look-up reads and writes, whichever process answers it."""

from typing import Any

from syncd.store.access import WRITER, AccessBook
from syncd.store.bearer import Bearers
from syncd.store.book import Book, Clock
from syncd.store.database import Database
from syncd.store.own_entries import OwnEntries
from syncd.store.sealing import VaultCipher

LISTS = "own-lists"  # whose key is derived from the vault's


class OwnBooks(Book):
    """Access records, bearer tokens and own lists, over own.db."""

    sightings: Any  # takes what was met

    def __init__(
        self,
        database: Database,
        clock: Clock,
        access_key: bytes,
        lists_key: bytes,
        writer: str = WRITER,
    ) -> None:
        """Take over the books; `writer` keeps access records."""
        super().__init__(database, clock)
        self.database = database
        keys = VaultCipher(access_key)
        self.access = AccessBook(database, keys, clock, writer)
        self.bearers = Bearers(database, clock)
        self.entries = OwnEntries(database, VaultCipher(lists_key), clock)
