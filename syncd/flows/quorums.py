"""Ask quorums of t holders to evaluate a batch, and name who answers wrongly.

What goes to a holder and back is `evaluation`; who has how much left for us,
`allowance`.
"""

import asyncio
import functools
import hashlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from syncd.errors import (
    HoldersError,
    MalformedError,
    Message,
    QuotaError,
    RefusedError,
    SyncdError,
    UnavailableError,
    UntrustedError,
)
from syncd.flows import evaluation
from syncd.flows.allowance import Allowance, HolderState
from syncd.flows.evaluation import CHECKED, Exchange, Proof, Request
from syncd.flows.ports import Holder, Offload, at_once
from syncd.indicator import token
from syncd.indicator.identifier import Identifier
from syncd.oprf import threshold
from syncd.roster.roster import Roster
from syncd.roster.terms import BULK, Epoch

NO_TIME = "oprf: {kind}: no time left"
_LIED = "wrong answer: {why}"  # why such a holder is down
_GONE = Message("holder no more")  # the roster still has its public share
_AWAY = Message("away, as it told")
SAME_S = 6 * 3600  # for which a request that is made again is the same
_WARY_S = 600  # seconds after a lie for which every answer is to be proven


class HolderAnswer(NamedTuple):
    """A holder's points, and how they came."""

    points: list[bytes]
    exchange: Exchange


# Keeps what a holder signed that answered wrongly, and says so.
Accuse = Callable[[str, Message, *tuple[Exchange, ...]], Awaitable[None]]


