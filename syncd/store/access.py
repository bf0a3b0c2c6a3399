"""Access records: who looked something up, why, and what came of it.

Never the value, never the token. What could tell of which value it was, the
caller's reference and the positions in the answer, is sealed by a random key
of the month; tokens and positions are found again by hashes under it. With
the key gone, no record can be tied to a token, a report or a case.

A record names its writer and that writer's previous record. Both are bound
to what is sealed, with all that stands in clear: a record that was changed or
moved does not open. Its hash is over both and over the hash of the record
before; anchors in our log have one over each writer's newest and over each
that has a receipt (`heads`), so that what was recorded by then is not written
anew, the secret at hand or not.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, delete, false, func, insert, or_, select

from syncd.errors import DamagedError, becoming
from syncd.flows.ports import Access, Position
from syncd.grouped import Grouped
from syncd.indicator import receipt
from syncd.store.book import Clock, SealedBook, highest, reads, writes
from syncd.store.database import Database
from syncd.store.portable import byte_place
from syncd.store.prepared import Prepared, given
from syncd.store.sealing import VaultCipher
from syncd.store.tables import Int, access, access_key, own_table

MONTH_S = 30 * 86_400
TAG_SIZE = 8  # bytes
SPAN_S = 900  # days begin at whole ones everywhere
_PAGE = 1000  # records
ANCHORED = "anchored_access/"  # done: up to which record
WRITER = "daemon"  # who keeps records of this home, beside its local workers

access_position = own_table(  # finds records again by what they rest on
    "access_position",
    "month int key, mac bytes key",  # 8 bytes, under its key
    "access_id int key",
    sqlite_with_rowid=False,
)


class AccessRow(NamedTuple):
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
    receipt: str  # hex hash of what its asker got, or ""
    hash: bytes


Positions = tuple[Position, ...] | None
_Sealed = tuple[str, Positions, str, str]  # in the order of _NAMES
_Row = dict[str, Any]  # of the table `access`
_Sum = tuple[int, str, str, int, int]  # begin, unix seconds; caller, purpose


class _Month(VaultCipher):
    """The key of a month."""

    def __init__(self, number: int, key: bytes) -> None:
        super().__init__(key)
        self.number = number  # of 30 days since 1970

    def tag(self, token: bytes) -> bytes:
        return self.mac(token)[:TAG_SIZE]

    def place(self, position: Position) -> bytes:
        return self.mac(msgspec.json.encode(position))[:TAG_SIZE]


class AccessBook(SealedBook):
    """The access records, over own.db."""

    def __init__(
        self,
        database: Database,
        cipher: VaultCipher,
        clock: Clock,
        writer: str = WRITER,
    ) -> None:
        """Take over the records; `cipher` seals the months' keys."""
        super().__init__(database, cipher, clock)
        self._writer = writer
        self._last = 0, b""  # id and hash of our newest record, if committed
        self._group = Grouped(self._record_all)

    async def record(self, accesses: Sequence[Access]) -> Sequence[int]:
        """Keep the accesses; durable on return, before any answer.

        Return the ids of their records.
        """
        return await self._group.submit(accesses) if accesses else ()

    @reads
    def page(
        self,
        c: Connection,
        after: int = 0,
        limit: int = 100,
        *,
        since: int = 0,
        positions: Sequence[Position] = (),
        tokens: Sequence[bytes] = (),
    ) -> list[AccessRow]:
        """Return records behind the one with an id, in the order of time.

        Of those since a time, those alone that rest on one of some positions
        or asked one of some tokens, which is a scan of all.
        """
        months = {n: self._month(n, key) for n, key in c.execute(_KEYS)}
        where = self._where(c, months, after, since, positions, tokens)
        rows = select(access).where(*where).limit(limit)
        rows = rows.order_by("at", "id")
        return [_opened(months, row._asdict()) for row in c.execute(rows)]

    async def found(self, **wanted: Any) -> AsyncIterator[AccessRow]:
        """Yield all records that `page` would return."""
        after = 0
        while rows := await self.page(after, _PAGE, **wanted):
            for row in rows:
                yield row
            after = rows[-1].id

    async def sums(self, since: int, until: int) -> Sequence[_Sum]:
        """Return how many there were from a time to before another.

        By the SPAN_S in which they were, by caller and purpose: all, and
        those that found something.
        """
        t, months = access.c, access_position.c.month
        spans = months.between(since // MONTH_S, until // MONTH_S)
        on = select(access_position.c.access_id).where(spans)
        # Its text has the number: it must be the same in both places.
        span_s = sa.literal_column(f"{SPAN_S}", Int)
        by = (t.at // span_s * span_s, t.caller, t.purpose)
        hits = func.count().filter(t.id.in_(on))
        sums = select(*by, func.count(), hits).group_by(*by)
        return await self._rows(sums.where(t.at.between(since, until - 1)))

    @reads
    def heads(self, c: Connection, after: int) -> tuple[str, int]:
        """Return what an anchor says of the records, and the newest id.

        `after` is the id up to which the last one did; "" if nothing is new.
        """
        newest = highest(c, access.c.id)
        found = named(c, after, newest) if newest != after else ()
        return receipt.head(found), newest

    @writes
    def prune(self, c: Connection, days: int) -> int:
        """Drop records older than `days` and keys no longer needed."""
        oldest = self._clock() - days * 86_400
        month = oldest // MONTH_S
        old, placed = access_key.c.month < month, access_position.c.month
        gone = c.execute(delete(access).where(access.c.at < oldest))
        c.execute(delete(access_position).where(placed < month))
        # A page that is freed is not wiped: overwritten first.
        c.execute(sa.update(access_key).where(old).values(sealed=_WIPED))
        c.execute(delete(access_key).where(old))
        return gone.rowcount

    @writes
    def _record_all(
        self, c: Connection, groups: Sequence[Sequence[Access]]
    ) -> list[list[int]]:
        now = self._clock()
        number = now // MONTH_S
        newest, sealed = _NEWEST.one(c, number)
        if not sealed:
            sealed = self._cipher.seal(os.urandom(32), _context(number))
            c.execute(insert(access_key).values(month=number, sealed=sealed))
        month = self._month(number, sealed)
        first, (previous, hash_) = newest + 1, self._previous(c)
        rows = list[tuple[object, ...]]()
        places = list[tuple[int, bytes, int]]()
        for a in chain.from_iterable(groups):
            newest += 1
            row: _Row = {"id": newest, "at": now, "caller": a.caller}
            row |= {"purpose": a.purpose, "kind": a.kind}
            row |= {"tag": b"".join(map(month.tag, a.tokens)), "sealed": b""}
            row |= {"writer": self._writer, "previous": previous}
            row["receipt"] = a.receipt
            positions = None if a.positions is None else (*a.positions,)
            content = (a.reference, positions, a.action, a.handling)
            bound = _bound_to(row)
            row["sealed"] = month.seal(msgspec.json.encode(content), bound)
            hashed = hashlib.sha256(hash_ + bound + row["sealed"])
            row["hash"] = hash_ = hashed.digest()
            macs = set(map(month.place, positions or ()))
            places += [(number, mac, newest) for mac in macs]
            rows.append((*row.values(),))
            previous = newest
        _INSERT.many(c, rows)
        _PLACE.many(c, places)
        self._last = newest, hash_
        ids = iter(range(first, newest + 1))
        return [[*islice(ids, len(group))] for group in groups]

    def _previous(self, c: Connection) -> tuple[int, bytes]:
        """Return id and hash of this writer's newest record, 0 for none."""
        if _WRITER_OF.one(c, self._last[0]) != (self._writer, self._last[1]):
            # We have just begun, or the transaction failed that kept it.
            found = _OF_WRITER.one(c, self._writer)
            self._last = (found[0], found[1]) if found else (0, b"")
        return self._last

    def _month(self, number: int, sealed: bytes) -> _Month:
        return _Month(number, self._cipher.open(sealed, _context(number)))

    def _where(
        self,
        c: Connection,
        months: dict[int, _Month],
        after: int,
        since: int,
        positions: Sequence[Position],
        tokens: Sequence[bytes],
    ) -> Iterator[sa.ColumnElement[bool]]:
        t, at_ = access.c, access_position.c
        yield t.at >= since
        if after:
            at = c.scalar(select(t.at).filter_by(id=after)) or 0
            yield sa.tuple_(t.at, t.id) > sa.tuple_(at, after)
        if not (positions or tokens):
            return
        some = [m for n, m in months.items() if n >= since // MONTH_S]
        if positions:
            on = (
                (at_.month == m.number) & at_.mac.in_(map(m.place, positions))
                for m in some
            )
            yield t.id.in_(select(at_.access_id).where(or_(false(), *on)))
        if tokens:
            asked = (
                (t.at // MONTH_S == m.number)
                & (byte_place(t.tag, m.tag(token)) > 0)
                for m in some
                for token in tokens
            )
            yield or_(false(), *asked)


_NEWEST = Prepared(
    select(
        func.coalesce(func.max(access.c.id), 0),
        select(access_key.c.sealed)
        .where(given(access_key.c.month))
        .scalar_subquery(),
    )
)
_WRITER_OF = Prepared(
    select(access.c.writer, access.c.hash).where(given(access.c.id))
)
_OF_WRITER = Prepared(
    select(access.c.id, access.c.hash)
    .where(given(access.c.writer))
    .order_by(access.c.id.desc())
    .limit(1)
)
_KEYS = select(access_key.c.month, access_key.c.sealed)
_CLEAR = (
    *("id", "at", "caller", "purpose", "kind"),
    *("writer", "previous", "receipt"),
)
_NAMES = ("reference", "positions", "action", "handling")
_INSERT = Prepared(insert(access), *access.c.keys())
_PLACE = Prepared(insert(access_position), *access_position.c.keys())
_WIPED = bytes(12 + 32 + 16)  # as long as a sealed key


def _context(month: int) -> bytes:
    return b"syncd-access-v1\0%d" % month


def _opened(months: dict[int, _Month], row: _Row) -> AccessRow:
    month = months.get(row["at"] // MONTH_S)
    with becoming(
        "access: record {id} does not open",
        DamagedError,
        DamagedError,
        msgspec.DecodeError,
        id=row["id"],
    ):
        raw = month.open(row.pop("sealed"), _bound_to(row)) if month else b""
        content = msgspec.json.decode(raw, type=_Sealed)
    return AccessRow(**row, **dict(zip(_NAMES, content, strict=True)))


def _bound_to(row: _Row) -> bytes:
    clear = msgspec.json.encode([row[name] for name in _CLEAR])
    return b"syncd-access-v2\0%b%b" % (clear, row["tag"])


def named(c: Connection, after: int, upto: int) -> list[receipt.Named]:
    """Return of which records an anchor speaks, by id.

    Those are each writer's newest up to an id, and all that have a receipt
    and are newer than what the anchor before spoke of.
    """
    t = access.c
    newest = select(func.max(t.id)).where(t.id <= upto)
    fresh = t.id.between(after + 1, upto) & (t.receipt != "")
    some = t.id.in_(newest.group_by(t.writer)) | fresh
    rows = select(t.id, t.hash, t.receipt).where(some).order_by("id")
    return [(id_, hash_.hex(), of) for id_, hash_, of in c.execute(rows)]


def verify(
    rows: Iterable[_Row], found: Sequence[receipt.Named], anchored: str
) -> Iterator[str]:
    """Yield what is wrong with records, as they lie there, the oldest first.

    `found` are those of which our newest anchor speaks, as `anchored`. Of what
    expired nothing is left but the hash in the record behind it.
    """
    last = dict[str, tuple[int, bytes]]()
    for row in rows:
        before = last.get(row["writer"])
        id_, hash_ = row["id"], row["hash"]
        if before is not None and before[0] != row["previous"]:
            yield f"access record {id_}: {row['previous']} before it is missing"
        elif before is not None or not row["previous"]:
            was = before[1] if before else b""
            chained = hashlib.sha256(was + _bound_to(row) + row["sealed"])
            if chained.digest() != hash_:
                yield f"access record {id_}: changed"
        last[row["writer"]] = id_, hash_
    if anchored not in ("", receipt.head(found)):
        yield "access records: not those that our newest anchor names"
