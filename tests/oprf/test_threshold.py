"""Any t of n holders are the undivided key; fewer are nothing."""

import itertools
import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.oprf import group, threshold, voprf
from syncd.oprf.threshold import Blinded, Evaluation
from tests.cases import once, tried, vectors
from tests.ceremonies import Dealt
from tests.refusals import malformed, untrusted

VECTORS = vectors("oprf/threshold")
SHAMIR = VECTORS["shamir"]
CONTEXT = b"key, generation and request"
rng = secrets.token_bytes


def undivided(key: bytes, inputs: list[bytes]) -> list[bytes]:
    """What RFC 9497 gives under the whole key."""
    points = [group.multiply(key, p) for p in voprf.hash_to_group(inputs)]
    return voprf.hash_points(inputs, points)


def answers(
    shares: Mapping[int, bytes], quorum: tuple[int, ...], blinded: Blinded
) -> list[list[bytes]]:
    """What the holders of `quorum` answer, without proofs."""
    return [
        threshold.evaluate(
            shares[i], i, quorum, blinded.elements, rng, b"", last=True
        ).elements
        for i in quorum
    ]


def finished(
    shares: Mapping[int, bytes], quorum: tuple[int, ...], blinded: Blinded
) -> list[bytes]:
    return threshold.finish(blinded, answers(shares, quorum, blinded))


def little(value: str) -> bytes:
    return group.scalar(int(value, 16))


@tried("case", SHAMIR, ids=lambda c: f"{c['t']}of{c['n']}")
def test_vectors(case: Any) -> None:
    """Every quorum of the published shares gives the key's outputs."""
    key = little(case["key"])
    shares = {int(i): little(s) for i, s in case["shares"].items()}
    assert group.multiply_base(key) == bytes.fromhex(case["public"])
    for i, text in case["public_shares"].items():
        assert group.multiply_base(shares[int(i)]).hex() == text
    inputs = [b"one", b"two"]
    blinded = threshold.blind(inputs, rng)
    whole = undivided(key, inputs)
    for quorum in itertools.combinations(sorted(shares), case["t"]):
        assert finished(shares, quorum, blinded) == whole


def test_outputs() -> None:
    """The published outputs come out of quorums of freshly shared keys."""
    for kind, text in VECTORS["oprf"]["keys_little_endian_hex"].items():
        rows = [row for row in VECTORS["outputs"] if row["kind"] == kind]
        inputs = [
            f"syncd-oprf-v1\0{kind}\0{row['normal_form']}".encode()
            for row in rows
        ]
        dealt = Dealt(2, 3, rng, bytes.fromhex(text))
        outputs = finished(dealt.shares, (1, 3), threshold.blind(inputs, rng))
        assert [o.hex() for o in outputs] == [row["output"] for row in rows]


@settings(max_examples=15)
@given(st.data())
def test_any_t(data: st.DataObject) -> None:
    """Any t holders, in any order, agree; and so do more than t."""
    n = data.draw(st.integers(1, 6))
    t = data.draw(st.integers(1, n))
    dealt = Dealt(t, n, rng)
    size = data.draw(st.integers(t, n))
    order = data.draw(st.permutations(range(1, n + 1)))
    blinded = threshold.blind([b"x"], rng)
    outputs = {
        finished(dealt.shares, quorum, blinded)[0]
        for quorum in (tuple(order[:size]), tuple(range(1, t + 1)))
    }
    assert len(outputs) == 1


@tried("t, n", [(2, 3), (3, 5)])
def test_fewer_than_t(t: int, n: int) -> None:
    """No t-1 holders give the output, whatever quorum they claim to be."""
    dealt = Dealt(t, n, rng)
    blinded = threshold.blind([b"x"], rng)
    whole = finished(dealt.shares, tuple(range(1, t + 1)), blinded)
    for few in itertools.combinations(range(1, n + 1), t - 1):
        assert finished(dealt.shares, few, blinded) != whole
        for missing in set(range(1, n + 1)) - set(few):
            quorum = (*few, missing)  # its answer never comes
            got = answers(dealt.shares, quorum, blinded)[:-1]
            assert threshold.finish(blinded, got) != whole


