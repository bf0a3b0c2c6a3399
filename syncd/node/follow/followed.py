"""The logs that we follow: what the roster says of each, and its state.

Whoever offers a signed checkpoint gives a hint: it is verified, judged by
what we hold (`log_state`), and becomes a target if it is ahead of that.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from typing import Any

import structlog

from syncd.errors import MalformedError, Message, UntrustedError
from syncd.flows import cosign
from syncd.flows.ports import Finding, MirrorHead
from syncd.node.context import Context, part
from syncd.node.follow.log_state import Held, LogState, Offer, Pin, Target
from syncd.tlog import checkpoint, note
from syncd.tlog.note import VerifierKey

log = structlog.get_logger("syncd.exchange")

NEWS_S = 60.0  # after news a log is left alone no longer than this


@part
class FollowedLogs:
    """The state of every log, and what the roster says of it."""

    ctx: Context
    grown: Callable[[str], Awaitable[None]]  # after a mirror or merge moved
    states: dict[str, LogState] = field(default_factory=dict, init=False)

    def state(self, origin: str) -> LogState:
        """Return how a log is doing."""
        return self.states.setdefault(origin, LogState())

    def note(self, origin: str, **changes: Any) -> None:
        """Note of a log what moves it nowhere."""
        self.states[origin] = self.state(origin)._replace(**changes)

    def hurry(self) -> None:
        """Let no log be left alone any longer: others may be asked now."""
        for origin in self.states:
            self.note(origin, retry_at=0.0)

    # ------------------------------------------------------ by the roster

    def key(self, origin: str) -> VerifierKey | None:
        """Return the key by which a log of the roster signs."""
        found = self.ctx.roster.by_origin(origin)
        return found[1].log if found else None

    def is_ours(self, origin: str) -> bool:
        """Tell whether we write that log, or nobody does.

        An earlier one of ours is like anybody's: what we lack of it, others
        have.
        """
        return origin == self.ctx.origin or self.key(origin) is None

    def pin(self, origin: str) -> Pin | None:
        """Return the last point through which the roster has a log go."""
        found = self.ctx.roster.by_origin(origin)
        if found is None or origin == self.ctx.origin:
            return None
        member, log_ = found
        pins = member.pins(log_)
        return (pins[-1], member.end(log_) is not None) if pins else None

    def _rules_out(self, head: checkpoint.Checkpoint) -> bool:
        """Tell whether the roster counts for nothing what a log signed."""
        known = self.pin(head.origin)
        if known is None:
            return False
        pin, ended = known
        if head.size == pin.size:
            return head.root != pin.root
        return head.size < pin.size or ended

    def ended_at(self, origin: str) -> int:
        """Return the size up to which a log is proven by its end, or 0."""
        pin, ended = self.state(origin).obeys or (None, False)
        return pin.size if ended and pin is not None else 0

    async def rejected(self, origin: str) -> set[str]:
        """Return the texts that a log signed on a branch of no account."""
        kept = await self.ctx.mirror.rejected(origin)
        return {note.parse(raw).text for raw in kept}

    # ---------------------------------------------------------- checkpoints

    async def offer(self, member: str, raw: bytes) -> bool | None:
        """Take a signed checkpoint as a hint; tell whether it is news.

        What others' logs signed, and no other line: that is nobody's word.
        Whoever offers something that its origin did not sign is reported:
        the hint costs nothing else, and the answer is None.
        """
        try:
            origin = note.parse(raw).text.split("\n", 1)[0]
            key = self.key(origin)
            if key is None or self.is_ours(origin):
                return False
            head, signed = checkpoint.open_(raw, key)
            own = bytes(cosign.bare(signed, key))
        except (MalformedError, UntrustedError) as e:
            await self.ctx.found("bad_checkpoint", member, e.text)
            return None
        return await self._judge(Target(head, own, (member,)))

    async def _judge(self, new: Target) -> bool:
        """Move a log's state by what is signed of it; tell if it is news."""
        origin, size = new.head.origin, new.head.size
        held = await self._held(new.head)
        mirrored = held.mirror.mirrored
        state = self.state(origin)
        offer = state.judge(new.head, held)
        if offer not in (Offer.VOID, Offer.TOO_LARGE):
            state = state.heard(size, mirrored, self.ctx.now())
        soon = time.monotonic() + NEWS_S
        self.states[origin] = state.offered(offer, new, soon)
        if offer is Offer.TOO_LARGE:
            why = Message(
                "size {size} signed, we hold {ours}", new.head, ours=mirrored
            )
            self.note(origin, why=why)
            await self.ctx.found("too_large", origin, why)
        if offer is Offer.FORK and state.target is not None:
            why = Message(
                "log: {origin} signed two roots at size {size}", new.head
            )
            await self.forked(origin, [state.target.note, new.note], why)
        return offer is Offer.NEWS

    async def _held(self, head: checkpoint.Checkpoint) -> Held:
        mirror = self.ctx.mirror
        mine = await mirror.head(head.origin)
        left = await self.rejected(head.origin)
        void = self._rules_out(head) or str(head) in left
        kept = b""
        if head.size <= mine.mirrored:
            kept = (await mirror.notes(head.origin)).get(head.size, b"")
        known = bool(kept) and note.parse(kept).text == str(head)
        return Held(mine, void, known)

    async def forked(
        self, origin: str, signed: Sequence[bytes], why: Message
    ) -> None:
        """Freeze an origin, with all signed notes that may tell why."""
        mirror = self.ctx.mirror
        mine = await mirror.head(origin)
        kept = await mirror.notes(origin)
        notes = dict.fromkeys([mine.note, *kept.values(), *signed])
        notes.pop(b"", None)
        log.critical("FORK", origin=origin, why=str(why))
        found = Finding("fork", origin, None, why)
        await mirror.contest(origin, [*notes], found)
        self.states[origin] = self.state(origin).forked(why)
        await self.grown(origin)


def moved(was: MirrorHead, now: MirrorHead) -> bool:
    """Tell whether a mirror or its merge has moved."""
    return (now.mirrored, now.merged) != (was.mirrored, was.merged)
