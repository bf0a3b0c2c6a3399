"""AppendGuard: whether our log may grow, and why not.

It may not before the others were asked what they hold of it, nor while our
clock is astray, nor when a receipt shows that this home was set back, nor
when the roster ended it or chose another branch. Each of these is found out
somewhere else in the node; here they are held together, so that there is
one answer for whoever appends, cosigns or asks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from syncd.config import Config
from syncd.errors import RefusedError, SyncdError
from syncd.flows import awaken, held
from syncd.flows.awaken import Other
from syncd.flows.ports import Finding
from syncd.node.follow.exchange import BUG, Exchange
from syncd.node.home import Home
from syncd.node.publish.override import Override
from syncd.roster.roster import Roster
from syncd.tlog import checkpoint

log = structlog.get_logger("syncd.node")

UNASKED = "the other members were not asked yet"


class AppendGuard:
    """What is known for and against appending to our log."""

    def __init__(
        self,
        *,
        home: Home,
        config: Config,
        roster: Callable[[], Roster],
        exchange: Exchange,
        others: Callable[[], Sequence[Other]],
        hand: Callable[[], Override],
        report: Callable[[Finding], Awaitable[None]],
        ready: Callable[[], Awaitable[None]],
        failed: Callable[[], None],
    ) -> None:
        """Know nothing yet: so nothing may be appended.

        Args:
            home: our log and its key.
            config: our settings.
            roster: the one in force.
            exchange: hears the other members' clocks.
            others: the doors of the other active members.
            hand: what else may let us append.
            report: keep a finding.
            ready: called once the others were asked and none objects.
            failed: called when asking them failed by a fault of ours.
        """
        self._home = home
        self._own = home.own.log
        self._config = config
        self._roster = roster
        self._exchange = exchange
        self._others = others
        self._hand = hand
        self._report = report
        self._ready = ready
        self._failed = failed
        self._why_not = UNASKED
        self._asked = False  # enough of the others, since the start
        self._cut_off = False  # nobody answered, and we append all the same
        self._awakening: asyncio.Task[None] | None = None
        self._ruled_out = ""  # why the roster lets our log not go on
        self._sure = 0  # the size up to which the roster says it is ours
        self._against = 0  # the size of a receipt that contradicts our log

    # ---------------------------------------------------------- the answer

    def healthy(self) -> None:
        """Pass, unless our clock is astray.

        Raises:
            RefusedError: it differs from the others' by too much, or none of
                theirs was heard yet.
        """
        skew = self._exchange.skew_s()
        if skew is None and self._cut_off:
            return
        if skew is None:
            raise RefusedError(
                "clock: no other member has told us the time yet",
                hint="until one does we neither publish nor cosign",
            )
        if abs(skew) > self._config.skew.max_s:
            raise RefusedError(
                f"clock: the others' clocks are {skew} s off ours",
                hint="set this machine's clock (NTP); until then we neither"
                " publish nor cosign",
            )

    def may_append(self) -> None:
        """Pass, unless appending could fork our log or mislead.

        Raises:
            RefusedError: says why not.
        """
        if self._home.ending:
            raise RefusedError(f"log: not appending: {self._next_log()}")
        if self._ruled_out:
            raise RefusedError(
                f"log: not appending: the roster {self._ruled_out}: start the"
                f" next generation: {awaken.NEXT}"
            )
        if self._why_not:
            raise RefusedError(f"log: not appending: {self._why_not}")
        self.healthy()
        me = self._roster().member(self._config.member.id)
        if me is None or not me.active:
            raise RefusedError(
                "log: not appending: the roster does not list us as active"
            )

    def _next_log(self) -> str:
        """Say how the next log, which we asked for, comes about."""
        me = self._roster().member(self._config.member.id)
        if me is None or me.origin == self._config.origin:
            return (
                f"{self._config.origin} has ended: the next log waits for the"
                " roster that the admins were asked for"
            )
        return f"restart syncd: it goes on in {me.origin}"

    # ------------------------------------------------------------ learning

    def awaken(self) -> None:
        """Begin to ask the others how much of our log they hold."""
        self._awakening = asyncio.create_task(self._awaken())

    async def stop(self) -> None:
        """Ask no more."""
        if self._awakening is not None:
            self._awakening.cancel()
            await asyncio.gather(self._awakening, return_exceptions=True)

    async def obey(self) -> None:
        """Learn whether the roster lets our log go on from where it is."""
        self._ruled_out = ""
        found = self._roster().by_origin(self._config.origin)
        pins = found[0].pins(found[1]) if found else ()
        if found is not None and pins:
            pin = pins[-1]
            tip = await self._own.head()
            if found[0].end(found[1]) is not None:
                self._ruled_out = f"ended this log at {pin.size}"
            elif pin.size > tip.frontier.size:
                self._ruled_out = (
                    f"cuts this log at {pin.size}, we have {tip.frontier.size}"
                )
            elif await self.root_at(pin.size) != pin.root:
                self._ruled_out = f"chose another branch of it, at {pin.size}"
            else:
                self._sure = pin.size
                if 0 < self._against <= pin.size:
                    self._against = 0
                    self._why_not = "" if self._asked else UNASKED
        if self._awakening is not None and not self._asked:
            # Whom we wait for may have left, and somebody else be here.
            self._awakening.cancel()
            self.awaken()

    async def hold_against(self, signer: str, note: bytes) -> None:
        """Stop appending if a receipt shows more than our log, or another.

        Our own key signed it: so we were set back, and who could have told
        us was not to be reached when we started.
        """
        if self._why_not not in ("", UNASKED):
            return  # found out before
        head, _ = checkpoint.open_(note, self._home.keys.log.verifier)
        if head.size <= self._sure:
            return  # of a branch that the roster did not choose
        tip = await self._own.head()
        if head.size <= tip.frontier.size and (
            head.root == await self.root_at(head.size)
        ):
            return
        why = (
            f"log: {signer} has merged size {head.size}, which this home of"
            f" size {tip.frontier.size} cannot extend"
        )
        self._against = head.size
        self._why_not = (
            f"{why}; restore a newer backup of own.db, or start the next"
            f" generation: {awaken.NEXT}"
        )
        log.critical("not appending", why=why)
        await self._report(
            Finding("rolled_back", self._config.origin, None, why)
        )

    async def _awaken(self) -> None:
        """Be allowed to append, or say why we never will be."""
        try:
            await self._ask_around()
        except Exception as e:
            # Ours to mend, or our own files'; nothing is appended until then.
            if not self._asked:
                self._why_not = str(e) if isinstance(e, SyncdError) else BUG
            self._failed()
            log.exception("not appending")

    async def _ask_around(self) -> None:
        try:
            awake = await awaken.awaken(
                head=await self._own.head(),
                log_key=self._home.keys.log.verifier,
                others=self._others(),
                root_at=self.root_at,
                hand=self._hand(),
            )
        except RefusedError as e:
            self._why_not = f"{e}; {e.hint}"  # status says the way out
            await self._report(
                Finding("rolled_back", self._config.origin, None, str(e))
            )
            log.critical("not appending", why=str(e), hint=e.hint)
            return
        if awake.overridden:
            await self._report(
                Finding(
                    "override",
                    self._config.origin,
                    None,
                    f"appending by the operator's word: {awake.answered} of"
                    f" {awake.asked} members answered",
                )
            )
        self._cut_off = awake.asked > 0 and not awake.live
        # Nobody is waited for by name any more. What is heard now may bring a
        # roster, and `obey` is not to begin again in the midst of that.
        self._asked = True
        if not self._cut_off:
            await self._exchange.ask()
            await self._exchange.heard.wait()  # the rounds go on asking
        if self._why_not == UNASKED:  # else a receipt told us more
            self._why_not = ""
        log.info(
            "may append",
            asked=awake.asked,
            answered=awake.answered,
            largest=awake.largest,
        )
        await self._ready()

    async def root_at(self, size: int) -> bytes:
        """Return the root of the first `size` entries of our log."""
        return await held.own(self._own, await self._own.head()).root_at(size)