def test_secrets_stay_out_of_repr() -> None:
    """Printing a value shows no share, blind or input."""
    dealt = Dealt(2, 3, rng)
    blinded = threshold.blind([b"+8613800138000"], rng)
    shown = repr(dealt) + repr(blinded)
    assert "13800138000" not in shown
    for secret in (*dealt.shares.values(), *blinded.blinds):
        assert repr(secret) not in shown


@tried("quorum", [(), (1, 1), (0, 1), (1, 256), (-1, 2)])
def test_impossible_quorums(quorum: tuple[int, ...]) -> None:
    """Indices are 1 to 255, each once."""
    with malformed():
        threshold.weight(next(iter(quorum), 1), quorum)


def test_stranger_to_the_quorum() -> None:
    """A holder answers for no quorum that it is not of."""
    dealt = Dealt(2, 3, rng)
    blinded = threshold.blind([b"x"], rng)
    with malformed("holder 3 is not of the quorum"):
        threshold.evaluate(
            dealt.shares[3], 3, (1, 2), blinded.elements, rng, b""
        )


@given(
    st.sets(st.integers(1, 255), min_size=1, max_size=6),
    st.lists(st.integers(0, group.ORDER - 1), min_size=1, max_size=6),
)
def test_weights(quorum: set[int], coefficients: list[int]) -> None:
    """The weights take f's values on the quorum to its value at 0."""
    del coefficients[len(quorum) :]

    def f(x: int) -> int:
        return sum(c * x**p for p, c in enumerate(coefficients))

    total = sum(
        int.from_bytes(threshold.weight(i, quorum), "little") * f(i)
        for i in quorum
    )
    assert total % group.ORDER == f(0) % group.ORDER


def test_batch_limits() -> None:
    """A batch has 1 to 4,096 elements, at both ends, the check among them."""
    dealt = Dealt(1, 1, rng)
    with malformed("batch of 4097"):
        threshold.blind([b"x"] * 4096, rng, True)
    point = dealt.public
    for count in (0, 4097):
        elements = [point] * count
        with malformed(f"batch of {count}"):
            threshold.blind([b"x"] * count, rng)
        with malformed(f"batch of {count}"):
            threshold.evaluate(dealt.shares[1], 1, [1], elements, rng, b"")
        with malformed(f"batch of {count}"):
            threshold.check(
                point, 1, [1], elements, Evaluation(elements, bytes(64)), b""
            )


@once
def dealt() -> Dealt:
    return Dealt(2, 3, rng)


# ── the check element ────────────────────────────────────────────────────────

WRONG = "of the quorum answered wrongly"


class Batch:
    """Three inputs with a check element, and what holders 1 and 2 answer."""

    def __init__(self, dealt: Dealt) -> None:
        self.dealt = dealt
        self.inputs = [b"a", b"b", b"c"]
        self.blinded = threshold.blind(self.inputs, rng, True)
        self.rows = {i: self.evaluate(i) for i in (1, 2)}
        self.error = group.multiply_base(group.random_scalar(rng))
        self.minus = group.multiply(group.scalar(-1), self.error)

    def evaluate(self, i: int, **how: bool) -> Evaluation:
        return threshold.evaluate(
            self.dealt.shares[i],
            i,
            (1, 2),
            self.blinded.elements,
            rng,
            CONTEXT,
            **{"last": True, **how},
        )

    def check(self, i: int, **how: bool) -> None:
        threshold.check(
            self.dealt.public_shares[i],
            i,
            (1, 2),
            self.blinded.elements,
            self.rows[i],
            CONTEXT,
            **{"last": True, **how},
        )

    def err(self, i: int, at: int, error: bytes) -> None:
        self.rows[i].elements[at] = group.total(
            [self.rows[i].elements[at], error]
        )

    def finish(self) -> list[bytes]:
        """The client's side, whole."""
        for i in self.rows:
            self.check(i)
        columns = [row.elements for row in self.rows.values()]
        return threshold.finish(self.blinded, columns)


@pytest.fixture
def batch(dealt: Dealt) -> Batch:
    return Batch(dealt)


def test_a_right_batch(batch: Batch) -> None:
    """With a check element the outputs are those without."""
    plain = threshold.blind(batch.inputs, rng)
    assert batch.finish() == finished(batch.dealt.shares, (1, 2), plain)
    assert len(batch.blinded.elements) == 4
    assert len(plain.elements) == 3


