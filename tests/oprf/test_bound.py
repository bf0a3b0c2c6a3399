"""The bound batch proof: nothing of a batch changes without being seen."""

import io
import secrets
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import curve, oprf
from syncd.oprf import group, threshold, voprf
from syncd.oprf.threshold import Evaluation
from tests.cases import once, slow, tried, vectors
from tests.ceremonies import Dealt
from tests.refusals import malformed, untrusted

VECTOR = vectors("oprf/bound")
CHECKED = vectors("oprf/checked")
QUORUM = (1, 3)
CONTEXT = (
    b'{"generation":2,"id":"00112233445566778899aabbccddeeff",'
    b'"key":["account",4],"purpose":"call_check"}'
)
rng = secrets.token_bytes


class Case:
    """A right answer of holder 3, and how a check of something else ends."""

    def __init__(self, size: int) -> None:
        self.dealt = Dealt(2, 3, rng)
        inputs = [b"%d" % at for at in range(size)]
        self.elements = threshold.blind(inputs, rng).elements
        self.answer = self.evaluate()

    def evaluate(
        self,
        elements: list[bytes] | None = None,
        quorum: tuple[int, ...] = QUORUM,
        context: bytes = CONTEXT,
    ) -> Evaluation:
        return threshold.evaluate(
            self.dealt.shares[3],
            3,
            quorum,
            self.elements if elements is None else elements,
            rng,
            context,
        )

    def check(self, answer: Evaluation) -> None:
        threshold.check(
            self.dealt.public_shares[3],
            3,
            QUORUM,
            self.elements,
            answer,
            CONTEXT,
        )

    def refuses(self, elements: list[bytes], proof: bytes = b"") -> None:
        answer = Evaluation(elements, proof or self.answer.proof)
        with untrusted("holder 3"):
            self.check(answer)


@pytest.fixture(scope="module", params=[1, 2, 5])
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param)


@once
def five() -> Case:
    return Case(5)


def test_right_answer(case: Case) -> None:
    """What a holder answers is accepted, in whatever order S is named."""
    case.check(case.answer)
    case.check(case.evaluate(quorum=QUORUM[::-1]))


def test_wrong_elements(case: Case) -> None:
    """One that is off by anything; too few, too many."""
    right = case.answer.elements
    for at in range(len(right)):
        wrong = list(right)
        wrong[at] = group.total([right[at], case.dealt.public])
        case.refuses(wrong)
    for wrong in (right[:-1], [], [*right, right[0]]):
        case.refuses(wrong)


def test_wrong_together(five: Case) -> None:
    """Answers belong to their places, and errors that cancel are seen."""
    a, b, *rest = five.answer.elements
    error = five.dealt.public
    minus = group.multiply(group.scalar(-1), error)
    for wrong in (
        [b, a, *rest],
        [a, a, *rest],
        [group.total([a, error]), group.total([b, minus]), *rest],
    ):
        five.refuses(wrong)


def test_errors_that_cancelled_under_the_old_weights(five: Case) -> None:
    """A holder cannot solve for errors: they draw new weights.

    Under the weights of the right batch the two errors cancel exactly; the
    composites would be the same, and so would the proof.
    """
    with patch.object(
        group, "weighted_sum", wraps=group.weighted_sum
    ) as added:
        five.check(five.answer)
    weights, _ = added.call_args_list[0].args
    error = five.dealt.public
    other = group.multiply(
        group.scalar_mul(
            group.scalar_mul(group.scalar(-1), weights[1]),
            group.invert_all([weights[2]])[0],
        ),
        error,
    )
    wrong = list(five.answer.elements)
    wrong[1] = group.total([wrong[1], error])
    wrong[2] = group.total([wrong[2], other])
    assert group.weighted_sum(weights, wrong) == group.weighted_sum(
        weights, five.answer.elements
    )
    five.refuses(wrong)


