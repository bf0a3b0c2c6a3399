"""Decide whether our log may grow, and say why not.

It may not before the others were asked what they hold of it, nor while our
clock is astray, nor when a receipt shows that this home was set back, nor
when the roster ended it or chose another branch. Each of these is found out
somewhere else in the node; here they are held together, so that there is
one answer for whoever appends, cosigns or asks.

An operator or the members may allow it without a majority's answer:

    inbox/<sha256 of our origin>/checkpoint*   our checkpoint with the `seen`
                                               lines of members, made since
    append-anyway                              the operator's word, in words

A line that a member's `seen` key made after our start says what its peer API
would: the largest tree of ours that it knew then. How it came here does not
matter. The operator's file is good for one start, at one size.
"""

import asyncio
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import Counter

from syncd.errors import (
    NOTHING,
    Message,
    RefusedError,
    SyncdError,
    UnavailableError,
)
from syncd.flows import held
from syncd.flows.ports import OwnHead
from syncd.flows.startup_check import REST_S, StartupCheck
from syncd.grouped import cancelled
from syncd.node.context import BUG, Context, log, part
from syncd.node.follow.rounds import Rounds
from syncd.node.home import Home
from syncd.node.pinned import MAX_SKEW_S
from syncd.peer.client import MAX_NOTE
from syncd.roster.roster import Roster
from syncd.tlog import checkpoint, cosignature, note

UNASKED = Message("the other members were not asked yet")
FOLLOWING = Message("another daemon of ours leads")
FILE = "append-anyway"
MOST = 64  # files that are looked into


@part
class AppendGuard:
    """What is known for and against appending to our log."""

    ctx: Context
    rounds: Rounds  # hear the other members' clocks
    ready: Callable[[], Awaitable[None]]  # others were asked, none objects
    failures: Counter  # such as asking them, by a fault of ours

    def __post_init__(self) -> None:
        self.why_not = UNASKED
        self.asked = False  # enough of the others, since we lead
        self._failure = UNASKED  # why asking them failed, if it did
        self._rest_s = REST_S
        self._asking = list[asyncio.Task[None]]()
        self._ruled_out = NOTHING  # why the roster lets our log not go on
        self._sure = 0  # the size up to which the roster says it is ours
        self._against = 0  # the size of a receipt that contradicts our log
        self._own = self.ctx.own.log

    # ---------------------------------------------------------- the answer

    def may_append(self) -> None:
        """Pass, unless appending could fork our log or mislead.

        Raises:
            RefusedError: says why not.
            UnavailableError: another daemon of ours leads, and does it.
        """
        why, leader = self.why_not, self.ctx.home.election
        if self.ctx.home.ending:
            why = self._next_log()
        elif self._ruled_out:
            raise RefusedError(
                "log: not appending: the roster {why}: start the next"
                " generation: stop syncd, then syncd join update OUT"
                " --next-log",
                why=self._ruled_out,
            )
        elif why == FOLLOWING and leader:
            raise UnavailableError(
                "log: {host} leads our daemons: it alone appends",
                host=leader.leader,
            )
        if why:
            raise RefusedError("log: not appending: {why}", why=why)
        self.rounds.our_clock.healthy()
        me = self.ctx.us
        if me is None or not me.active:
            raise RefusedError(
                "log: not appending: the roster does not list us as active"
            )

    def _next_log(self) -> Message:
        """Say how the next log, which we asked for, comes about."""
        me = self.ctx.us
        if me is None or me.origin == self.ctx.origin:
            return Message(
                "{origin} has ended: the next log waits for the roster that"
                " the admins were asked for",
                self.ctx,
            )
        return Message("restart syncd: it goes on in {origin}", me)

    # ------------------------------------------------------------ learning

    def check_startup(self, *, handed_over: bool = False) -> None:
        """Begin to ask the others how much of our log they hold.

        A majority is enough if it was handed over: nothing was set back.
        """
        self._rest_s = 0.0 if handed_over else REST_S
        if self.why_not in (FOLLOWING, self._failure):
            self.why_not = UNASKED
        self._asking = [asyncio.create_task(self.ask_around())]

    def lead(self) -> None:
        """Append once the others were asked: no other daemon of ours does."""
        if self.why_not == FOLLOWING:
            self.why_not = UNASKED

    async def follow(self) -> None:
        """Append no more: another does, or nobody."""
        await self.stop()
        self._asking, self.asked = [], False
        if self.why_not in (NOTHING, UNASKED):
            self.why_not = FOLLOWING

    async def stop(self) -> None:
        """Ask no more."""
        await cancelled(self._asking)

    async def obey(self) -> None:
        """Learn whether the roster lets our log go on from where it is."""
        self._ruled_out = NOTHING
        found = self.ctx.roster.by_origin(self.ctx.origin)
        pins = found[0].pins(found[1]) if found else ()
        if found is not None and pins:
            pin = pins[-1]
            tip = await self._own.head()
            if found[0].end(found[1]) is not None:
                self._ruled_out = Message("ended this log at {size}", pin)
            elif pin.size > tip.frontier.size:
                self._ruled_out = Message(
                    "cuts this log at {size}, we have {ours}",
                    pin,
                    ours=tip.frontier.size,
                )
            elif await self.root_at(pin.size) != pin.root:
                self._ruled_out = Message(
                    "chose another branch of it, at {size}", pin
                )
            else:
                self._sure = pin.size
                if 0 < self._against <= pin.size:
                    self._against = 0
                    self.why_not = NOTHING if self.asked else UNASKED
        if self._asking and not self.asked:
            # Whom we wait for may have left, and somebody else be here.
            self._asking[0].cancel()
            self.check_startup()

    async def keep_receipt(self, signer: str, size: int, note: bytes) -> None:
        """Keep a member's receipt of our log, and hold it against the log."""
        origin = self.ctx.origin
        if not note.startswith(origin.encode() + b"\n"):
            return  # of an earlier log of ours: nobody asks for it any more
        book = self.ctx.own.cosigned
        if await book.keep_receipt(origin, signer, size, note):
            await self._hold_against(signer, note)
            log.info("receipt", signer=signer, size=size)

    async def _hold_against(self, signer: str, note: bytes) -> None:
        """Stop appending if a receipt shows more than our log, or another.

        Our own key signed it: so we were set back, and who could have told
        us was not to be reached when we started.
        """
        if self.why_not not in (NOTHING, UNASKED, FOLLOWING):
            return  # found out before
        head, _ = checkpoint.open_(note, self.ctx.home.keys.log.verifier)
        if head.size <= self._sure:
            return  # of a branch that the roster did not choose
        tip = await self._own.head()
        ours = tip.frontier.size
        if head.size <= ours and head.root == await self.root_at(head.size):
            return
        why = Message(
            "log: {member} has merged size {size}, which this home of size"
            " {ours} cannot extend",
            head,
            member=signer,
            ours=ours,
        )
        self._against = head.size
        self.why_not = Message(
            "{why}; restore a newer backup of own.db, or start the next"
            " generation: stop syncd, then syncd join update OUT --next-log",
            why=why,
        )
        log.critical("not appending", why=str(why))
        await self.ctx.found("rolled_back", self.ctx.origin, why)

    async def ask_around(self) -> None:
        """Be allowed to append, or say why we never will be."""
        try:
            await self._ask()
        except Exception as e:
            # Ours to mend, or our own files'; nothing is appended until then.
            if not self.asked:
                self._failure = e.text if isinstance(e, SyncdError) else BUG
                self.why_not = self._failure
            self.failures.labels("awaken").inc()
            log.exception("not appending")

    async def _ask(self) -> None:
        # Their clocks may be ahead of ours by so much.
        ctx = self.ctx
        since = ctx.now() + MAX_SKEW_S
        home, roster = ctx.home, ctx.roster
        check = StartupCheck(
            head=await self._own.head(),
            log_key=home.keys.log.verifier,
            others=ctx.others,
            ask=self._held_by,
            root_at=self.root_at,
            rest_s=self._rest_s,
            brought=lambda: to_thread(brought, home, roster, since),
            allowed=lambda head: to_thread(overridden, home, head),
        )
        asked = len(check.others)
        try:
            await check.run()
        except RefusedError as e:
            # Status says the way out.
            self.why_not = Message("{why}; {how}", why=e, how=e.way_out)
            await ctx.found("rolled_back", ctx.origin, e.text)
            log.critical("not appending", why=str(e), hint=e.hint)
            return
        if check.overridden:
            why = Message(
                "appending by the operator's word: {n} of {asked}"
                " members answered",
                n=len(check.heard),
                asked=asked,
            )
            await ctx.found("override", ctx.origin, why)
        self.rounds.our_clock.cut_off = asked > 0 and not check.answers
        # Nobody is waited for by name any more. What is heard now may bring a
        # roster, and `obey` is not to begin again in the midst of that.
        self.asked = True
        if not self.rounds.our_clock.cut_off:
            await self.rounds.ask()
            await self.rounds.heard.wait()  # the rounds go on asking
        if self.why_not == UNASKED:  # else a receipt told us more
            self.why_not = NOTHING
        log.info(
            "may append",
            asked=asked,
            answered=len(check.heard),
            largest=check.largest,
        )
        await self.ready()

    async def _held_by(self, member: str) -> bytes:
        """Fetch the newest checkpoint of our log that a member has.

        By whatever client we have of it just now: a roster may change its
        address while we wait for its answer.
        """
        client = self.rounds.pulls.peers.get(member)
        (raw,) = await client.files(self.ctx.origin, ["checkpoint"])
        return raw

    async def root_at(self, size: int) -> bytes:
        """Return the root of the first `size` entries of our log."""
        return await held.own(self._own, await self._own.head()).root_at(size)


