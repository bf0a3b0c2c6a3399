"""RFC 9497's vectors pass, in the mode that syncd uses: VOPRF."""

import hashlib
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError, UntrustedError
from syncd.oprf import group, voprf
from tests.cases import tried, vectors
from tests.refusals import malformed

# The file holds modes 0 and 2 as well: syncd has no use for them.
(SUITE,) = [
    suite
    for suite in vectors("oprf/rfc9497-ristretto255-sha512")
    if suite["mode"] == 1
]
CASES = SUITE["vectors"]
KEY, PUBLIC = (bytes.fromhex(SUITE[name]) for name in ("skSm", "pkSm"))


def many(text: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in text.split(",")]


def composites(case: Any) -> list[bytes]:
    """Return M and Z by the RFC's weights (2.2.1), which syncd's are not."""
    pairs = many(case["BlindedElement"]), many(case["EvaluationElement"])
    dst = voprf.TO_GROUP.replace(b"HashToGroup", b"Seed")
    seed = hashlib.sha512(
        b"\x00\x20" + PUBLIC + len(dst).to_bytes(2) + dst
    ).digest()
    weights = [
        voprf.hash_to_scalar(
            b"\x00\x40%b%b\x00\x20%b\x00\x20%bComposite"
            % (seed, at.to_bytes(2), *pair)
        )
        for at, pair in enumerate(zip(*pairs, strict=True))
    ]
    return [group.weighted_sum(weights, points) for points in pairs]


@tried("case", CASES)
def test_evaluation(case: Any) -> None:
    """Blinding, evaluation and output are the RFC's, byte for byte."""
    inputs, blinds = many(case["Input"]), many(case["Blind"])
    elements = group.multiply_each(blinds, voprf.hash_to_group(inputs))
    assert elements == many(case["BlindedElement"])
    answers = [group.multiply(KEY, element) for element in elements]
    assert answers == many(case["EvaluationElement"])
    bare = group.multiply_each(group.invert_all(blinds), answers)
    assert voprf.hash_points(inputs, bare) == many(case["Output"])


@tried("case", CASES)
def test_proof(case: Any) -> None:
    """The plain proof is the RFC's, byte for byte, and verifies."""
    m, z = composites(case)
    nonce = bytes.fromhex(case["Proof"]["r"])
    proof = voprf.prove_equal(KEY, PUBLIC, m, nonce)
    assert proof.hex() == case["Proof"]["proof"]
    voprf.verify_equal(PUBLIC, m, z, proof)
    for at in range(len(proof)):
        changed = bytearray(proof)
        changed[at] ^= 1
        with pytest.raises((UntrustedError, MalformedError)):
            voprf.verify_equal(PUBLIC, m, z, bytes(changed))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_blind_does_not_show(inputs: list[bytes]) -> None:
    """The output depends on key and input, not on the blind."""
    points = voprf.hash_to_group(inputs)
    blinds = group.random_scalars(len(inputs), secrets.token_bytes)
    keys = [KEY] * len(points)
    answers = group.multiply_each(keys, group.multiply_each(blinds, points))
    bare = group.multiply_each(group.invert_all(blinds), answers)
    assert bare == group.multiply_each(keys, points)


def test_long_input() -> None:
    """Inputs end at 65,535 bytes, where their length field does."""
    assert len(voprf.hash_to_group([bytes(65_535)])) == 1
    with malformed("65536 bytes"):
        voprf.hash_to_group([bytes(65_536)])
