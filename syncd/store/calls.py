"""What came of calls at the hot line; all but when it was is sealed."""

from collections.abc import Callable
from typing import Literal

import msgspec
from sqlalchemy import Connection, Index, select

from syncd.store.book import SealedBook, pruning, reads
from syncd.store.portable import upsert
from syncd.store.tables import own_table

_call = own_table(
    "hotline_call",
    "id int key, at int",  # unix seconds
    "once bytes unique",  # 16 bytes: keyed hash of `key`
    "sealed bytes",  # JSON
)
Index("hotline_call_at", _call.c.at)

Outcome = Literal["dissuaded", "stopped", "sent", "no_fraud"]


class Call(msgspec.Struct, frozen=True, array_like=True):
    """What came of one call."""

    by: str  # whose bearer token
    outcome: Outcome
    label: str  # code, or ""
    amount: int  # yuan that it was about
    notice: str = ""  # code of the measure, if the customer has it in writing


class Calls(SealedBook):
    """The calls, over own.db."""

    async def add(self, call: Call, key: str) -> int:
        """Keep a call once for a key; return how many are new. Durable."""
        now = self._clock()
        row = {"at": now, "once": self._hash("call", call.by, key)}
        row["sealed"] = self._seal(call, "call", now)
        return await self._run(upsert(_call).values(row))

    @reads
    def sums(
        self,
        c: Connection,
        since: int,
        until: int,
        month_of: Callable[[int], str],
    ) -> list[dict[str, str | int]]:
        """Return calls and their amount by month, label, outcome and notice."""
        rows = select(_call.c.at, _call.c.sealed).where(
            _call.c.at >= since, _call.c.at < until
        )
        found = dict[tuple[str, ...], tuple[int, int]]()
        for at, sealed in c.execute(rows):
            call = self._unseal(sealed, Call, "call", at)
            key = month_of(at), call.label, call.outcome, call.notice
            n, money = found.get(key, (0, 0))
            found[key] = n + 1, money + call.amount
        names = ("month", "label", "outcome", "notice", "calls", "amount")
        return [
            dict(zip(names, (*key, *sums), strict=True))
            for key, sums in sorted(found.items())
        ]

    prune = pruning((_call.c.at,))