# ------------------------------------------------------------------ by hand


def words(head: OwnHead) -> str:
    """Return what an operator must write to append without a majority."""
    return (
        f"no other member holds more of {head.origin} than"
        f" {head.frontier.size} entries"
    )


def brought(home: Home, roster: Roster, since: int) -> Mapping[str, bytes]:
    """Return by member id the checkpoint of ours that it says it knows.

    Lines from before `since`, unix seconds, count for nothing.
    """
    members = {m.keys.seen.name: m for m in roster.active()}
    keys = [m.keys.seen for m in members.values()]
    found = dict[str, bytes]()
    own = home.keys.log.verifier
    for path in sorted(home.inbox(own.name).glob("checkpoint*"))[:MOST]:
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_NOTE)
            head, signed = checkpoint.open_(raw, own)
            lines = note.verify(signed, [own, *keys])
        except (SyncdError, OSError) as e:
            log.warning("not an answer", file=path.name, why=str(e))
            continue
        for key, line in lines:
            if (member := members.get(key.name)) and (
                cosignature.verify(str(head), key, line) >= since
            ):
                found[member.id] = raw
    return found


def overridden(home: Home, head: OwnHead) -> bool:
    """Tell whether the operator says so; it is good for once."""
    path, wanted = home.path / FILE, words(head)
    try:
        text = path.read_text(errors="replace").strip()
    except OSError:
        return False
    if text != wanted:
        log.warning("not the words", file=str(path), wanted=wanted)
        return False
    path.unlink()
    log.critical("appending by the operator's word", words=wanted)
    return True
