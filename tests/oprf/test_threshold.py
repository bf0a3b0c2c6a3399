"""Any t of n holders are the undivided key; fewer are nothing."""

import itertools
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import MalformedError, UntrustedError
from syncd.oprf import group, threshold, voprf
from syncd.oprf.threshold import Blinded, Dealt, Evaluation

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors/oprf/threshold.json").read_text()
)
SHAMIR = VECTORS["shamir"]
CONTEXT = b"key, generation and request"
rng = secrets.token_bytes


def undivided(key: bytes, inputs: list[bytes]) -> list[bytes]:
    """What RFC 9497 gives under the whole key."""
    blinds = group.random_scalars(len(inputs), rng)
    elements = voprf.blind(inputs, blinds)
    return voprf.finalize(inputs, blinds, voprf.evaluate(key, elements))


def answers(
    shares: dict[int, bytes], quorum: tuple[int, ...], blinded: Blinded
) -> list[list[bytes]]:
    """What the holders of `quorum` answer, without proofs."""
    return [
        threshold.evaluate(
            shares[i], i, quorum, blinded.elements, rng, b"", prove=False
        ).elements
        for i in quorum
    ]


def little(value: str) -> bytes:
    return group.scalar(int(value, 16))


@pytest.mark.parametrize("case", SHAMIR, ids=lambda c: f"{c['t']}of{c['n']}")
def test_vectors(case: dict[str, Any]) -> None:
    """Every quorum of the published shares gives the key's outputs."""
    key = little(case["key"])
    shares = {int(i): little(s) for i, s in case["shares"].items()}
    public = bytes.fromhex(case["public"])
    assert group.multiply_base(key) == public
    for i, text in case["public_shares"].items():
        assert group.multiply_base(shares[int(i)]).hex() == text
    inputs = [b"one", b"two"]
    blinded = threshold.blind(inputs, rng)
    whole = undivided(key, inputs)
    for quorum in itertools.combinations(sorted(shares), case["t"]):
        got = answers(shares, quorum, blinded)
        assert threshold.finish(blinded, got) == whole


def test_outputs() -> None:
    """The published outputs come out of quorums of freshly shared keys."""
    for kind, text in VECTORS["oprf"]["keys_little_endian_hex"].items():
        rows = [row for row in VECTORS["outputs"] if row["kind"] == kind]
        inputs = [
            f"syncd-oprf-v1\0{kind}\0{row['normal_form']}".encode()
            for row in rows
        ]
        dealt = threshold.share(bytes.fromhex(text), 2, 3, rng)
        blinded = threshold.blind(inputs, rng)
        got = answers(dict(dealt.shares), (1, 3), blinded)
        outputs = threshold.finish(blinded, got)
        assert [o.hex() for o in outputs] == [row["output"] for row in rows]


