"""Access records: who looked something up, why, and what came of it.

Never the value, never the token. What could tell of which value it was, the
caller's reference and the positions in the answer, is sealed by a random key
of the month; tokens and positions are found again by hashes under it. With
the key gone, no record can be tied to a token, a report or a case.

A record names its writer and that writer's previous record. Both are bound
to what is sealed, with all that stands in clear: a record that was changed or
moved does not open.
"""

import hmac
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from syncd.errors import DamagedError
from syncd.flows.ports import Access, Position
from syncd.store.database import Database
from syncd.store.grouped import Grouped
from syncd.store.sealing import VaultCipher
from syncd.store.tables import OWN, Bytes, Int, access, access_key

MONTH_S = 30 * 86_400
TAG_SIZE = 8  # bytes
WRITER = "daemon"  # who keeps records of this home: there is one so far

access_position = sa.Table(  # finds records again by what they rest on
    "access_position",
    OWN,
    sa.Column("month", Int, primary_key=True),
    sa.Column("mac", Bytes, primary_key=True),  # 8 bytes, under its key
    sa.Column("access_id", Int, primary_key=True),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class AccessRow:
    """An access as recorded."""

    id: int
    at: int  # unix seconds
    caller: str
    purpose: str
    kind: str
    reference: str
    positions: "Positions"
    action: str  # code: what the answer advised
    handling: str  # code; "" of what an earlier syncd kept
    tag: bytes  # 8 bytes per token asked
    writer: str
    previous: int  # id of the writer's record before, 0 for none


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessQuery:
    """Which records are wanted: all, but for what is named."""

    caller: str = ""
    purpose: str = ""
    since: int = 0  # unix seconds
    until: int = 2**53  # unix seconds; records from then on are left out
    positions: Collection[Position] = ()  # on one of which it rested
    tokens: Sequence[bytes] = ()  # one of which was asked; a scan of all


Positions = tuple[Position, ...] | None
_Sealed = tuple[str, Positions, str, str]  # in the order of _NAMES
_Row = dict[str, Any]


class _Month(VaultCipher):
    """The key of a month."""

    def __init__(self, number: int, key: bytes) -> None:
        super().__init__(key)
        self.number = number  # of 30 days since 1970
        self._key = key

    def tag(self, token: bytes) -> bytes:
        return hmac.digest(self._key, token, "sha256")[:TAG_SIZE]

    def place(self, position: Position) -> bytes:
        return self.mac(msgspec.json.encode(position))[:TAG_SIZE]


class AccessBook:
    """The access records, over own.db."""

    def __init__(
        self, database: Database, key: bytes, clock: Callable[[], int]
    ) -> None:
        """Take over the records; `key` seals the months' keys."""
        self._db = database
        self._clock = clock
        self._cipher = VaultCipher(key)
        self._months: dict[int, _Month] = {}
        self._group: Grouped[Sequence[Access], range] = Grouped(
            database, self._record_all
        )

    async def record(self, accesses: Sequence[Access]) -> Sequence[int]:
        """Keep the accesses; durable on return, before any answer.

        Return the ids of their records.
        """
        return await self._group.submit(accesses) if accesses else ()

    async def page(
        self,
        after: int = 0,
        limit: int = 100,
        wanted: AccessQuery = AccessQuery(),
    ) -> list[AccessRow]:
        """Return records behind the one with an id, in the order of time."""

        def job(c: sa.Connection) -> list[AccessRow]:
            rows = c.execute(
                sa.select(access)
                .where(*self._where(c, after, wanted))
                .order_by(access.c.at, access.c.id)
                .limit(limit)
            )
            return [self._opened(c, row._asdict()) for row in rows]

        return await self._db.read(job)

    async def prune(self, days: int) -> int:
        """Drop records older than `days` and keys no longer needed."""
        oldest = self._clock() - days * 86_400
        month = oldest // MONTH_S
        old = access_key.c.month < month

        def job(c: sa.Connection) -> int:
            gone = c.execute(sa.delete(access).where(access.c.at < oldest))
            c.execute(
                sa.delete(access_position).where(
                    access_position.c.month < month
                )
            )
            # A page that is freed is not wiped: overwritten first.
            c.execute(sa.update(access_key).where(old).values(sealed=_WIPED))
            c.execute(sa.delete(access_key).where(old))
            return gone.rowcount

        gone = await self._db.write(job)
        # Assigned at once: the writing thread may be adding a month.
        self._months = {m: k for m, k in self._months.items() if m >= month}
        return gone

    # ------------------------------------------------------------- writing

    def _record_all(
        self, c: sa.Connection, groups: Sequence[Sequence[Access]]
    ) -> list[range]:
        now = self._clock()
        number = now // MONTH_S
        month = self._month(c, number) or self._new_month(c, number)
        newest = sa.select(access.c.id).order_by(access.c.id.desc()).limit(1)
        # The newest of all is this writer's, as long as there is but one.
        previous = c.scalar(newest) or 0
        rows: list[_Row] = []
        places: list[_Row] = []
        for a in chain.from_iterable(groups):
            row: _Row = {"id": previous + 1, "at": now, "caller": a.caller}
            row |= {"purpose": a.purpose, "kind": a.kind}
            row |= {"writer": WRITER, "previous": previous}
            row["tag"] = b"".join(map(month.tag, a.tokens))
            positions = None if a.positions is None else (*a.positions,)
            content = (a.reference, positions, a.action, a.handling)
            places += _seal(month, row, content)
            rows.append(row)
            previous += 1
        c.execute(sa.insert(access), rows)
        _place(c, places)
        ids = list[range]()
        for group in reversed(groups):
            ids.append(range(previous - len(group) + 1, previous + 1))
            previous -= len(group)
        return ids[::-1]

    def _month(self, c: sa.Connection, number: int) -> _Month | None:
        if number not in self._months:
            sealed = c.scalar(
                sa.select(access_key.c.sealed).where(
                    access_key.c.month == number
                )
            )
            if sealed is None:
                return None
            key = self._cipher.open(sealed, _context(number))
            self._months[number] = _Month(number, key)
        return self._months[number]

    def _new_month(self, c: sa.Connection, number: int) -> _Month:
        """Begin a month; not remembered, for the transaction may fail."""
        key = os.urandom(32)
        sealed = self._cipher.seal(key, _context(number))
        c.execute(sa.insert(access_key).values(month=number, sealed=sealed))
        return _Month(number, key)

    # ------------------------------------------------------------- reading

    def _where(
        self, c: sa.Connection, after: int, wanted: AccessQuery
    ) -> Iterable[sa.ColumnElement[bool]]:
        t, at_ = access.c, access_position.c
        yield t.at.between(wanted.since, wanted.until - 1)
        if after:
            at = c.scalar(sa.select(t.at).where(t.id == after)) or 0
            yield sa.tuple_(t.at, t.id) > sa.tuple_(at, after)
        if wanted.caller:
            yield t.caller == wanted.caller
        if wanted.purpose:
            yield t.purpose == wanted.purpose
        months: Sequence[_Month] = ()
        if wanted.positions or wanted.tokens:
            months = self._between(c, wanted.since, wanted.until)
        if wanted.positions:
            yield t.id.in_(
                sa.select(at_.access_id).where(
                    _any(
                        sa.and_(
                            at_.month == m.number,
                            at_.mac.in_(map(m.place, wanted.positions)),
                        )
                        for m in months
                    )
                )
            )
        if wanted.tokens:
            yield _any(
                sa.and_(
                    t.at >= m.number * MONTH_S,
                    t.at < (m.number + 1) * MONTH_S,
                    sa.func.instr(t.tag, m.tag(token)) > 0,
                )
                for m in months
                for token in wanted.tokens
            )

    def _between(
        self, c: sa.Connection, since: int, until: int
    ) -> list[_Month]:
        """Return the months of a stretch of time that have a key."""
        numbers = sa.select(access_key.c.month).where(
            access_key.c.month.between(since // MONTH_S, until // MONTH_S)
        )
        found = (self._month(c, n) for n in c.scalars(numbers).all())
        return [month for month in found if month]

    def _opened(self, c: sa.Connection, row: _Row) -> AccessRow:
        month = self._month(c, row["at"] // MONTH_S)
        try:
            raw = month.open(row.pop("sealed"), _bound(row)) if month else b""
            content = msgspec.json.decode(raw, type=_Sealed)
        except (DamagedError, msgspec.DecodeError) as e:
            raise DamagedError(
                "access: record {id} does not open", id=row["id"]
            ) from e
        return AccessRow(**row, **dict(zip(_NAMES, content, strict=True)))


def _any(
    conditions: Iterable[sa.ColumnElement[bool]],
) -> sa.ColumnElement[bool]:
    return sa.or_(sa.false(), *conditions)


def _seal(month: _Month, row: _Row, content: _Sealed) -> list[_Row]:
    """Seal what a record says; return where it is found by its positions."""
    row["sealed"] = month.seal(msgspec.json.encode(content), _bound(row))
    return [
        {"month": month.number, "mac": mac, "access_id": row["id"]}
        for mac in {month.place(position) for position in content[1] or ()}
    ]


def _place(c: sa.Connection, places: Sequence[_Row]) -> None:
    if places:
        c.execute(sa.insert(access_position), places)


def _bound(row: _Row) -> bytes:
    """Return what of a record's clear part its sealed part is bound to."""
    clear = msgspec.json.encode([row[name] for name in _CLEAR])
    return b"syncd-access-v2\0%b%b" % (clear, row["tag"])


_NAMES: Final = ("reference", "positions", "action", "handling")
_CLEAR: Final = (
    *("id", "at", "caller", "purpose", "kind"),
    *("writer", "previous"),
)
_WIPED: Final = bytes(12 + 32 + 16)  # as long as a sealed key


def _context(month: int) -> bytes:
    return b"syncd-access-v1\0%d" % month
