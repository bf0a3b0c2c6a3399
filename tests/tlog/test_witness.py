"""A witness answers as C2SP tlog-witness says."""

import contextlib
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError
from syncd.tlog import checkpoint, merkle, note, witness
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.key import ED25519, SigningKey, parse_vkey
from syncd.tlog.witness import Request
from tests.cases import tried, vectors
from tests.refusals import malformed
from tests.tlog.edits import edited

FILE = vectors("tlog/addcheckpoint")
LOG = parse_vkey(FILE["log_vkey"])
ALPHA = SigningKey(LOG.name, ED25519, b"\1" * 32)
REQUESTS = [witness.parse(case["body"].encode()) for case in FILE["requests"]]
ROOTS = {asked.head.size: asked.head.root for asked in REQUESTS}
GROW = next(asked for asked in REQUESTS if asked.old == 256)  # to 300
RAW = bytes(GROW)
HEAD, NOTE = RAW.split(b"\n\n", 1)


@tried("case", FILE["requests"], ids=lambda c: f"{c['old']}-{c['new']}")
def test_published_requests_are_granted(case: Any) -> None:
    asked = witness.parse(case["body"].encode())
    assert bytes(asked) == case["body"].encode()
    assert (asked.old, asked.head.size) == (case["old"], case["new"])
    made = witness.judge(asked, LOG, asked.old, ROOTS.get(asked.old))
    assert (made.status, made.signed) == (200, bytes(asked.note))


@given(
    st.binary()
    | st.binary().map(b"old 3\n".__add__)
    | edited(st.just(HEAD + b"\n\n"), [b" ", b"0", b"A", b"\n", b"\xff"]).map(
        lambda head: head + NOTE
    )
)
def test_one_spelling(raw: bytes) -> None:
    """Any bytes at all are those of the request they give, or malformed."""
    with contextlib.suppress(MalformedError):
        assert bytes(witness.parse(raw)) == raw


@tried(
    "raw, why",
    [
        (b"", "first line"),
        (b"\xff" + RAW, "not UTF-8"),
        (b"new 3\n\n" + NOTE, "first line"),
        (b"old 03\n\n" + NOTE, "not a plain decimal"),
        (b"old 3\r\n\r\n" + NOTE, "not a plain decimal"),
        (b"old 3\nAAAA\n\n" + NOTE, "hash: 3 bytes, want 32"),
        (b"old 3\n" + NOTE, "checkpoint|note|hash"),
        (b"old 3\n\n", "note: no empty line"),
        (RAW.replace(b"\n300\n", b"\nx\n"), "size: 'x' is not a plain"),
        (b"x" * (1 << 17) + b"x", "bytes, at most"),
    ],
)
def test_what_is_no_request_is_refused(raw: bytes, why: str) -> None:
    with malformed(why):
        witness.parse(raw)


def test_a_request_has_at_most_63_hashes() -> None:
    most = GROW._replace(proof=(bytes(32),) * 63)
    assert len(witness.parse(bytes(most)).proof) == 63
    with malformed("64 hashes"):
        witness.parse(bytes(GROW._replace(proof=(bytes(32),) * 64)))


def ask(old: int, proof: Sequence[bytes], size: int, root: bytes) -> Request:
    """Return a request that alpha signed."""
    head = Checkpoint(LOG.name, size, root)
    return witness.Request(old, proof, checkpoint.sign(head, ALPHA))


def test_an_unknown_origin_is_404() -> None:
    made = witness.judge(GROW, None)
    assert (made.status, made.signed) == (404, b"")


def test_a_line_that_fails_is_403() -> None:
    stranger = SigningKey("x.example/log", ED25519, b"x" * 32)
    alone = note.sign(str(GROW.head), stranger)
    line = GROW.note.signatures[0]
    bad = note.Note(GROW.note.text, (line._replace(body=bytes(64)),))
    for spoiled in (alone, bad):
        made = witness.judge(GROW._replace(note=spoiled), LOG, 256, ROOTS[256])
        assert (made.status, made.signed) == (403, b"")


def test_a_key_of_another_origin_is_403() -> None:
    """What alpha signs about beta is nothing that beta said."""
    text = str(Checkpoint("beta.example/log", 300, ROOTS[300]))
    asked = witness.Request(0, (), note.sign(text, ALPHA))
    assert witness.judge(asked, LOG).status == 403


def test_an_old_size_above_the_new_is_400() -> None:
    asked = ask(301, (), 300, ROOTS[300])
    for last in (0, 301):
        made = witness.judge(asked, LOG, last, bytes(32) if last else None)
        assert made.status == 400


@tried("last", [0, 1, 255, 257, 1000])
def test_an_old_size_that_is_not_ours_is_409_and_says_ours(last: int) -> None:
    made = witness.judge(GROW, LOG, last, bytes(32) if last else None)
    assert (made.status, made.body) == (409, f"{last}\n")
    assert made.signed == bytes(GROW.note)
    assert witness.SIZE_TYPE == "text/x.tlog.size"


@tried(
    "asked, last",
    [
        (GROW._replace(proof=()), 256),
        (GROW._replace(proof=(*GROW.proof, bytes(32))), 256),
        (GROW._replace(proof=(bytes(32),)), 256),
        (ask(256, GROW.proof, 300, bytes(32)), 256),
        (ask(0, (bytes(32),), 300, ROOTS[300]), 0),
        (ask(0, (), 0, bytes(32)), 0),
        (ask(300, (), 300, bytes(32)), 300),
        (ask(300, (bytes(32),), 300, ROOTS[300]), 300),
    ],
)
def test_what_is_not_shown_to_extend_is_422(asked: Request, last: int) -> None:
    """And is kept: two signed roots at one size prove a fork."""
    made = witness.judge(asked, LOG, last, ROOTS.get(last))
    assert (made.status, made.signed) == (422, bytes(asked.note))


def test_the_same_checkpoint_may_be_cosigned_again() -> None:
    asked = ask(300, (), 300, ROOTS[300])
    assert witness.judge(asked, LOG, 300, ROOTS[300]).status == 200
    assert witness.judge(ask(0, (), 0, merkle.EMPTY_ROOT), LOG).status == 200
