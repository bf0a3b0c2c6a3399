"""A token has one spelling, and formats.json says which."""

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.indicator import token
from syncd.indicator.identifier import Identifier
from tests.cases import each, tried
from tests.refusals import malformed

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

tokens = st.binary(min_size=16, max_size=16)


@each("syncd/formats", "tokens", "case", "normal_form")
def test_vectors(case: Any) -> None:
    """Token and know of each output are those of the vectors."""
    output = bytes.fromhex(case["output"])
    if case["kind"] == "url":
        value = Identifier("url", case["normal_form"])
        assert token.url_output(value) == output
    assert token.encode(token.token(output)) == case["token"]
    assert token.know(output, case["origin"]).hex() == case["know"]


def test_what_is_blinded() -> None:
    """The kind is part of it: a phone is never an account."""
    assert token.oprf_input(Identifier("phone", "+8613800138000")) == (
        b"syncd-oprf-v1\0phone\0+8613800138000"
    )


@given(tokens)
def test_round_trip(raw: bytes) -> None:
    """What we write, we read back."""
    assert token.decode(token.encode(raw)) == raw


@given(st.text(ALPHABET + "+/=é \n", min_size=20, max_size=24) | st.text())
def test_one_spelling(text: str) -> None:
    """Any text is refused, or is the spelling of what it stands for."""
    with contextlib.suppress(MalformedError):
        assert token.encode(token.decode(text)) == text


@tried("last", "BCDEFR5-_")
def test_spare_bits_are_zero(last: str) -> None:
    """A last character with spare bits set would be a second spelling."""
    with malformed():
        token.decode("A" * 21 + last)
    assert token.decode_many([b"A" * 22, b"A" * 21 + last.encode()]) is None


@tried("odd", ["====", "++++", "    ", "éééé", "=  ="])
def test_strange_characters_are_not_skipped(odd: str) -> None:
    """Not even four of them, without which base64 would be whole again."""
    for text in (odd + "A" * 18, "A" * 17 + odd + "A"):
        with malformed():
            token.decode(text)
        assert token.decode_many([b"A" * 22, text.encode("latin-1")]) is None


@given(
    st.lists(
        tokens.map(token.encode)
        | st.text(ALPHABET + "+=é", min_size=21, max_size=23)
    )
)
def test_many_at_once(texts: list[str]) -> None:
    """Many are read as each is; one alone that is refused refuses all."""
    found = None
    with contextlib.suppress(MalformedError):
        found = [token.decode(text) for text in texts]
    assert token.decode_many([text.encode() for text in texts]) == found


@tried("size", [0, 15, 17, 32, 63, 65])
def test_sizes(size: int) -> None:
    """A cut output, or token, is a slip that must not become a token."""
    with malformed():
        token.token(bytes(size))
    with malformed():
        token.know(bytes(size), "a.example/syncd/t/1")
    with malformed():
        token.encode(bytes(size))
