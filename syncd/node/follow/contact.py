"""Whether the other members answer us: who is silent, and are we cut off?

A member is silent from its third failure in a row on, until it tells its
heads again. We are cut off once nobody has answered so often, or somebody
does not admit our certificate and nobody else answers: then we may have been
removed. Both are events, written once when they turn.
"""

from collections.abc import Mapping

from syncd.errors import NOTHING, Message
from syncd.node.context import Context, part
from syncd.node.follow.peer_choice import SILENT, PeerChoice


@part
class Contact:
    """Who answers us, as the rounds have seen it."""

    ctx: Context
    peer_choice: PeerChoice

    def __post_init__(self) -> None:
        self.since = 0  # unix seconds; 0: not cut off
        self.refused = 0  # of those unanswered
        self._unanswered = 0
        self._why = NOTHING

    async def ended(self, answered: Mapping[str, bool | None]) -> None:
        """Take in what one round's questions brought.

        Args:
            answered: by member; None: it does not admit our certificate.
        """
        if any(answered.values()):
            if self.since:
                self.peer_choice.hurry()
            self._unanswered = self.refused = self.since = 0
        elif answered:
            self._unanswered += len(answered)
            self.refused += sum(ok is None for ok in answered.values())
            self._why = self.peer_choice.state(next(iter(answered))).why
            enough = min(SILENT, len(self.ctx.others))
            if self.refused or self._unanswered >= enough:
                self.since = self.since or self.ctx.now()
        for who in answered:
            state = self.peer_choice.state(who)
            silent = state.failures >= SILENT
            if silent or not state.failures:
                await self._write(f"peer/{who}", "silent", silent, member=who)
        await self._write("cut_off", "cut_off", bool(self.since))

    async def _write(self, what: str, yes: str, so: bool, **of: str) -> None:
        """Write the event that something is so, or is so no more, once."""
        state = yes if so else "heard"
        events = self.ctx.own.events
        if (await events.reported(what) or "heard") != state:
            name = what.partition("/")[0]
            await events.now(what, state, name, {**of, "state": state})

    def cut_off(self) -> Message:
        """Say what to do if nobody answers us, "" if somebody does.

        We may have been removed, and not have heard of it: who has removed us
        does not tell us that either.
        """
        if not self.since:
            return NOTHING
        states = self.peer_choice.states.values()
        return Message(
            "peers: {n} members do not admit our certificate, and none"
            " answers ({why}): we may have been removed: ask the admins"
            " for the newest roster, then syncd roster publish"
            if self.refused
            else "peers: none of the {n} members that were asked answers ({why}):"
            " syncd doctor says where it ends; if our way out is open, ask the"
            " admins for the newest roster, then syncd roster publish",
            n=self.refused or sum(s.failures > 0 for s in states),
            why=self._why,
        )
