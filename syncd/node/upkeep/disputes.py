"""Disputes against us, and ours: noticed when merged, until answered."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.flows import dispute_state
from syncd.flows.dispute_state import DisputeState
from syncd.flows.ports import Position
from syncd.indicator import statement, token
from syncd.indicator.claims import Claim
from syncd.indicator.statement import Answer, Dispute
from syncd.node.context import Context
from syncd.node.upkeep.arrivals import Arrival
from syncd.store.disputes import DisputeRow

READ = 1000  # disputes of each side that are looked at
SHOWN = 20  # positions in an event
KEPT_DAYS = 60  # after the day to answer by, once nothing waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputes:
    """Finds disputes among what was merged, and says how they stand."""

    ctx: Context
    wake: Callable[[], None]  # lets who follows the events look

    async def __call__(self, page: Sequence[Arrival]) -> None:
        """Keep what concerns us of a page that was merged, and tell of it."""
        rows = [
            _row(a.position, a.statement, self.ctx.own_origins)
            for a in page
            if isinstance(a.statement, Dispute)
        ]
        kept: dict[DisputeRow, Mapping[str, Any] | None] = {}
        found = await self._states(rows)
        for row, state in found:
            tells = state.pending and not state.by_us
            kept[row] = self._data(state) if tells else None
        await self.ctx.own.disputes.keep(kept)
        if any(kept.values()):
            self.wake()
        await self._tell_answers(page, [s for _, s in found if s.by_us])

    async def states(self) -> list[DisputeState]:
        """Return how all disputes stand that concern us, the due first."""
        rows = await self.ctx.own.disputes.rows(READ)
        return [state for _, state in await self._states(rows)]

    async def at(self, position: Position) -> DisputeState | None:
        """Return how another's dispute of reports of ours stands."""
        found = await self.ctx.mirror.claims_at([position])
        rows = [
            _row(claim.position, claim.statement, self.ctx.own_origins)
            for claim in found.values()
            if isinstance(claim.statement, Dispute)
        ]
        for row, state in await self._states(rows):
            if state.reports and not row.by_us:
                return state
        return None

    async def remind(self) -> None:
        """Tell once of each answer that is overdue; forget what is over.

        An official report is not weakened by silence: its author's contacts
        are named to both sides.
        """
        today = statement.day(self.ctx.today())
        book = self.ctx.own.disputes
        rows = await book.rows(READ)
        states = await self._states(rows)
        pending = {row.position for row, state in states if state.pending}
        await book.drop(
            row.position
            for row in rows
            if row.due <= today - KEPT_DAYS and row.position not in pending
        )
        for row, state in states:
            if row.reminded or row.due >= today:
                continue
            data: dict[str, Any] | None = None
            if state.state == "overdue" and not (
                state.by_us and not state.official
            ):
                data = {**self._data(state), "overdue": True}
                if state.official:
                    data["contacts"] = sorted(self.asked(state))
            await book.remind(row, data)
            self.wake()

    def asked(self, state: DisputeState) -> set[str]:
        """Return whose official reports wait for an answer."""
        waiting = state.official - state.answers.keys()
        roster = self.ctx.roster
        return {dispute_state.member(at[0], roster) for at in waiting}

    async def _tell_answers(
        self, page: Sequence[Arrival], states: list[DisputeState]
    ) -> None:
        """Tell of answers to disputes of ours: new ones, and those answered."""
        answered = {
            token.decode(a.statement.token)
            for a in page
            if isinstance(a.statement, Answer)
        }
        if answered:
            rows = await self.ctx.own.disputes.rows(READ)
            mine = [r for r in rows if r.by_us and r.token in answered]
            states = [*states, *(s for _, s in await self._states(mine))]
        for state in states:
            for at, answer in dict.fromkeys(state.answers.values()):
                await self._tell_answer(at, answer, state)

    async def _tell_answer(
        self, at: Position, answer: Answer, state: DisputeState
    ) -> None:
        data = {
            **self._at(at, answer.kind),
            "dispute": list(state.claim.position),
            "outcome": answer.outcome,
            "reason": answer.reason,
            "reports": [list(at) for at in answer.about[:SHOWN]],
        }
        name = "answer/{}:{}/{}:{}".format(*state.claim.position, *at)
        if await self.ctx.own.events.now(name, "", "answer", data):
            self.wake()

    async def _states(
        self, rows: Iterable[DisputeRow]
    ) -> list[tuple[DisputeRow, DisputeState]]:
        """Return how those stand that concern us and stand at all."""
        keys: dict[tuple[int, int], list[DisputeRow]] = defaultdict(list)
        for row in rows:
            keys[row.kind, row.epoch].append(row)
        ours, roster = self.ctx.own_origins, self.ctx.roster
        today = self.ctx.today()
        states = []
        for key, some in keys.items():
            shorts = [*{row.token for row in some}]
            found = await self.ctx.mirror.claims(shorts, *key)
            beside = {
                short: _Beside(found.get(short, ()), ours) for short in shorts
            }
            for row in some:
                near = beside[row.token]
                if row.position not in near.disputes:
                    continue
                state = dispute_state.of(
                    near.disputes[row.position],
                    near.all if row.by_us else near.ours,
                    *(ours, roster, today),
                )
                if state is not None:
                    states.append((row, state))
        states.sort(key=lambda pair: pair[0].due)
        return states

    def _at(self, position: Position, kind: str) -> dict[str, Any]:
        origin, index = position
        return {
            "index": index,
            "kind": kind,
            "member": dispute_state.member(origin, self.ctx.roster),
            "origin": origin,
        }

    def _data(self, state: DisputeState) -> dict[str, Any]:
        """Return what an event says of a dispute."""
        positions = sorted(claim.position for claim in state.reports)
        return {
            **self._at(state.claim.position, state.dispute.kind),
            "by_us": state.by_us,
            "due": state.due,
            "official": bool(state.official),
            "reason": state.dispute.reason,
            "reports": [list(at) for at in positions[:SHOWN]],
        }


class _Beside:
    """What is claimed of a token, parted once for all disputes on it."""

    def __init__(self, claims: Iterable[Claim], ours: Collection[str]) -> None:
        self.disputes: dict[Position, Claim] = {}
        self.all: list[Claim] = []
        for claim in claims:
            if isinstance(claim.statement, Dispute):
                self.disputes[claim.position] = claim
            else:
                self.all.append(claim)
        # Who disputes a thousandfold has no say in what one costs us.
        self.ours = [claim for claim in self.all if claim.origin in ours]


def _row(
    position: Position, dispute: Dispute, ours: Collection[str]
) -> DisputeRow:
    return DisputeRow(
        position,
        position[0] in ours,
        token.KIND_CODES[dispute.kind],
        dispute.epoch,
        token.decode(dispute.token),
        statement.day(dispute_state.due(dispute)),
    )
