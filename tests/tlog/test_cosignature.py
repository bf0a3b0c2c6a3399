"""A cosignature covers exactly the tree and the time that it names."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import MalformedError, UntrustedError
from syncd.tlog import cosignature, strict
from syncd.tlog.key import (
    COSIGNATURE,
    ED25519,
    MLDSA44,
    Signature,
    SigningKey,
    VerifierKey,
    parse_vkey,
)
from tests.cases import vectors

NOTES = vectors("tlog/notes")
ML_DSA = vectors("tlog/mldsa")
TEXTS = {case["size"]: case["text"] for case in NOTES["checkpoints"]}
BETA = SigningKey(NOTES["keys"][2]["name"], COSIGNATURE, b"\3" * 32)
DELTA = SigningKey(ML_DSA["name"], MLDSA44, b"\5" * 32)
ML_DSA_KEY = parse_vkey(ML_DSA["vkey"])

TEXT = TEXTS[300]
NOW = 1_800_000_000


def read_line(text: str) -> Signature:
    """Read one published signature line."""
    name, encoded = text.removeprefix("— ").rstrip("\n").split(" ")
    raw = strict.decode(encoded, "line")
    return Signature(name, raw[:4], raw[4:])


@pytest.mark.parametrize(
    "case", NOTES["checkpoints"], ids=lambda c: str(c["size"])
)
def test_ed25519_makes_the_published_line(case: dict[str, Any]) -> None:
    text, at = case["text"], case["cosign_time_1"]
    signed = cosignature.message(text, BETA.verifier, at)
    assert signed.decode() == case["cosign_message_1"]
    line = cosignature.cosign(text, BETA, at)
    assert f"{line}\n" == case["cosign_line_1"]
    assert cosignature.verify(text, BETA.verifier, line) == at


@pytest.mark.parametrize(
    "case", ML_DSA["cosignatures"], ids=lambda c: str(c["size"])
)
def test_ml_dsa_verifies_the_published_line(case: dict[str, Any]) -> None:
    text, at = TEXTS[case["size"]], case["time"]
    signed = cosignature.message(text, ML_DSA_KEY, at)
    assert signed.hex() == case["message_hex"]
    line = read_line(case["line"])
    assert cosignature.verify(text, ML_DSA_KEY, line) == at


@settings(deadline=None, max_examples=20)
@given(
    st.integers(1, cosignature.MAX_TIME),
    st.sampled_from(sorted(TEXTS)),
    st.sampled_from([BETA, DELTA]),
)
def test_what_is_cosigned_verifies(
    at: int, size: int, key: SigningKey
) -> None:
    line = cosignature.cosign(TEXTS[size], key, at)
    assert cosignature.verify(TEXTS[size], key.verifier, line) == at
    with pytest.raises(UntrustedError, match="does not verify"):
        cosignature.verify(
            TEXTS[size].replace("alpha", "gamma"), key.verifier, line
        )


@pytest.mark.parametrize("key", [BETA, DELTA], ids=["ed25519", "ml-dsa"])
@pytest.mark.parametrize("at", [0, 3, 7, 8, 40, -1])
def test_a_flipped_bit_is_found(key: SigningKey, at: int) -> None:
    line = cosignature.cosign(TEXT, key, NOW)
    body = bytearray(line.body)
    body[at] ^= 0x80 if at == 0 else 1
    spoiled = Signature(line.name, line.key_id, bytes(body))
    with pytest.raises(UntrustedError):
        cosignature.verify(TEXT, key.verifier, spoiled)


@pytest.mark.parametrize("key", [BETA, DELTA], ids=["ed25519", "ml-dsa"])
def test_a_time_above_two_to_the_63_is_refused(key: SigningKey) -> None:
    at = 2**63
    signed = cosignature.message(TEXT, key.verifier, at)
    line = key.line(at.to_bytes(8, "big") + key.raw_sign(signed))
    with pytest.raises(UntrustedError, match="above 2"):
        cosignature.verify(TEXT, key.verifier, line)


def test_time_0_is_read_and_never_written() -> None:
    """ML-DSA cosigners say 0 where they do not claim the largest tree."""
    signed = cosignature.message(TEXT, DELTA.verifier, 0)
    line = DELTA.line(bytes(8) + DELTA.raw_sign(signed))
    assert cosignature.verify(TEXT, DELTA.verifier, line) == 0
    with pytest.raises(MalformedError, match="time 0 out of range"):
        cosignature.cosign(TEXT, DELTA, 0)


@pytest.mark.parametrize("at", [-1, 2**63])
def test_a_time_out_of_range_is_never_written(at: int) -> None:
    with pytest.raises(MalformedError, match="out of range"):
        cosignature.cosign(TEXT, BETA, at)


@pytest.mark.parametrize("key", [BETA, DELTA], ids=["ed25519", "ml-dsa"])
def test_a_line_of_another_length_is_refused(key: SigningKey) -> None:
    line = cosignature.cosign(TEXT, key, NOW)
    for body in (line.body[:-1], line.body + b"\0"):
        with pytest.raises(UntrustedError, match=f"is {len(body)} bytes"):
            cosignature.verify(TEXT, key.verifier, key.line(body))


def test_a_line_of_another_name_is_refused() -> None:
    line = cosignature.cosign(TEXT, BETA, NOW)
    other = VerifierKey("gamma.example/x", COSIGNATURE, BETA.verifier.public)
    with pytest.raises(UntrustedError, match="not a line of gamma"):
        cosignature.verify(TEXT, other, line)


def test_ml_dsa_signs_the_cosigners_name() -> None:
    line = cosignature.cosign(TEXT, DELTA, NOW)
    other = VerifierKey("gamma.example/x", MLDSA44, DELTA.verifier.public)
    renamed = Signature(other.name, other.key_id, line.body)
    with pytest.raises(UntrustedError, match="does not verify"):
        cosignature.verify(TEXT, other, renamed)


def test_a_log_key_makes_and_checks_no_cosignatures() -> None:
    log = SigningKey("alpha.example/log", ED25519, b"\1" * 32)
    with pytest.raises(MalformedError, match="signs notes only"):
        cosignature.cosign(TEXT, log, NOW)
    with pytest.raises(UntrustedError, match="signs notes only"):
        cosignature.verify(TEXT, log.verifier, log.sign(TEXT))


def test_extension_lines_are_signed_by_ed25519_and_not_by_ml_dsa() -> None:
    more = f"{TEXT}extension\n"
    line = cosignature.cosign(TEXT, DELTA, NOW)
    assert cosignature.verify(more, DELTA.verifier, line) == NOW
    line = cosignature.cosign(TEXT, BETA, NOW)
    with pytest.raises(UntrustedError, match="does not verify"):
        cosignature.verify(more, BETA.verifier, line)
    line = cosignature.cosign(more, BETA, NOW)
    assert cosignature.verify(more, BETA.verifier, line) == NOW


@pytest.mark.parametrize(
    "text",
    [
        "text\n",
        TEXT[:-1],
        TEXT.replace("300", "0300"),
        TEXT.replace("=", ""),
        f"{TEXT}\n",
        f"\n{TEXT}",
        TEXT.replace("\n300", "\n\n300"),
    ],
)
@pytest.mark.parametrize("key", [BETA, DELTA], ids=["ed25519", "ml-dsa"])
def test_what_is_no_checkpoint_is_never_cosigned(
    text: str, key: SigningKey
) -> None:
    with pytest.raises(MalformedError):
        cosignature.cosign(text, key, NOW)
    body = bytes(8 + (64 if key is BETA else 2420))
    with pytest.raises(UntrustedError, match="of no checkpoint"):
        cosignature.verify(text, key.verifier, key.line(body))


def test_a_lone_surrogate_is_never_cosigned() -> None:
    with pytest.raises(MalformedError, match="not Unicode text"):
        cosignature.cosign(f"{TEXT}\ud800\n", BETA, NOW)
    with pytest.raises(MalformedError, match="not Unicode text"):
        cosignature.cosign(f"\ud800{TEXT}", DELTA, NOW)


def test_names_have_at_most_255_bytes_under_ml_dsa() -> None:
    text = f"{'o' * 256}\n" + TEXT.split("\n", 1)[1]
    with pytest.raises(MalformedError, match="name is 256 bytes"):
        cosignature.cosign(text, DELTA, NOW)
    line = cosignature.cosign(text[1:], DELTA, NOW)
    assert cosignature.verify(text[1:], DELTA.verifier, line) == NOW
