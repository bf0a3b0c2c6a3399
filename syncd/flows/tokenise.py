"""Turn identifiers into OPRF outputs with the help of t holders.

What goes to a holder and back is `evaluation`; here quorums are chosen, all
answers checked, and bad ones named. URLs are public addresses and need
nobody's help.
"""

import asyncio
import itertools
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

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
from syncd.flows.evaluation import (
    CHECKED,
    Exchange,
    Request,
)
from syncd.flows.ports import Holder, Offload
from syncd.indicator import token
from syncd.indicator.identifier import Identifier
from syncd.oprf import threshold
from syncd.roster.roster import Roster
from syncd.roster.terms import BULK, Epoch

BULK_BATCH = 1024  # identifiers in one request
# Those on their way together are what a busy holder may take seconds for.
LOOKUP_BATCH = 256
LANES = 3  # requests of one call on their way at once
_LIED: Final = "wrong answer: {why}"  # why such a holder is down
_GONE: Final = Message(
    "holder no more"
)  # by the roster, which still has its public share
_WARY_S = 600  # seconds after a lie for which every answer is to be proven


@dataclass(frozen=True, slots=True)
class HolderAnswer:
    """A holder's points, and how they came."""

    points: list[bytes]
    exchange: Exchange


# Keeps what a holder signed that answered wrongly, and says so.
Accuse = Callable[[str, Message, *tuple[Exchange, ...]], Awaitable[None]]


