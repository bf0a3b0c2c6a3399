"""What a holder signed convicts it, if it lied, and nobody else ever."""

import asyncio
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from syncd import canonical
from syncd.errors import MalformedError, RefusedError, UntrustedError
from syncd.flows import evaluation, evidence
from syncd.flows.evaluation import Exchange, Request
from syncd.flows.evidence import Evidence
from syncd.oprf import group, threshold
from tests.cases import once, tried
from tests.flows.holders import World, add_to
from tests.refusals import malformed, refused

ERROR = group.multiply_base(group.scalar(7))


class Court:
    """The bank's right answers, and what it signs when it lies."""

    def __init__(self) -> None:
        self.world = World()
        self.bank = self.world.holders["bank"]  # share 1
        inputs = [b"%d" % at for at in range(evaluation.CHECKED)]
        self.request = Request(
            "phone",
            1,
            1,
            (1, 2),
            "call_check",
            "0" * 32,
            tuple(threshold.blind(inputs, secrets.token_bytes, True).elements),
            True,
        )
        self.proven = self.request._replace(id="1" * 32, last=False)

    async def ask(self, request: Request, error_at: int = -2) -> Exchange:
        """Return an exchange; with an error in one point if there is one."""
        body = bytes(request)
        if error_at == -2:
            return Exchange(body, await self.bank.answer(body))
        reply = canonical.loads(await self.bank.answer(body))["reply"]
        add_to(reply, error_at, ERROR)
        return Exchange(body, self.bank.sign(body, reply))

    def judge(self, *exchanges: Exchange, accused: str = "bank") -> str:
        held = Evidence(accused, exchanges)
        again = evidence.parse(bytes(held))
        assert again == held
        return evidence.judge(again, [self.world.roster])

    def acquits(self, *exchanges: Exchange, accused: str = "bank") -> None:
        with pytest.raises((UntrustedError, RefusedError)):
            self.judge(*exchanges, accused=accused)


@once
def court() -> Court:
    return Court()


async def test_a_wrong_answer_convicts(court: Court) -> None:
    """One is enough where the proof covers the lie."""
    lie = await court.ask(court.request, -1)
    assert court.judge(lie).startswith("it signed a wrong answer: ")
    right = await court.ask(court.proven)
    assert court.judge(right, lie).startswith("it signed a wrong answer: ")
    lie = await court.ask(court.proven, 3)
    assert "answered wrongly" in court.judge(lie)


async def test_two_answers_convict(court: Court) -> None:
    """Where it does not, what it proved afterwards shows it."""
    lie = await court.ask(court.request, 3)
    court.acquits(lie)
    right = await court.ask(court.proven)
    for pair in ((lie, right), (right, lie)):
        assert court.judge(*pair) == (
            "it signed two answers to the same elements"
        )


async def test_right_answers_convict_nobody(court: Court) -> None:
    """However they are put together."""
    one, again, proven = (
        await court.ask(court.request),
        await court.ask(court.request._replace(id="2" * 32)),
        await court.ask(court.proven),
    )
    quorum = await court.ask(court.request._replace(quorum=(1, 3)))
    kind = await court.ask(court.request._replace(kind="account"))
    fewer = await court.ask(
        court.proven._replace(elements=court.proven.elements[:-1])
    )
    honest = (one, again, proven, quorum, kind, fewer)
    for first in honest:
        court.acquits(first)
        for second in honest:
            court.acquits(first, second)
            if first is not second:  # the reply is for another request
                court.acquits(Exchange(first.request, second.reply))


async def test_nobody_else_is_convicted(court: Court) -> None:
    """By a lie of the bank, or by one in the bank's name."""
    lie = await court.ask(court.proven, 3)
    for other in ("carrier", "police", "platform", "nobody"):
        court.acquits(lie, accused=other)
    raw = canonical.loads(await court.bank.answer(bytes(court.proven)))
    add_to(raw["reply"], 3, ERROR)
    for forged in (
        canonical.dumps(raw),  # the bank's note is for the right one
        court.world.holders["police"].sign(bytes(court.proven), raw["reply"]),
        b"{}",
        b"not even json",
    ):
        court.acquits(Exchange(bytes(court.proven), forged))


@once
def honest(court: Court) -> Exchange:
    return asyncio.run(court.ask(court.proven))


@settings(max_examples=40)
@given(data=st.data())
def test_no_changed_bit_convicts(
    court: Court, honest: Exchange, data: st.DataObject
) -> None:
    """An honest holder cannot be framed with what it signed."""
    raw = [bytearray(honest.request), bytearray(honest.reply)]
    part = data.draw(st.sampled_from(raw))
    at = data.draw(st.integers(0, len(part) - 1))
    part[at] ^= 1 << data.draw(st.integers(0, 6))
    held = Evidence("bank", (Exchange(*map(bytes, raw)),))
    with pytest.raises((UntrustedError, RefusedError, MalformedError)):
        evidence.judge(held, [court.world.roster])


async def test_shares_of_another_time(court: Court) -> None:
    """Are judged by the roster of that time, and by no other."""
    held = Evidence("bank", (await court.ask(court.proven, 3),))
    now = court.world.roster
    later = structs.replace(
        now,
        version=2,
        epochs=tuple(
            structs.replace(e, generation=2) if e.shares else e
            for e in now.epochs
        ),
    )
    with refused("roster 2 has no such share"):
        evidence.judge(held, [later])
    assert evidence.judge(held, [later, now])
    with refused("no roster"):
        evidence.judge(held, [])


def test_of_what_it_was_never_asked(court: Court) -> None:
    """A quorum without the accused is no question to it."""
    for quorum in ((2, 3), (2, 1)):
        body = bytes(court.proven._replace(quorum=quorum))
        signed = court.bank.sign(body, {"elements": "", "proof": ""})
        court.acquits(Exchange(body, signed))


ROW = {"reply": "e30=", "request": "e30="}


def said(*exchanges: object, **more: object) -> dict[str, object]:
    return {"accused": "bank", "exchanges": exchanges, **more}


SHAPES: dict[str, object] = {
    "nothing": {},
    "no exchange": said(),
    "three": said(ROW, ROW, ROW),
    "more": said(ROW, more=1),
    "no base64": said({**ROW, "reply": "{}"}),
    "another base64": said({**ROW, "reply": "e31="}),
}


@tried("value", SHAPES.values(), ids=SHAPES)
def test_no_evidence_at_all(value: object, court: Court) -> None:
    """Evidence has one form."""
    with malformed("json: "):
        evidence.parse(canonical.dumps(value))


def test_evidence_without_end() -> None:
    """It is bounded before it is read."""
    with malformed("bytes"):
        evidence.parse(b"[" * (evidence.MAX_SIZE + 1))


def test_a_request_that_is_none(court: Court) -> None:
    """Says so; nobody is judged by it."""
    held = Evidence("bank", (Exchange(b"{}", b"{}"),))
    with malformed("another shape"):
        evidence.judge(held, [court.world.roster])