@dataclass(kw_only=True, eq=False)
class Quorums:
    """Asks quorums of holders, checks every answer, and names bad ones."""

    roster: Callable[[], Roster]  # the newest that we accepted
    holder: Callable[[str], Holder]  # a member as one
    offload: Offload  # runs look-ups' work
    bulk: Offload  # runs bulk work, behind look-ups
    clock: Callable[[], float]  # seconds, of a clock that nobody sets
    rng: Callable[[int], bytes]  # fresh random bytes
    accuse: Accuse
    me: str = ""  # whose quota it is
    holder_s: float = 2.0  # a look-up waits this long for a holder
    is_away: Callable[[str], bool] = lambda _: False  # as it told
    by_files: Callable[[], bool] = lambda: False
    """whether holders may answer hours later: what is asked for again is the
    same request, and finds the answer"""

    def __post_init__(self) -> None:
        self.holders: dict[str, HolderState] = {}
        self._wary_until = -math.inf  # seconds of the clock
        self.allowance = Allowance(
            me=self.me, roster=self.roster, clock=self.clock
        )

    def _where(self, purpose: str, n: int) -> Offload:
        """Return where work on so many elements is done."""
        if purpose in BULK:
            return self.bulk
        return at_once if n <= evaluation.FEW else self.offload

    async def batch(
        self,
        epoch: Epoch,
        part: Sequence[Identifier],
        purpose: str,
        deadline: float,
        others: Mapping[int, Message] = {},
    ) -> tuple[dict[Identifier, bytes], Proof]:
        """Return the output of each identifier of a kind, all different.

        And what proves the first, if it is asked about alone. `others` are
        holders that are not to be asked, and why.

        Raises:
            HoldersError: fewer than t holders gave a right answer in time.
        """
        offload = self._where(purpose, len(part))
        last = len(part) >= CHECKED and self.clock() >= self._wary_until
        inputs, rng = [token.oprf_input(i) for i in part], self.rng
        if self.by_files():  # the same again, and proven: each trip takes long
            last, of = False, [self.clock() // SAME_S, epoch, purpose, inputs]
            rng = hashlib.shake_256(self._secret + f"{of}".encode()).digest
        blinded = await offload(threshold.blind, inputs, rng, last)
        elements = tuple(blinded.elements)
        name = hashlib.sha256(b"".join(elements)).hexdigest()[:32]
        bad = {**others, **self._away(epoch), **self._refuse(epoch, purpose)}
        while True:
            request = Request(
                epoch.kind,
                epoch.epoch,
                epoch.generation,
                self._choose(epoch, bad, purpose, len(part)),
                purpose,
                name,
                elements,
                last,
            )
            answers = await self._ask_all(epoch, request, deadline, bad)
            if len(answers) == epoch.t and last:
                try:
                    return await self._finish(part, blinded, answers, offload)
                except UntrustedError:
                    last = False  # and none is believed without from now on
                    self._wary_until = self.clock() + _WARY_S
                again = request._replace(id=self.rng(16).hex(), last=False)
                proven = await self._ask_all(epoch, again, deadline, bad)
                await self._name_liar(epoch, answers, proven, bad)
                answers = proven
            if len(answers) == epoch.t:
                return await self._finish(part, blinded, answers, offload)

    @functools.cached_property
    def _secret(self) -> bytes:
        return self.rng(32)

    def _refuse(self, epoch: Epoch, purpose: str) -> dict[int, Message]:
        """Return who answers no more, or nothing just now, and why."""
        answering = self.roster().holders_of(epoch)
        bad = {i: _GONE for i in epoch.shares if i not in answering}
        refusals = self.allowance.refusals(epoch, purpose)
        return bad | {
            i: seen.why for i, seen in refusals.items() if not seen.left
        }

    def _away(self, epoch: Epoch) -> Mapping[int, Message]:
        """Return who told that it is away, if enough others are there."""
        told = [i for i, (m, _) in epoch.shares.items() if self.is_away(m)]
        enough = len(epoch.shares) - len(told) >= epoch.t
        return dict.fromkeys(told if enough else (), _AWAY)

    async def _finish(
        self,
        part: Sequence[Identifier],
        blinded: threshold.Blinded,
        answers: Mapping[int, HolderAnswer],
        offload: Offload,
    ) -> tuple[dict[Identifier, bytes], Proof]:
        points = [answer.points for answer in answers.values()]
        outs = await offload(threshold.finish, blinded, points)
        exchanges = tuple(answer.exchange for answer in answers.values())
        proof = Proof(blind=blinded.blinds[0], exchanges=exchanges)
        return dict(zip(part, outs, strict=True)), proof

    def _choose(
        self, epoch: Epoch, bad: Mapping[int, Message], purpose: str, n: int
    ) -> tuple[int, ...]:
        """Return t holders: that answer, have most left, and are quick."""
        left = [i for i in epoch.shares if i not in bad]
        if len(left) < epoch.t:
            names = {i: epoch.shares[i][0] for i in epoch.shares}
            whys = tuple(
                Message("{member} ({why})", member=names[i], why=why)
                for i, why in bad.items()
            )
            raise HoldersError(
                "oprf: {n} of the {most} holders needed for {kind}/{epoch};"
                " missing: {whys}",
                epoch,
                missing=tuple(names[i] for i in bad),
                n=len(left),
                most=epoch.t,
                whys=whys,
            )
        if self.by_files():  # whom it was asked before, if they answer
            up = {one.member for one in self.holders.values() if one.up}
            left.sort(key=lambda i: epoch.shares[i][0] not in up)
            return tuple(sorted(left[: epoch.t]))
        return self.allowance.choose(epoch, left, purpose, n, self.holders)

    async def _ask_all(
        self,
        epoch: Epoch,
        request: Request,
        deadline: float,
        bad: dict[int, Message],
    ) -> dict[int, HolderAnswer]:
        """Return the quorum's good answers; the others' faults are in `bad`.

        Raises:
            HoldersError: there is no time left.
        """
        left = deadline - self.clock()
        if left <= 0:
            raise HoldersError(
                NO_TIME, epoch, missing=tuple(epoch.shares[i][0] for i in bad)
            )
        # A holder that is down may use up half of the time that is left.
        wait = left / 2 if len(epoch.shares) - len(bad) > epoch.t else left
        if not request.bulk:
            wait = min(wait, self.holder_s)
        body = bytes(request)
        answers = await asyncio.gather(
            *(self._ask(epoch, i, request, body, wait) for i in request.quorum)
        )
        good: dict[int, HolderAnswer] = {}
        for index, answer in zip(request.quorum, answers, strict=True):
            if isinstance(answer, Message):
                bad[index] = answer
            else:
                good[index] = answer
        return good

    async def _ask(
        self,
        epoch: Epoch,
        index: int,
        request: Request,
        body: bytes,
        timeout_s: float,
    ) -> HolderAnswer | Message:
        """Return one holder's checked points, or why there are none."""
        member, public_share = epoch.shares[index]
        began = self.clock()
        asked = epoch, member, request.purpose
        try:
            raw = await self.holder(member).evaluate(body, timeout_s)
        except SyncdError as e:
            if isinstance(e, QuotaError):  # the holder itself is well
                self.allowance.refused(*asked, request.counted, e)
                return e.text
            why = self._down(member, e.text)
            self.holders[member].silent = isinstance(e, UnavailableError)
            return why
        took = self.clock() - began
        offload = self._where(request.purpose, len(request.elements))
        exchange, roster = Exchange(body, raw), self.roster()
        try:
            reply, left = await offload(
                evaluation.open_reply, raw, body, roster, member
            )
            points = await offload(
                evaluation.check_reply, reply, request, index, public_share
            )
        except RefusedError as e:
            return self._down(member, e.text)
        except (MalformedError, UntrustedError) as e:
            await self.accuse(member, e.text, exchange)
            return self._down(member, Message(_LIED, why=e))
        self.allowance.gave(*asked, left)
        now = self.clock()
        self.holders[member] = HolderState(member, since=now, latency_s=took)
        return HolderAnswer(points, exchange)

    async def _name_liar(
        self,
        epoch: Epoch,
        answers: Mapping[int, HolderAnswer],
        proven: Mapping[int, HolderAnswer],
        bad: dict[int, Message],
    ) -> None:
        """Name who answered otherwise than it proves, or will not prove it.

        One of them did; so if all but one prove what they said, it is that.
        """
        liars: dict[int, tuple[Exchange, ...]] = {
            index: (answers[index].exchange, answer.exchange)
            for index, answer in proven.items()
            if answer.points != answers[index].points
        }
        why = Message("it answered otherwise than it proves")
        silent = answers.keys() - proven.keys()
        if not liars and [bad[i].template == _LIED for i in silent] == [False]:
            why = Message("it answered wrongly and proves nothing")
            liars = {index: (answers[index].exchange,) for index in silent}
        for index, exchanges in liars.items():
            member = epoch.shares[index][0]
            said_so = Message("oprf: {why}", why=why)
            await self.accuse(member, said_so, *exchanges)
            bad[index] = self._down(member, Message(_LIED, why=why))

    def _down(self, member: str, why: Message) -> Message:
        self.holders[member] = HolderState(member, False, why, self.clock())
        return why
