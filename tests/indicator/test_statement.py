"""Statements have one spelling; what has not is void, and says why."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syncd import canonical
from syncd.indicator import statement as statements
from tests.cases import each, tried, vectors
from tests.refusals import malformed
from tests.sample_statements import ABOUT, REPORT

VECTORS = vectors("syncd/statements")


@each("syncd/statements", "read", "case")
def test_read(case: Any) -> None:
    """Each vector is read, and spelled again as it was."""
    payload = case["payload"].encode()
    found = statements.decode(payload, case["type"])
    assert not isinstance(found, statements.Void), case["why"]
    assert statements.encode(found) == payload
    assert statements.type_of(found) == case["type"]


@each("syncd/statements", "void", "case")
def test_void(case: Any) -> None:
    """Each vector is void, for a reason that quotes nothing of it."""
    found = statements.decode(case["payload"].encode(), case["type"])
    assert isinstance(found, statements.Void), case["why"]
    assert found.reason


@given(st.binary(max_size=80), st.integers(0, 255))
def test_total(payload: bytes, type_: int) -> None:
    """Any bytes at any type give a statement or a void."""
    found = statements.decode(payload, type_)
    if not isinstance(found, statements.Void):
        assert statements.encode(found) == payload


@given(st.sampled_from(VECTORS["read"]), st.data())
def test_one_spelling(case: Any, data: st.DataObject) -> None:
    """An edited payload is void or means something else, never the same."""
    payload = case["payload"].encode()
    at = data.draw(st.integers(0, len(payload)))
    extra = data.draw(st.sampled_from([b" ", b"0", b"\n", b"1", b",", b"\\"]))
    cut = data.draw(st.integers(0, 2))
    edited = payload[:at] + extra + payload[at + cut :]
    if edited != payload:
        found = statements.decode(edited, case["type"])
        assert found != statements.decode(payload, case["type"])


@tried(
    "payload",
    [
        b'{"+8613800138000":1,"type":1}',
        b'{"type":1,"on":"+8613800138000"}',
        b'{"confidence":"+8613800138000"}',
        b'{"kind":"+8613800138000"}',
        b'{"type":13800138000}',
        b'{"kind":"\'+8613800138000"}',
        b"+8613800138000",
        b'{"x":' + b"[" * 2000 + b"]" * 2000 + b"}",  # deeper than we recurse
        b'{"on":"\xff"}',  # no UTF-8
    ],
)
def test_nonsense_is_void_and_not_quoted(payload: bytes) -> None:
    """A raw value in the wrong place stays where it was written."""
    found = statements.decode(payload, 1)
    assert isinstance(found, statements.Void)
    assert "138" not in found.reason


def test_a_sighting_counts_in_steps() -> None:
    """At least 1, 2, 5, 10, 50 or 100 times: nobody is told how often."""
    vector = next(c for c in VECTORS["read"] if c["type"] == 4)
    value = json.loads(vector["payload"])
    assert [
        count
        for count in range(120)
        if isinstance(
            statements.decode(canonical.dumps({**value, "count": count}), 4),
            statements.Sighting,
        )
    ] == [1, 2, 5, 10, 50, 100]


def test_an_anchor_of_all_its_logs_is_read() -> None:
    """Book-keeping may be longer than what is said of an indicator."""
    logs = []
    for n in range(16):
        origin = f"{'a' * 60}{n:02}.example/syncd/txwz/1"
        line = f"— {origin} {'A' * 96}"
        logs.append(statements.AnchoredLog(origin, 5, "00" * 32, line))
    payload = statements.encode(statements.Anchor(logs=tuple(logs)))
    assert len(payload) > statements.MAX_PAYLOAD
    assert statements.decode(payload, 16) == statements.Anchor(
        logs=tuple(logs)
    )


@given(st.integers(0, statements.MAX_DAY))
def test_days(number: int) -> None:
    """Days are numbered from 1970-01-01 to 2199-12-31."""
    assert statements.day(statements.day_text(number)) == number


def test_days_have_ends() -> None:
    """The first and the last, and nothing beyond."""
    assert statements.day("1970-01-01") == 0
    assert statements.day_text(statements.MAX_DAY) == "2199-12-31"
    for number in (-1, statements.MAX_DAY + 1):
        with malformed():
            statements.day_text(number)


def test_encode_never_writes_what_is_void() -> None:
    """A slip of ours is found before it is signed."""
    for bad in (
        replace(REPORT, confidence=101),
        replace(REPORT, know="00"),
        replace(REPORT, technique=("b", "a")),
        replace(REPORT, token="x"),
        statements.Retract(**ABOUT, ends=(), reason="duplicate"),
        statements.RosterAccepted(version=0, hash_="ab" * 32),
    ):
        with malformed(r"^statement: "):
            statements.encode(bad)
