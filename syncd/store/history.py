"""How each member was seen on each day: the worst of that day, and why."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from syncd.messages import wire
from syncd.store.book import Book, writes
from syncd.store.prepared import Prepared
from syncd.store.tables import own_table

KEPT_DAYS = 90
STATES = ("heard", "lag", "silent", "forked")  # the worst last

_seen = own_table(
    "history",
    "member text key, day int key",  # in the roster's zone
    "state int",  # its place in STATES
    "why bytes",  # a message as it travels
    sqlite_with_rowid=False,
)
_new = insert(_seen)
_KEEP = Prepared(
    _new.on_conflict_do_update(
        _seen.primary_key,
        set_={"state": _new.excluded.state, "why": _new.excluded.why},
        where=_new.excluded.state > _seen.c.state,
    ),
    *_seen.c.keys(),
)


class History(Book):
    """The days of all members, over own.db."""

    @writes
    def add(
        self, c: Connection, day: int, seen: Iterable[tuple[str, int, Any]]
    ) -> None:
        """Keep (member, state, why) of a day where that is worse, or the first.

        What is over KEPT_DAYS old goes.
        """
        said = (
            (m, day, s, msgspec.json.encode(wire.of(w))) for m, s, w in seen
        )
        _KEEP.many(c, said)
        c.execute(delete(_seen).where(_seen.c.day <= day - KEPT_DAYS))

    async def since(self, day: int) -> list[tuple[str, int, int, bytes]]:
        """Return (member, day, state, why) from a day on, in that order."""
        wanted = select(_seen).where(_seen.c.day >= day)
        ordered = wanted.order_by("member", "day")
        return [*map(tuple, await self._rows(ordered))]
