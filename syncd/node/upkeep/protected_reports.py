"""Find reports of ours that the never-list has come to protect.

They were right when they were taken; then a roster, or a build that reads
its rows otherwise, came to protect what they are about. Look-ups already
leave them out. Their author has the values, so the whole rule is asked.
"""

from collections.abc import Sequence

from syncd.errors import Message
from syncd.flows.ports import State, VaultRow
from syncd.indicator import never
from syncd.indicator.never import Rule
from syncd.indicator.record import ReportFields
from syncd.node.context import Context, part
from syncd.store.vault import Query

PAGE = 1000  # rows opened in one go
IN_FORCE = (State.WAITING, State.PUBLISHED)


@part
class ProtectedReports:
    """Which of our reports in force the never-list protects."""

    ctx: Context
    ids: tuple[int, ...] = ()  # in the vault
    _seen: object = None  # the list that was looked at
    _day: str = ""

    @property
    def todo(self) -> tuple[Message, ...]:
        """What `status` says of them."""
        if not self.ids:
            return ()
        return (
            Message(
                "never-list: {n} reports of ours are about what it protects by"
                " now: syncd report retract --never --reason false_positive",
                n=len(self.ids),
            ),
        )

    async def look(self, *, anew: bool = False) -> tuple[int, ...]:
        """Return them; the vault is walked where that may have changed."""
        roster, today = self.ctx.roster, self.ctx.today()
        over = bool(self.ids) and today != self._day  # some may have expired
        if anew or over or roster.never is not self._seen:
            rule, found = never.of(roster), list[int]()
            before = 0
            while rows := await self.ctx.own.vault.page(
                Query(before, PAGE, IN_FORCE)
            ):
                found += await self.ctx.bulk(_under, rows, rule, today)
                before = rows[-1].id
            self._seen, self._day = roster.never, today
            self.ids = tuple(found)
        return self.ids

    async def retracted(self) -> None:
        """Leave out those that stand no more, without a walk."""
        ended = {*self.ids}
        ended -= await self.ctx.own.vault.in_force(self.ids)
        self.ids = tuple(id_ for id_ in self.ids if id_ not in ended)


def _under(rows: Sequence[VaultRow], rule: Rule, today: str) -> list[int]:
    return [
        row.id
        for row in rows
        if isinstance(row.fields, ReportFields)
        and (row.fields.expires or today) >= today
        and (guarded := rule.of(row.kind, row.value))
        and not (guarded.page and never.PLANTED in row.fields.technique)
    ]
