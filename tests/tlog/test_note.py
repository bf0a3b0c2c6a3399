"""A note is read in one way only, and says who signed it."""

import base64
import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError, SyncdError
from syncd.tlog import cosignature, key, note
from syncd.tlog.note import (
    ED25519,
    Note,
    Signature,
    SigningKey,
    VerifierKey,
)
from tests.cases import each, vectors
from tests.refusals import malformed, untrusted
from tests.tlog.edits import edited

NOTES = vectors("tlog/notes")
ML_DSA = vectors("tlog/mldsa")
KEYS = [note.parse_vkey(case["vkey"]) for case in NOTES["keys"]]
ALPHA = KEYS[0]

LI = SigningKey("txwz/admin/li", ED25519, b"L" * 32)
MA = SigningKey("txwz/admin/ma", ED25519, b"M" * 32)


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r").filter(
        lambda c: c >= " " or c == "\n"
    )
).map(lambda text: f"{text}\n")
names = st.text("az.é中/-1", min_size=1, max_size=9)
signatures = st.builds(
    Signature,
    names,
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=1, max_size=80),
)
notes = st.builds(
    Note, texts, st.lists(signatures, min_size=1, max_size=4).map(tuple)
)


def opens(raw: bytes, *keys: VerifierKey) -> bool:
    """Tell whether `raw` is a note that one of `keys` signed."""
    try:
        note.verify(note.parse(raw), keys)
    except SyncdError:
        return False
    return True


@each("tlog/notes", "open_cases_with_alpha_key", "case", "why")
def test_x_mod_agrees(case: dict[str, Any]) -> None:
    """We open what Go's x/mod opens, and refuse what it refuses."""
    raw = base64.b64decode(case["note_b64"])
    assert opens(raw, ALPHA) is case["x_mod_accepts"]


def test_the_example_of_the_specification_opens() -> None:
    example = NOTES["spec_example"]
    raw = example["note"].encode()
    assert opens(raw, note.parse_vkey(example["vkey"]))
    assert bytes(note.parse(raw)) == raw


@each("tlog/notes", "checkpoints", "case", "size")
def test_cosigned_checkpoints_open_under_all_their_keys(
    case: dict[str, Any],
) -> None:
    made = note.parse(case["cosigned"].encode())
    assert made.text == case["text"]
    (log, _), *others = note.verify(made, KEYS)
    assert (log, [key for key, _ in others]) == (KEYS[0], KEYS[2:])
    times = [cosignature.verify(made.text, *one) for one in others]
    assert times == [case["cosign_time_1"], case["cosign_time_2"]]


def test_an_ml_dsa_line_counts_as_a_signature() -> None:
    sizes = {c["size"]: c["text"] for c in NOTES["checkpoints"]}
    case = ML_DSA["cosignatures"][3]
    raw = f"{sizes[case['size']]}\n{case['line']}".rstrip("\n") + "\n"
    assert opens(raw.encode(), note.parse_vkey(ML_DSA["vkey"]))


def test_where_ml_dsa_cannot_be_checked_its_lines_are_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if nobody knew that key: others' lines count as before."""

    def unsupported(_: bytes) -> None:
        raise UnsupportedAlgorithm("no ML-DSA in this OpenSSL")

    ours, other = LI.verifier, note.parse_vkey(ML_DSA["vkey"])
    bad = Signature(other.name, other.key_id, bytes(2428))
    made = note.add(note.sign("text\n", LI), bad)
    with untrusted():
        note.verify(made, [ours, other])
    stand_in = SimpleNamespace(from_public_bytes=unsupported)
    monkeypatch.setattr(key, "MLDSA44PublicKey", stand_in)
    monkeypatch.setattr(key, "_has_mldsa", key._has_mldsa.__wrapped__)  # noqa: SLF001
    assert [k for k, _ in note.verify(made, [other, ours])] == [ours]


@given(notes)
def test_round_trip(made: Note) -> None:
    """What we write, we read back."""
    assert note.parse(bytes(made)) == made


@given(
    st.binary()
    | edited(notes.map(bytes), [b" ", b"=", b"A", b"B", b"\n", b"\r", b"\xff"])
    | st.builds(
        lambda text, lines: f"{text}\n\n{lines}\n".encode(),
        st.text(" \nab"),
        st.text("— a\nAB=+é"),
    )
)
def test_one_spelling(raw: bytes) -> None:
    """Any bytes at all are those of the note they give, or malformed."""
    with contextlib.suppress(MalformedError):
        assert bytes(note.parse(raw)) == raw


