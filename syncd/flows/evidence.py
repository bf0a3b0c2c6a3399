"""Judge signed replies of a holder that may prove that it lied.

    {"accused": member id,
     "exchanges": [{"reply": base64, "request": base64}, …]}

in canonical JSON: one exchange that is wrong by itself, or two that cannot
both be right. Request and reply are what was sent, to the byte. Their points
are blinded: nobody learns from them what was asked. Whoever has the roster
judges it offline, without trusting the accuser: the holder's signature covers
the request and the reply, and a right answer never convicts.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from syncd import canonical
from syncd.errors import MalformedError, RefusedError, UntrustedError, becoming
from syncd.flows import evaluation
from syncd.flows.evaluation import Exchange
from syncd.oprf import group
from syncd.roster.roster import Roster
from syncd.roster.row import Id

MAX_SIZE = 4 << 20  # bytes; two exchanges of 4,096 elements are 1.1 MB


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exchanges of one client with one holder, as the client kept them."""

    accused: Id
    exchanges: Annotated[
        tuple[Exchange, ...], msgspec.Meta(min_length=1, max_length=2)
    ]

    def __bytes__(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")


def parse(raw: bytes) -> Evidence:
    """Read evidence, of which nothing is proven yet.

    Raises:
        MalformedError: not the one spelling of evidence.
    """
    if len(raw) > MAX_SIZE:
        raise MalformedError("evidence: {n} bytes", n=len(raw))
    return canonical.load(raw, Evidence)


def judge(evidence: Evidence, rosters: Iterable[Roster]) -> str:
    """Return what the evidence proves of the accused.

    `rosters` are trusted versions, best newest first: keys and shares of
    another time are in the versions of that time.

    Raises:
        UntrustedError: it proves nothing.
        RefusedError: no version has the member, key and shares in question.
        MalformedError: a request is none.
    """
    problem: Exception = RefusedError("evidence: no roster to judge it by")
    for roster in rosters:
        try:
            return _judge(evidence, roster)
        except (RefusedError, UntrustedError) as e:
            problem = e
    raise problem


def _judge(evidence: Evidence, roster: Roster) -> str:
    questions = []
    for exchange in evidence.exchanges:
        request = evaluation.parse(exchange.request)
        epoch = roster.epoch(request.kind, request.epoch)
        index = epoch and epoch.index(evidence.accused)
        if not epoch or not index or epoch.generation != request.generation:
            raise RefusedError(
                "evidence: roster {version} has no such share of "
                "{kind}/{epoch}, generation {generation}",
                request,
                version=roster.version,
            )
        evaluation.check_quorum(request, epoch, index)
        # Not to be told from a forged one.
        with becoming("evidence: {why}", UntrustedError):
            reply, _ = evaluation.open_reply(
                exchange.reply, exchange.request, roster, evidence.accused
            )
        try:
            share = epoch.shares[index][1]
            points = evaluation.check_reply(reply, request, index, share)
            group.check_points(points)
        except (MalformedError, UntrustedError) as e:
            return f"it signed a wrong answer: {e}"
        questions.append((request, points))
    if len(questions) == 2:
        (one, first), (other, second) = questions
        same = one.digest == other.digest and one.quorum == other.quorum
        if same and first != second:
            return "it signed two answers to the same elements"
    raise UntrustedError(
        "evidence: proves nothing: right answers, for all we see"
    )