def test_the_check_element_is_the_blinded_sum(batch: Batch) -> None:
    """Its blind is its own: without it the sum of the inputs' points."""
    inverse = group.invert_all(batch.blinded.blinds)
    bare = group.multiply_each(inverse, batch.blinded.elements)
    assert bare[:3] == voprf.hash_to_group(batch.inputs)
    assert bare[3] == group.total(bare[:3])
    assert len({*batch.blinded.blinds}) == 4


# What is added to whose answer at which place, in multiples of one error.
LIES: dict[str, tuple[str, dict[tuple[int, int], int]]] = {
    **{f"about element {at}": (WRONG, {(2, at): 1}) for at in range(3)},
    "that cancel in one's sum": (WRONG, {(1, 0): 1, (1, 1): -1}),
    "that cancel in the sum of two": (WRONG, {(1, 0): 1, (2, 1): -1}),
    # The check element is proven: its holder is named at once.
    "about the check alone": ("holder 2 answered wrongly", {(2, 3): 1}),
    "that the check fits": (
        "holder 1 answered wrongly",
        {(1, 0): 1, (1, 3): 1},
    ),
}


@tried("match, errors", LIES.values(), ids=LIES)
def test_lies_show_when_all_are_in(
    batch: Batch, match: str, errors: dict[tuple[int, int], int]
) -> None:
    for (holder, at), sign in errors.items():
        batch.err(holder, at, batch.error if sign > 0 else batch.minus)
    with untrusted(match):
        batch.finish()


def test_errors_in_one_place_that_cancel_do_no_harm(batch: Batch) -> None:
    """Two holders' opposite errors in one element are no error."""
    right = batch.finish()
    batch.err(1, 0, batch.error)
    batch.err(2, 0, batch.minus)
    assert batch.finish() == right


@tried(
    "change",
    [
        lambda points: group.multiply_each([group.scalar(2)] * 3, points),
        lambda points: [points[1], points[0], points[2]],
    ],
    ids=["by another key", "in each other's places"],
)
def test_all_wrong_in_the_same_way_is_wrong(batch: Batch, change: Any) -> None:
    for row in batch.rows.values():
        row.elements[:3] = change(row.elements[:3])
    with untrusted(WRONG):
        batch.finish()


def test_who_knew_the_blinds_could_lie(batch: Batch) -> None:
    """They are the weights: errors chosen by them pass, so they are secret."""
    for at, error in ((0, batch.error), (1, batch.minus)):
        batch.err(2, at, group.multiply(batch.blinded.blinds[at], error))
    right = threshold.finish(
        batch.blinded, [batch.evaluate(i).elements for i in (1, 2)]
    )
    assert batch.finish() != right


def test_an_input_twice_is_refused() -> None:
    """What a holder knows to be equal it could err about in opposite ways."""
    for checked in (False, True):
        with malformed("comes twice"):
            threshold.blind([b"a", b"b", b"a"], rng, checked)


def test_a_proof_of_the_last_is_none_of_all(batch: Batch) -> None:
    """And none of all is one of the last; both forms hold for themselves."""
    with untrusted("holder 1"):
        batch.check(1, last=False)
    batch.rows[1] = batch.evaluate(1, last=False)
    batch.check(1, last=False)
    with untrusted("holder 1"):
        batch.check(1)


def test_finish_wants_whole_batches(dealt: Dealt) -> None:
    """Short, ragged or missing answers give no output, checked or not."""
    for checked in (False, True):
        blinded = threshold.blind([b"a", b"b"], rng, checked)
        one, two = answers(dealt.shares, (1, 2), blinded)
        for wrong in ([one, two[:-1]], [one[:-1], two[:-1]], []):
            with untrusted():
                threshold.finish(blinded, wrong)


def test_finish_refuses_what_is_no_point(dealt: Dealt) -> None:
    """Identity and strange bytes are refused, also where a sum is alone."""
    blinded = threshold.blind([b"a", b"b"], rng)
    one, two = answers(dealt.shares, (1, 2), blinded)
    opposite = [group.multiply(group.scalar(-1), p) for p in one]
    for wrong in (
        [one, [two[0], bytes(32)]],
        [one, [two[0], b"\xff" * 32]],
        [one, [two[0], b"short"]],
        [[b"\xff" * 32, one[1]]],
        [[bytes(32), one[1]]],
        [one, opposite],  # sums to the identity
    ):
        with untrusted("do not add up"):
            threshold.finish(blinded, wrong)
