"""A checkpoint has exactly one spelling, and one signer."""

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.tlog import checkpoint, note, strict
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.key import ED25519, SigningKey
from tests.cases import each, vectors
from tests.refusals import malformed, untrusted
from tests.tlog.edits import edited

NOTES = vectors("tlog/notes")

ALPHA = SigningKey("alpha.example/log", ED25519, b"\1" * 32)
HEAD = checkpoint.parse(NOTES["checkpoints"][3]["text"])

checkpoints = st.builds(
    Checkpoint,
    origin=st.text("az.-/9é", min_size=1, max_size=9),
    size=st.integers(0, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
)


@given(checkpoints)
def test_round_trip(head: Checkpoint) -> None:
    """What we write, we read back."""
    assert checkpoint.parse(str(head)) == head


@given(
    st.text()
    | edited(checkpoints.map(str), [*" +0=é\n\tA"])
    | st.builds(
        lambda size, root: f"o\n{size}\n{root}\n",
        st.text("019+ ", max_size=3),
        st.binary(max_size=2).map(
            lambda more: strict.encode(bytes(31) + more)
        ),
    )
)
def test_one_spelling(text: str) -> None:
    """Any text at all is that of the checkpoint it gives, or malformed."""
    with contextlib.suppress(MalformedError):
        assert str(checkpoint.parse(text)) == text


TEXT = str(HEAD)


@each("tlog", "what_is_no_checkpoint_is_refused", "text")
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with malformed(r"^checkpoint: "):
        checkpoint.parse(text)


@each("tlog/notes", "checkpoints", "case", "size")
def test_published_checkpoints_open_and_are_made(case: dict[str, Any]) -> None:
    raw = case["cosigned"].encode()
    head, signed = checkpoint.open_(raw, ALPHA.verifier)
    assert (str(head), head.size) == (case["text"], case["size"])
    assert bytes(signed) == raw
    assert bytes(checkpoint.sign(head, ALPHA)).decode() == case["signed"]


def test_a_log_speaks_for_its_own_origin_only() -> None:
    other = Checkpoint("beta.example/log", HEAD.size, HEAD.root)
    with untrusted("cannot sign for origin beta"):
        checkpoint.sign(other, ALPHA)
    raw = bytes(note.sign(str(other), ALPHA))
    with untrusted("signed for origin beta"):
        checkpoint.open_(raw, ALPHA.verifier)


def test_what_would_not_be_read_back_is_not_signed() -> None:
    with malformed("root: 31 bytes, want 32"):
        checkpoint.sign(Checkpoint(ALPHA.name, 1, bytes(31)), ALPHA)


def test_a_signed_text_that_is_no_checkpoint_is_malformed() -> None:
    with malformed("want origin, size, root"):
        checkpoint.open_(bytes(note.sign("text\n", ALPHA)), ALPHA.verifier)


def test_a_served_checkpoint_is_bounded() -> None:
    raw = bytes(note.sign("x" * checkpoint.MAX_SIZE + "\n", ALPHA))
    with malformed("bytes, at most 65536"):
        checkpoint.open_(raw, ALPHA.verifier)
