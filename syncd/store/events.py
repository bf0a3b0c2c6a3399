"""Events: what happened here, for whoever follows `/v1/events`.

An event is a row of own.db. What is one of own.db's own transactions has its
event in it (`tell`): an append, a receipt, a finding. What happens elsewhere
(mirror.db, roster/) has a newest state, and `told` says which one was told
last: `EventBook.now` tells a state that is another, once. Asked again after
a start, it tells what a crash has swallowed.

Numbers go up by one and are never used again: neither bound drops the
newest event.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, delete, func, insert, select

from syncd.errors import Message
from syncd.flows.ports import Finding
from syncd.messages import wire
from syncd.store.book import Book, highest, reads, writes
from syncd.store.database import NEWS
from syncd.store.portable import upsert
from syncd.store.tables import event, told

KEPT = 10_000  # events
KEPT_DAYS = 30


class StoredEvent(NamedTuple):
    """One event as it is kept."""

    number: int
    at: int  # unix seconds
    name: str
    data: Mapping[str, Any]  # no raw value, no token


def tell(c: Connection, now: int, name: str, data: Mapping[str, Any]) -> None:
    """Add an event in the caller's transaction; drop the one too many."""
    c.info[NEWS] = True
    number = highest(c, event.c.id) + 1
    raw = msgspec.json.encode(data, order="sorted")
    c.execute(insert(event).values((number, now, name, raw)))
    c.execute(delete(event).where(event.c.id <= number - KEPT))


def of_finding(finding: Finding) -> dict[str, Any]:
    """Return what an event says of a finding."""
    return {
        "code": finding.code,
        "index": finding.index,
        "origin": finding.origin,
        **of_message(finding.detail),
    }


def of_message(message: Message | str) -> dict[str, Any]:
    """Return what an event says in a message's words."""
    detail = wire.of(message)
    return {
        "detail": detail.detail,
        "detail_code": detail.code,
        "params": msgspec.to_builtins(detail.params),
    }


def _value(what: str) -> Select[Any]:
    return select(told.c.value).filter_by(name=what)


class EventBook(Book):
    """The events, over own.db."""

    def on_news(self, call: Callable[[], None]) -> None:
        """Have a function called when events were committed."""
        self._db.on_news = call

    @writes
    def now(
        self,
        c: Connection,
        what: str,
        value: str,
        name: str,
        *data: Mapping[str, Any],
    ) -> bool:
        """Tell that `what` is at `value`, unless that was reported last.

        All of `data`, an event each, in one transaction. Tells whether it
        was news.
        """
        if c.scalar(_value(what)) == value:
            return False
        c.execute(upsert(told, "value"), {"name": what, "value": value})
        for details in data:
            tell(c, self._clock(), name, details)
        return True

    @reads
    def reported(self, c: Connection, what: str) -> str:
        """Return the value of `what` that was reported last, "" if none."""
        return c.scalar(_value(what)) or ""

    async def bounds(self) -> tuple[int, int]:
        """Return (oldest, newest) number; (1, 0) if nothing happened yet."""
        ids = select(func.min(event.c.id), func.max(event.c.id))
        [(oldest, newest)] = await self._rows(ids)
        return oldest or 1, newest or 0

    async def page(self, first: int, limit: int) -> Sequence[StoredEvent]:
        """Return the events from a number on, in order, up to `limit`."""
        wanted = select(event).where(event.c.id >= first)
        wanted = wanted.order_by("id").limit(limit)
        return [
            StoredEvent(number, at, name, msgspec.json.decode(data))
            for number, at, name, data in await self._rows(wanted)
        ]

    async def prune(self) -> None:
        """Drop what came before everything of the last KEPT_DAYS."""
        young = event.c.at >= self._clock() - KEPT_DAYS * 86_400
        first = select(func.min(event.c.id)).where(young)
        newest = select(func.max(event.c.id)).scalar_subquery()
        end = func.coalesce(first.scalar_subquery(), newest)
        await self._run(delete(event).where(event.c.id < end))
