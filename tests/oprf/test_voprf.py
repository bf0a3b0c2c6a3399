"""RFC 9497's vectors pass, in both modes that syncd uses."""

import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError, UntrustedError
from syncd.oprf import group, voprf
from tests.cases import vectors

SUITES = vectors("oprf/rfc9497-ristretto255-sha512")

# The file holds mode 2 (POPRF) as well: syncd has no use for it.
CASES = [
    (suite, case)
    for suite in SUITES
    if suite["mode"] in (voprf.OPRF, voprf.VOPRF)
    for case in suite["vectors"]
]
PROVEN = [(suite, case) for suite, case in CASES if "Proof" in case]


def many(text: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in text.split(",")]


def test_all_cases_are_there() -> None:
    """Two cases of mode OPRF, three of mode VOPRF."""
    assert (len(CASES), len(PROVEN)) == (5, 3)


@pytest.mark.parametrize("mode", [voprf.OPRF, voprf.VOPRF])
def test_keys(mode: int) -> None:
    """The key pair derives from seed and info."""
    (suite,) = (s for s in SUITES if s["mode"] == mode)
    seed, info = bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"])
    key = voprf.derive_key(seed, info, mode)
    assert key.hex() == suite["skSm"]
    if mode == voprf.VOPRF:
        assert group.multiply_base(key).hex() == suite["pkSm"]


def test_domain_separation() -> None:
    """The tag that hashes to the group is the RFC's."""
    for mode in (voprf.OPRF, voprf.VOPRF):
        (suite,) = (s for s in SUITES if s["mode"] == mode)
        tag = b"HashToGroup-" + voprf.context_string(mode)
        assert tag.hex() == suite["groupDST"]


@pytest.mark.parametrize(("suite", "case"), CASES)
def test_evaluation(suite: dict[str, Any], case: dict[str, Any]) -> None:
    """Blinding, evaluation and output are the RFC's, byte for byte."""
    inputs, blinds = many(case["Input"]), many(case["Blind"])
    elements = voprf.blind(inputs, blinds, suite["mode"])
    assert elements == many(case["BlindedElement"])
    outputs = voprf.evaluate(bytes.fromhex(suite["skSm"]), elements)
    assert outputs == many(case["EvaluationElement"])
    assert voprf.finalize(inputs, blinds, outputs) == many(case["Output"])


@pytest.mark.parametrize(("suite", "case"), PROVEN)
def test_proof(suite: dict[str, Any], case: dict[str, Any]) -> None:
    """The plain proof is the RFC's, byte for byte, and verifies."""
    key, public = bytes.fromhex(suite["skSm"]), bytes.fromhex(suite["pkSm"])
    elements = many(case["BlindedElement"])
    outputs = many(case["EvaluationElement"])
    nonce = bytes.fromhex(case["Proof"]["r"])
    proof = voprf.prove(key, public, elements, outputs, nonce)
    assert proof.hex() == case["Proof"]["proof"]
    voprf.verify(public, elements, outputs, proof)
    for at in range(len(proof)):
        changed = bytearray(proof)
        changed[at] ^= 1
        with pytest.raises((UntrustedError, MalformedError)):
            voprf.verify(public, elements, outputs, bytes(changed))


def test_proof_refuses_others() -> None:
    """A proof holds for its key, elements and answers only."""
    key, other = (group.random_scalar(secrets.token_bytes) for _ in "ab")
    public = group.multiply_base(key)
    blinds = group.random_scalars(2, secrets.token_bytes)
    elements = voprf.blind([b"a", b"b"], blinds)
    outputs = voprf.evaluate(key, elements)
    proof = voprf.prove(key, public, elements, outputs, other)
    voprf.verify(public, elements, outputs, proof)
    with pytest.raises(UntrustedError):
        voprf.verify(group.multiply_base(other), elements, outputs, proof)
    with pytest.raises(UntrustedError):
        voprf.verify(public, elements[::-1], outputs, proof)
    with pytest.raises(UntrustedError):
        voprf.verify(public, elements, voprf.evaluate(other, elements), proof)
    with pytest.raises(UntrustedError, match="1 answers to 2"):
        voprf.verify(public, elements, outputs[:1], proof)
    with pytest.raises(MalformedError, match="proof is 63 bytes"):
        voprf.verify(public, elements, outputs, proof[:-1])
    with pytest.raises(MalformedError, match="proof is 65 bytes"):
        voprf.verify(public, elements, outputs, proof + b"\0")
    for c in (group.ZERO, b"\xff" * 32):
        with pytest.raises(MalformedError, match="proof's c is"):
            voprf.verify(public, elements, outputs, c + proof[32:])


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_blind_does_not_show(inputs: list[bytes]) -> None:
    """The output depends on key and input, not on the blind."""
    key = voprf.derive_key(bytes(32), b"test")
    seen = []
    for _ in range(2):
        blinds = group.random_scalars(len(inputs), secrets.token_bytes)
        outputs = voprf.evaluate(key, voprf.blind(inputs, blinds))
        seen.append(voprf.finalize(inputs, blinds, outputs))
    assert seen[0] == seen[1]


def test_long_input() -> None:
    """Inputs end at 65,535 bytes, where their length field does."""
    blinds = [group.ONE]
    assert len(voprf.blind([bytes(65_535)], blinds)) == 1
    with pytest.raises(MalformedError, match="65536 bytes"):
        voprf.blind([bytes(65_536)], blinds)
