"""A cosignature covers exactly the tree and the time that it names."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

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
from tests.cases import each, tried, vectors
from tests.refusals import malformed, untrusted

NOTES = vectors("tlog/notes")
ML_DSA = vectors("tlog/mldsa")
TEXTS = {case["size"]: case["text"] for case in NOTES["checkpoints"]}
BETA = SigningKey(NOTES["keys"][2]["name"], COSIGNATURE, b"\3" * 32)
DELTA = parse_vkey(ML_DSA["vkey"])

TEXT = TEXTS[300]
NOW = 1_800_000_000


def read_line(text: str) -> Signature:
    """Read one published signature line."""
    name, encoded = text.removeprefix("— ").rstrip("\n").split(" ")
    raw = strict.decode(encoded, "line")
    return Signature(name, raw[:4], raw[4:])


@each("tlog/notes", "checkpoints", "case", "size")
def test_ed25519_makes_the_published_line(case: Any) -> None:
    text, at = case["text"], case["cosign_time_1"]
    signed = cosignature.message(text, BETA.verifier, at)
    assert signed.decode() == case["cosign_message_1"]
    line = cosignature.cosign(text, BETA, at)
    assert f"{line}\n" == case["cosign_line_1"]
    assert cosignature.verify(text, BETA.verifier, line) == at


@each("tlog/mldsa", "cosignatures", "case", "size")
def test_ml_dsa_verifies_the_published_line(case: Any) -> None:
    text, at = TEXTS[case["size"]], case["time"]
    assert cosignature.message(text, DELTA, at).hex() == case["message_hex"]
    assert cosignature.verify(text, DELTA, read_line(case["line"])) == at


def mldsa(text: str, at: int) -> Signature:
    """Return an ML-DSA line under a text."""
    secret = MLDSA44PrivateKey.from_seed_bytes(b"\5" * 32)
    body = at.to_bytes(8) + secret.sign(cosignature.message(text, DELTA, at))
    return Signature(DELTA.name, DELTA.key_id, body)


def lines(text: str = TEXT, at: int = NOW) -> Any:
    """Yield a key of each type, and its line under a text."""
    yield BETA.verifier, cosignature.cosign(text, BETA, at)
    yield DELTA, mldsa(text, at)


both = tried("key, line", [*lines()], ids=["04", "06"])


@settings(max_examples=20)
@given(st.integers(1, cosignature.MAX_TIME), st.sampled_from(sorted(TEXTS)))
def test_what_is_cosigned_verifies(at: int, size: int) -> None:
    for key, line in lines(TEXTS[size], at):
        assert cosignature.verify(TEXTS[size], key, line) == at
        with untrusted("does not verify"):
            cosignature.verify(
                TEXTS[size].replace("alpha", "gamma"), key, line
            )


@both
@tried("at", [0, 3, 7, 8, 40, -1])
def test_a_flipped_bit_is_found(
    key: VerifierKey, line: Signature, at: int
) -> None:
    body = bytearray(line.body)
    body[at] ^= 0x80 if at == 0 else 1
    with untrusted():
        cosignature.verify(TEXT, key, line._replace(body=bytes(body)))


def test_time_0_is_read() -> None:
    """ML-DSA cosigners say 0 where they do not claim the largest tree."""
    assert cosignature.verify(TEXT, DELTA, mldsa(TEXT, 0)) == 0


@tried("at", [-1, 0, 2**63])
def test_a_time_out_of_range_is_never_written(at: int) -> None:
    with malformed("out of range"):
        cosignature.cosign(TEXT, BETA, at)


@both
def test_a_line_of_another_length_or_time_is_refused(
    key: VerifierKey, line: Signature
) -> None:
    for body, why in (
        (line.body[:-1], f"is {len(line.body) - 1} bytes"),
        (line.body + b"\0", f"is {len(line.body) + 1} bytes"),
        ((2**63).to_bytes(8) + line.body[8:], "above 2"),
    ):
        with untrusted(why):
            cosignature.verify(TEXT, key, line._replace(body=body))


def test_a_line_of_another_name_is_refused() -> None:
    line = cosignature.cosign(TEXT, BETA, NOW)
    other = VerifierKey("gamma.example/x", COSIGNATURE, BETA.verifier.public)
    with untrusted("not a line of gamma"):
        cosignature.verify(TEXT, other, line)


def test_ml_dsa_signs_the_cosigners_name() -> None:
    _, (_, line) = lines()
    other = VerifierKey("gamma.example/x", MLDSA44, DELTA.public)
    renamed = Signature(other.name, other.key_id, line.body)
    with untrusted("does not verify"):
        cosignature.verify(TEXT, other, renamed)


def test_a_log_key_makes_and_checks_no_cosignatures() -> None:
    log = SigningKey("alpha.example/log", ED25519, b"\1" * 32)
    with malformed("signs notes only"):
        cosignature.cosign(TEXT, log, NOW)
    with untrusted("signs notes only"):
        cosignature.verify(TEXT, log.verifier, log.sign(TEXT))


def test_extension_lines_are_signed_by_ed25519_and_not_by_ml_dsa() -> None:
    more = f"{TEXT}extension\n"
    (_, line), (_, other) = lines()
    assert cosignature.verify(more, DELTA, other) == NOW
    with untrusted("does not verify"):
        cosignature.verify(more, BETA.verifier, line)
    line = cosignature.cosign(more, BETA, NOW)
    assert cosignature.verify(more, BETA.verifier, line) == NOW


@each("tlog", "what_is_no_checkpoint_is_never_cosigned", "text")
def test_what_is_no_checkpoint_is_never_cosigned(text: str) -> None:
    with malformed():
        cosignature.cosign(text, BETA, NOW)
    for key, line in lines():
        with untrusted("of no checkpoint"):
            cosignature.verify(text, key, line)


def test_a_lone_surrogate_is_never_cosigned() -> None:
    with malformed("not Unicode text"):
        cosignature.cosign(f"{TEXT}\ud800\n", BETA, NOW)
    with malformed("not Unicode text"):
        cosignature.message(f"\ud800{TEXT}", DELTA, NOW)


def test_names_have_at_most_255_bytes_under_ml_dsa() -> None:
    text = f"{'o' * 256}\n" + TEXT.split("\n", 1)[1]
    with malformed("name is 256 bytes"):
        cosignature.message(text, DELTA, NOW)
    assert cosignature.verify(text[1:], DELTA, mldsa(text[1:], NOW)) == NOW
