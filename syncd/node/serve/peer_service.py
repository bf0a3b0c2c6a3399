"""The service behind the peer API: logs, notes and shares."""

import asyncio
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from syncd import canonical
from syncd.errors import QuotaError, RefusedError, UnavailableError
from syncd.flows import cosign, evaluation
from syncd.flows.evaluation import Request
from syncd.flows.ports import Heads, Offload, RosterHead, at_once
from syncd.flows.serve import LogFiles, Make
from syncd.indicator import statement
from syncd.node.context import Context, part
from syncd.node.follow.clocks import OurClock
from syncd.node.follow.followed import FollowedLogs
from syncd.node.follow.receipts import Receipts, with_receipts
from syncd.node.follow.roster_keeper import RosterKeeper
from syncd.node.follow.rounds import Rounds
from syncd.node.serve import gap, pushing
from syncd.node.serve.event_writer import EventWriter
from syncd.node.serve.joining import Joining
from syncd.node.serve.mailbox import Mailbox
from syncd.node.serve.metrics import Metrics
from syncd.roster import quotas
from syncd.roster.terms import PUBLISH, Epoch
from syncd.store import evidence_files
from syncd.store.quota import Debit
from syncd.tlog import checkpoint, note, tiles
from syncd.tlog.witness import Judgement

AT_ONCE = 1 << 16  # bytes of a request that are read on the event loop
FOLLOW_S = 10.0  # a claimed newer roster may hold up payloads this long


