"""Pull the logs that have grown, each by one task.

One pull of each log is in flight, some logs at a time. A log that nobody
gives us is left alone for a while, longer each time.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import structlog

from syncd.errors import (
    NOTHING,
    ForkError,
    Message,
    StaleError,
    SyncdError,
    UnavailableError,
)
from syncd.flows import held, trial
from syncd.flows.decide import decide
from syncd.flows.merge import Budget, PullContext
from syncd.flows.ports import Offload, Source
from syncd.flows.pull import PullResult, pull
from syncd.grouped import cancelled
from syncd.indicator.statement import Anchor, Book, Evidence, RosterAccepted
from syncd.node.context import BUG, Context, part
from syncd.node.follow.followed import FollowedLogs, moved
from syncd.node.follow.log_state import LogState, Phase, Pin, Target
from syncd.node.follow.peer_choice import PeerChoice
from syncd.node.follow.peers import Peers
from syncd.node.follow.receipts import Receipts
from syncd.node.follow.roster_keeper import RosterKeeper
from syncd.peer.directory import DirectorySource
from syncd.tlog import checkpoint
from syncd.tlog.note import VerifierKey

log = structlog.get_logger("syncd.exchange")

NEWER = Message("the roster's format is newer than this syncd: upgrade it")
PULLS_AT_ONCE = 3
ROUND_S = 60.0  # a pull that takes longer goes on beside the next rounds
TURN_S = 300.0  # after which it makes room for others that wait
WRONG_S = 60.0  # what a source is charged with that gives wrong bytes


@part
class Pulls:
    """The pulls in flight, and those that are due."""

    ctx: Context
    logs: FollowedLogs
    receipts: Receipts
    rosters: RosterKeeper
    peer_choice: PeerChoice
    peers: Peers
    checks: Offload  # runs the checks of what comes
    round_s: float = ROUND_S
    turn_s: float = TURN_S

    def __post_init__(self) -> None:
        self.gate = asyncio.Semaphore(PULLS_AT_ONCE)
        self.in_flight: dict[str, asyncio.Task[None]] = {}
        self._pushed: dict[str, list[Source]] = {}  # by origin
        self.paused = False  # another daemon of ours pulls

    async def fetch(self) -> None:
        """Pull every log that has a target, a gap or a pin to obey."""
        await self._look_in()
        await self._look_for_gaps()
        now = time.monotonic()
        begun = [
            task
            for origin in sorted(self.ctx.roster.origins())
            if self.logs.state(origin).due(now, self.logs.pin(origin))
            and (task := self.begin(origin))
        ]
        if begun:
            await asyncio.wait(begun, timeout=self.round_s)
        await self.receipts.make_up(self.in_flight.__contains__)

    async def _look_in(self) -> None:
        """Take checkpoints as hints from what was laid into the home."""
        for origin in self.ctx.roster.origins():
            for source in self._inbox(origin):
                try:
                    (raw,) = await source.files(origin, ["checkpoint"])
                except SyncdError as e:
                    log.info("no checkpoint", source=source.name, why=str(e))
                else:
                    await self.logs.offer(source.name, raw)

    async def _look_for_gaps(self) -> None:
        """Make a target of a log that we mirror and have not merged."""
        sizes = await self.ctx.mirror.sizes()
        for origin, (mirrored, merged) in sizes.items():
            if merged == mirrored or self.logs.is_ours(origin):
                continue
            head = await self.ctx.mirror.head(origin)
            state = self.logs.state(origin)
            if head.merged < head.mirrored and not head.contested:
                signed = checkpoint.read(head.note)
                self._move(origin, state.lacking(Target(signed, head.note)))

    def begin(self, origin: str) -> asyncio.Task[None] | None:
        """Begin a pull nobody need wait for, unless one is in flight."""
        if origin in self.in_flight or self.paused:
            return None
        task = asyncio.create_task(self._alone(origin))
        self.in_flight[origin] = task
        return task

    async def take(self, origin: str, source: Source, raw: bytes) -> None:
        """Pull a log from what its author gave us, with a checkpoint."""
        if origin in self.in_flight:
            await asyncio.wait([self.in_flight[origin]])
        self._pushed[origin] = [source]
        try:
            await self.logs.offer(source.name, raw)
            if task := self.begin(origin):
                await asyncio.wait([task])
        finally:  # who pushes may hang up
            self._pushed.pop(origin, None)

    def roster_moved(self) -> None:
        """Act at once on what a new roster pins or ends."""
        self.logs.hurry()
        for origin in self.ctx.roster.origins():
            if self._to_obey(origin) is not None:
                self.begin(origin)

    def _to_obey(self, origin: str) -> Pin | None:
        """Return what the roster pins and our mirror does not obey yet."""
        pin = self.logs.pin(origin)
        return pin if pin != self.logs.state(origin).obeys else None

    async def idle(self) -> None:
        """Wait until no pull is in flight."""
        await asyncio.gather(*self.in_flight.values(), return_exceptions=True)

    async def stop(self) -> None:
        """Leave the pulls in flight: what is merged is kept."""
        left = {**self.in_flight}
        await cancelled(left.values())
        for origin, state in ((o, self.logs.state(o)) for o in left):
            if state.at is Phase.PULLING:  # we may pull again
                self._move(origin, state.goes_on(state.why))

    # ------------------------------------------------------------ one log

    async def _alone(self, origin: str) -> None:
        """Pull one log; what goes wrong with it stops no other."""
        try:
            async with self.gate:
                await self._bring(origin)
        except SyncdError as e:
            self._leave(origin, e.text)
        except Exception:
            # Ours to mend; until then it is this log's trouble alone.
            self._leave(origin, BUG)
            log.exception("pull failed", origin=origin)
        finally:
            del self.in_flight[origin]  # from here on another may begin

    async def _bring(self, origin: str) -> None:
        """Obey the roster, then pull up to the target, and the next one."""
        pin = self._to_obey(origin)
        if pin is not None and not await self._decide(origin, pin):
            return
        tried: Target | None = None
        while target := self.logs.state(origin).target:
            key = self.logs.key(origin)
            # A poke that came meanwhile found the log being pulled.
            if key is None or (tried and tried.head == target.head):
                return
            await self._reach(target, key)
            tried = target

    def _move(self, origin: str, state: LogState) -> None:
        self.logs.states[origin] = state

    def _leave(self, origin: str, why: Message) -> None:
        """Leave a log alone for a while, twice as long each time."""
        state = self.logs.state(origin)
        wait = self.peer_choice.pause(state.failures)
        self._move(origin, state.left(why, time.monotonic() + wait))
        log.warning(
            "log left alone",
            origin=origin,
            why=str(why),
            retry_in_s=round(wait),
        )

    async def _decide(self, origin: str, pin: Pin) -> bool:
        """Hold the branch that the roster pins; tell if we do."""
        mirror, state = self.ctx.mirror, self.logs.state
        cut, ended = pin
        was = await mirror.head(origin)
        self._move(origin, state(origin).begun())
        try:
            async with asyncio.timeout(self.turn_s):
                why = await decide(
                    origin,
                    cut,
                    await self._context(origin),
                    ended=ended,
                    signed=await self.receipts.signed(origin),
                )
        except StaleError:  # the next round sees what won
            self._move(origin, state(origin).goes_on(state(origin).why))
            return False
        except (UnavailableError, TimeoutError) as e:
            why = e.text if isinstance(e, SyncdError) else self._slow
        now = await mirror.head(origin)
        if why:
            self._leave(origin, why)
        else:
            self._move(origin, state(origin).obeyed(pin))
        if now != was:
            log.info(
                "cut", origin=origin, size=cut.size, mirrored=now.mirrored
            )
            await self.logs.grown(origin)
        return not why

    async def _reach(self, target: Target, key: VerifierKey) -> None:
        """Pull one log up to a target, as far as that can be."""
        origin, state = target.head.origin, self.logs.state
        mirror = self.ctx.mirror
        was = await mirror.head(origin)
        self._move(origin, state(origin).begun())
        self.logs.note(origin, began=(self.ctx.now(), was.merged))
        try:
            async with asyncio.timeout(self.turn_s):
                context = await self._context(origin, target.holders)
                done = await pull(target.note, key, context)
        except ForkError as e:
            await self.logs.forked(origin, [target.note], e.text)
        except StaleError:  # the next round sees what won
            self._move(origin, state(origin).goes_on(state(origin).why))
        except (UnavailableError, TimeoutError) as e:
            why = e.text if isinstance(e, SyncdError) else self._slow
            if moved(was, await mirror.head(origin)):
                self._move(origin, state(origin).goes_on(why))
                log.info("pull goes on", origin=origin, why=str(why))
                await self.logs.grown(origin)  # part of it has come
            else:
                self._leave(origin, why)
        else:
            has_moved = moved(was, await mirror.head(origin))
            await self._reached(target, done, has_moved=has_moved)
            await self._check_smaller(origin, key)  # all that came till then
            if await self.receipts.cosign(origin, key) or has_moved:
                await self.logs.grown(origin)

    async def _reached(
        self, target: Target, done: PullResult, *, has_moved: bool
    ) -> None:
        """Note what a pull came to that met no trouble."""
        origin, why = done.origin, _why(done)
        if done.limited and self.ctx.roster.stops_merging:
            why = NEWER
        elif done.limited:
            over = Message("above its entries of a day")
            await self.ctx.found("limit", origin, over)
        state = self.logs.state(origin)
        self._move(origin, state.reached(target))
        source, now = done.source or state.source, self.ctx.now()
        self.logs.note(origin, last_pull=now, source=source)
        if has_moved or done.merged == done.after:
            self._move(origin, self.logs.state(origin).goes_on(why))
        else:  # nobody gives what is withheld, or it is enough for today
            self._leave(origin, why)
        if done.after > done.before:
            log.info(
                "pulled",
                origin=origin,
                before=done.before,
                after=done.after,
                merged=done.merged,
                source=done.source,
            )

    async def _check_smaller(self, origin: str, key: VerifierKey) -> None:
        """Hold signed checkpoints that we passed against what we have."""
        mirror = self.ctx.mirror
        while smaller := self.logs.state(origin).smaller:  # more may come
            raw, *rest = smaller
            self.logs.note(origin, smaller=tuple(rest))
            head, _ = checkpoint.open_(raw, key)
            mine = await mirror.head(origin)
            if head.size > mine.mirrored or mine.contested:
                continue
            try:
                await held.copy(mirror, mine).check(head)
            except ForkError as e:
                await self.logs.forked(origin, [raw], e.text)

    # ------------------------------------------------------- what it needs

    async def _context(
        self, origin: str, holders: Sequence[str] = ()
    ) -> PullContext:
        """Return what a pull of a log works with just now."""
        return PullContext(
            sources=self.sources(origin, holders),
            mirror=self.ctx.mirror,
            offload=self.checks,
            report=self.ctx.report,
            budget=await self._budget(origin),
            blame=self._blame,
            told=partial(self.told, origin),
            excuse=bool(self.ctx.roster.retired),
        )

    async def told(self, origin: str, said: Sequence[Book]) -> None:
        """Look into what a log says of rosters, and of the others' logs.

        An anchor is its author's word that it merged what its log signed: of
        each log the newest says it all. Not of one of which the roster chose
        a branch: who believed the other one is not to contest it again.
        """
        rosters = (s for s in said if isinstance(s, RosterAccepted))
        await self.rosters.member_accepted(origin, rosters)
        logs = {
            a.origin: a for s in said if isinstance(s, Anchor) for a in s.logs
        }
        member = self.ctx.roster.owner(origin)
        for name, anchored in logs.items():
            if self.logs.pin(name) is None:
                await self.logs.offer(member, anchored.note)
        for one in said:
            if isinstance(one, Evidence):
                await self._try(member, one)

    async def _try(self, accuser: str, said: Evidence) -> None:
        """Judge an accusation, and act on what it proves.

        Not where the roster has decided: whoever has an old key, it stays so.
        """
        try:
            why = trial.judge(said, self.ctx.roster)
        except SyncdError as e:
            await self.ctx.found("false_evidence", accuser, e.text)
            return
        await self.ctx.own.events.now(f"evidence/{said.origin}", accuser, "")
        await self.ctx.found("evidence", said.origin, why)
        forked = (await self.ctx.mirror.head(said.origin)).contested
        settled = why.params["code"] in ("cut", "ended")
        if not (forked or settled or self.logs.is_ours(said.origin)):
            notes = [raw.encode() for raw in said.notes]
            await self.logs.forked(said.origin, notes, why)

    async def _budget(self, origin: str) -> Budget:
        """Return what may still be merged of a log today (UTC).

        Nothing by a format that we do not know; mirroring goes on.
        """
        if self.ctx.roster.stops_merging:
            return Budget(0, 0)
        limits = self.ctx.roster.limits
        entries, octets = await self.ctx.mirror.merged_today(origin)
        return Budget(limits.entries - entries, limits.bytes - octets)

    @property
    def _slow(self) -> Message:
        return Message("not done in {s} s: others wait", s=round(self.turn_s))

    def sources(
        self, origin: str, holders: Sequence[str] = ()
    ) -> list[Source]:
        """Order whom to ask: who announced it, the owner, then the rest."""
        owner = self.ctx.roster.owner(origin)
        others = self.ctx.others
        first = [m for m in (*holders, owner) if m in others]
        asked = self.peer_choice.order(first, others, time.monotonic())
        return [*self._inbox(origin), *map(self.peers.get, asked)]

    def _inbox(self, origin: str) -> list[Source]:
        """Return what lies in the home of a log, or came, as sources of it."""
        path = self.ctx.home.inbox(origin)
        laid = [DirectorySource(path)] if path.is_dir() else []
        return [*self._pushed.get(origin, ()), *laid]

    def _blame(self, source: str) -> None:
        """Remember that a source gave wrong bytes; a directory is no peer."""
        if self.ctx.roster.member(source) is not None:
            self.peer_choice.charge(source, WRONG_S, time.monotonic())


def _why(done: PullResult) -> Message:
    """Return why a merge is behind, "" if it is not."""
    if done.limited:
        return Message("above the day's limit: merging goes on tomorrow")
    if done.missing:
        return Message("{n} payloads withheld", n=len(done.missing))
    return NOTHING
