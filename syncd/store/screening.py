"""Screening: whom of its own customers a member wants to hear of.

Of a customer's value neither the value nor the token is kept: an HMAC of the
token under a key of this home finds the row when a report comes in, and the
token's output beyond its 16 bytes is sealed, by which `know` is checked. The
house's reference and what the alliance says are sealed too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection, select

from syncd.flows.ports import Listed
from syncd.store import events
from syncd.store.book import SealedBook, reads, writes
from syncd.store.portable import upsert
from syncd.store.prepared import MANY, Prepared
from syncd.store.tables import own_table, partial_index

Key = tuple[str, int, bytes]  # kind, epoch, token
Epoch = tuple[str, int]  # kind, epoch

screened = own_table(
    "screened",
    "id int key, mac bytes",  # 16 bytes: of the token
    "ref bytes",  # 16 bytes: of the reference
    "kind text, epoch int",
    "until int",  # first day on which it is gone
    "sealed bytes",  # output[16:48], reference
    "state bytes null",  # sealed; None: never listed
    sa.UniqueConstraint("mac", "ref", name="screened_once"),
)
sa.Index("screened_until", screened.c.until)
sa.Index("screened_ref", screened.c.ref)
partial_index("screened_listed", "state IS NOT NULL", screened.c.id)


class Entered(NamedTuple):
    """A customer's token that is to be screened for."""

    key: Key
    tail: bytes  # 32 bytes: output[16:48]
    reference: str
    until: int  # days since 1970


class Screened(NamedTuple):
    """An entry."""

    id: int
    kind: str
    until: int
    tail: bytes
    reference: str
    listed: Listed | None


class ScreeningBook(SealedBook):
    """The entries, over own.db."""

    async def put(self, rows: Sequence[Entered]) -> None:
        """Keep entries, renewing those that are there; durable on return."""
        if made := [*map(self._row, rows)]:
            await self._db.write(lambda c: _PUT.many(c, made))

    @reads
    def find(
        self, c: Connection, keys: Sequence[Key]
    ) -> list[tuple[Key, Screened]]:
        """Return the entries on some tokens."""
        macs = {self._hash("screen", *key): key for key in keys}
        rows = _FIND.within(c, sorted(macs))
        return [(macs[row[0]], self._opened(row)) for row in rows]

    @reads
    def listed(self, c: Connection) -> list[Screened]:
        """Return all that are listed, or were."""
        rows = _ROW.where(_at.state.is_not(None)).order_by("id")
        return [*map(self._opened, c.execute(rows))]

    @writes
    def move(
        self,
        c: Connection,
        states: Mapping[int, Listed],
        news: Sequence[Mapping[str, Any]],
    ) -> None:
        """Keep what is said of some entries now, with its events."""
        for id_, state in states.items():
            said = self._seal(state, "screening state", id_)
            its = sa.update(screened).filter_by(id=id_)
            c.execute(its.values(state=said))
        for data in news:
            events.tell(c, self._clock(), "screening", data)

    async def expire(self, day: int, retired: Iterable[Epoch]) -> None:
        """Drop what ends on a day or before, and what has a newer key.

        Of retired epochs: what was not handed in anew stays, to be asked for.
        """
        old = sa.tuple_(_at.kind, _at.epoch).in_([*retired])
        ends = sa.or_(_at.until <= day, old & _RENEWED)
        await self._run(sa.delete(screened).where(ends))

    async def counts(self) -> Counter[tuple[str, int, int]]:
        """Return how many there are by kind, epoch and last day.

        Of what was handed in again under a newer key, that alone.
        """
        by = (_at.kind, _at.epoch, _at.until)
        count = select(*by, sa.func.count()).where(~_RENEWED).group_by(*by)
        return Counter({(*by,): n for *by, n in await self._rows(count)})

    def _row(self, one: Entered) -> tuple[object, ...]:
        mac = self._hash("screen", *one.key)
        ref = self._hash("screening-ref", one.reference)
        sealed = self._seal((one.tail, one.reference), "screening", mac)
        return mac, ref, *one.key[:2], one.until, sealed

    def _opened(self, row: Sequence[Any]) -> Screened:
        mac, id_, kind, until, sealed, state = row
        said, of = tuple[bytes, str], ("screening state", id_)
        tail, reference = self._unseal(sealed, said, "screening", mac)
        listed = state and self._unseal(state, Listed, *of)
        return Screened(id_, kind, until, tail, reference, listed)


_PUT = Prepared(
    upsert(screened, "until", once=("mac", "ref")), *screened.c.keys()[1:7]
)
_at, _newer = screened.c, screened.alias().c
_RENEWED = sa.exists().where(  # handed in again under a newer key
    *(_newer.ref == _at.ref, _newer.kind == _at.kind), _newer.epoch > _at.epoch
)
_ROW = select(_at.mac, _at.id, _at.kind, _at.until, _at.sealed, _at.state)
_FIND = Prepared(_ROW.where(_at.mac.in_(MANY)).order_by("id"))