@part
class PeerService:
    """What `web.peer_api` asks of the daemon behind it."""

    ctx: Context
    rounds: Rounds  # take pokes
    event_writer: EventWriter
    logs: FollowedLogs
    receipts: Receipts
    rosters: RosterKeeper
    metrics: Metrics
    our_clock: OurClock
    joining: Joining  # lets newcomers knock
    make: Make  # the files of logs
    rng: Callable[[int], bytes] = secrets.token_bytes

    def __post_init__(self) -> None:
        self._own = self.ctx.own.log
        self._mirror = self.ctx.mirror
        self._book = self.ctx.own.cosigned
        self.turns: dict[tuple[str, bool], asyncio.Lock] = {}
        self.mailbox = Mailbox(self.ctx)
        self._boot = self.rng(4).hex()
        self._changes: dict[str, int] = {}  # origin → number of its change
        self._last = 0

    # ---------------------------------------------------------- callers

    def caller(self, request_pin: str) -> tuple[str, str] | None:
        """Return (id, role) of a pin that the roster of this moment has.

        A member that asks is heard of.
        """
        roster = self.ctx.roster
        member = roster.by_tls.get(request_pin)
        if member is not None:
            self.rounds.peer_choice.heard(member.id, self.ctx.now())
            return member.id, "member"
        found = (a.id for a in roster.auditors if a.tls == request_pin)
        return next(((id_, "auditor") for id_ in found), None)

    # ------------------------------------------------------------- logs

    async def own_log(self) -> LogFiles:
        """Return our log up to the released checkpoint."""
        await self.settled()
        raw = self._own.released()
        found = await self._book.receipts(self.ctx.origin)
        notes = [receipt.note for receipt in found.values()]
        return LogFiles(
            self.ctx.origin,
            checkpoint.size_of(raw),
            with_receipts(raw, self.ctx.origin, notes),
            self._own.bundle,
            self._own.roots,
            self.make,
        )

    async def mirror_log(self, origin_hash: str) -> LogFiles | None:
        """Return a mirrored log up to its largest signed size, or None."""
        await self.settled()
        origin = self._origin(origin_hash)
        if origin is None:
            return None
        if origin == self.ctx.origin:  # no more than was released
            return await self.own_log()
        head = await self._mirror.head(origin)
        ended = self.logs.ended_at(origin)
        if not head.note and not ended:
            return None
        bundle = partial(self._mirror.bundle, origin)
        roots = partial(self._mirror.roots, origin)
        size = max(checkpoint.size_of(head.note), ended)
        return LogFiles(origin, size, head.note, bundle, roots, self.make)

    async def held(self, caller: str, origin_hash: str) -> bytes | None:
        """Return the largest checkpoint that we know of the caller's own log.

        Larger perhaps than what we mirror: after a start it asks so as not to
        sign another one of that size.
        """
        origin = self._origin(origin_hash)
        if origin is None or self.ctx.roster.owner(origin) != caller:
            return None
        known = [(await self._mirror.head(origin)).note]
        known += (await self._mirror.notes(origin)).values()
        seen = await self._book.cosigned("seen", origin)
        target = self.logs.state(origin).target
        known += [one.note for one in (seen, target) if one is not None]
        left = await self.logs.rejected(origin)
        counting = [raw for raw in known if raw and not _is_of(raw, left)]
        return max(counting, key=checkpoint.size_of, default=None)

    async def settled(self) -> None:
        """Wait while a newer roster is being fetched, but not for long."""
        try:
            async with asyncio.timeout(FOLLOW_S):
                await self.rosters.settled.wait()
        except TimeoutError:
            pass

    def _origin(self, origin_hash: str) -> str | None:
        for origin in self.ctx.roster.origins():
            if tiles.origin_hash(origin) == origin_hash:
                return origin
        return None

    # ------------------------------------------------------------ heads

    def changed(self, origin: str) -> None:
        """Note that an origin's head, or our receipt for it, has moved."""
        self._last += 1
        self._changes[origin] = self._last

    async def heads(self, caller: str, cursor: str) -> Heads:
        """Return what changed since `cursor`, and the caller's receipts."""
        since = self._since(cursor)
        last = self._last
        roster = self.ctx.roster
        notes, receipts = list[str](), list[str]()
        for origin in roster.origins():
            if self._changes.get(origin, 0) <= since and since >= 0:
                continue
            found = roster.by_origin(origin)
            if found and (found[0].id, found[0].origin) == (caller, origin):
                signed = await self._book.cosigned("merged", origin)
                left = await self.logs.rejected(origin)
                if signed is not None and not _is_of(signed.note, left):
                    receipts.append(signed.note.decode())
            elif origin == self.ctx.origin:
                notes.append(self._own.released().decode())
            else:
                head = await self._mirror.head(origin)
                if head.note:
                    notes.append(head.note.decode())
        return Heads(
            f"{self._boot}.{last}",
            tuple(notes),
            tuple(receipts),
            RosterHead(roster.version, roster.hash),
            self.ctx.now(),
            *filter(any, [self.ctx.config.holder.window]),
        )

    def _since(self, cursor: str) -> int:
        boot, _, number = cursor.partition(".")
        if boot == self._boot and number.isascii() and number.isdecimal():
            return int(number[:18])
        return -1

    async def roster_note(self, version: int | None) -> bytes | None:
        """Return a version's signed note, the newest for None."""
        return self.ctx.home.rosters.get(version or self.ctx.roster.version)

    # ---------------------------------------------------------- answers

    async def evaluate(
        self,
        caller: str,
        body: bytes,
        gone: Callable[[], bool] = lambda: False,
    ) -> bytes:
        """Answer an OPRF request; bulk work waits behind look-ups.

        The caller's own, or one that it carries for who signed it.

        Raises:
            UnavailableError: nobody waits for the answer any more.
            And as `evaluation.answer`.
        """
        if body.startswith(gap.LINE):
            caller, body = await self.ctx.offload(
                *(gap.read, body, self.ctx.roster, self.ctx.me),
                self.ctx.now(),
            )
        request: Request = (
            evaluation.parse(body)
            if len(body) <= AT_ONCE
            else await self.ctx.offload(evaluation.parse, body)
        )
        return await evaluation.answer(
            request,
            member=caller,
            roster=self.ctx.roster,
            shares=self.ctx.home.shares,
            quota=self,
            key=self.ctx.home.keys.member,
            offload=self.fair(
                caller,
                gone,
                bulk=request.bulk,
                few=len(request.elements) <= evaluation.FEW,
            ),
            rng=self.rng,
        )

    async def debit(self, member: str, request: Request, epoch: Epoch) -> int:
        """Count a request durably before it is computed; return what is left.

        Raises:
            QuotaError: the member's hour or day is used up.
        """
        day, purpose = self.ctx.today(), request.purpose
        key, said = epoch.label, 0
        if purpose == PUBLISH:  # to be given back: what came of it
            since = statement.day_text(self.ctx.day - 1)
            known = self.ctx.roster.known(member)
            logs = [log.origin for log in known.generations]
            found = await self.ctx.own.published.sums(logs, since, day, key)
            said = found[key]
        try:
            return await self.ctx.own.quotas.debit(
                Debit(
                    member=member,
                    key=key,
                    purpose=purpose,
                    n=request.counted,
                    request=request.digest,
                    now=self.ctx.now(),
                    day=day,
                    limits=quotas.limits(
                        self.ctx.roster, epoch, member, purpose, day, said
                    ),
                )
            )
        except QuotaError:
            self.metrics.quota_denials.labels(member).inc()
            raise

    def fair(
        self,
        caller: str,
        gone: Callable[[], bool] = lambda: False,
        *,
        bulk: bool,
        few: bool = False,
    ) -> Offload:
        """Return where one member's evaluations run: one after the other.

        However many requests it sends at once, or again without being
        debited again, the others' and our own work waits for one of its. One
        that it did not wait for is not computed: else a slow holder would
        only grow slower by being asked again.
        """
        offload = self.ctx.bulk if bulk else self.ctx.offload
        offload = at_once if few and not bulk else offload
        turn = self.turns.setdefault((caller, bulk), asyncio.Lock())

        async def run(work: Callable[..., Any], *args: Any) -> Any:
            async with turn:
                if gone():
                    raise UnavailableError(
                        "oprf: {caller} has gone", caller=caller
                    )
                return await offload(work, *args)

        return run

    async def add_checkpoint(self, body: bytes, caller: str = "") -> Judgement:
        """Judge a witness request; refuse while our clock is astray.

        What the log signed is held against what we mirror of it, whatever the
        answer: it may be of another branch.
        """
        try:
            self.our_clock.healthy()
        except RefusedError as e:
            return Judgement(503, f"{e}\n")
        keys = {
            origin: key
            for origin in self.ctx.roster.origins()
            if (key := self.logs.key(origin)) is not None
        }
        judged = await cosign.witness_checkpoint(
            body,
            log_keys=keys,
            key=self.ctx.home.keys.seen,
            book=self._book,
            now=self.ctx.now(),
        )
        if judged.signed:
            await self.logs.offer(caller, judged.signed)
        return judged

    async def monitor(self, origin_hash: str, key: str) -> bytes | None:
        """Return our newest `seen` or `merged` note of an origin."""
        origin = self._origin(origin_hash)
        if origin is None:
            return None
        signed = await self._book.cosigned(key, origin)
        return signed.note if signed else None

    async def notes(self, origin: str, page: int) -> bytes | None:
        """Return a page, from 0, of what else was signed of a log and is kept.

        Receipts, what we cosigned, checkpoints, both sides of a fork.
        """
        kept = await self._book.kept(origin, page)
        if not page:
            receipts = await self._book.receipts(origin)
            kept += (
                *(receipt.note for receipt in receipts.values()),
                *await self.receipts.signed(origin),
                *(await self._mirror.notes(origin)).values(),
                *await self._mirror.evidence(origin),
            )
        texts = [raw.decode() for raw in dict.fromkeys(kept)]
        return canonical.dumps(texts) if texts else None

    async def evidence(self, n: int) -> bytes | None:
        """Return a file of evidence against holders, by its place from 0 on."""
        files = evidence_files.paths(self.ctx.home.path)[n : n + 1]
        return await asyncio.to_thread(files[0].read_bytes) if files else None

    async def push(self, caller: str, raw: bytes) -> int:
        """Take files of the caller's log, as its relay: as `pushing.take`."""
        return await pushing.take(self.ctx, self.rounds.pulls, caller, raw)

    async def poke(
        self, caller: str, note: bytes, *, urgent: bool = False
    ) -> None:
        """Take a hint that the caller's own log has grown, by its word."""
        await self.rounds.poke(caller, note)
        member = self.ctx.roster.member(caller)
        if urgent and member:
            size = checkpoint.size_of(note)
            await self.event_writer.announce(member.origin, size)


@dataclass(frozen=True, slots=True)
class LocalHolder:
    """Our own share, asked like anybody else's: quota, log and all."""

    me: str
    service: PeerService

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """Answer within the time given, or raise UnavailableError."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self.service.evaluate(self.me, body)
        except TimeoutError as e:
            raise UnavailableError("oprf: our own share: no time left") from e


def _is_of(raw: bytes, texts: Collection[str]) -> bool:
    return note.parse(raw).text in texts
