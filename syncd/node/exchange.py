"""Exchange: rounds of questions, pulls, pokes and receipts.

A round asks k random members, and whoever poked, for their heads. Each head
that is verified and larger than what we hold becomes a target; targets are
pulled from whoever has them, one pull in flight per origin. A member that
fails is left alone for a while, longer each time.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
from syncd.flows import cosign
from syncd.flows.cosign import CosignBook
from syncd.flows.decide import decide
from syncd.flows.ports import (
    Finding,
    Heads,
    Mirror,
    MirrorHead,
    Peer,
    Source,
)
from syncd.flows.pull import Budget, Pulled, pull, root_at
from syncd.flows.tokenise import Offload
from syncd.node.clocks import Clocks
from syncd.roster.roster import Cut, Roster
from syncd.tlog import checkpoint, note
from syncd.tlog.note import SigningKey, VerifierKey

log = structlog.get_logger("syncd.exchange")

BUG = "an error of our own: see the log"
PULLS_AT_ONCE = 3
POKES_AT_ONCE = 16
ROUND_S = 60.0  # a pull that takes longer goes on beside the next rounds
# Entries that one pull may be asked to bring. To plan a pull costs time and
# memory before a byte has come, and to sign a number costs nothing.
MOST_GROWTH = 1 << 26
MOST_SMALLER = 16  # signed checkpoints held against one pull's outcome
Pin = tuple[Cut, bool]  # and whether the log ends there
RECEIPTS_SERVED = 14  # cosignatures on a served checkpoint: C2SP asks for 16


@dataclass(slots=True)
class PeerState:
    """What we know of one member as a peer; told in `status`."""

    cursor: str = ""
    last_ok: int = 0  # unix seconds
    failures: int = 0
    retry_at: float = 0.0  # by our steady clock
    why: str = ""


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
    last_pull: int = 0  # unix seconds, of the last one that ended well
    source: str = ""
    why: str = ""


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
        mirror: Mirror,
        book: CosignBook,
        keys: Mapping[str, SigningKey],
        keep_receipt: Callable[[str, int, bytes], Awaitable[None]],
        follow: Callable[[int, str, str], Awaitable[None]],
        report: Callable[[Finding], Awaitable[None]],
        grown: Callable[[str], Awaitable[None]],
        clock: Callable[[], float],
        healthy: Callable[[], None],
        offload: Offload,
        fanout: int,
        interval_s: float,
        backoff_max_s: float,
        round_s: float = ROUND_S,
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
            follow: a member claims (version, hash) of a newer roster.
            report: keep a finding.
            grown: called with an origin after its mirror or merge moved.
            clock: unix seconds.
            healthy: raises RefusedError while we must not cosign.
            offload: runs pure work elsewhere.
            fanout: members asked in a round.
            interval_s: what a first back-off is.
            backoff_max_s: what it grows to.
            round_s: for so long a round waits for its pulls.
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
        self._follow = follow
        self._report = report
        self._grown = grown
        self._clock = clock
        self._healthy = healthy
        self._offload = offload
        self._fanout = fanout
        self._interval_s = interval_s
        self._backoff_max_s = backoff_max_s
        self._round_s = round_s
        self._steady = steady
        self._clocks = Clocks(clock, steady)
        self.heard = asyncio.Event()  # another member's clock, or we are alone
        self._rng = secrets.SystemRandom()
        self._locks: dict[str, asyncio.Lock] = {}
        self._gate = asyncio.Semaphore(PULLS_AT_ONCE)
        self._poked: set[str] = set()  # who poked us
        self._poking: set[str] = set()  # whom we are poking
        self._news: dict[str, bytes] = {}  # what they are still to hear
        self._poke_gate = asyncio.Semaphore(POKES_AT_ONCE)
        self._down_gate = asyncio.Semaphore(POKES_AT_ONCE)
        # Logs whose receipt may be due: at a start all of them, since the
        # last process may have ended between a merge and its receipt.
        self._owed: set[str] = set(roster().origins())
        self._pulling: set[asyncio.Task[None]] = set()
        self._budgets: dict[str, Budget] = {}
        self._budget_day = 0
        self._decided: dict[str, Pin] = {}  # what our mirrors obey
        self.peer_states: dict[str, PeerState] = {}
        self.log_states: dict[str, LogState] = {}
        self.targets: dict[str, Target] = {}

    # ------------------------------------------------------------- rounds

    async def round(self) -> None:
        """Ask some members what is new, then fetch what is."""
        await self.ask()
        await self.fetch()

    async def ask(self) -> None:
        """Ask some members what is new, and what time it is."""
        now = self._steady()
        others = [m.id for m in self._roster().active() if m.id != self._me]
        able = [m for m in others if self._state(m).retry_at <= now]
        poked = [m for m in able if m in self._poked]
        self._poked.clear()
        chosen = self._rng.sample(able, min(self._fanout, len(able)))
        asked = list(dict.fromkeys([*poked, *chosen]))
        await asyncio.gather(*(self._ask_alone(member) for member in asked))
        if self.skew_s() is not None:
            self.heard.set()

    async def fetch(self) -> None:
        """Pull every origin that has a target or a gap to fill."""
        await self._look_in()
        origins = set(self.targets)
        for origin in self._roster().origins():
            if origin in origins or self._ours(origin):
                continue
            head = await self._mirror.head(origin)
            gap = head.merged < head.mirrored and bool(head.note)
            if gap and not head.contested:
                self.targets[origin] = Target(head.mirrored, head.note)
                origins.add(origin)
            if self._pin(origin) != self._decided.get(origin):
                origins.add(origin)
        pulls = [self._begin(origin) for origin in sorted(origins)]
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
            self.log_state(origin).why = str(e)
            log.warning("pull failed", origin=origin, why=str(e))
        except Exception:
            # Ours to mend; until then it is this log's trouble alone.
            self.log_state(origin).why = BUG
            log.exception("pull failed", origin=origin)

    async def _ask_alone(self, member: str) -> None:
        """Ask one member; what goes wrong with it stops no other."""
        try:
            await self._ask(member)
        except SyncdError as e:
            self.failed(member, str(e))
        except Exception:
            self.failed(member, BUG)
            log.exception("heads failed", peer=member)

    def _state(self, member: str) -> PeerState:
        return self.peer_states.setdefault(member, PeerState())

    def log_state(self, origin: str) -> LogState:
        """Return how an origin is doing."""
        return self.log_states.setdefault(origin, LogState())

    def _ours(self, origin: str) -> bool:
        """Tell whether we write that log, or nobody does.

        An earlier one of ours is like anybody's: what we lack of it, others
        have.
        """
        return (
            origin == self._origin or self._roster().by_origin(origin) is None
        )

    async def _ask(self, member: str) -> None:
        state = self._state(member)
        asked = self._steady()
        heads = await self._peers(member).heads(state.cursor)
        state.failures, state.why = 0, ""
        state.last_ok = int(self._clock())
        if heads.time:
            self._clocks.hear(member, heads.time, asked)
        await self._take(member, heads)
        # What it says of logs that only a newer roster has, it shall repeat.
        if heads.roster_version <= self._roster().version:
            state.cursor = heads.cursor

    def failed(self, member: str, why: str) -> None:
        """Leave a member alone for a while, twice as long each time."""
        state = self._state(member)
        wait = min(
            self._interval_s * 2 ** min(state.failures, 16),
            self._backoff_max_s,
        )
        state.failures += 1
        state.why = why
        state.retry_at = self._steady() + wait
        log.warning("peer failed", peer=member, why=why, retry_in_s=wait)

    def skew_s(self) -> int | None:
        """Return how far the others' clocks are ahead of ours.

        None while none was heard since the start. With no others there is
        nothing that ours could differ from.
        """
        others = {m.id for m in self._roster().active()} - {self._me}
        return self._clocks.skew_s(others) if others else 0

    # -------------------------------------------------------------- heads

    async def _take(self, member: str, heads: Heads) -> None:
        # Whether that is news, or contradicts what we trust, is seen there.
        try:
            await self._follow(heads.roster_version, heads.roster_hash, member)
        except SyncdError as e:
            await self._report(Finding("roster", member, None, str(e)))
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
            return True
        if head.size < target.size:
            target.beside(head.size, bytes(signed))
        elif note.parse(target.note).text != signed.text:
            why = f"log: {origin} signed two roots at size {head.size}"
            await self._forked(origin, [target.note, bytes(signed)], why)
        elif member not in target.holders:
            target.holders.append(member)
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
        if await self.offer(member, raw):
            self._poked.add(member)
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

    def _budget(self, origin: str) -> Budget:
        """Return what may still be merged of an origin today (UTC)."""
        day = int(self._clock()) // 86_400
        if self._budget_day != day:
            self._budget_day = day
            self._budgets.clear()
        limits = self._roster().limits
        return self._budgets.setdefault(
            origin, Budget(limits.entries, limits.bytes)
        )

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
                if self._roster().stops_merging:
                    raise RefusedError(
                        "exchange: the roster's format is newer than this"
                        " syncd",
                        hint="upgrade syncd; everything else goes on",
                    )
                done = await self._pull(origin, target, key)
                # A poke that came meanwhile found the log being pulled.
                newer = self.targets.get(origin)
                target = None if newer is target else newer
            return done

    async def _decide(self, origin: str) -> bool:
        """Hold the branch that the roster pins; tell if we do."""
        known = self._pin(origin)
        if known is None or self._decided.get(origin) == known:
            return True
        pin, ended = known
        state = self.log_state(origin)
        was = await self._mirror.head(origin)
        signed = [await self._book.cosigned(r, origin) for r in self._keys]
        try:
            why = await decide(
                origin,
                pin,
                ended=ended,
                signed=[s.note for s in signed if s is not None],
                sources=self._sources(origin, Target(pin.size, b"")),
                mirror=self._mirror,
                offload=self._offload,
                report=self._report,
                budget=self._budget(origin),
            )
        except StaleError:
            return False  # the next round sees what won
        except UnavailableError as e:
            why = str(e)
        state.why = why
        now = await self._mirror.head(origin)
        if not why:
            self._decided[origin] = known
            target = self.targets.get(origin)
            if target is not None and target.size <= pin.size:
                self.targets.pop(origin)
        else:
            log.warning("not decided", origin=origin, why=why)
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
        sources = self._sources(origin, target)
        was = await self._mirror.head(origin)
        try:
            done = await pull(
                target.note,
                log_key=key,
                sources=sources,
                mirror=self._mirror,
                offload=self._offload,
                report=self._report,
                budget=self._budget(origin),
            )
            await self._check_smaller(target, key)
        except ForkError as e:
            await self._forked(origin, [target.note], str(e))
            return None
        except StaleError:
            return None  # the next round sees what won
        except UnavailableError as e:
            now = await self._mirror.head(origin)
            if (now.mirrored, now.merged) != (was.mirrored, was.merged):
                await self._grown(origin)  # part of it has come
            state.why = str(e)
            log.warning("pull failed", origin=origin, why=str(e))
            return None
        current = self.targets.get(origin)
        if current is target:
            self.targets.pop(origin, None)
        state.last_pull = int(self._clock())
        state.source = done.source or state.source
        state.why = _why(done)
        if done.limited:
            await self._report(
                Finding("limit", origin, None, "above its entries of a day")
            )
        signed = await self._cosign(origin, key)
        if signed or (done.after, done.merged) != (was.mirrored, was.merged):
            await self._grown(origin)
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

    def _sources(self, origin: str, target: Target) -> list[Source]:
        """Order whom to ask: who announced it, the owner, then the rest."""
        roster = self._roster()
        found = roster.by_origin(origin)
        owner = found[0].id if found else ""
        rest = [m.id for m in roster.active()]
        self._rng.shuffle(rest)
        order = dict.fromkeys([*target.holders, owner, *rest])
        active = {m.id for m in roster.active()} - {self._me}
        now = self._steady()
        able = [m for m in order if m in active]
        able.sort(key=lambda m: self._state(m).retry_at > now)  # stable
        return [*self._extra(origin), *(self._peers(m) for m in able)]

    async def _check_smaller(self, target: Target, key: VerifierKey) -> None:
        """Hold signed checkpoints that we passed against what we have."""
        while target.smaller:  # more may come while we look
            _, raw = target.smaller.popitem()
            head, _ = checkpoint.open_(raw, key)
            mine = await self._mirror.head(head.origin)
            if head.size <= mine.mirrored and not mine.contested:
                root = await root_at(self._mirror, mine, head.size)
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
        except RefusedError as e:
            log.warning("not cosigning", origin=origin, why=str(e))
            return False
        now = int(self._clock())
        self._owed.discard(origin)
        head = await self._mirror.head(origin)
        if head.contested:
            return False
        seen = merged = None
        rejected = await self.rejected(origin)

        async def root_of(size: int) -> bytes:
            return await root_at(self._mirror, head, size)

        try:
            if head.note:
                seen = await cosign.sign(
                    "seen",
                    head.note,
                    log_key=key,
                    key=self._keys["seen"],
                    book=self._book,
                    now=now,
                    root_of=root_of,
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
            pass  # the witness door signed meanwhile
        except ForkError as e:
            signed = [await self._book.cosigned(r, origin) for r in self._keys]
            notes = [s.note for s in signed if s is not None]
            await self._forked(origin, notes, str(e))
        return bool(seen or merged)

    async def _cosign_owed(self) -> None:
        """Sign what could not be signed when it was merged."""
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

    async def poke_all(self, raw: bytes) -> int:
        """Tell all members that our log has grown; return how many heard.

        A member that is being told already is told of this one next.
        """
        others = [m.id for m in self._roster().active() if m.id != self._me]
        self._news.update(dict.fromkeys(others, raw))
        idle = [m for m in others if m not in self._poking]
        self._poking.update(idle)
        return sum(await asyncio.gather(*map(self._poke, idle)))

    async def _poke(self, member: str) -> bool:
        """Tell one member the newest, and what became newest meanwhile."""
        # Who did not answer lately does not keep the others waiting.
        down = self._state(member).failures > 0
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
