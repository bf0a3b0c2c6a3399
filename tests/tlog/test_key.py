"""A key has one spelling, and its ID is its own."""

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.tlog import key
from syncd.tlog.key import (
    COSIGNATURE,
    ED25519,
    MLDSA44,
    SigningKey,
    VerifierKey,
)
from tests.cases import cases, each, tried
from tests.refusals import malformed, refused
from tests.tlog.edits import edited

ALPHA = key.parse_vkey(cases("tlog/notes", "keys")[0]["vkey"])

P = 2**255 - 19


@each("tlog/notes", "keys", "case", "name")
def test_a_seed_makes_the_published_key(case: Any) -> None:
    seed = bytes([case["seed_byte_x32"]]) * 32
    made = SigningKey(case["name"], case["type"], seed).verifier
    assert str(made) == case["vkey"]
    assert made.key_id.hex() == case["key_id"]
    assert made.public.hex() == case["public_hex"]


@given(st.text() | edited(st.just(str(ALPHA)), [*" +A0=é\n"]))
def test_any_text_is_that_of_its_key_or_malformed(text: str) -> None:
    with contextlib.suppress(MalformedError):
        assert str(key.parse_vkey(text)) == text


@each("tlog", "what_is_no_vkey_is_refused", "text, why")
def test_what_is_no_vkey_is_refused(text: str, why: str) -> None:
    with malformed(why):
        key.parse_vkey(text)


@tried(
    "name", ["", " ", "a b", "a+b", "a\u00a0b", "a\u2028", "a\0b", "\ud800"]
)
def test_a_name_holds_no_space_and_no_plus(name: str) -> None:
    assert not key.is_name(name)
    with malformed(r"^key: name"):
        VerifierKey(name, ED25519, ALPHA.public)


def test_a_name_may_be_in_any_script() -> None:
    made = VerifierKey("警察.example/日志", ED25519, ALPHA.public)
    assert key.parse_vkey(str(made)) == made


@each("tlog", "our_own_names_are_narrower", "name, ours")
def test_our_own_names_are_narrower(name: str, ours: bool) -> None:
    assert key.is_ours(name) is ours


def _weak() -> set[int]:
    """Find each y of a point whose order divides 8, on -x² + y² = 1 + d·x²·y².

    The double of one of order 8 has y = 0, so x² = -y² and d·y⁴ + 2·y² = 1.
    """
    d = -121665 * pow(121666, -1, P) % P
    half = _root(1 + d)
    squares = [(sign * half - 1) * pow(d, -1, P) % P for sign in (1, -1)]
    y = next(filter(None, map(_root, squares)))
    return {0, 1, P - 1, y, P - y}


def _root(square: int) -> int:
    """Return a square root modulo P; 0 if there is none."""
    one = pow(square, (P + 3) // 8, P)
    roots = (one, one * pow(2, (P - 1) // 4, P) % P)
    return next((root for root in roots if root * root % P == square), 0)


@tried("algorithm", [ED25519, COSIGNATURE])
@tried("sign", [0, 1 << 255])
@tried("y", [*sorted(_weak()), P, P + 1])
def test_a_key_under_which_anything_verifies_is_refused(
    y: int, sign: int, algorithm: int
) -> None:
    public = (y | sign).to_bytes(32, "little")
    with malformed("small order"):
        VerifierKey("a.example/log", algorithm, public)


def test_a_small_order_check_does_not_read_ml_dsa_keys() -> None:
    zeroes = VerifierKey("a.example/log", MLDSA44, bytes(1312))
    assert not zeroes.holds(b"", bytes(2420))


def test_a_key_that_is_no_point_holds_nothing() -> None:
    odd = VerifierKey("a.example/log", ED25519, b"\2" + bytes(31))
    assert not odd.holds(b"text", bytes(64))


def test_a_seed_never_shows() -> None:
    secret = SigningKey("a.example/log", ED25519, b"sEcRetSeed" + b"x" * 22)
    assert "sEcRet" not in f"{secret!r} {secret} {secret.verifier!r}"


@tried(
    "algorithm, seed, why",
    [
        (ED25519, b"s" * 31, "seed is 31 bytes"),
        (COSIGNATURE, b"s" * 33, "seed is 33 bytes"),
        (MLDSA44, b"s" * 32, "type 0x06 is unknown"),
        (2, b"s" * 32, "type 0x02 is unknown"),
    ],
)
def test_what_is_no_secret_key_is_refused(
    algorithm: int, seed: bytes, why: str
) -> None:
    with malformed(why):
        SigningKey("a.example/log", algorithm, seed)


def test_a_signature_holds_for_its_message_only() -> None:
    secret = SigningKey("a.example/log", ED25519, b"s" * 32)
    signature = secret.raw_sign(b"text")
    assert secret.verifier.holds(b"text", signature)
    assert not secret.verifier.holds(b"Text", signature)
    assert not secret.verifier.holds(b"text", signature[:-1])
    assert not secret.verifier.holds(b"text", bytes(len(signature)))


def test_a_cosigner_signs_no_notes() -> None:
    secret = SigningKey("a.example/seen", COSIGNATURE, b"s" * 32)
    with refused("signs cosignatures"):
        secret.sign("text\n")
