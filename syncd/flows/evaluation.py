"""The request to a holder to evaluate points, and its signed reply.

A request goes to a quorum of exactly t holders as canonical JSON:

    {"elements": hex, "generation": g, "id": 32 hex, "key": [kind, epoch],
     "proof"?: "last", "purpose": code, "quorum": [index, …]}

`elements` is the concatenation of blinded points, 32 bytes each. `proof` asks
for a proof of the last alone, by which the client checks the others
(`oprf.threshold`). The answer is canonical JSON too:

    {"left"?: n, "note": text, "reply": {"elements": hex, "proof": hex}}

where `left` says how many more the holder would evaluate now, and `note` is a `syncd/oprf-reply/v1` note by the holder's member key over
the SHA-256 of the request's bytes and of the reply's: a bad answer is
evidence.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import msgspec

from syncd import canonical
from syncd.errors import MalformedError, RefusedError, UntrustedError
from syncd.flows.key_share import Share
from syncd.flows.ports import Offload
from syncd.indicator import vocabulary
from syncd.oprf import group, threshold
from syncd.roster.roster import Roster
from syncd.roster.terms import BULK, Epoch
from syncd.shape import Form
from syncd.tlog import document, note
from syncd.tlog.note import SigningKey

PURPOSES = frozenset(vocabulary.FACETS["purpose"])
FEW = 4  # elements that are computed at once: 0.5 ms each at most
CHECKED = 64  # elements from which a check element goes with them, uncounted


class Request(NamedTuple):
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
    def bulk(self) -> bool:
        """Whether it waits behind look-ups."""
        return self.purpose in BULK

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


_Number = Annotated[int, msgspec.Meta(ge=0, le=canonical.MAX_INTEGER)]
_Hex = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{2}){0,64}\Z")]
_Id = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
_Points = Annotated[
    str, msgspec.Meta(pattern=r"\A([0-9a-f]{64}){1,4096}\Z")
]  # `threshold.MAX_BATCH`


class _Asked(msgspec.Struct, omit_defaults=True):
    elements: _Points
    generation: _Number
    id: _Id
    key: tuple[str, _Number]
    purpose: str
    quorum: tuple[_Number, ...]
    proof: Literal["last"] | None = None


class _Answer(msgspec.Struct):
    elements: _Points
    proof: _Hex


class _Answered(msgspec.Struct, omit_defaults=True):
    note: str
    reply: msgspec.Raw  # what the note signs, whatever it is
    left: _Number | None = None


def parse(body: bytes) -> Request:
    """Read a request; `bytes(parse(body)) == body`.

    Raises:
        MalformedError: not the one spelling of a well-formed request.
    """
    asked = canonical.load(body, _Asked)
    points = _points(asked.elements)
    last = asked.proof == "last"
    if last and len(points) <= CHECKED:
        raise MalformedError(
            "oprf: a check of {n} elements, want {want}",
            n=len(points) - 1,
            want=CHECKED,
        )
    return Request(
        *asked.key,
        asked.generation,
        asked.quorum,
        asked.purpose,
        asked.id,
        points,
        last,
    )


def _points(text: str) -> tuple[bytes, ...]:
    return tuple(group.split(bytes.fromhex(text)))


# -------------------------------------------------------------- the holder


class Debit(Protocol):
    """The holder's durable quota book."""

    async def debit(self, member: str, request: Request, epoch: Epoch) -> int:
        """Count the request before it is computed, or raise QuotaError.

        Returns how many elements are left.
        """


async def answer(
    request: Request,
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
        MalformedError: a point that is none.
        RefusedError: a key, quorum or purpose that is not ours to serve.
        QuotaError: the member's hour or day is used up.
    """
    share = shares.get((request.kind, request.epoch, request.generation))
    epoch = roster.epoch(request.kind, request.epoch)
    if share is None or epoch is None:
        raise RefusedError(
            "oprf: no share of key {kind}/{epoch} generation "
            "{generation} here",
            request,
        )
    check_quorum(request, epoch, share.index)
    # Quotas are kept by purpose: one that nobody knows would pass by them.
    if request.purpose not in PURPOSES:
        raise RefusedError("oprf: the purpose is not in the vocabulary")
    left = await quota.debit(member, request, epoch)
    evaluation = await offload(
        threshold.evaluate,
        share.secret,
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
    return sign_reply(reply, request, roster, key, left=left)


def sign_reply(
    reply: object,
    request: Request,
    roster: Roster,
    key: SigningKey,
    *,
    left: int | None = None,
) -> bytes:
    """Return the bytes of a reply, with the note of who answers."""
    raw = canonical.dumps(reply)
    signed = _signed(bytes(request), raw)
    note = bytes(document.sign("oprf-reply", roster.id, signed, key))
    answered = _Answered(note.decode(), msgspec.Raw(raw), left)
    return msgspec.json.encode(answered, order="sorted")


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
            "oprf: quorum {list} is not {t} holders with {index} among them",
            epoch,
            list=list(quorum),
            index=index,
        )


def _signed(request: bytes, reply: bytes) -> dict[str, str]:
    return {
        "reply": hashlib.sha256(reply).hexdigest(),
        "request": hashlib.sha256(request).hexdigest(),
    }


def open_reply(
    raw: bytes, body: bytes, roster: Roster, member: str
) -> tuple[bytes, int | None]:
    """Return the reply, as JSON, that a member signed as its answer to `body`.

    And what it says is left, which it does not sign.

    Raises:
        MalformedError: not a reply at all.
        RefusedError: it signs by the key of another version of the roster.
        UntrustedError: the member did not sign it, or to another request.
    """
    answered = canonical.load(raw, _Answered)
    reply = bytes(answered.reply)
    holder = roster.member(member)
    keys = [holder.keys.member] if holder else []
    raw = answered.note.encode()
    if holder and note.by_another(note.parse(raw), *keys):
        raise RefusedError(
            "oprf: {member} signs by its key of another roster version",
            member=member,
        )
    value = document.open_(raw, "oprf-reply", roster.id, keys)
    if value != _signed(body, reply):
        raise UntrustedError("oprf: the reply's note is for another one")
    return reply, answered.left


def check_reply(
    reply: bytes, request: Request, index: int, public_share: bytes
) -> list[bytes]:
    """Return a reply's points: right, as far as it was to prove them.

    Raises:
        MalformedError: not the form of a reply.
        UntrustedError: not a right answer of holder `index`.
    """
    answer = canonical.load(reply, _Answer)
    points = list(_points(answer.elements))
    threshold.check(
        public_share,
        index,
        request.quorum,
        request.elements,
        threshold.Evaluation(points, bytes.fromhex(answer.proof)),
        request.context,
        request.last,
    )
    return points


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a holder was asked, and what it answered."""

    request: bytes
    reply: bytes


class Proof(Form):
    """What shows anybody that holders made an output of one value."""

    blind: bytes  # the scalar that hid it from them
    exchanges: Annotated[tuple[Exchange, ...], msgspec.Meta(min_length=1)]
    # the same request to each of the quorum, in its order