@settings(max_examples=15)
@given(st.data())
def test_any_t(data: st.DataObject) -> None:
    """Any t holders, in any order, agree; and so do more than t."""
    n = data.draw(st.integers(1, 6))
    t = data.draw(st.integers(1, n))
    dealt = threshold.deal(t, n, rng)
    size = data.draw(st.integers(t, n))
    order = data.draw(st.permutations(range(1, n + 1)))
    blinded = threshold.blind([b"x"], rng)
    outputs = {
        threshold.finish(
            blinded, answers(dict(dealt.shares), quorum, blinded)
        )[0]
        for quorum in (tuple(order[:size]), tuple(range(1, t + 1)))
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(("t", "n"), [(2, 3), (3, 5)])
def test_fewer_than_t(t: int, n: int) -> None:
    """No t-1 holders give the output, whatever quorum they claim to be."""
    dealt = threshold.deal(t, n, rng)
    blinded = threshold.blind([b"x"], rng)
    shares = dict(dealt.shares)
    whole = threshold.finish(
        blinded, answers(shares, tuple(range(1, t + 1)), blinded)
    )
    for few in itertools.combinations(range(1, n + 1), t - 1):
        assert (
            threshold.finish(blinded, answers(shares, few, blinded)) != whole
        )
        for missing in set(range(1, n + 1)) - set(few):
            quorum = (*few, missing)  # its answer never comes
            got = answers(shares, quorum, blinded)[:-1]
            assert threshold.finish(blinded, got) != whole


def test_shares_are_shares() -> None:
    """Two dealings of one key share nothing but the key."""
    one = threshold.deal(2, 3, rng)
    key = group.scalar_sub(
        group.scalar_mul(group.scalar(2), one.shares[1]), one.shares[2]
    )  # f(0) = 2·f(1) - f(2) on a line
    two = threshold.share(key, 2, 3, rng)
    assert one.public == two.public
    assert not set(one.shares.values()) & set(two.shares.values())
    blinded = threshold.blind([b"x"], rng)
    mixed = {1: one.shares[1], 2: two.shares[2]}
    assert threshold.finish(
        blinded, answers(mixed, (1, 2), blinded)
    ) != undivided(key, [b"x"])


def test_secrets_stay_out_of_repr() -> None:
    """Printing a value shows no share, blind or input."""
    dealt = threshold.deal(2, 3, rng)
    blinded = threshold.blind([b"+8613800138000"], rng)
    shown = repr(dealt) + repr(blinded)
    assert "13800138000" not in shown
    for secret in (*dealt.shares.values(), *blinded.blinds):
        assert repr(secret) not in shown


@pytest.mark.parametrize(("t", "n"), [(0, 3), (4, 3), (2, 256), (-1, 2)])
def test_impossible_thresholds(t: int, n: int) -> None:
    """1 ≤ t ≤ n ≤ 255."""
    with pytest.raises(MalformedError, match=f"threshold {t} of {n}"):
        threshold.deal(t, n, rng)


@pytest.mark.parametrize("quorum", [(), (1, 1), (0, 1), (1, 256), (-1, 2)])
def test_impossible_quorums(quorum: tuple[int, ...]) -> None:
    """Indices are 1 to 255, each once."""
    with pytest.raises(MalformedError):
        threshold.lagrange(quorum)


def test_stranger_to_the_quorum() -> None:
    """A holder answers for no quorum that it is not of."""
    dealt = threshold.deal(2, 3, rng)
    blinded = threshold.blind([b"x"], rng)
    with pytest.raises(MalformedError, match="holder 3 is not of the quorum"):
        threshold.evaluate(
            dealt.shares[3], 3, (1, 2), blinded.elements, rng, b""
        )


@given(
    st.sets(st.integers(1, 255), min_size=1, max_size=6),
    st.integers(0, 255),
    st.lists(st.integers(0, group.ORDER - 1), min_size=1, max_size=6),
)
def test_lagrange(quorum: set[int], at: int, coefficients: list[int]) -> None:
    """The weights take f's values on the quorum to its value anywhere."""
    del coefficients[len(quorum) :]

    def f(x: int) -> int:
        return sum(c * x**p for p, c in enumerate(coefficients))

    total = sum(
        int.from_bytes(weight, "little") * f(i)
        for i, weight in threshold.lagrange(quorum, at).items()
    )
    assert total % group.ORDER == f(at) % group.ORDER


@pytest.mark.parametrize("case", SHAMIR, ids=lambda c: f"{c['t']}of{c['n']}")
def test_public_shares_belong_together(case: dict[str, Any]) -> None:
    """A changed share, key or threshold is found from public values alone."""
    t, public = case["t"], bytes.fromhex(case["public"])
    shares = {
        int(i): bytes.fromhex(s) for i, s in case["public_shares"].items()
    }
    threshold.check_shares(public, t, shares)
    with pytest.raises(UntrustedError, match="public key"):
        threshold.check_shares(shares[1], t, shares)
    for i in shares:
        with pytest.raises(UntrustedError):
            threshold.check_shares(public, t, shares | {i: public})
    with pytest.raises(UntrustedError):
        threshold.check_shares(public, t - 1, shares)
    with pytest.raises(MalformedError, match="not a ristretto255 point"):
        threshold.check_shares(public, t, shares | {1: bytes(32)})


def test_batch_limits() -> None:
    """A batch has 1 to 4,096 elements, at both ends."""
    dealt = threshold.deal(1, 1, rng)
    point = dealt.public
    for count in (0, 4097):
        elements = [point] * count
        with pytest.raises(MalformedError, match=f"batch of {count}"):
            threshold.blind([b"x"] * count, rng)
        with pytest.raises(MalformedError, match=f"batch of {count}"):
            threshold.evaluate(dealt.shares[1], 1, [1], elements, rng, b"")
        with pytest.raises(MalformedError, match=f"batch of {count}"):
            threshold.check(
                point, 1, [1], elements, Evaluation(elements, bytes(64)), b""
            )


@pytest.fixture(scope="module")
def dealt() -> Dealt:
    return threshold.deal(2, 3, rng)


# ── the optimistic check ─────────────────────────────────────────────────────


def run_probe(
    dealt: Dealt, blinded: Blinded, got: list[list[bytes]], bits: int
) -> list[bytes]:
    """The client's side, whole: sum, probe, settle, finish."""
    totals = threshold.combine(got)
    probe = threshold.probe(blinded.elements, totals, rng, bits=bits)
    proven = []
    for i in (1, 2):
        answer = threshold.evaluate(
            dealt.shares[i], i, (1, 2), [probe.element], rng, CONTEXT
        )
        threshold.check(
            dealt.public_shares[i],
            i,
            (1, 2),
            [probe.element],
            answer,
            CONTEXT,
        )
        proven.append(answer.elements)
    threshold.settle(probe, proven)
    return threshold.finish(blinded, [totals])


@pytest.mark.parametrize("bits", [8, 128])
def test_probe(dealt: Dealt, bits: int) -> None:
    """A right batch settles, and gives what the plain way gives."""
    blinded = threshold.blind([b"a", b"b", b"c"], rng)
    got = answers(dict(dealt.shares), (1, 2), blinded)
    outputs = run_probe(dealt, blinded, got, bits)
    assert outputs == threshold.finish(blinded, got)


@pytest.mark.parametrize("bits", [8, 128])
def test_probe_finds_one_wrong_element(dealt: Dealt, bits: int) -> None:
    """A single wrong answer never settles: no weight is zero."""
    blinded = threshold.blind([b"a", b"b", b"c"], rng)
    got = answers(dict(dealt.shares), (1, 2), blinded)
    got[1][2] = group.add(got[1][2], dealt.public)
    with pytest.raises(UntrustedError, match="of the quorum answered wrongly"):
        run_probe(dealt, blinded, got, bits)


def test_probe_finds_cancelling_errors(dealt: Dealt) -> None:
    """Errors that cancel in a plain sum do not cancel under weights."""
    blinded = threshold.blind([b"a", b"b", b"c"], rng)
    got = answers(dict(dealt.shares), (1, 2), blinded)
    error = dealt.public
    minus = group.multiply(group.scalar(-1), error)
    got[0][0] = group.add(got[0][0], error)
    got[0][1] = group.add(got[0][1], minus)
    with pytest.raises(UntrustedError, match="of the quorum answered wrongly"):
        run_probe(dealt, blinded, got, 128)


def test_small_weights_are_a_byte_and_one(dealt: Dealt) -> None:
    """The 8-bit probe is Σ (w + 1)·C for the bytes w that were drawn."""
    blinded = threshold.blind([b"a", b"b", b"c", b"d"], rng)
    drawn = bytes([0, 7, 255, 7])
    probe = threshold.probe(
        blinded.elements, blinded.elements, lambda n: drawn[:n], bits=8
    )
    weights = [group.scalar(w + 1) for w in drawn]
    assert probe.element == group.weighted_sum(weights, blinded.elements)
    assert probe.expected == probe.element


def test_probe_wants_whole_batches(dealt: Dealt) -> None:
    """Short answers are refused before any weight is drawn."""
    two = [dealt.public] * 2
    with pytest.raises(UntrustedError, match="1 answers to 2"):
        threshold.probe(two, two[:1], rng)
    with pytest.raises(ValueError, match="9 bits"):
        threshold.probe(two, two, rng, bits=9)


def test_finish_wants_whole_batches(dealt: Dealt) -> None:
    """Short, ragged or missing answers give no output."""
    blinded = threshold.blind([b"a", b"b"], rng)
    one, two = answers(dict(dealt.shares), (1, 2), blinded)
    for wrong in ([one, two[:1]], [one[:1], two[:1]], []):
        with pytest.raises(UntrustedError):
            threshold.finish(blinded, wrong)


def test_finish_refuses_what_is_no_point(dealt: Dealt) -> None:
    """Identity and strange bytes are refused, also where a sum is alone."""
    blinded = threshold.blind([b"a", b"b"], rng)
    one, two = answers(dict(dealt.shares), (1, 2), blinded)
    opposite = [group.multiply(group.scalar(-1), p) for p in one]
    for wrong in (
        [one, [two[0], bytes(32)]],
        [one, [two[0], b"\xff" * 32]],
        [one, [two[0], b"short"]],
        [[b"\xff" * 32, one[1]]],
        [[bytes(32), one[1]]],
        [one, opposite],  # sums to the identity
    ):
        with pytest.raises(UntrustedError, match="do not add up"):
            threshold.finish(blinded, wrong)
