"""Exchange: rounds of questions, pulls, pokes and receipts.

A round asks k random members, and whoever poked, for their heads, and tells
k others if our own log has grown. Each head that is verified and larger than
what we hold becomes a target; targets are pulled from whoever has them, one
pull in flight per origin. A member that fails is left alone for a while,
longer each time, and so is a log that nobody gives us. `asking` draws them.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from syncd.errors import (
    ForkError,
    MalformedError,
    RefusedError,
    StaleError,
    SyncdError,
    UnavailableError,
    UntrustedError,
)
from syncd.flows import cosign, held
from syncd.flows.cosign import CosignBook
from syncd.flows.decide import decide
from syncd.flows.ports import (
    Finding,
    FollowMirror,
    Heads,
    MirrorHead,
    Offload,
    Peer,
    Source,
)
from syncd.flows.pull import Pulled, pull
from syncd.flows.pull_context import Budget, PullContext
from syncd.node.follow.asking import Asking, PeerState
from syncd.node.follow.clocks import Clocks
from syncd.node.follow.watched import Watched
from syncd.roster.roster import Cut, Roster
from syncd.tlog import checkpoint, note
from syncd.tlog.note import SigningKey, VerifierKey

log = structlog.get_logger("syncd.exchange")

NEWER = "the roster's format is newer than this syncd: upgrade it"
BUG = "an error of our own: see the log"
PULLS_AT_ONCE = 3
POKES_AT_ONCE = 16
ROUND_S = 60.0  # a pull that takes longer goes on beside the next rounds
TURN_S = 300.0  # after which it makes room for others that wait
WRONG_S = 60.0  # what a source is charged with that gives wrong bytes
# Entries that one pull may be asked to bring. To plan a pull costs time and
# memory before a byte has come, and to sign a number costs nothing.
MOST_GROWTH = 1 << 26
MOST_SMALLER = 16  # signed checkpoints held against one pull's outcome
Pin = tuple[Cut, bool]  # and whether the log ends there
RECEIPTS_SERVED = 14  # cosignatures on a served checkpoint: C2SP asks for 16


@dataclass(slots=True)
class Target:
    """A signed checkpoint that is ahead of our mirror, and who said so."""

    size: int
    note: bytes
    holders: list[str] = field(default_factory=list)  # member ids
    # Signed ones between our mirror and this one, by size: once we are
    # there, each must be a part of what we hold.
    smaller: dict[int, bytes] = field(default_factory=dict)

    def beside(self, size: int, raw: bytes) -> None:
        """Remember a smaller signed checkpoint, some of them."""
        if len(self.smaller) < MOST_SMALLER:
            self.smaller.setdefault(size, raw)


@dataclass(slots=True)
class LogState:
    """How one origin is doing; told in `status`."""

    known: int = 0  # largest signed size that we heard of
    heard_at: int = 0  # unix seconds, when we first heard of that
    last_pull: int = 0  # unix seconds, of the last one that ended well
    source: str = ""
    why: str = ""
    failures: int = 0  # pulls in a row that brought nothing
    retry_at: float = 0.0  # steady seconds


class Exchange:
    """Follows every other member's log."""

    def __init__(
        self,
        *,
        me: str,
        origin: str,
        roster: Callable[[], Roster],
        peers: Callable[[str], Peer],
        extra: Callable[[str], Sequence[Source]],
        mirror: FollowMirror,
        book: CosignBook,
        keys: Mapping[str, SigningKey],
        keep_receipt: Callable[[str, int, bytes], Awaitable[None]],
        released: Callable[[], bytes],
        follow: Callable[[int, str, str], Awaitable[None]],
        report: Callable[[Finding], Awaitable[None]],
        grown: Callable[[str], Awaitable[None]],
        clock: Callable[[], float],
        healthy: Callable[[], None],
        offload: Offload,
        fanout: int,
        interval_s: float,
        backoff_max_s: float,
        poke: bool = True,
        round_s: float = ROUND_S,
        turn_s: float = TURN_S,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the parts; nothing runs yet.

        Args:
            me: our member id.
            origin: the log that we write.
            roster: the newest roster that we accepted.
            peers: the client of a member's door.
            extra: further sources of an origin, such as directories.
            mirror: our copies.
            book: what our cosigner keys signed.
            keys: our `seen` and `merged` keys by role.
            keep_receipt: store a member's (key name, size, note) on our log.
            released: our own checkpoint as we serve it.
            follow: a member claims (version, hash) of a newer roster.
            report: keep a finding.
            grown: called with an origin after its mirror or merge moved.
            clock: unix seconds.
            healthy: raises RefusedError while we must not cosign.
            offload: runs pure work elsewhere.
            fanout: members asked in a round.
            interval_s: what a first pause is.
            backoff_max_s: what it grows to.
            poke: whether we tell others that our log has grown.
            round_s: for so long a round waits for its pulls.
            turn_s: for so long a pull may keep others waiting.
            steady: seconds that nobody sets, for pauses.
        """
        self._me = me
        self._origin = origin
        self._roster = roster
        self._peers = peers
        self._extra = extra
        self._mirror = mirror
        self._book = book
        self._keys = keys
        self._keep_receipt = keep_receipt
        self._released = released
        self._follow = follow
        self._report = report
        self._grown = grown
        self._clock = clock
        self._healthy = healthy
        self._offload = offload
        self._fanout = fanout
        self._poke_some = poke
        self._round_s = round_s
        self._turn_s = turn_s
        self._steady = steady
        self._clocks = Clocks(clock, steady)
        self.heard = asyncio.Event()  # another member's clock, or we are alone
        self._rng = secrets.SystemRandom()
        self._asking = Asking(
            fanout=fanout,
            interval_s=interval_s,
            backoff_max_s=backoff_max_s,
            rng=self._rng,
        )
        self._told = released()  # what others were last told of
        self._locks: dict[str, asyncio.Lock] = {}
        self._gate = asyncio.Semaphore(PULLS_AT_ONCE)
        self._poking: set[str] = set()  # whom we are poking
        self._news: dict[str, bytes] = {}  # what they are still to hear
        self._poke_gate = asyncio.Semaphore(POKES_AT_ONCE)
        self._down_gate = asyncio.Semaphore(POKES_AT_ONCE)
        # Logs whose receipt may be due: at a start all of them, since the
        # last process may have ended between a merge and its receipt.
        self._owed: set[str] = set(roster().origins())
        self._pulling: set[asyncio.Task[None]] = set()
        self._decided: dict[str, Pin] = {}  # what our mirrors obey
        self.log_states: dict[str, LogState] = {}
        self.targets: dict[str, Target] = {}

    # ------------------------------------------------------------- rounds

    @property
    def peer_states(self) -> dict[str, PeerState]:
        """How each member is doing as a peer."""
        return self._asking.states

    def _others(self) -> list[str]:
        return [m.id for m in self._roster().active() if m.id != self._me]

    async def round(self) -> None:
        """Ask some members what is new, tell some, then fetch what is."""
        await asyncio.gather(self.ask(), self.tell())
        await self.fetch()

    async def ask(self) -> None:
        """Ask some members what is new, and what time it is."""
        asked = self._asking.choose(self._others(), self._steady())
        await asyncio.gather(*(self._ask_alone(member) for member in asked))
        if self.skew_s() is not None:
            self.heard.set()

    async def tell(self) -> None:
        """Tell some members if our log has grown since others were told.

        Else it might be rounds until the first happens to ask us.
        """
        raw = self._released()
        if raw == self._told or not self._poke_some:
            return
        self._told = raw
        await self._poke_these(self._asking.draw(self._others()), raw)

    async def fetch(self) -> None:
        """Pull every origin that has a target or a gap to fill."""
        await self._look_in()
        for origin in self._roster().origins():
            if origin in self.targets or self._ours(origin):
                continue
            head = await self._mirror.head(origin)
            gap = head.merged < head.mirrored and bool(head.note)
            if gap and not head.contested:
                self.targets[origin] = Target(head.mirrored, head.note)
        now = self._steady()
        due = {
            o
            for o in self._roster().origins()
            if self.log_state(o).retry_at <= now
            and (o in self.targets or self._undecided(o))
        }
        pulls = [self._begin(origin) for origin in sorted(due)]
        if pulls:
            await asyncio.wait(pulls, timeout=self._round_s)
        await self._cosign_owed()

    async def _look_in(self) -> None:
        """Take checkpoints as hints from what was laid into the home."""
        for origin in self._roster().origins():
            for source in self._extra(origin):
                try:
                    raw = await source.checkpoint(origin)
                except SyncdError as e:
                    log.info("no checkpoint", source=source.name, why=str(e))
                else:
                    await self.offer(source.name, raw)

    def _begin(self, origin: str) -> asyncio.Task[None]:
        """Begin a pull; nobody need wait for it."""
        task = asyncio.create_task(self._pull_alone(origin))
        self._pulling.add(task)
        task.add_done_callback(self._pulling.discard)
        return task

    async def _pull_alone(self, origin: str) -> None:
        """Pull one origin; what goes wrong with it stops no other."""
        try:
            await self.pull(origin)
        except SyncdError as e:
            self._leave(origin, str(e))
        except Exception:
            # Ours to mend; until then it is this log's trouble alone.
            self._leave(origin, BUG)
            log.exception("pull failed", origin=origin)

    def _leave(self, origin: str, why: str) -> None:
        """Leave a log alone for a while, twice as long each time."""
        state = self.log_state(origin)
        wait = self._asking.pause(state.failures)
        state.failures += 1
        state.why, state.retry_at = why, self._steady() + wait
        log.warning(
            "log left alone", origin=origin, why=why, retry_in_s=round(wait)
        )

    async def _ask_alone(self, member: str) -> None:
        """Ask one member; what goes wrong with it stops no other."""
        try:
            await self._ask(member)
        except SyncdError as e:
            self.failed(member, str(e))
        except Exception:
            self.failed(member, BUG)
            log.exception("heads failed", peer=member)

    def log_state(self, origin: str) -> LogState:
        """Return how an origin is doing."""
        return self.log_states.setdefault(origin, LogState())

    def heard_at(self, member: str, origin: str) -> int:
        """Return when we last heard how long a member's log is, 0 if never.

        From itself, whose silence about it says that it is no longer; or
        from others, if that was news.
        """
        peer = self.peer_states.get(member)
        asked = peer.last_ok if peer else 0
        return max(asked, self.log_state(origin).heard_at)

    def _ours(self, origin: str) -> bool:
        """Tell whether we write that log, or nobody does.

        An earlier one of ours is like anybody's: what we lack of it, others
        have.
        """
        return (
            origin == self._origin or self._roster().by_origin(origin) is None
        )

    async def _ask(self, member: str) -> None:
        state = self._asking.state(member)
        asked = self._steady()
        heads = await self._peers(member).heads(state.cursor)
        self._asking.answered(member, int(self._clock()))
        if heads.time:
            self._clocks.hear(member, heads.time, asked)
        await self._take(member, heads)
        # What it says of logs that only a newer roster has, it shall repeat.
        if heads.roster_version <= self._roster().version:
            state.cursor = heads.cursor

    def failed(self, member: str, why: str) -> None:
        """Leave a member alone for a while, twice as long each time."""
        wait = self._asking.failed(member, why, self._steady())
        log.warning(
            "peer failed", peer=member, why=why, retry_in_s=round(wait)
        )

    def skew_s(self) -> int | None:
        """Return how far the others' clocks are ahead of ours.

        None while none was heard since the start. With no others there is
        nothing that ours could differ from.
        """
        others = self._others()
        return self._clocks.skew_s(others) if others else 0

    # -------------------------------------------------------------- heads

    async def _take(self, member: str, heads: Heads) -> None:
        await self._claims(member, heads.roster_version, heads.roster_hash)
        # Nobody has more to say than this; what is wrong is said once.
        logs = len(self._roster().origins())
        for raw in heads.notes[:logs]:
            try:
                await self._offer(member, raw)
            except (MalformedError, UntrustedError) as e:
                await self._bad_hint(member, e)
                break
        for raw in heads.receipts[:logs]:
            await self.take_receipt(member, raw)

    async def _claims(self, member: str, version: int, hash_: str) -> None:
        """Look into a roster that a member says it accepted.

        Whether that is news, or contradicts what we trust, is seen there.
        """
        try:
            await self._follow(version, hash_, member)
        except SyncdError as e:
            await self._report(Finding("roster", member, None, str(e)))

    async def _accepted(
        self, origin: str, said: Sequence[tuple[int, int, str]]
    ) -> None:
        """Look into rosters that a log says its member accepted.

        The newest first: it brings those before it. What a member that has
        left says is no claim of a member.
        """
        found = self._roster().by_origin(origin)
        if found is None or not found[0].active:
            return
        claims = {(version, hash_) for _, version, hash_ in said}
        for version, hash_ in sorted(claims, reverse=True):
            await self._claims(found[0].id, version, hash_)

    async def offer(self, member: str, raw: bytes) -> bool:
        """Take a signed checkpoint as a hint; tell whether it is news.

        Whoever offers something that its origin did not sign is reported:
        the hint costs nothing else.
        """
        try:
            return await self._offer(member, raw)
        except (MalformedError, UntrustedError) as e:
            await self._bad_hint(member, e)
            return False

    async def _bad_hint(self, member: str, why: Exception) -> None:
        await self._report(
            Finding("bad_checkpoint", member, None, f"heads: {why}")
        )

    async def _offer(self, member: str, raw: bytes) -> bool:
        origin = note.parse(raw).text.split("\n", 1)[0]
        key = self.log_key(origin)
        if key is None or self._ours(origin):
            return False
        head, signed = checkpoint.open_(raw, key)
        signed = cosign.bare(signed, key)  # other lines are not verified
        mine = await self._mirror.head(origin)
        if mine.contested or self._ruled_out(head):
            return False
        if signed.text in await self.rejected(origin):
            return False
        state = self.log_state(origin)
        if head.size > max(state.known, mine.mirrored):
            state.heard_at = int(self._clock())
        state.known = max(state.known, head.size)
        if head.size - mine.mirrored > MOST_GROWTH:
            why = f"size {head.size} signed, we hold {mine.mirrored}"
            state.why = why
            await self._report(Finding("too_large", origin, None, why))
            return False
        if head.size <= mine.mirrored and mine.merged == mine.mirrored:
            return await self._contradicts(head, signed, mine.mirrored)
        target = self.targets.get(origin)
        if target is None or head.size > target.size:
            fresh = Target(head.size, bytes(signed), [member])
            if target is not None:
                fresh.smaller = target.smaller
                fresh.beside(target.size, target.note)
            self.targets[origin] = fresh
            state.retry_at = 0.0
            return True
        if head.size < target.size:
            target.beside(head.size, bytes(signed))
        elif note.parse(target.note).text != signed.text:
            why = f"log: {origin} signed two roots at size {head.size}"
            await self._forked(origin, [target.note, bytes(signed)], why)
        elif member not in target.holders:
            target.holders.append(member)
            state.retry_at = 0.0  # one more to ask
        return False

    async def _contradicts(
        self, head: checkpoint.Checkpoint, signed: note.Note, mirrored: int
    ) -> bool:
        """Let a pull look at a checkpoint that we never saw at that size."""
        notes = await self._mirror.notes(head.origin)
        known = notes.get(head.size)
        if known is not None and note.parse(known).text == signed.text:
            return False
        self.targets.setdefault(head.origin, Target(head.size, bytes(signed)))
        return head.size > mirrored

    async def take_receipt(self, member: str, raw: bytes) -> None:
        """Keep a member's `merged` line on our own log."""
        found = self._roster().member(member)
        if found is None:
            return
        key = found.keys.merged
        try:
            parsed = note.parse(raw)
            head = checkpoint.parse(parsed.text)
            ours = self.log_key(head.origin)
            if ours is None or not self._ours(head.origin):
                return
            lines = note.verify(parsed, [ours, key])
            if len(lines) < 2:
                raise UntrustedError("not signed by our log and the member")
            # We are to serve it: other lines are nobody's word.
            only = note.Note(parsed.text, tuple(s for _, s in lines))
            await self._keep_receipt(key.name, head.size, bytes(only))
        except (MalformedError, UntrustedError) as e:
            await self._report(
                Finding("bad_receipt", member, None, f"receipt: {e}")
            )

    def _pin(self, origin: str) -> Pin | None:
        """Return the last point through which the roster has a log go."""
        found = self._roster().by_origin(origin)
        if found is None or self._ours(origin):
            return None
        member, log_ = found
        pins = member.pins(log_)
        return (pins[-1], member.end(log_) is not None) if pins else None

    def _ruled_out(self, head: checkpoint.Checkpoint) -> bool:
        """Tell whether the roster counts for nothing what a log signed."""
        known = self._pin(head.origin)
        if known is None:
            return False
        pin, ended = known
        if head.size == pin.size:
            return head.root != pin.root
        return head.size < pin.size or ended

    def ended_at(self, head: MirrorHead) -> int:
        """Return the size up to which a log is proven by its end, or 0."""
        pin, ended = self._decided.get(head.origin, (None, False))
        return pin.size if ended and pin is not None else 0

    async def rejected(self, origin: str) -> set[str]:
        """Return the texts that a log signed on a branch of no account."""
        kept = await self._mirror.rejected(origin)
        return {note.parse(raw).text for raw in kept}

    def log_key(self, origin: str) -> VerifierKey | None:
        """Return the key by which an origin of the roster signs."""
        found = self._roster().by_origin(origin)
        return found[1].log if found else None

    # -------------------------------------------------------------- pulls

    async def poke(self, member: str, raw: bytes) -> None:
        """Take a member's poke; pull at once if it is news."""
        found = self._roster().member(member)
        origin = note.parse(raw).text.split("\n", 1)[0]
        if found is None or origin not in {
            g.origin for g in found.generations
        }:
            raise RefusedError("poke: that is not the caller's own log")
        try:
            news = await self._offer(member, raw)
        except (MalformedError, UntrustedError) as e:
            await self._bad_hint(member, e)
            return
        self._asking.poked(member, news=news)
        if news:
            # The caller need not wait for it, nor could it make us hurry.
            self._begin(origin)

    async def idle(self) -> None:
        """Wait until no pull is in flight."""
        await asyncio.gather(*self._pulling, return_exceptions=True)

    async def stop(self) -> None:
        """Leave the pulls in flight: what is merged is kept."""
        pulling = list(self._pulling)
        for task in pulling:
            task.cancel()
        await asyncio.gather(*pulling, return_exceptions=True)

    async def _budget(self, origin: str) -> Budget:
        """Return what may still be merged of an origin today (UTC).

        Nothing by a format that we do not know; mirroring goes on.
        """
        if self._roster().stops_merging:
            return Budget(0, 0)
        limits = self._roster().limits
        entries, octets = await self._mirror.merged_today(origin)
        return Budget(limits.entries - entries, limits.bytes - octets)

    async def pull(self, origin: str) -> Pulled | None:
        """Pull one origin up to its target, unless a pull is in flight."""
        lock = self._locks.setdefault(origin, asyncio.Lock())
        if lock.locked():
            return None
        async with lock, self._gate:
            if not await self._decide(origin):
                return None
            target, done = self.targets.get(origin), None
            while target is not None:
                key = self.log_key(origin)
                if key is None:
                    return done
                done = await self._pull(origin, target, key)
                # A poke that came meanwhile found the log being pulled.
                newer = self.targets.get(origin)
                target = None if newer is target else newer
            return done

    def roster_moved(self) -> None:
        """Act at once on what a new roster pins or ends."""
        for origin in self._roster().origins():
            self.log_state(origin).retry_at = 0.0  # others may be asked now
            if self._undecided(origin):
                self._begin(origin)

    def _undecided(self, origin: str) -> bool:
        """Tell whether the roster pins what our mirror does not obey yet."""
        return self._pin(origin) != self._decided.get(origin)

    async def _decide(self, origin: str) -> bool:
        """Hold the branch that the roster pins; tell if we do."""
        known = self._pin(origin)
        if known is None or not self._undecided(origin):
            return True
        pin, ended = known
        state = self.log_state(origin)
        was = await self._mirror.head(origin)
        signed = [await self._book.cosigned(r, origin) for r in self._keys]
        try:
            async with asyncio.timeout(self._turn_s):
                why = await decide(
                    origin,
                    pin,
                    await self._context(origin, Target(pin.size, b"")),
                    ended=ended,
                    signed=[s.note for s in signed if s is not None],
                )
        except StaleError:
            return False  # the next round sees what won
        except (UnavailableError, TimeoutError) as e:
            why = str(e) or self._slow
        now = await self._mirror.head(origin)
        if not why:
            state.failures, state.retry_at, state.why = 0, 0.0, ""
            self._decided[origin] = known
            target = self.targets.get(origin)
            # Or it was offered before its log was ended below it.
            if target is not None and (ended or target.size <= pin.size):
                self.targets.pop(origin)
        else:
            self._leave(origin, why)
        if now != was:
            log.info(
                "cut", origin=origin, size=pin.size, mirrored=now.mirrored
            )
            await self._grown(origin)
        return not why

    async def _pull(
        self, origin: str, target: Target, key: VerifierKey
    ) -> Pulled | None:
        state = self.log_state(origin)
        was = await self._mirror.head(origin)
        try:
            async with asyncio.timeout(self._turn_s):
                context = await self._context(origin, target)
                done = await pull(target.note, key, context)
            await self._check_smaller(target, key)
        except ForkError as e:
            await self._forked(origin, [target.note], str(e))
            return None
        except StaleError:
            return None  # the next round sees what won
        except (UnavailableError, TimeoutError) as e:
            why = str(e) or self._slow
            if await self._moved(was):
                state.failures, state.retry_at, state.why = 0, 0.0, why
                log.info("pull goes on", origin=origin, why=why)
                await self._grown(origin)  # part of it has come
            else:
                self._leave(origin, why)
            return None
        current = self.targets.get(origin)
        if current is target:
            self.targets.pop(origin, None)
        state.last_pull = int(self._clock())
        state.source = done.source or state.source
        newer = self._roster().stops_merging
        state.why = NEWER if newer and done.limited else _why(done)
        if done.limited and not newer:
            await self._report(
                Finding("limit", origin, None, "above its entries of a day")
            )
        signed = await self._cosign(origin, key)
        moved = await self._moved(was)
        if signed or moved:
            await self._grown(origin)
        if moved or done.merged == done.after:
            state.failures, state.retry_at = 0, 0.0
        else:  # nobody gives what is withheld, or it is enough for today
            self._leave(origin, state.why)
        if done.after > done.before:
            log.info(
                "pulled",
                origin=origin,
                before=done.before,
                after=done.after,
                merged=done.merged,
                source=done.source,
            )
        return done

    @property
    def _slow(self) -> str:
        return f"not done in {self._turn_s:.0f} s: others wait"

    async def _moved(self, was: MirrorHead) -> bool:
        """Tell whether a mirror has moved since it was so."""
        now = await self._mirror.head(was.origin)
        return (now.mirrored, now.merged) != (was.mirrored, was.merged)

    async def _context(self, origin: str, target: Target) -> PullContext:
        """Return what a pull of a log works with just now."""
        return PullContext(
            sources=self._sources(origin, target),
            mirror=self._mirror,
            offload=self._offload,
            report=self._report,
            budget=await self._budget(origin),
            blame=self._blame,
            accepted=partial(self._accepted, origin),
            excuse=bool(self._roster().retired),
        )

    def _sources(self, origin: str, target: Target) -> list[Source]:
        """Order whom to ask: who announced it, the owner, then the rest."""
        found = self._roster().by_origin(origin)
        owner = found[0].id if found else ""
        others = self._others()
        first = [m for m in (*target.holders, owner) if m in others]
        asked = self._asking.order(first, others, self._steady())
        return [
            *self._extra(origin),
            *(
                Watched(self._peers(m), partial(self._charge, m), self._steady)
                for m in asked
            ),
        ]

    def _charge(self, member: str, seconds: float) -> None:
        """Remember that a source cost us time."""
        self._asking.charge(member, seconds, self._steady())

    def _blame(self, source: str) -> None:
        """Remember that a source gave wrong bytes; a directory is no peer."""
        if self._roster().member(source) is not None:
            self._charge(source, WRONG_S)

    async def _check_smaller(self, target: Target, key: VerifierKey) -> None:
        """Hold signed checkpoints that we passed against what we have."""
        while target.smaller:  # more may come while we look
            _, raw = target.smaller.popitem()
            head, _ = checkpoint.open_(raw, key)
            mine = await self._mirror.head(head.origin)
            if head.size <= mine.mirrored and not mine.contested:
                root = await held.copy(self._mirror, mine).root_at(head.size)
                if root != head.root:
                    why = (
                        f"log: {head.origin} signed another root at size"
                        f" {head.size}"
                    )
                    await self._forked(head.origin, [raw], why)

    async def _forked(
        self, origin: str, signed: Sequence[bytes], why: str
    ) -> None:
        """Freeze an origin, with all signed notes that may tell why."""
        mine = await self._mirror.head(origin)
        kept = await self._mirror.notes(origin)
        notes = dict.fromkeys([mine.note, *kept.values(), *signed])
        notes.pop(b"", None)
        log.critical("FORK", origin=origin, why=why)
        await self._mirror.contest(
            origin, [*notes], Finding("fork", origin, None, why)
        )
        self.targets.pop(origin, None)
        self._decided.pop(origin, None)
        self.log_state(origin).why = why
        await self._grown(origin)

    async def _cosign(self, origin: str, key: VerifierKey) -> bool:
        """Say what we saw and merged, if our clock is sound; tell if so."""
        self._owed.add(origin)
        try:
            self._healthy()
        except RefusedError:
            return False  # the round says so, once for all logs
        now = int(self._clock())
        self._owed.discard(origin)
        head = await self._mirror.head(origin)
        if head.contested:
            return False
        seen = merged = None
        rejected = await self.rejected(origin)
        try:
            if head.note:
                seen = await cosign.sign(
                    "seen",
                    head.note,
                    log_key=key,
                    key=self._keys["seen"],
                    book=self._book,
                    now=now,
                    root_of=held.copy(self._mirror, head).root_at,
                    rejected=rejected,
                )
            merged = await cosign.receipt(
                origin,
                mirror=self._mirror,
                log_key=key,
                key=self._keys["merged"],
                book=self._book,
                now=now,
                rejected=rejected,
            )
        except StaleError:
            self._owed.add(origin)  # the witness door signed meanwhile
        except ForkError as e:
            signed = [await self._book.cosigned(r, origin) for r in self._keys]
            notes = [s.note for s in signed if s is not None]
            await self._forked(origin, notes, str(e))
        except SyncdError:
            self._owed.add(origin)  # the disk is full, perhaps
            raise
        return bool(seen or merged)

    async def _cosign_owed(self) -> None:
        """Sign what could not be signed when it was merged."""
        if not self._owed:
            return
        try:
            self._healthy()
        except RefusedError as e:
            log.warning("not cosigning", logs=len(self._owed), why=str(e))
            return
        for origin in sorted(self._owed):
            key = self.log_key(origin)
            if key is None or self._ours(origin):
                self._owed.discard(origin)
                continue
            lock = self._locks.setdefault(origin, asyncio.Lock())
            try:
                if not lock.locked() and await self._cosign(origin, key):
                    await self._grown(origin)
            except SyncdError as e:
                self.log_state(origin).why = str(e)
                log.warning("not cosigning", origin=origin, why=str(e))
            except Exception:
                self.log_state(origin).why = BUG
                log.exception("not cosigning", origin=origin)

    async def poke_all(self, raw: bytes) -> int:
        """Tell all members that our log has grown; return how many heard."""
        self._told = raw
        return await self._poke_these(self._others(), raw)

    async def _poke_these(self, members: Sequence[str], raw: bytes) -> int:
        """Poke some; return how many heard.

        A member that is being told already is told of this one next.
        """
        self._news.update(dict.fromkeys(members, raw))
        idle = [m for m in members if m not in self._poking]
        self._poking.update(idle)
        return sum(await asyncio.gather(*map(self._poke, idle)))

    async def _poke(self, member: str) -> bool:
        """Tell one member the newest, and what became newest meanwhile."""
        # Who did not answer lately does not keep the others waiting.
        down = self._asking.state(member).failures > 0
        try:
            async with self._down_gate if down else self._poke_gate:
                while raw := self._news.pop(member, b""):
                    await self._peers(member).poke(raw)
        except SyncdError as e:
            log.info("poke failed", peer=member, why=str(e))
            return False
        finally:
            self._poking.discard(member)
        return True


def _why(done: Pulled) -> str:
    """Return why a merge is behind, "" if it is not."""
    if done.limited:
        return "above the day's limit: merging goes on tomorrow"
    return f"{len(done.missing)} payloads withheld" if done.missing else ""


def with_receipts(
    raw: bytes, log_key: VerifierKey, receipts: Iterable[bytes]
) -> bytes:
    """Return a log's checkpoint with others' cosignatures of the same text.

    Lines that are already verified; at most 14 of them.
    """
    own = note.parse(raw)
    lines = list(own.signatures)
    for receipt in receipts:
        parsed = note.parse(receipt)
        if parsed.text == own.text:
            lines.extend(
                s for s in parsed.signatures if s.name != log_key.name
            )
    del lines[1 + RECEIPTS_SERVED :]
    return bytes(note.Note(own.text, tuple(lines)))
