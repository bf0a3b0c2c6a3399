"""Tokenise: turn identifiers into OPRF outputs with the help of t holders.

A request goes to a quorum of exactly t holders as canonical JSON:

    {"elements": hex, "generation": g, "id": 32 hex, "key": [kind, epoch],
     "purpose": code, "quorum": [index, …]}

`elements` is the concatenation of blinded points, 32 bytes each. The answer
is canonical JSON too:

    {"note": text, "reply": {"elements": hex, "proof": hex}}

where `note` is a `syncd/oprf-reply/v1` note by the holder's member key over
the SHA-256 of the request's bytes and of the reply's: a bad answer is
evidence. URLs are public addresses and need nobody's help.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from syncd.flows.ports import Finding
from syncd.indicator import token, vocabulary
from syncd.indicator.identifier import Identifier
from syncd.oprf import threshold
from syncd.roster.roster import Epoch, Roster
from syncd.tlog import document
from syncd.tlog.note import SigningKey

MAX_BATCH = 4096  # elements in one request
POINT = 32  # bytes
PURPOSES = vocabulary.codes("purpose")
PURPOSES_OF_BULK = frozenset({"publish", "rotate", "portfolio_screen"})
LOCAL_BATCH = 1024  # elements per round of bulk work: bounds the latency
_DOWN_S = 10  # seconds for which a holder that failed is asked last


class Offload(Protocol):
    """Run a pure function where it does not block the loop."""

    def __call__(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        """Return what `work(*args)` returns, or raise what it raises."""
        ...


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

    def __bytes__(self) -> bytes:
        return canonical.dumps(
            {
                "elements": b"".join(self.elements).hex(),
                "generation": self.generation,
                "id": self.id,
                "key": [self.kind, self.epoch],
                "purpose": self.purpose,
                "quorum": list(self.quorum),
            }
        )

    @property
    def context(self) -> bytes:
        """What the batch proof is bound to besides keys and points."""
        return canonical.dumps(
            {
                "generation": self.generation,
                "id": self.id,
                "key": [self.kind, self.epoch],
                "purpose": self.purpose,
            }
        )


def parse_request(body: bytes) -> Request:
    """Read a request; `bytes(parse_request(body)) == body`.

    Raises:
        MalformedError: not the one spelling of a well-formed request.
    """
    match canonical.loads(body):
        case {
            "elements": str() as elements,
            "generation": int() as generation,
            "id": str() as id_,
            "key": [str() as kind, int() as epoch],
            "purpose": str() as purpose,
            "quorum": list() as quorum,
            **rest,
        } if not rest and all(type(i) is int for i in quorum):
            pass
        case _:
            raise MalformedError("oprf: the request has another shape")
    if len(id_) != 32 or id_.strip("0123456789abcdef"):
        raise MalformedError("oprf: request id is not 16 bytes of hex")
    points = _points(elements)
    if not 1 <= len(points) <= MAX_BATCH:
        raise MalformedError(f"oprf: {len(points)} elements, want 1..4096")
    return Request(
        kind, epoch, generation, tuple(quorum), purpose, id_, points
    )


def _points(text: str) -> tuple[bytes, ...]:
    try:
        raw = bytes.fromhex(text)
    except ValueError as e:
        raise MalformedError("oprf: elements are not hex") from e
    if len(raw) % POINT or raw.hex() != text:
        raise MalformedError("oprf: elements are not whole points in hex")
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

    async def debit(self, member: str, request: Request, body: bytes) -> None:
        """Count the request before it is computed, or raise QuotaError."""
        ...


async def answer(
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

    Raises:
        MalformedError: not a request, or a point that is none.
        RefusedError: a key, quorum or purpose that is not ours to serve.
        QuotaError: the member's hour or day is used up.
    """
    request = parse_request(body)
    share = shares.get((request.kind, request.epoch, request.generation))
    epoch = roster.epoch(request.kind, request.epoch)
    if share is None or epoch is None:
        raise RefusedError(
            f"oprf: no share of key {request.kind}/{request.epoch}"
            f" generation {request.generation} here"
        )
    quorum = request.quorum
    if (
        len(quorum) != epoch.t
        or list(quorum) != sorted(set(quorum))
        or share.index not in quorum
        or not set(quorum) <= set(epoch.shares)
    ):
        raise RefusedError(
            f"oprf: quorum {list(quorum)} is not {epoch.t} holders with"
            f" {share.index} among them"
        )
    # Quotas are kept by purpose: one that nobody knows would pass by them.
    if request.purpose not in PURPOSES:
        raise RefusedError("oprf: the purpose is not in the vocabulary")
    await quota.debit(member, request, body)
    evaluation = await offload(
        threshold.evaluate,
        share.scalar,
        share.index,
        quorum,
        request.elements,
        rng,
        request.context,
    )
    reply = {
        "elements": b"".join(evaluation.elements).hex(),
        "proof": evaluation.proof.hex(),
    }
    note = document.sign(
        "oprf-reply", roster.id, _signed(body, canonical.dumps(reply)), key
    )
    return canonical.dumps({"note": bytes(note).decode(), "reply": reply})


def _signed(request: bytes, reply: bytes) -> dict[str, str]:
    return {
        "reply": hashlib.sha256(reply).hexdigest(),
        "request": hashlib.sha256(request).hexdigest(),
    }