@dataclass(kw_only=True, eq=False)
class Tokeniser:
    """Asks quorums of holders, checks every answer, and names bad ones."""

    roster: Callable[[], Roster]  # the newest that we accepted
    holder: Callable[[str], Holder]  # a member as one
    offload: Offload  # runs look-ups' work
    bulk: Offload  # runs bulk work, behind look-ups
    clock: Callable[[], float]  # seconds, of a clock that nobody sets
    rng: Callable[[int], bytes]  # fresh random bytes
    accuse: Accuse
    me: str = ""  # whose quota it is
    cache_size: int = 0  # identifiers whose outputs are remembered
    holder_s: float = 2.0  # a look-up waits this long for a holder

    def __post_init__(self) -> None:
        self.holders: dict[str, HolderState] = {}
        self._cache: dict[tuple[Identifier, int], bytes] = {}
        self._wary_until = -math.inf  # seconds of the clock
        self.allowance = Allowance(
            me=self.me, roster=self.roster, clock=self.clock
        )

    def epoch(self, kind: str) -> Epoch:
        """Return the newest epoch of `kind`.

        Raises:
            RefusedError: the roster has no key of that kind.
        """
        epoch = self.roster().epoch(kind)
        if epoch is None:
            raise RefusedError(
                "oprf: the roster has no {kind} epoch", kind=kind
            )
        return epoch

    async def outputs(
        self,
        identifiers: Iterable[Identifier],
        *,
        purpose: str,
        timeout_s: float,
    ) -> dict[Identifier, bytes]:
        """Return the 64-byte output of each identifier, each asked once.

        Raises:
            HoldersError: fewer than t holders gave a right answer in time;
                names the others.
        """
        done: dict[Identifier, bytes] = {}
        await self.collect(
            identifiers, done, purpose=purpose, timeout_s=timeout_s
        )
        return done

    async def collect(
        self,
        identifiers: Iterable[Identifier],
        done: dict[Identifier, bytes],
        *,
        purpose: str,
        timeout_s: float,
    ) -> None:
        """Put outputs into `done`, as many as can be had in time.

        Raises:
            HoldersError: as `outputs`; what came nevertheless is in `done`.
        """
        deadline = self.clock() + timeout_s
        wanted = dict.fromkeys(identifiers)
        for one in wanted:
            if one.kind == "url":
                done[one] = token.url_output(one)
            elif self._cache:
                known = self._cache.get((one, self.epoch(one.kind).epoch))
                if known is not None:
                    done[one] = known
        lanes, failed = asyncio.Semaphore(LANES), list[SyncdError]()

        async def ask(kind: str, part: Sequence[Identifier]) -> None:
            async with lanes:
                while part and not failed:
                    try:
                        some = await self._some(kind, part, purpose, deadline)
                    except SyncdError as e:
                        failed.append(e)
                        return
                    done.update(some)
                    part = part[len(some) :]

        bulk = purpose in BULK
        size = BULK_BATCH if bulk else LOOKUP_BATCH
        calls = []
        for kind in ("phone", "account"):
            rest = [i for i in wanted if i.kind == kind and i not in done]
            calls += [
                ask(kind, rest[at : at + size])
                for at in range(0, len(rest), size)
            ]
        await asyncio.gather(*calls)
        if failed:
            raise failed[0]

    async def _some(
        self,
        kind: str,
        part: Sequence[Identifier],
        purpose: str,
        deadline: float,
    ) -> dict[Identifier, bytes]:
        """Return outputs of the first of a part: of all that is left to us.

        A holder that refuses so many may still give fewer.
        """
        epoch = self.epoch(kind)
        n = self.allowance.fit(epoch, purpose, len(part))
        while True:
            try:
                fresh = await self._batch(epoch, part[:n], purpose, deadline)
            except HoldersError:
                less = self.allowance.fit(epoch, purpose, n)
                if less == n:
                    raise
                n = less
            else:
                self._remember(epoch, fresh)
                return fresh

    def _remember(
        self, epoch: Epoch, fresh: Mapping[Identifier, bytes]
    ) -> None:
        """Keep outputs in memory, the newest `cache_size` of them.

        Under the epoch that they were asked of: a new one may have come
        meanwhile.
        """
        if not self.cache_size:
            return
        self._cache.update({(one, epoch.epoch): fresh[one] for one in fresh})
        over = max(len(self._cache) - self.cache_size, 0)
        for old in list(itertools.islice(self._cache, over)):
            del self._cache[old]

    async def _batch(
        self,
        epoch: Epoch,
        part: Sequence[Identifier],
        purpose: str,
        deadline: float,
    ) -> dict[Identifier, bytes]:
        bulk = purpose in BULK
        offload = self.bulk if bulk else self.offload
        last = len(part) >= CHECKED and self.clock() >= self._wary_until
        inputs = [token.oprf_input(i) for i in part]
        blinded = await offload(threshold.blind, inputs, self.rng, last)
        answering = self.roster().holders_of(epoch)
        bad = {i: _GONE for i in epoch.shares if i not in answering}
        refusals = self.allowance.refusals(epoch, purpose)
        bad |= {i: seen.why for i, seen in refusals.items() if not seen.left}
        while True:
            request = Request(
                epoch.kind,
                epoch.epoch,
                epoch.generation,
                self._choose(epoch, bad, purpose, len(part)),
                purpose,
                self.rng(16).hex(),
                tuple(blinded.elements),
                last,
            )
            answers = await self._ask_all(epoch, request, deadline, bad)
            if len(answers) == epoch.t and last:
                try:
                    return await self._finish(part, blinded, answers, offload)
                except UntrustedError:
                    last = False  # and none is believed without from now on
                    self._wary_until = self.clock() + _WARY_S
                again = replace(request, id=self.rng(16).hex(), last=False)
                proven = await self._ask_all(epoch, again, deadline, bad)
                await self._name_liar(epoch, answers, proven, bad)
                answers = proven
            if len(answers) == epoch.t:
                return await self._finish(part, blinded, answers, offload)

    async def _finish(
        self,
        part: Sequence[Identifier],
        blinded: threshold.Blinded,
        answers: Mapping[int, HolderAnswer],
        offload: Offload,
    ) -> dict[Identifier, bytes]:
        points = [answer.points for answer in answers.values()]
        outs = await offload(threshold.finish, blinded, points)
        return dict(zip(part, outs, strict=True))

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
                missing=tuple(names[i] for i in bad),
                n=len(left),
                most=epoch.t,
                kind=epoch.kind,
                epoch=epoch.epoch,
                whys=whys,
            )
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
                "oprf: {kind}: no time left",
                missing=tuple(epoch.shares[i][0] for i in bad),
                kind=epoch.kind,
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
        offload = self.bulk if request.bulk else self.offload
        exchange, roster = Exchange(body, raw), self.roster()
        try:
            reply, left = await offload(
                evaluation.open_reply, raw, body, roster, member
            )
            points = await offload(
                evaluation.check_reply, reply, request, index, public_share
            )
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
        now = self.clock()
        self.holders[member] = HolderState(member, False, why, now)
        return why
