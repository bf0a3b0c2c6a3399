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
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from syncd.errors import Message
from syncd.flows.ports import Finding
from syncd.messages import wire
from syncd.store.book import Book
from syncd.store.database import NEWS
from syncd.store.tables import event

KEPT = 10_000  # events
KEPT_DAYS = 30


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is kept."""

    number: int
    at: int  # unix seconds
    name: str
    data: Mapping[str, Any]  # no raw value, no token


def tell(
    c: sa.Connection, now: int, name: str, data: Mapping[str, Any]
) -> None:
    """Add an event in the caller's transaction; drop the one too many."""
    c.info[NEWS] = True
    row = c.exec_driver_sql(
        "INSERT INTO event (at, name, data) VALUES (?, ?, ?) RETURNING id",
        (now, name, msgspec.json.encode(data, order="sorted")),
    )
    c.exec_driver_sql(
        "DELETE FROM event WHERE id <= ?", (row.scalar_one() - KEPT,)
    )


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


class EventBook(Book):
    """The events, over own.db."""

    def on_news(self, call: Callable[[], None]) -> None:
        """Have a function called when events were committed."""
        self._db.on_news = call

    async def now(
        self, what: str, value: str, name: str, *data: Mapping[str, Any]
    ) -> bool:
        """Tell that `what` is at `value`, unless that was reported last.

        All of `data`, an event each, in one transaction. Tells whether it
        was news.
        """

        def job(c: sa.Connection) -> bool:
            moved = c.exec_driver_sql(
                "INSERT INTO told (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
                " WHERE value <> excluded.value",
                (what, value),
            )
            if moved.rowcount == 1:
                for details in data:
                    tell(c, self._clock(), name, details)
            return moved.rowcount == 1

        return await self._db.write(job)

    async def reported(self, what: str) -> str:
        """Return the value of `what` that was reported last, "" if none."""

        def job(c: sa.Connection) -> str:
            row = c.exec_driver_sql(
                "SELECT value FROM told WHERE name = ?", (what,)
            )
            return str(row.scalar() or "")

        return await self._db.read(job)

    async def bounds(self) -> tuple[int, int]:
        """Return (oldest, newest) number; (1, 0) if nothing happened yet."""

        def job(c: sa.Connection) -> tuple[int, int]:
            row = c.exec_driver_sql("SELECT min(id), max(id) FROM event")
            oldest, newest = row.one()
            return oldest or 1, newest or 0

        return await self._db.read(job)

    async def page(self, first: int, limit: int) -> Sequence[StoredEvent]:
        """Return the events from a number on, in order, up to `limit`."""

        def job(c: sa.Connection) -> list[StoredEvent]:
            rows = c.execute(
                sa.select(event.c.id, event.c.at, event.c.name, event.c.data)
                .where(event.c.id >= first)
                .order_by(event.c.id)
                .limit(limit)
            )
            return [
                StoredEvent(number, at, name, msgspec.json.decode(data))
                for number, at, name, data in rows
            ]

        return await self._db.read(job)

    async def prune(self) -> None:
        """Drop what came before everything of the last KEPT_DAYS."""
        oldest = self._clock() - KEPT_DAYS * 86_400
        await self._db.write(
            lambda c: c.exec_driver_sql(
                "DELETE FROM event WHERE id <"
                " coalesce((SELECT min(id) FROM event WHERE at >= ?),"
                " (SELECT max(id) FROM event))",
                (oldest,),
            ).close()
        )