# -------------------------------------------------------------- the client


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
        clock: Callable[[], float],
        rng: Callable[[int], bytes],
        report: Callable[[Finding], Awaitable[None]],
        cache_size: int = 0,
        holder_s: float = 2.0,
    ) -> None:
        self._holder_s = holder_s  # a look-up waits this long for a holder
        self._cache: dict[tuple[Identifier, int], bytes] = {}
        self._cache_size = cache_size
        self._roster = roster
        self._door = door
        self._offload = offload
        self._clock = clock
        self._rng = rng
        self._report = report
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
            HoldersError: fewer than t holders gave a right answer; names
                the others.
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
        """Put outputs into `done`, as many as can be had.

        Raises:
            HoldersError: as `outputs`; what came before is in `done`.
        """
        wanted = dict.fromkeys(identifiers)
        for one in wanted:
            if one.kind == "url":
                done[one] = token.url_output(one)
            elif self._cache:
                known = self._cache.get((one, self.epoch(one.kind).epoch))
                if known is not None:
                    done[one] = known
        for kind in ("phone", "account"):
            rest = [i for i in wanted if i.kind == kind and i not in done]
            for at in range(0, len(rest), LOCAL_BATCH):
                part = rest[at : at + LOCAL_BATCH]
                fresh = await self._batch(kind, part, purpose, timeout_s)
                done.update(fresh)
                self._remember(fresh)

    def _remember(self, fresh: Mapping[Identifier, bytes]) -> None:
        """Keep outputs in memory, the newest `cache_size` of them."""
        if not self._cache_size:
            return
        self._cache.update(
            {(one, self.epoch(one.kind).epoch): fresh[one] for one in fresh}
        )
        for old in [*self._cache][
            : max(len(self._cache) - self._cache_size, 0)
        ]:
            del self._cache[old]

    async def _batch(
        self,
        kind: str,
        part: Sequence[Identifier],
        purpose: str,
        timeout_s: float,
    ) -> dict[Identifier, bytes]:
        epoch = self.epoch(kind)
        inputs = [token.oprf_input(i) for i in part]
        blinded = await self._offload(threshold.blind, inputs, self._rng)
        bad: dict[int, str] = {}
        deadline = self._clock() + timeout_s
        while True:
            quorum = self._choose(epoch, bad)
            left = deadline - self._clock()
            if left <= 0:
                raise HoldersError(
                    f"oprf: {kind}: no time left",
                    missing=tuple(epoch.shares[i][0] for i in bad),
                )
            request = Request(
                kind,
                epoch.epoch,
                epoch.generation,
                quorum,
                purpose,
                self._rng(16).hex(),
                tuple(blinded.elements),
            )
            # A holder that is down may use up half of the time that is left.
            wait = left / 2 if len(epoch.shares) - len(bad) > epoch.t else left
            if purpose not in PURPOSES_OF_BULK:
                wait = min(wait, self._holder_s)
            answers = await asyncio.gather(
                *(self._ask(epoch, i, request, wait) for i in quorum)
            )
            failed = {
                index: got
                for index, got in zip(quorum, answers, strict=True)
                if isinstance(got, str)
            }
            bad.update(failed)
            if not failed:
                outs = await self._offload(threshold.finish, blinded, answers)
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

    async def _ask(
        self, epoch: Epoch, index: int, request: Request, timeout_s: float
    ) -> list[bytes] | str:
        """Return one holder's checked points, or why there are none."""
        member, public_share = epoch.shares[index]
        began = self._clock()
        body = bytes(request)
        try:
            raw = await self._door(member).evaluate(body, timeout_s)
        except (UnavailableError, RefusedError, MalformedError) as e:
            return self._down(member, str(e))
        except SyncdError as e:  # a quota of ours: the holder itself is well
            return str(e)
        try:
            evaluation = self._open(raw, body, member)
            await self._offload(
                threshold.check,
                public_share,
                index,
                request.quorum,
                request.elements,
                evaluation,
                request.context,
            )
        except (MalformedError, UntrustedError) as e:
            await self._report(Finding("bad_holder", member, None, str(e)))
            return self._down(member, f"wrong answer: {e}")
        self.holders[member] = HolderState(
            member,
            since=int(self._clock()),
            latency_s=self._clock() - began,
        )
        return list(evaluation.elements)

    def _down(self, member: str, why: str) -> str:
        now = int(self._clock())
        self.holders[member] = HolderState(member, False, why, now)
        return why

    def _open(
        self, raw: bytes, request: bytes, member: str
    ) -> threshold.Evaluation:
        match canonical.loads(raw):
            case {
                "note": str() as text,
                "reply": {
                    "elements": str() as elements,
                    "proof": str() as proof,
                } as reply,
                **rest,
            } if len(reply) == 2 and not rest:
                pass
            case _:
                raise MalformedError("oprf: the reply has another shape")
        roster = self._roster()
        holder = roster.member(member)
        keys = [holder.keys.member] if holder else []
        value, _ = document.open_(text.encode(), "oprf-reply", roster.id, keys)
        if value != _signed(request, canonical.dumps(reply)):
            raise UntrustedError("oprf: the reply's note is for another one")
        try:
            opened = bytes.fromhex(proof)
        except ValueError as e:
            raise MalformedError("oprf: the proof is not hex") from e
        if opened.hex() != proof:
            raise MalformedError("oprf: the proof is not in lower-case hex")
        return threshold.Evaluation(list(_points(elements)), opened)
