"""The register of appeals: all of one but what it is found by is sealed.

That is bound to the rest: one that was moved to another's place does not
open.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, func, select, update

from syncd.errors import MissingError
from syncd.flows.appeal import Appeal, Step, after
from syncd.store import events
from syncd.store.book import SealedBook, highest, pruning, reads, writes
from syncd.store.portable import upsert
from syncd.store.tables import own_table

_appeal = own_table(
    "appeal",
    "id int key, by text",  # whose token wrote or asked
    "access_id int unique null",  # of the look-up
    "received_at int",
    "open int",  # 1: something is to do
    "sealed bytes",
)
_BOUND = ("by", "access_id", "received_at")


class Appeals(SealedBook):
    """The register, over own.db."""

    @writes
    def add(self, c: Connection, appeals: Sequence[Appeal]) -> list[int]:
        """Keep new ones, and tell how many are of an ended listing.

        Returns their ids. Of a look-up that stands there already there is
        no second one.
        """
        made, ended = [], 0
        new = upsert(_appeal)
        last = highest(c, _appeal.c.id)
        for appeal in appeals:
            row = {"id": last + 1, **self._row(appeal)}
            if c.execute(new.values(row)).rowcount:
                last += 1
                made.append(last)
                ended += appeal.cause == "ended"
        if ended:
            events.tell(c, self._clock(), "undo", {"n": ended})
        return made

    @reads
    def page(
        self,
        c: Connection,
        after: int = 0,
        limit: int = 1000,
        *,
        by: str = "",
        waiting: int = 0,
    ) -> list[Appeal]:
        """Return those of larger ids, of one caller, or those that wait."""
        rows = select(_appeal).where(_appeal.c.id > after)
        if by:
            rows = rows.filter_by(by=by)
        if waiting:
            rows = rows.filter_by(open=1)
        rows = rows.order_by("id").limit(limit)
        return [self._opened(row._asdict()) for row in c.execute(rows)]

    async def open(self) -> int:
        """Return on how many something is to do."""
        count = select(func.count()).where(_appeal.c.open == 1)
        [(n,)] = await self._rows(count)
        return int(n)

    @writes
    def move(
        self,
        c: Connection,
        id_: int,
        step: Step,
        *,
        by: str,
        why: str = "",
        only: str = "",
    ) -> Appeal:
        """Note that a step was taken.

        Raises:
            MissingError: there is none of that id, of `only` if it is a name.
            RefusedError: it cannot be taken any more, or not yet.
        """
        this = _appeal.c.id == id_
        row = c.execute(select(_appeal).where(this)).first()
        if row is None or (only and row.by != only):
            raise MissingError("appeal: no such entry of yours")
        new = after(self._opened(row._asdict()), step, self._clock(), by, why)
        c.execute(update(_appeal).where(this).values(self._row(new)))
        return new

    # What was received so long ago and is done with.
    prune = pruning((_appeal.c.received_at, _appeal.c.open == 0))

    def _row(self, appeal: Appeal) -> dict[str, Any]:
        row = {name: getattr(appeal, name) for name in _BOUND}
        sealed = self._seal(appeal, "appeal", *row.values())
        return {**row, "open": int(appeal.open), "sealed": sealed}

    def _opened(self, row: dict[str, Any]) -> Appeal:
        of = (row[name] for name in _BOUND)
        appeal: Appeal
        appeal = self._unseal(row["sealed"], Appeal, "appeal", *of)
        return replace(appeal, id=row["id"])
