"""Disputes against us, and ours: told when merged, until answered."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import field
from typing import Any

from syncd.flows import basis, dispute_state
from syncd.flows.dispute_state import DisputedReport, DisputeState
from syncd.flows.ports import Position
from syncd.indicator.claims import Claim
from syncd.indicator.statement import Answer, Dispute
from syncd.node.context import Context, part
from syncd.node.upkeep.arrivals import Page

SHOWN = 20  # positions in an event


@part
class Disputes:
    """Says how disputes stand, and tells of them once."""

    ctx: Context
    _known: set[tuple[str, str]] = field(default_factory=set, init=False)

    async def __call__(self, page: Page) -> None:
        """Tell of what a page that was merged brings."""
        if any(isinstance(a.statement, Dispute | Answer) for a in page):
            await self.tell()

    async def states(self) -> list[DisputeState]:
        """Return how those stand that concern us.

        Those that wait come first, the first due before the others.
        """
        ours, mirror = self.ctx.own_origins, self.ctx.mirror
        world = ours, self.ctx.roster, self.ctx.today()
        disputes = await mirror.disputes(ours)
        there = await basis.claims_on(map(basis.key, disputes), mirror)
        near = {key: _parted(some, ours) for key, some in there.items()}
        states = [
            dispute_state.of(one, *(some[one.origin in ours], *world))
            for one in disputes
            if (some := near.get(basis.key(one)))
        ]
        found = [state for state in states if state is not None]
        return sorted(found, key=lambda one: (not one.pending, one.due))

    async def tell(self) -> None:
        """Tell once of each dispute, of each overdue answer, of each answer.

        An official report is not weakened by silence: its author's contacts
        are named to both sides.
        """
        for state in await self.states():
            late = state.state == "overdue" and state.asked
            if late or (state.pending and not state.by_us):
                name = "dispute/{}:{}".format(*state.position)
                await self._now(name, state.state, self._data(state))
            if state.by_us:
                await self._tell_answers(state)

    async def _tell_answers(self, state: DisputeState) -> None:
        answers = defaultdict[Position, list[DisputedReport]](list)
        for report in state.reports:
            if report.answer is not None:
                answers[report.answer].append(report)
        for at, reports in answers.items():
            data = {
                **self._at(at, state.kind),
                "dispute": list(state.position),
                "outcome": reports[0].outcome,
                "reason": reports[0].reason,
                "reports": [list(r.position) for r in reports[:SHOWN]],
            }
            name = "answer/{}:{}/{}:{}".format(*state.position, *at)
            await self._now(name, "", data)

    async def _now(self, name: str, value: str, data: dict[str, Any]) -> None:
        if (name, value) in self._known:  # of many nothing is written
            return
        event = name.partition("/")[0]
        await self.ctx.own.events.now(name, value, event, data)
        self._known.add((name, value))

    def _data(self, state: DisputeState) -> dict[str, Any]:
        """Return what an event says of a dispute."""
        overdue = {"overdue": True} if state.state == "overdue" else {}
        asked = {"contacts": state.asked} if overdue and state.asked else {}
        return {
            **self._at(state.position, state.kind),
            "by_us": state.by_us,
            "due": state.due,
            "official": any(r.official for r in state.reports),
            "reason": state.reason,
            "reports": [list(r.position) for r in state.reports[:SHOWN]],
            **overdue,
            **asked,
        }

    def _at(self, position: Position, kind: str) -> dict[str, Any]:
        origin, index = position
        return {
            "index": index,
            "kind": kind,
            "member": self.ctx.roster.owner(origin),
            "origin": origin,
        }


def _parted(
    claims: Iterable[Claim], ours: Collection[str]
) -> tuple[list[Claim], list[Claim]]:
    """Return what is claimed of a token beside disputes: by us, by all.

    Who disputes a thousandfold has no say in what one costs us.
    """
    found = [c for c in claims if not isinstance(c.statement, Dispute)]
    return [c for c in found if c.origin in ours], found
