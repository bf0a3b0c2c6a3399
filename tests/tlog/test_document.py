"""A document is signed for one purpose and one alliance."""

import contextlib
import hashlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd import canonical, errors
from syncd.tlog import document, note
from syncd.tlog.document import Document
from syncd.tlog.key import ED25519, SigningKey
from tests.cases import tried
from tests.refusals import malformed, untrusted
from tests.tlog.edits import edited

LI = SigningKey("txwz/admin/li", ED25519, b"L" * 32)
MA = SigningKey("txwz/admin/ma", ED25519, b"M" * 32)
KEYS = [LI.verifier, MA.verifier]
VALUE = {"name": "天下无贼", "version": 1}
ID = hashlib.sha256(canonical.dumps(VALUE)).hexdigest()
OTHER = "0" * 64

values: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.text("abc", max_size=3),
    st.integers(0, 9) | st.text(max_size=5) | st.lists(st.booleans()),
    max_size=4,
)


@given(values, st.binary(min_size=32, max_size=32).map(bytes.hex))
def test_round_trip(value: Any, alliance: str) -> None:
    """What we sign, we open; the text has three lines."""
    made = document.sign("roster", alliance, value, LI)
    assert document.open_(bytes(made), "roster", alliance, KEYS) == value
    line = canonical.dumps(value).decode()
    assert made.text == f"syncd/roster/v1\n{alliance}\n{line}\n"


@given(
    st.text()
    | st.text('"a:{}[] \n1').map(f"syncd/x/v1\n{ID}\n".__add__)
    | edited(
        values.map(lambda value: str(Document("x", ID, value))),
        [*' +0A="{,\n\t'],
    )
)
def test_one_spelling(text: str) -> None:
    """Any text at all is that of the document it gives, or malformed."""
    with contextlib.suppress(errors.MalformedError):
        assert str(document.parse(text, "x")) == text


def test_another_alliances_document_is_refused() -> None:
    made = document.sign("join", OTHER, VALUE, LI)
    with untrusted("of alliance 0000000000000000…"):
        document.open_(bytes(made), "join", ID, KEYS)


@tried("what", ["roster", "join2", "joi", "join/v1"])
def test_a_document_is_opened_for_its_purpose_only(what: str) -> None:
    made = document.sign("join", ID, VALUE, LI)
    with malformed("line 1 is not"):
        document.open_(bytes(made), what, ID, KEYS)


def test_line_1_is_read_first() -> None:
    """A checkpoint or a newer version is told apart, whatever follows."""
    for text in ("a.example/log\n1\nx\n", "syncd/join/v2\nanything\n", "\n"):
        with malformed("line 1 is not syncd/join"):
            document.parse(text, "join")


@tried(
    "rest",
    [
        "",
        f"{ID}\n",
        f"{ID}\n{{}}",
        f"{ID}\n{{}}\n\n",
        f"{ID}\n{{}}\nmore\n",
        f"{ID}\n\n{{}}\n",
        f"{ID[1:]}\n{{}}\n",
        f"{ID.upper()}\n{{}}\n",
        f" {ID}\n{{}}\n",
        f"{ID}\n[]\n",
        f'{ID}\n"a"\n',
        f"{ID}\n{{ }}\n",
        f'{ID}\n{{"a":"\ud800"}}\n',
    ],
)
def test_what_is_no_document_is_refused(rest: str) -> None:
    with malformed():
        document.parse(f"syncd/join/v1\n{rest}", "join")


def test_what_would_not_be_read_back_is_not_signed() -> None:
    with malformed("three lines"):
        document.sign("join", "abc", VALUE, LI)
    with malformed("float has no place"):
        document.sign("join", ID, {"a": 1.5}, LI)


def test_a_document_of_strangers_is_refused() -> None:
    made = document.sign("roster", ID, VALUE, MA)
    with untrusted("no signature of a known key"):
        document.open_(bytes(made), "roster", ID, [LI.verifier])


def test_a_document_is_bounded() -> None:
    raw = bytes(document.sign("join", ID, VALUE, LI))
    with malformed("bytes, at most"):
        document.open_(raw, "join", ID, KEYS, max_size=len(raw) - 1)
    assert document.open_(raw, "join", ID, KEYS, max_size=len(raw))
    assert note.parse(raw).text.startswith("syncd/join/v1\n")