NOT_POINTS = {
    "the identity, which libsodium's sum would take": bytes(32),
    "2^255 - 19 + 0, a second zero": (2**255 - 19).to_bytes(32, "little"),
    "2^255 - 18, a second one": (2**255 - 18).to_bytes(32, "little"),
    "a negative field element": b"\x01" + bytes(31),
    "not on the curve": b"\x02" + bytes(31),
    "all ones": b"\xff" * 32,
    "the top bit set": bytes(31) + b"\x80",
    "31 bytes": bytes.fromhex("e2" * 31),
    "33 bytes": bytes.fromhex("e2" * 33),
    "nothing": b"",
}


@tried("why", NOT_POINTS)
def test_not_a_point(five: Case, why: str) -> None:
    """Each point has one encoding, and other bytes have no meaning."""
    wrong = NOT_POINTS[why]
    a, b, *rest = five.answer.elements
    five.refuses([wrong, b, *rest])
    five.refuses([a, wrong, *rest])
    for elements in ([wrong], [five.elements[0], wrong]):
        with malformed():  # nor does a holder take it
            five.evaluate(elements)


def test_proof_of_another_batch(case: Case) -> None:
    """The proof is for these elements, this quorum and this context."""
    right = case.answer.elements
    other = threshold.blind(
        [b"other %d" % at for at in range(len(right))], rng
    ).elements
    for answer in (
        case.evaluate(quorum=(2, 3)),
        case.evaluate(quorum=(1, 2, 3)),
        case.evaluate(quorum=(3,)),
        case.evaluate(context=b""),
        case.evaluate(context=CONTEXT[:-1]),
        case.evaluate(context=CONTEXT.replace(b"account", b"phone")),
        case.evaluate(context=CONTEXT.replace(b"4]", b"5]")),
        case.evaluate(context=CONTEXT.replace(b":2", b":3")),
        case.evaluate(context=CONTEXT.replace(b"0011", b"1100")),
        case.evaluate(elements=other),
    ):
        case.refuses(answer.elements, answer.proof)
        case.refuses(right, answer.proof)


def test_another_holder(case: Case) -> None:
    """Another share's answer, and another share's proof, are refused."""
    other = threshold.evaluate(
        case.dealt.shares[1], 1, QUORUM, case.elements, rng, CONTEXT
    )
    case.refuses(other.elements, other.proof)
    with untrusted("holder 1"):
        threshold.check(
            case.dealt.public_shares[1],
            1,
            QUORUM,
            case.elements,
            case.answer,
            CONTEXT,
        )


def test_strange_proofs(case: Case) -> None:
    """A proof is two scalars below the order, neither of them zero."""
    proof = case.answer.proof
    c, s = proof[:32], proof[32:]
    order = group.ORDER
    for wrong in (
        c + (int.from_bytes(s, "little") + order).to_bytes(32, "little"),
        c + bytes(32),
        bytes(32) + s,
        order.to_bytes(32, "little") + s,
        s + c,
        proof[:-1],
        proof + b"\0",
        b"\xff" * 64,
    ):
        case.refuses(case.answer.elements, wrong)
    with untrusted():
        case.check(Evaluation(case.answer.elements, b""))


@settings(max_examples=30)
@given(st.data())
def test_any_changed_bit(five: Case, data: st.DataObject) -> None:
    """No bit of an answer is idle."""
    answer = five.answer
    raw = bytearray(b"".join(answer.elements) + answer.proof)
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    five.refuses(group.split(bytes(raw[:160])), bytes(raw[160:]))


def test_nonces_are_random(case: Case) -> None:
    """The same answer twice has two proofs: equal nonces show the share."""
    again = case.evaluate()
    assert again.elements == case.answer.elements
    assert again.proof[:32] != case.answer.proof[:32]
    case.check(again)


def test_long_context(five: Case) -> None:
    """A context ends at 65,535 bytes, where its length field does."""
    with malformed("context is 65536 bytes"):
        five.evaluate(context=bytes(2**16))


def test_own_bad_share(five: Case) -> None:
    """A share that is zero, not reduced or cut short is never used."""
    order = group.ORDER.to_bytes(32, "little")
    for share in (bytes(32), order, b"\xff" * 32, bytes(31)):
        with malformed("share"):
            threshold.evaluate(share, 3, QUORUM, five.elements, rng, CONTEXT)