@given(st.text("ab \n", max_size=9).map(lambda text: f"{text}\n"))
def test_what_is_signed_opens_whatever_its_empty_lines(text: str) -> None:
    made = note.parse(bytes(note.sign(text, LI, MA)))
    assert made.text == text
    assert len(note.verify(made, [LI.verifier, MA.verifier])) == 2


@given(texts, st.data())
def test_another_text_is_not_signed(text: str, data: st.DataObject) -> None:
    made = note.sign(text, LI)
    other = data.draw(texts.filter(lambda t: t != text))
    with untrusted():
        note.verify(Note(other, made.signatures), [LI.verifier])


RAW = bytes(note.sign("text\n", LI))


@each("tlog", "what_is_no_note_is_refused", "raw, why")
def test_what_is_no_note_is_refused(raw: str, why: str) -> None:
    with malformed(f"^note: .*{why}"):
        note.parse(raw.encode("latin-1"))


def test_a_note_is_bounded() -> None:
    assert note.parse(RAW, max_size=len(RAW)).text == "text\n"
    with malformed("bytes, at most"):
        note.parse(RAW, max_size=len(RAW) - 1)


def test_a_hundred_lines_are_read_and_no_more() -> None:
    lines = [Signature(f"w{n}", b"abcd", b"x") for n in range(99)]
    full = note.add(note.parse(RAW), *lines)
    assert len(note.parse(bytes(full)).signatures) == 100
    over = note.add(full, Signature("w99", b"abcd", b"x"))
    with malformed("101 signature lines"):
        note.parse(bytes(over))


def _spoiled(line: Signature) -> Signature:
    return line._replace(body=bytes(len(line.body)))


def test_a_known_keys_bad_line_spoils_the_note() -> None:
    made = note.sign("text\n", LI, MA)
    good, other = made.signatures
    spoiled = Note(made.text, (good, _spoiled(other)))
    assert note.verify(spoiled, [LI.verifier]) == ((LI.verifier, good),)
    with untrusted("line of txwz/admin/ma does not"):
        note.verify(spoiled, [LI.verifier, MA.verifier])


def test_a_repeated_line_counts_once_and_is_not_looked_at() -> None:
    made = note.sign("text\n", LI)
    (line,) = made.signatures
    for second in (line, _spoiled(line)):
        twice = Note(made.text, (line, second))
        assert note.verify(twice, [LI.verifier]) == ((LI.verifier, line),)
    with untrusted():
        note.verify(Note(made.text, (_spoiled(line), line)), [LI.verifier])


def test_a_line_is_known_by_name_and_id_together() -> None:
    (line,) = note.sign("text\n", LI).signatures
    for stranger in (
        line._replace(key_id=MA.verifier.key_id),
        line._replace(name=MA.name),
    ):
        made = Note("text\n", (stranger,))
        with untrusted("no signature of a known"):
            note.verify(made, [LI.verifier])


def test_the_order_is_that_of_the_lines() -> None:
    made = note.sign("text\n", MA, LI)
    found = note.verify(made, [LI.verifier, MA.verifier, LI.verifier])
    assert [key for key, _ in found] == [MA.verifier, LI.verifier]


def test_two_keys_with_one_name_and_id_are_ambiguous() -> None:
    # the ID has 32 bits only: such a pair can be found, so we make one
    twin = VerifierKey(LI.name, ED25519, MA.verifier.public)
    object.__setattr__(twin, "key_id", LI.verifier.key_id)
    with untrusted("two keys txwz/admin/li"):
        note.verify(note.sign("text\n", LI), [LI.verifier, twin])


@each("tlog", "what_would_not_be_read_back_is_not_signed", "text, why")
def test_what_would_not_be_read_back_is_not_signed(
    text: str, why: str
) -> None:
    with malformed(why):
        note.sign(text, LI)


def test_a_note_needs_a_signer() -> None:
    with malformed("nobody signs"):
        note.sign("text\n")


def test_adding_keeps_each_line_once_and_the_text_as_it_is() -> None:
    made = note.sign("text\n", LI)
    (more,) = note.sign("text\n", MA).signatures
    both = note.add(made, more, *made.signatures, more)
    assert both == note.sign("text\n", LI, MA)
