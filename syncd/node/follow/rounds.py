"""Ask some members for news in each round, and pull what is new.

A round asks those whom `peer_choice` chooses for their heads. Who did not
answer last time holds up nobody's news.

A member is silent from its third failure in a row on, until it tells its
heads again. We are cut off once nobody has answered so often, or somebody
does not admit our certificate and nobody else answers: then we may have been
removed. Both are events, written once when they turn.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

import msgspec

from syncd.errors import (
    NOTHING,
    MalformedError,
    Message,
    NotAdmittedError,
    RefusedError,
    SyncdError,
)
from syncd.node.context import BUG, Aside, Context, part
from syncd.node.follow.clocks import OurClock
from syncd.node.follow.followed import FollowedLogs, log
from syncd.node.follow.peer_choice import SILENT, PeerChoice
from syncd.node.follow.peer_notifier import PeerNotifier
from syncd.node.follow.pulls import Pulls
from syncd.peer.client import MAX_NOTE
from syncd.tlog import checkpoint, note

POKE_S = 1.0  # in which one poke of a member is looked at


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


@part
class Rounds:
    """Hears what is new from the others, and what time it is there."""

    ctx: Context
    logs: FollowedLogs
    pulls: Pulls
    peer_notifier: PeerNotifier
    peer_choice: PeerChoice
    contact: Contact
    our_clock: OurClock
    aside: Aside  # runs what nobody waits for

    def __post_init__(self) -> None:
        # The newest poke of each member since one was looked at, or b"":
        self.pokes = dict[str, bytes]()
        self.heard = asyncio.Event()  # another's clock, or that we are alone

    async def round(self) -> None:
        """Ask some members what is new, let some know, then fetch what is."""
        asked = self._choose()
        doubted = [m for m in asked if self.peer_choice.state(m).failures]
        able = [m for m in asked if m not in doubted]
        late, soon = await asyncio.gather(self._all(doubted), self._news(able))
        if any(late.values()):  # what they told waits for no next round
            await self.pulls.fetch()
        await self.contact.ended({**late, **soon})

    async def ask(self) -> None:
        """Ask some members what is new, and what time it is."""
        await self.contact.ended(await self._all(self._choose()))

    def _choose(self) -> list[str]:
        return self.peer_choice.choose(
            self.ctx.others, time.monotonic(), self.ctx.roster.holders
        )

    async def _news(self, members: Sequence[str]) -> dict[str, bool | None]:
        answered, _ = await asyncio.gather(
            self._all(members), self.peer_notifier.notify_some()
        )
        await self.pulls.fetch()
        return answered

    async def _all(self, members: Sequence[str]) -> dict[str, bool | None]:
        answered = await asyncio.gather(*map(self.ask_alone, members))
        if self.our_clock.skew_s() is not None:
            self.heard.set()
        return dict(zip(members, answered, strict=True))

    async def ask_alone(self, member: str) -> bool | None:
        """Ask one member; what goes wrong with it stops no other.

        Tells whether it answered; None: it does not admit our certificate.
        """
        try:
            await self._ask(member)
        except SyncdError as e:
            self.failed(member, e.text)
            return None if isinstance(e, NotAdmittedError) else False
        except Exception:
            self.failed(member, BUG)
            log.exception("heads failed", peer=member)
            return False
        return True

    async def _ask(self, member: str) -> None:
        ctx, state = self.ctx, self.peer_choice.state(member)
        state.asked_at, asked = ctx.now(), time.monotonic()
        heads = await self.pulls.peers.get(member).heads(state.cursor)
        now, roster = time.monotonic(), heads.roster
        state.roster, state.away = roster.version, heads.away
        self.peer_choice.answered(member, ctx.now(), now)
        if heads.time:
            self.our_clock.hear(member, heads.time, asked)
        await self.pulls.rosters.follow(roster.version, roster.hash, member)
        before = {**state.holds}
        # Nobody has more to say than this; what is wrong is said once.
        logs = len(ctx.roster.origins())
        for raw in heads.notes[:logs]:
            if await self.logs.offer(member, raw.encode()) is None:
                break
            self._holds(member, raw)
        for raw in heads.receipts[:logs]:
            if await self.pulls.receipts.take(member, raw.encode()):
                self._holds(member, raw)
        if state.holds != before:
            told = msgspec.json.encode((state.told_at, state.holds)).decode()
            await ctx.own.events.now(f"holds/{member}", told, "")
        # What it says of logs that only a newer roster has, it shall repeat.
        if roster.version <= ctx.roster.version:
            state.cursor = heads.cursor

    async def recall(self) -> None:
        """Know what members told before our start that they hold."""
        for member in self.ctx.others:
            if told := await self.ctx.own.events.reported(f"holds/{member}"):
                state = self.peer_choice.state(member)
                state.told_at, state.holds = msgspec.json.decode(told)

    def _holds(self, member: str, raw: str) -> None:
        """Remember how much of a log of the roster a member says it has."""
        origin = raw.partition("\n")[0]
        if self.logs.key(origin) is not None:
            size = checkpoint.size_of(raw.encode())
            self.peer_choice.state(member).holds[origin] = size

    def failed(self, member: str, why: Message) -> None:
        """Leave a member alone for a while, twice as long each time."""
        at = time.monotonic(), self.ctx.now()
        wait = self.peer_choice.failed(member, why, *at)
        log.warning(
            "peer failed", peer=member, why=str(why), retry_in_s=round(wait)
        )

    async def poke(self, member: str, raw: bytes) -> None:
        """Take a member's poke: one at once, then the newest of each second.

        Raises:
            MalformedError, RefusedError: it is not of the member's own log.
        """
        if len(raw) > MAX_NOTE:
            raise MalformedError("poke: {n} bytes", n=len(raw))
        origin = note.parse(raw).text.split("\n", 1)[0]
        if self.ctx.roster.owner(origin) != member:
            raise RefusedError("poke: that is not the caller's own log")
        if member in self.pokes:
            self.pokes[member] = raw
            return
        self.pokes[member] = b""
        asyncio.get_running_loop().call_later(POKE_S, self._look_again, member)
        news = await self.logs.offer(member, raw)
        if news is not None:
            self.peer_choice.poked(member, news=news)
        state, pin = self.logs.state(origin), self.logs.pin(origin)
        if news and state.due(time.monotonic(), pin):
            # The caller need not wait for it, nor could it make us hurry.
            self.pulls.begin(origin)

    def _look_again(self, member: str) -> None:
        newest = self.pokes.pop(member, b"")
        if newest:
            self.aside(self.poke(member, newest))

    # --------------------------------------------------------------- states

    def heard_of(self) -> dict[str, tuple[int, int]]:
        """Return when we heard of each member's log, and how large it is."""
        return {
            m.origin: (
                self.heard_at(m.id, m.origin),
                self.logs.state(m.origin).known,
            )
            for m in self.ctx.roster.active()
        }

    def heard_at(self, member: str, origin: str) -> int:
        """Return when we last heard how long a member's log is, 0 if never.

        From itself, whose silence about it says that it is no longer; or
        from others, if that was news.
        """
        peer = self.peer_choice.states.get(member)
        asked = peer.last_ok if peer else 0
        return max(asked, self.logs.state(origin).heard_at)
