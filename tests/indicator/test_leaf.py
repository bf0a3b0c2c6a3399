"""Leaves and records are those of formats.json, and have one reading."""

import contextlib
import hashlib
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.indicator import leaf
from tests.cases import each
from tests.refusals import broken, malformed

ORIGIN = "bank.example/syncd/txwz/1"
SALT = bytes(range(16))
unbundled = partial(leaf.open_bundle, ORIGIN)


@st.composite
def records(draw: st.DrawFn) -> leaf.Record:
    if draw(st.booleans()):
        return draw(st.binary(max_size=40)), b"", b""
    payload = draw(st.integers(1, 255).map(b'{"a":1,"type":%d}'.__mod__))
    salt = draw(st.binary(min_size=16, max_size=16))
    type_ = leaf.type_of(payload)
    return leaf.commit(ORIGIN, type_, salt, payload), salt, payload


@each("syncd/formats", "leaves", "case")
def test_vectors(case: Any) -> None:
    """Leaf, its hash, and both records of each vector."""
    payload, salt = case["payload"].encode(), bytes.fromhex(case["salt"])
    made = leaf.commit(case["origin"], int(case["type"]), salt, payload)
    assert made.hex() == case["leaf"]
    assert hashlib.sha256(b"\0" + made).hexdigest() == case["leaf_hash"]
    record = (made, salt, payload)
    opened = leaf.encode_records([record])
    assert opened.hex() == case["payload_record"]
    closed = leaf.encode_records([leaf.close(record)])
    assert closed.hex() == case["withheld_record"]
    assert leaf.open_bundle(case["origin"], opened, 1, [made]) == [record]
    if payload:
        assert leaf.open_bundle(case["origin"], opened, 1) == [record]
    assert leaf.open_bundle(case["origin"], closed, 1) == [(made, b"", b"")]


@given(st.lists(records(), max_size=8))
def test_round_trip(wanted: list[leaf.Record]) -> None:
    """What we bundle, a puller opens: with or without the leaves."""
    raw = leaf.encode_records(wanted)
    assert unbundled(raw, len(wanted)) == wanted
    leaves = [record[0] for record in wanted]
    assert unbundled(raw, len(wanted), leaves) == wanted


@given(st.binary(max_size=200), st.integers(0, 5))
def test_total(raw: bytes, width: int) -> None:
    """Any bytes are refused, or are the one spelling of their records."""
    with contextlib.suppress(MalformedError):
        assert leaf.encode_records(leaf.split_records(raw, width)) == raw
    with contextlib.suppress(MalformedError):
        assert leaf.encode_records(unbundled(raw, width)) == raw


@each("leaf", "refused")
def test_refused(one: tuple[str, int, str]) -> None:
    """A bundle that is not whole says where."""
    raw, width, why = one
    bundle = bytes.fromhex(raw)
    with malformed(why):
        leaf.split_records(bundle, width)
    with malformed(why):
        unbundled(bundle, width)


def test_a_type_that_the_payload_does_not_name() -> None:
    """Then only the leaves open it, and only where they fit."""
    made = leaf.commit(ORIGIN, 3, SALT, b'{"type":1}')
    raw = leaf.encode_records([(made, SALT, b'{"type":1}')])
    assert unbundled(raw, 1)[0][0] != made
    assert unbundled(raw, 1, [made])[0][0] == made
    for other in (made[:-1] + b"?", made + b"?"):
        with broken():
            unbundled(raw, 1, [other])


def test_a_closed_record_of_another_leaf() -> None:
    """A relay cannot pass off one erased entry as another."""
    raw = leaf.encode_records([(b"one", b"", b"")])
    with broken():
        unbundled(raw, 1, [b"two"])
    with malformed():
        unbundled(raw, 1, [])


@each("leaf", "types")
def test_type_of(one: tuple[str, int]) -> None:
    """The type is read from its key, in whatever else the bytes hold."""
    payload, type_ = one
    assert leaf.type_of(payload.encode()) == type_


@each("leaf", "void")
def test_void_by_its_leaf(one: tuple[str, int, bool]) -> None:
    """Format 1 defines 34 bytes, 0x01, and types 1–9 and 16–20."""
    head, size, void = one
    assert leaf.is_void(bytes.fromhex(head).ljust(size, b"\0")) == void


def test_auditors_see_no_payload_below_16() -> None:
    """And everything from 16 up; a leaf without a type stays as it is."""
    made = []
    for type_ in (1, 9, 15, 16, 20):
        payload = b'{"type":%d}' % type_
        made.append((leaf.commit(ORIGIN, type_, SALT, payload), SALT, payload))
    made.append((b"", b"", b""))
    assert leaf.for_audit(made) == [*map(leaf.close, made[:3]), *made[3:]]


def test_limits() -> None:
    """A salt has 16 bytes, an origin 1 to 100, a body what uint16 says."""
    for origin, salt in (ORIGIN, SALT[1:]), ("", SALT), ("a/" * 51, SALT):
        with malformed():
            leaf.commit(origin, 1, salt, b"")
    largest = 0xFFFF - 17
    leaf.encode_records([(b"", SALT, bytes(largest))])
    with malformed():
        leaf.encode_records([(b"", SALT, bytes(largest + 1))])
