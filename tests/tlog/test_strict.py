"""Numbers and bytes have one spelling."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.tlog import strict
from tests.cases import each, tried
from tests.refusals import malformed


@given(st.integers(0, strict.MAX_DECIMAL))
def test_decimals_round_trip(value: int) -> None:
    assert strict.decimal(str(value), "size") == value


@tried(
    "text",
    [
        "",
        "00",
        "01",
        "+1",
        "-0",
        "-1",
        " 1",
        "1 ",
        "1\n",
        "1_0",
        "１",
        "٣",
        "1.0",
        "1e3",
        "0x1",
        "²",
        str(2**63),
        "9" * 19,
        "9" * 5000,
    ],
)
def test_other_spellings_of_a_decimal_are_refused(text: str) -> None:
    with malformed(r"^size: "):
        strict.decimal(text, "size")


def test_a_limit_is_the_largest_number_allowed() -> None:
    assert strict.decimal(str(2**63 - 1), "size") == 2**63 - 1
    assert strict.decimal("63", "level", 63) == 63
    with malformed("level: 64 is above 63"):
        strict.decimal("64", "level", 63)


@given(st.binary(min_size=1, max_size=100))
def test_bytes_of_another_size_are_refused(raw: bytes) -> None:
    assert strict.decode(strict.encode(raw), "root", len(raw)) == raw
    with malformed("bytes, want"):
        strict.decode(strict.encode(raw), "root", len(raw) - 1)


@given(st.text("ABab01+/=-_ \né", max_size=12) | st.text())
def test_any_text_is_the_one_base64_of_its_bytes_or_refused(text: str) -> None:
    with contextlib.suppress(MalformedError):
        assert strict.encode(strict.decode(text, "root")) == text


@each("tlog", "other_spellings_of_base64_are_refused", "text")
def test_other_spellings_of_base64_are_refused(text: str) -> None:
    with malformed(r"^root: "):
        strict.decode(text, "root")


def test_a_lone_surrogate_is_no_text() -> None:
    assert strict.utf8("中", "note") == b"\xe4\xb8\xad"
    with malformed("note: not Unicode"):
        strict.utf8("\ud800", "note")
