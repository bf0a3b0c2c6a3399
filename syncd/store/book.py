"""What a part of the store works with: its database, a clock, a cipher."""

from collections.abc import Callable

from syncd.store.database import Database
from syncd.store.sealing import Cipher


class Book:
    """Some tables of a database."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._db = database
        self._clock = clock


class SealedBook(Book):
    """Tables in some of whose columns values are sealed."""

    def __init__(
        self, database: Database, cipher: Cipher, clock: Callable[[], int]
    ) -> None:
        super().__init__(database, clock)
        self._cipher = cipher
