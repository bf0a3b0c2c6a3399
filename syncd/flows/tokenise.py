"""Tokenise: turn identifiers into OPRF outputs with the help of t holders.

A request goes to a quorum of exactly t holders as canonical JSON:

    {"elements": hex, "generation": g, "id": 32 hex, "key": [kind, epoch],
     "proof"?: "last", "purpose": code, "quorum": [index, …]}

`elements` is the concatenation of blinded points, 32 bytes each. `proof` asks
for a proof of the last alone, by which the client checks the others
(`oprf.threshold`). The answer is canonical JSON too:

    {"note": text, "reply": {"elements": hex, "proof": hex}}

where `note` is a `syncd/oprf-reply/v1` note by the holder's member key over
the SHA-256 of the request's bytes and of the reply's: a bad answer is
evidence. URLs are public addresses and need nobody's help.
"""

import asyncio
import hashlib
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from syncd import canonical
from syncd.errors import (
    HoldersError,
    MalformedError,
    RefusedError,
    SyncdError,
    UnavailableError,
    UntrustedError,
)
from syncd.flows.ports import Offload
from syncd.indicator import token, vocabulary
from syncd.indicator.identifier import Identifier
from syncd.oprf import threshold
from syncd.roster.roster import Epoch, Roster
from syncd.tlog import document
from syncd.tlog.note import SigningKey

MAX_BATCH = 4096  # elements in one request
POINT = 32  # bytes
PURPOSES = vocabulary.codes("purpose")
PURPOSES_OF_BULK = frozenset(
    {"never", "portfolio_screen", "publish", "rotate"}
)
BULK_BATCH = 1024  # identifiers in one request
# Those on their way together are what a busy holder may take seconds for.
LOOKUP_BATCH = 256
LANES = 3  # requests of one call on their way at once
CHECKED = 64  # elements from which a check element goes with them, uncounted
_DOWN_S = 10  # seconds for which a holder that failed is asked last
_LIED = "wrong answer: "  # begins why such a holder is down
_GONE = "holder no more"  # by the roster, which still has its public share
_WARY_S = 600  # seconds after a lie for which every answer is to be proven


class HolderDoor(Protocol):
    """The way to one holder's `/oprf/v1/evaluate`."""

    async def evaluate(self, body: bytes, timeout_s: float) -> bytes:
        """Return the reply's bytes, or raise UnavailableError, QuotaError."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One batch for one quorum, as parsed from its bytes."""

    kind: str
    epoch: int
    generation: int
    quorum: tuple[int, ...]
    purpose: str
    id: str
    elements: tuple[bytes, ...]
    last: bool = False  # the last element checks the others: prove it alone

    def __bytes__(self) -> bytes:
        return canonical.dumps(
            {
                "elements": b"".join(self.elements).hex(),
                "quorum": list(self.quorum),
                **self._terms,
            }
        )

    @property
    def context(self) -> bytes:
        """What the batch proof is bound to besides keys and points."""
        return canonical.dumps(self._terms)

    @property
    def _terms(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "id": self.id,
            "key": [self.kind, self.epoch],
            **({"proof": "last"} if self.last else {}),
            "purpose": self.purpose,
        }

    @property
    def counted(self) -> int:
        """How many elements a quota is debited with: not the check."""
        return len(self.elements) - self.last

    @property
    def digest(self) -> bytes:
        """What is the same if a holder would learn its caller nothing new.

        The answer to the same elements under the same key: another quorum
        only multiplies it by what everyone knows, and a proof says that it is
        right.
        """
        named = f"{self.kind}/{self.epoch}/{self.generation}/"
        return hashlib.sha256(
            named.encode() + b"".join(self.elements)
        ).digest()


def parse_request(body: bytes) -> Request:
    """Read a request; `bytes(parse_request(body)) == body`.

    Raises:
        MalformedError: not the one spelling of a well-formed request.
    """
    match canonical.loads(body):
        case {
            "elements": str() as elements,
            "generation": generation,
            "id": str() as id_,
            "key": [str() as kind, epoch],
            "purpose": str() as purpose,
            "quorum": list() as quorum,
            **rest,
        } if rest in ({}, {"proof": "last"}) and all(
            type(i) is int for i in (generation, epoch, *quorum)
        ):
            pass  # isinstance would take true for 1, in a quota of its own
        case _:
            raise MalformedError("oprf: the request has another shape")
    if len(id_) != 32 or id_.strip("0123456789abcdef"):
        raise MalformedError("oprf: request id is not 16 bytes of hex")
    points = _points(elements)
    if not 1 <= len(points) <= MAX_BATCH:
        raise MalformedError(f"oprf: {len(points)} elements, want 1..4096")
    last = bool(rest)
    if last and len(points) <= CHECKED:
        raise MalformedError(
            f"oprf: a check of {len(points) - 1} elements, want {CHECKED}"
        )
    return Request(
        kind, epoch, generation, tuple(quorum), purpose, id_, points, last
    )


