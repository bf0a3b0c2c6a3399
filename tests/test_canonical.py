"""A value has one spelling (RFC 8785), and a spelling one value."""

import contextlib
import enum
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import notes
from syncd import canonical
from syncd.errors import MalformedError
from tests.cases import cases, tried
from tests.cost import calls
from tests.refusals import malformed

SPELLED = cases("syncd/json", "spelled")
OTHERS = {
    case["why"]: case["raw"].encode("latin-1")
    for case in cases("syncd/json", "refused")
} | {"too many digits": b"1" * 100_000}
texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(max_codepoint=127), max_size=5)
values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(0, canonical.MAX_INTEGER) | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_round_trip(value: Any) -> None:
    """What we write, we read back."""
    assert canonical.loads(canonical.dumps(value)) == value


@given(values)
def test_it_is_json_without_white_space_with_sorted_keys(value: Any) -> None:
    """Python's own encoder, told to, agrees; but for DEL and such."""
    want = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert canonical.dumps(value).decode() == want


@given(values, st.data())
def test_one_spelling(value: Any, data: st.DataObject) -> None:
    """Edited bytes are refused or mean something else, never the same."""
    raw = canonical.dumps(value)
    at = data.draw(st.integers(0, len(raw)))
    cut = data.draw(st.integers(0, 2))
    put = data.draw(
        st.sampled_from([b"", b" ", b"\n", b"0", b"-", b",", b'"', b"\\"])
    )
    edited = raw[:at] + put + raw[at + cut :]
    if edited != raw:
        with contextlib.suppress(MalformedError):
            assert canonical.dumps(canonical.loads(edited)) != raw


@given(st.binary() | st.text('{}[]",:01e-. \\untrfalse').map(str.encode))
def test_any_bytes_are_one_value_or_malformed(raw: bytes) -> None:
    with contextlib.suppress(MalformedError):
        assert canonical.dumps(canonical.loads(raw)) == raw


@tried("case", SPELLED, ids=lambda case: case["text"])
def test_the_spelling_of_rfc_8785(case: Any) -> None:
    assert canonical.dumps(case["value"]).decode() == case["text"]
    canonical.loads(case["text"].encode())
    assert canonical.dumps((1, 2)) == b"[1,2]"


@tried("raw", OTHERS.values(), ids=OTHERS)
def test_every_other_spelling_is_refused(raw: bytes) -> None:
    """By the other implementation too."""
    with malformed(r"^json: ") as caught:
        canonical.loads(raw)
    assert "6222" not in str(caught.value)  # it may be somebody's card
    with pytest.raises(notes.WrongError):
        notes.decode(raw)


def nested(depth: int, kind: str) -> bytes:
    """Return lists or objects inside one another."""
    if kind == "list":
        return b"[" * depth + b"]" * depth
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


@tried("kind", ["list", "object"])
def test_32_levels_are_read_and_no_more(kind: str) -> None:
    """The same on every machine, however much stack there is."""
    raw = nested(canonical.MAX_DEPTH, kind)
    assert canonical.dumps(canonical.loads(raw)) == raw
    for depth in (canonical.MAX_DEPTH + 1, 500, 100_000):
        with malformed(r"^json: "):
            canonical.loads(nested(depth, kind))


def test_what_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with malformed("nested over 32 deep"):
        canonical.dumps(endless)


class Text(str):
    """A text of another type."""

    __slots__ = ()


class Code(enum.Enum):
    """A code that is no JSON."""

    A = "a"


FOREIGN: dict[str, object] = {
    "none": None,
    "float": 1.0,
    "not a number": float("nan"),
    "bytes": b"raw",
    "set": {1},
    "object": object(),
    "enum": Code.A,
    "a subclass of str": Text("a"),
    "negative": -1,
    "2^53": 2**53,
    "too large to print": 10**5000,
    "none inside": {"a": None},
    "float inside": [1.5],
    "key that is a number": {1: 1},
    "key that is bytes": {b"a": 1},
    "key that is not ASCII": {"é": 1},
}


@tried("value", FOREIGN.values(), ids=FOREIGN)
def test_what_has_no_place_is_not_written(value: object) -> None:
    with malformed(r"^json: "):
        canonical.dumps(value)


@tried("value", ["\ud800", ["a\ud83d"]])
def test_a_lone_surrogate_is_not_written(value: object) -> None:
    with malformed("lone surrogate"):
        canonical.dumps(value)


class Form(msgspec.Struct):
    n: int
    text: str = ""


@tried(
    "raw",
    [
        b'{"n":1}',
        b'{"n":1,"text":"","more":0}',
        b'{"n":1.0,"text":""}',
        b'{"n":true,"text":""}',
        b'{"text":"","n":1}',
        b'{"n":1, "text":""}',
        b'{"n":1,"n":1,"text":""}',
        b'{"n":1,"text":"\\u0061"}',
        b'{"n":1,"text":"\\ud800"}',
        b'{"n":1,"text":"\xff"}',
        b'{"n":1,"text":""}0',
        b"",
    ],
)
def test_a_form_has_one_spelling(raw: bytes) -> None:
    """Neither a field more nor another type, order or escape is read."""
    assert canonical.load(b'{"n":1,"text":""}', Form) == Form(1)
    with malformed():
        canonical.load(raw, Form)


def test_what_is_no_form_is_not_walked() -> None:
    """Junk is refused at its first wrong byte, however long it goes on."""

    def cost(raw: bytes) -> int:
        def read() -> None:
            with malformed():
                canonical.load(raw, Form)

        return calls(read)

    assert cost(b'{"n":[' + b"[]," * 100_000) <= cost(b'{"n":[') + 5