@slow
def test_largest_batch() -> None:
    """4,096 elements are one batch."""
    case = Case(4096)
    case.check(case.answer)
    wrong = list(case.answer.elements)
    wrong[4095] = group.total([wrong[4095], case.dealt.public])
    case.refuses(wrong)


# ── the vectors, and the second implementation over plain integers ───────────


def points(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def follow(
    row: Any,
    quorum: list[int],
    context: bytes,
    elements: list[bytes],
    answers: list[bytes],
) -> None:
    """Accept a holder's proof, and find each value on the way to it."""
    public, proof = (bytes.fromhex(row[n]) for n in ("public_share", "proof"))
    index = row["index"]
    oprf.bound(public, index, quorum, context, elements, answers, proof)
    with patch.object(voprf, "verify_equal", wraps=voprf.verify_equal) as held:
        threshold.check(
            *(public, index, quorum, elements),
            *(Evaluation(answers, proof), context),
        )
    b, m, z, _, bound = held.call_args.args
    c, s = group.split(proof)
    t2 = group.total([group.multiply_base(s), group.multiply(c, b)])
    t3 = group.weighted_sum((s, c), (m, z))
    found = {"seed": bound[2:], "B": b, "M": m, "Z": z, "t2": t2, "t3": t3}
    assert {name: row[name] for name in found} == {
        name: value.hex() for name, value in found.items()
    }


def test_transcript() -> None:
    """The written transcript, followed to the byte, accepts the vector."""
    follow(
        VECTOR,
        VECTOR["quorum"],
        bytes.fromhex(VECTOR["context"]),
        points(VECTOR["elements"]),
        points(VECTOR["answers"]),
    )


def test_check_element() -> None:
    """So it is with the check element's: proven alone, the others' sum."""
    context = bytes.fromhex(CHECKED["context"])
    assert b'"proof":"last"' in context
    sent = points(CHECKED["elements"])
    columns = []
    for row in CHECKED["holders"]:
        got = points(row["answers"])
        follow(row, CHECKED["quorum"], context, sent[3:], got[3:])
        columns.append(got)
    blinds = [int.from_bytes(b, "little") for b in points(CHECKED["blinds"])]
    for answers in (zip(sent, strict=True), zip(*columns, strict=True)):
        bare = list(map(oprf.unblinded, blinds, answers))
        assert curve.encode(oprf.total(bare[:3])) == curve.encode(bare[3])


def test_check_element_from_the_code() -> None:
    """The code writes that vector, too, given its randomness."""
    inputs = points(CHECKED["inputs"])
    wide = bytes.fromhex(CHECKED["rng"])
    blinded = threshold.blind(inputs, lambda n: wide[:n], True)
    assert [e.hex() for e in blinded.elements] == CHECKED["elements"]
    assert [b.hex() for b in blinded.blinds] == CHECKED["blinds"]
    columns = []
    for row in CHECKED["holders"]:
        answer = threshold.evaluate(
            bytes.fromhex(row["share"]),
            row["index"],
            CHECKED["quorum"],
            blinded.elements,
            io.BytesIO(bytes.fromhex(row["rng"])).read,
            bytes.fromhex(CHECKED["context"]),
            True,
        )
        assert [e.hex() for e in answer.elements] == row["answers"]
        assert answer.proof.hex() == row["proof"]
        columns.append(answer.elements)
    outputs = threshold.finish(blinded, columns)
    assert [o.hex() for o in outputs] == CHECKED["outputs"]


def test_vector_from_the_code() -> None:
    """The code writes the vector, given its share and nonce."""
    wide = bytes.fromhex(VECTOR["rng"])
    answer = threshold.evaluate(
        bytes.fromhex(VECTOR["share"]),
        VECTOR["index"],
        VECTOR["quorum"],
        [bytes.fromhex(text) for text in VECTOR["elements"]],
        lambda n: wide[:n],
        bytes.fromhex(VECTOR["context"]),
    )
    assert [e.hex() for e in answer.elements] == VECTOR["answers"]
    assert answer.proof.hex() == VECTOR["proof"]