def _hex(text: str, what: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError as e:
        raise MalformedError(f"oprf: {what} not hex") from e
    if raw.hex() != text:
        raise MalformedError(f"oprf: {what} not in lower-case hex")
    return raw


def _points(text: str) -> tuple[bytes, ...]:
    raw = _hex(text, "elements are")
    if len(raw) % POINT:
        raise MalformedError("oprf: elements are not whole points")
    return tuple(raw[i : i + POINT] for i in range(0, len(raw), POINT))


# -------------------------------------------------------------- the holder


@dataclass(frozen=True, slots=True)
class Share:
    """One share of one token key; the scalar never leaves this process."""

    kind: str
    epoch: int
    generation: int
    index: int
    scalar: bytes = field(repr=False)  # 32 bytes, little-endian


class Debit(Protocol):
    """The holder's durable quota book."""

    async def debit(self, member: str, request: Request) -> None:
        """Count the request before it is computed, or raise QuotaError."""
        ...


async def answer(
    request: Request,
    body: bytes,
    *,
    member: str,
    roster: Roster,
    shares: Mapping[tuple[str, int, int], Share],
    quota: Debit,
    key: SigningKey,
    offload: Offload,
    rng: Callable[[int], bytes],
) -> bytes:
    """Return the signed reply to a member's request, quota debited first.

    `request` is what `body` parses to.

    Raises:
        MalformedError: a point that is none.
        RefusedError: a key, quorum or purpose that is not ours to serve.
        QuotaError: the member's hour or day is used up.
    """
    share = shares.get((request.kind, request.epoch, request.generation))
    epoch = roster.epoch(request.kind, request.epoch)
    if share is None or epoch is None:
        raise RefusedError(
            f"oprf: no share of key {request.kind}/{request.epoch}"
            f" generation {request.generation} here"
        )
    check_quorum(request, epoch, share.index)
    # Quotas are kept by purpose: one that nobody knows would pass by them.
    if request.purpose not in PURPOSES:
        raise RefusedError("oprf: the purpose is not in the vocabulary")
    await quota.debit(member, request)
    evaluation = await offload(
        threshold.evaluate,
        share.scalar,
        share.index,
        request.quorum,
        request.elements,
        rng,
        request.context,
        request.last,
    )
    reply = {
        "elements": b"".join(evaluation.elements).hex(),
        "proof": evaluation.proof.hex(),
    }
    note = document.sign(
        "oprf-reply", roster.id, _signed(body, canonical.dumps(reply)), key
    )
    return canonical.dumps({"note": bytes(note).decode(), "reply": reply})


def check_quorum(request: Request, epoch: Epoch, index: int) -> None:
    """The quorum has t holders of the key, and `index` is one of them.

    Raises:
        RefusedError: it is another one.
    """
    quorum = request.quorum
    if (
        len(quorum) != epoch.t
        or list(quorum) != sorted(set(quorum))
        or index not in quorum
        or not set(quorum) <= set(epoch.shares)
    ):
        raise RefusedError(
            f"oprf: quorum {list(quorum)} is not {epoch.t} holders with"
            f" {index} among them"
        )


def _signed(request: bytes, reply: bytes) -> dict[str, str]:
    return {
        "reply": hashlib.sha256(reply).hexdigest(),
        "request": hashlib.sha256(request).hexdigest(),
    }


def open_reply(
    raw: bytes, body: bytes, roster: Roster, member: str
) -> dict[str, Any]:
    """Return the reply object that a member signed as its answer to `body`.

    Raises:
        MalformedError: not a reply at all.
        UntrustedError: the member did not sign it, or to another request.
    """
    match canonical.loads(raw):
        case {"note": str() as text, "reply": dict() as reply, **rest} if (
            not rest
        ):
            pass
        case _:
            raise MalformedError("oprf: the reply has another shape")
    holder = roster.member(member)
    keys = [holder.keys.member] if holder else []
    value, _ = document.open_(text.encode(), "oprf-reply", roster.id, keys)
    if value != _signed(body, canonical.dumps(reply)):
        raise UntrustedError("oprf: the reply's note is for another one")
    return reply


def check_reply(
    reply: dict[str, Any], request: Request, index: int, public_share: bytes
) -> list[bytes]:
    """Return a reply's points: right, as far as it was to prove them.

    Raises:
        MalformedError: not the form of a reply.
        UntrustedError: not a right answer of holder `index`.
    """
    match reply:
        case {
            "elements": str() as elements,
            "proof": str() as proof,
            **rest,
        } if not rest:
            pass
        case _:
            raise MalformedError("oprf: the reply has another shape")
    points = list(_points(elements))
    evaluation = threshold.Evaluation(points, _hex(proof, "proof is"))
    threshold.check(
        public_share,
        index,
        request.quorum,
        request.elements,
        evaluation,
        request.context,
        request.last,
    )
    return points


# -------------------------------------------------------------- the client


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a holder was asked, and what it answered."""

    request: bytes
    reply: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """A holder's points, and how they came."""

    points: list[bytes]
    exchange: Exchange


class Accuse(Protocol):
    """Where a bad answer goes."""

    async def __call__(
        self, member: str, why: str, *exchanges: Exchange
    ) -> None:
        """Keep what the holder signed, and say so."""
        ...


@dataclass(slots=True)
class HolderState:
    """What we last saw of a holder; told in `status`."""

    member: str
    up: bool = True
    why: str = ""
    since: int = 0  # seconds of the clock given
    latency_s: float = 0.0


class Tokeniser:
    """Asks quorums of holders, checks every answer, and names bad ones."""

    def __init__(
        self,
        *,
        roster: Callable[[], Roster],
        door: Callable[[str], HolderDoor],
        offload: Offload,
        bulk: Offload,
        clock: Callable[[], float],
        rng: Callable[[int], bytes],
        accuse: Accuse,
        cache_size: int = 0,
        holder_s: float = 2.0,
    ) -> None:
        """Take the parts.

        Args:
            roster: the newest roster that we accepted.
            door: the way to a member.
            offload: runs look-ups' work.
            bulk: runs bulk work, behind look-ups.
            clock: seconds, of a clock that nobody sets.
            rng: fresh random bytes.
            accuse: takes bad answers.
            cache_size: identifiers whose outputs are remembered.
            holder_s: a look-up waits this long for a holder.
        """
        self._holder_s = holder_s
        self._cache: dict[tuple[Identifier, int], bytes] = {}
        self._cache_size = cache_size
        self._roster = roster
        self._door = door
        self._offload = offload
        self._bulk = bulk
        self._clock = clock
        self._rng = rng
        self._accuse = accuse
        self._wary_until = -math.inf  # seconds of the clock
        self.holders: dict[str, HolderState] = {}

    def epoch(self, kind: str) -> Epoch:
        """Return the newest epoch of `kind`.

        Raises:
            RefusedError: the roster has no key of that kind.
        """
        epoch = self._roster().epoch(kind)
        if epoch is None:
            raise RefusedError(f"oprf: the roster has no {kind} epoch")
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
        deadline = self._clock() + timeout_s
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
                if failed:
                    return
                try:
                    epoch = self.epoch(kind)
                    fresh = await self._batch(epoch, part, purpose, deadline)
                except SyncdError as e:
                    failed.append(e)
                    return
            done.update(fresh)
            self._remember(epoch, fresh)

        bulk = purpose in PURPOSES_OF_BULK
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

    def _remember(
        self, epoch: Epoch, fresh: Mapping[Identifier, bytes]
    ) -> None:
        """Keep outputs in memory, the newest `cache_size` of them.

        Under the epoch that they were asked of: a new one may have come
        meanwhile.
        """
        if not self._cache_size:
            return
        self._cache.update({(one, epoch.epoch): fresh[one] for one in fresh})
        over = max(len(self._cache) - self._cache_size, 0)
        for old in list(itertools.islice(self._cache, over)):
            del self._cache[old]

    async def _batch(
        self,
        epoch: Epoch,
        part: Sequence[Identifier],
        purpose: str,
        deadline: float,
    ) -> dict[Identifier, bytes]:
        bulk = purpose in PURPOSES_OF_BULK
        offload = self._bulk if bulk else self._offload
        last = len(part) >= CHECKED and self._clock() >= self._wary_until
        inputs = [token.oprf_input(i) for i in part]
        blinded = await offload(threshold.blind, inputs, self._rng, last)
        answering = self._roster().holders_of(epoch)
        bad = {i: _GONE for i in epoch.shares if i not in answering}
        while True:
            request = Request(
                epoch.kind,
                epoch.epoch,
                epoch.generation,
                self._choose(epoch, bad),
                purpose,
                self._rng(16).hex(),
                tuple(blinded.elements),
                last,
            )
            answers = await self._ask_all(epoch, request, deadline, bad)
            if len(answers) == epoch.t and last:
                try:
                    return await self._finish(part, blinded, answers, offload)
                except UntrustedError:
                    last = False  # and none is believed without from now on
                    self._wary_until = self._clock() + _WARY_S
                again = replace(request, id=self._rng(16).hex(), last=False)
                proven = await self._ask_all(epoch, again, deadline, bad)
                await self._name_liar(epoch, answers, proven, bad)
                answers = proven
            if len(answers) == epoch.t:
                return await self._finish(part, blinded, answers, offload)

    async def _finish(
        self,
        part: Sequence[Identifier],
        blinded: threshold.Blinded,
        answers: Mapping[int, Answered],
        offload: Offload,
    ) -> dict[Identifier, bytes]:
        points = [answer.points for answer in answers.values()]
        outs = await offload(threshold.finish, blinded, points)
        return dict(zip(part, outs, strict=True))

    def _choose(self, epoch: Epoch, bad: Mapping[int, str]) -> tuple[int, ...]:
        now = self._clock()
        left = [i for i in epoch.shares if i not in bad]
        if len(left) < epoch.t:
            names = {i: epoch.shares[i][0] for i in epoch.shares}
            why = ", ".join(f"{names[i]} ({w})" for i, w in bad.items())
            raise HoldersError(
                f"oprf: {len(left)} of the {epoch.t} holders needed for"
                f" {epoch.kind}/{epoch.epoch}; missing: {why}",
                missing=tuple(names[i] for i in bad),
            )

        def rank(index: int) -> tuple[bool, float]:
            state = self.holders.get(epoch.shares[index][0])
            if state is None:
                return False, 0.0
            down = not state.up and now - state.since < _DOWN_S
            return down, state.latency_s

        return tuple(sorted(sorted(left, key=rank)[: epoch.t]))

    async def _ask_all(
        self,
        epoch: Epoch,
        request: Request,
        deadline: float,
        bad: dict[int, str],
    ) -> dict[int, Answered]:
        """Return the quorum's good answers; the others' faults are in `bad`.

        Raises:
            HoldersError: there is no time left.
        """
        left = deadline - self._clock()
        if left <= 0:
            raise HoldersError(
                f"oprf: {epoch.kind}: no time left",
                missing=tuple(epoch.shares[i][0] for i in bad),
            )
        # A holder that is down may use up half of the time that is left.
        wait = left / 2 if len(epoch.shares) - len(bad) > epoch.t else left
        if request.purpose not in PURPOSES_OF_BULK:
            wait = min(wait, self._holder_s)
        body = bytes(request)
        answers = await asyncio.gather(
            *(self._ask(epoch, i, request, body, wait) for i in request.quorum)
        )
        good: dict[int, Answered] = {}
        for index, answer in zip(request.quorum, answers, strict=True):
            if isinstance(answer, str):
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
    ) -> Answered | str:
        """Return one holder's checked points, or why there are none."""
        member, public_share = epoch.shares[index]
        began = self._clock()
        try:
            raw = await self._door(member).evaluate(body, timeout_s)
        except (UnavailableError, RefusedError, MalformedError) as e:
            return self._down(member, str(e))
        except SyncdError as e:  # a quota of ours: the holder itself is well
            return str(e)
        took = self._clock() - began
        bulk = request.purpose in PURPOSES_OF_BULK
        offload = self._bulk if bulk else self._offload
        exchange, roster = Exchange(body, raw), self._roster()
        try:
            reply = await offload(open_reply, raw, body, roster, member)
            points = await offload(
                check_reply, reply, request, index, public_share
            )
        except (MalformedError, UntrustedError) as e:
            await self._accuse(member, str(e), exchange)
            return self._down(member, _LIED + str(e))
        now = int(self._clock())
        self.holders[member] = HolderState(member, since=now, latency_s=took)
        return Answered(points, exchange)

    async def _name_liar(
        self,
        epoch: Epoch,
        said: Mapping[int, Answered],
        proven: Mapping[int, Answered],
        bad: dict[int, str],
    ) -> None:
        """Name who answered otherwise than it proves, or will not prove it.

        One of them did; so if all but one prove what they said, it is that.
        """
        liars: dict[int, tuple[Exchange, ...]] = {
            index: (said[index].exchange, answer.exchange)
            for index, answer in proven.items()
            if answer.points != said[index].points
        }
        why = "it answered otherwise than it proves"
        silent = said.keys() - proven.keys()
        if not liars and [bad[i].startswith(_LIED) for i in silent] == [False]:
            why = "it answered wrongly and proves nothing"
            liars = {index: (said[index].exchange,) for index in silent}
        for index, exchanges in liars.items():
            member = epoch.shares[index][0]
            await self._accuse(member, f"oprf: {why}", *exchanges)
            bad[index] = self._down(member, _LIED + why)

    def _down(self, member: str, why: str) -> str:
        now = int(self._clock())
        self.holders[member] = HolderState(member, False, why, now)
        return why
