"""Access records: who looked something up, why, and what came of it.

Never the value, never the token: its tag is HMAC(a random key of the month,
token)[:8]. With the key gone, 180 days on, no tag can be tied to a token.
"""

import hmac
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from syncd import canonical
from syncd.flows.ports import Access, Position
from syncd.store.database import Database
from syncd.store.grouped import Grouped
from syncd.store.sealing import VaultCipher

KEPT_DAYS = 180
MONTH_S = 30 * 86_400
TAG_SIZE = 8  # bytes


@dataclass(frozen=True, slots=True)
class AccessRow:
    """An access as recorded."""

    id: int
    at: int  # unix seconds
    caller: str
    purpose: str
    kind: str
    reference: str
    positions: tuple[Position, ...] | None
    tag: bytes  # 8 bytes per token asked


class AccessBook:
    """The access records, over own.db."""

    def __init__(
        self, database: Database, key: bytes, clock: Callable[[], int]
    ) -> None:
        """Take over the records; `key` seals the months' keys."""
        self._db = database
        self._clock = clock
        self._cipher = VaultCipher(key)
        self._months: dict[int, bytes] = {}
        self._group: Grouped[Sequence[Access], None] = Grouped(
            database, self._record_all
        )

    async def record(self, accesses: Sequence[Access]) -> None:
        """Keep the accesses; durable on return, before any answer."""
        if accesses:
            await self._group.submit(accesses)

    async def page(self, after: int = 0, limit: int = 100) -> list[AccessRow]:
        """Return records after an id, in its order."""
        return await self._db.read(
            lambda c: _rows(c, "id > ? ORDER BY id LIMIT ?", after, limit)
        )

    async def prune(self, days: int = KEPT_DAYS) -> int:
        """Drop records older than `days` and keys no longer needed."""
        oldest = self._clock() - days * 86_400

        def job(c: sa.Connection) -> int:
            gone = c.exec_driver_sql(
                "DELETE FROM access WHERE at < ?", (oldest,)
            )
            c.exec_driver_sql(
                "DELETE FROM access_key WHERE month < ?",
                (oldest // MONTH_S,),
            )
            return gone.rowcount

        gone = await self._db.write(job)
        # Assigned at once: the writing thread may be adding a month.
        self._months = {
            m: k for m, k in self._months.items() if m >= oldest // MONTH_S
        }
        return gone

    def _record_all(
        self, c: sa.Connection, groups: Sequence[Sequence[Access]]
    ) -> list[Exception | None]:
        now = self._clock()
        key = self._month_key(c, now // MONTH_S)
        c.exec_driver_sql(
            "INSERT INTO access"
            " (at, caller, purpose, kind, reference, positions, tag)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    now,
                    a.caller,
                    a.purpose,
                    a.kind,
                    a.reference,
                    None
                    if a.positions is None
                    else canonical.dumps([list(p) for p in a.positions]),
                    b"".join(_tag(key, token) for token in a.tokens),
                )
                for group in groups
                for a in group
            ],
        )
        return [None] * len(groups)

    def _month_key(self, c: sa.Connection, month: int) -> bytes:
        if month in self._months:
            return self._months[month]
        sealed = c.exec_driver_sql(
            "SELECT sealed FROM access_key WHERE month = ?", (month,)
        ).scalar()
        if sealed is None:
            sealed = self._cipher.seal(os.urandom(32), _context(month))
            c.exec_driver_sql(
                "INSERT INTO access_key (month, sealed) VALUES (?, ?)",
                (month, sealed),
            )
            # Not remembered yet: the transaction may still fail.
            return self._cipher.open(sealed, _context(month))
        self._months[month] = self._cipher.open(sealed, _context(month))
        return self._months[month]


def _context(month: int) -> bytes:
    return b"syncd-access-v1\0%d" % month


def _tag(key: bytes, token: bytes) -> bytes:
    return hmac.digest(key, token, "sha256")[:TAG_SIZE]


_SELECT = (
    "SELECT id, at, caller, purpose, kind, reference, positions, tag"
    " FROM access WHERE"
)


def _rows(c: sa.Connection, where: str, *values: object) -> list[AccessRow]:
    rows = c.exec_driver_sql(f"{_SELECT} {where}", values)
    return [
        AccessRow(id_, at, caller, purpose, kind, ref, _positions(raw), tag)
        for id_, at, caller, purpose, kind, ref, raw, tag in rows
    ]


def _positions(raw: bytes | None) -> tuple[Position, ...] | None:
    if raw is None:
        return None
    return msgspec.json.decode(raw, type=tuple[Position, ...])
