"""A proof file shows that one entry was logged, and was seen."""

import contextlib
import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import MalformedError, UntrustedError
from syncd.tlog import cosignature, note, proof
from syncd.tlog.key import COSIGNATURE, SigningKey, VerifierKey, parse_vkey
from tests.cases import vectors

FILES = vectors("tlog/tlogproof")
LOG = parse_vkey(FILES["log_vkey"])
COSIGNERS = [parse_vkey(vkey) for vkey in FILES["cosigners"]]
CASE = FILES["proofs"][1]
RAW = CASE["proof"].encode()
ENTRY = bytes.fromhex(CASE["leaf_hex"])
HEAD, NOTE = RAW.split(b"\n\n", 1)


@pytest.mark.parametrize("case", FILES["proofs"], ids=lambda c: str(c["size"]))
def test_published_proofs_hold(case: dict[str, Any]) -> None:
    made = proof.parse(case["proof"].encode())
    assert bytes(made) == case["proof"].encode()
    entry = bytes.fromhex(case["leaf_hex"])
    head, seen = proof.verify(made, entry, LOG, COSIGNERS, 2)
    assert (made.index, head.size) == (case["index"], case["size"])
    assert list(seen) == COSIGNERS
    assert min(seen.values()) > 1_700_000_000
    assert (
        hashlib.sha256(made.index.to_bytes(8, "big")).digest()[
            : made.index % 33
        ]
        == entry
    )


@given(st.binary(min_size=1, max_size=40))
def test_extra_is_carried_and_proves_nothing(extra: bytes) -> None:
    made = replace(proof.parse(RAW), extra=extra)
    assert proof.parse(bytes(made)) == made
    assert proof.verify(made, ENTRY, LOG)[0].size == 300


@given(st.data())
def test_one_spelling(data: st.DataObject) -> None:
    """Edited bytes are refused or mean something else, never the same."""
    at = data.draw(st.integers(0, len(HEAD) + 1))
    cut = data.draw(st.integers(0, 2))
    put = data.draw(st.sampled_from([b"", b" ", b"0", b"A", b"\n", b"\xff"]))
    edited = RAW[:at] + put + RAW[at + cut :]
    if edited != RAW:
        with contextlib.suppress(MalformedError):
            assert proof.parse(edited) != proof.parse(RAW)


@given(st.binary() | st.binary().map(HEAD.__add__))
def test_any_bytes_are_one_proof_or_malformed(raw: bytes) -> None:
    with contextlib.suppress(MalformedError):
        assert bytes(proof.parse(raw)) == raw


V1 = b"c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "first line is not"),
        (RAW.replace(b"@v1", b"@v2"), "first line is not"),
        (b"\n" + RAW, "first line is not"),
        (b"\xff" + RAW, "not UTF-8"),
        (V1 + b"\n" + NOTE, "no index line"),
        (V1 + b"index: 3\n\n" + NOTE, "no index line"),
        (V1 + b"index 03\n\n" + NOTE, "not a plain decimal"),
        (V1 + b"extra AAAA\n\n" + NOTE, "no index line"),
        (V1 + b"extra \nindex 3\n\n" + NOTE, "extra is empty"),
        (V1 + b"extra AAAA\nextra AAAA\nindex 3\n\n" + NOTE, "no index line"),
        (V1 + b"index 3\nextra AAAA\n\n" + NOTE, "hash: not standard base64"),
        (V1 + b"index 3\nAAAA\n\n" + NOTE, "hash: 3 bytes, want 32"),
        (V1 + b"index 3\n" + HEAD[-44:] * 2 + b"\n\n" + NOTE, "hash: not"),
        (V1 + b"index 3", "no empty line"),
        (HEAD + b"\n\n" + NOTE[:-1], "no final newline"),
        (b"x" * (1 << 20) + b"x", "bytes, at most"),
    ],
)
def test_what_is_no_proof_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        proof.parse(raw)


def test_a_proof_has_at_most_a_mebibyte() -> None:
    made = replace(proof.parse(RAW), extra=b"")
    room = (1 << 20) - len(bytes(made)) - len("extra \n")
    extra = bytes(room // 4 * 3)
    assert proof.parse(bytes(replace(made, extra=extra))).extra == extra
    over = replace(made, extra=extra + bytes(3))
    with pytest.raises(MalformedError, match="bytes, at most 1048576"):
        proof.parse(bytes(over))


def test_a_proof_has_at_most_63_hashes() -> None:
    made = replace(proof.parse(RAW), hashes=(bytes(32),) * 63)
    assert len(proof.parse(bytes(made)).hashes) == 63
    over = replace(made, hashes=(bytes(32),) * 64)
    with pytest.raises(MalformedError, match="64 hashes"):
        proof.parse(bytes(over))


def test_another_entry_or_place_is_not_shown() -> None:
    made = proof.parse(RAW)
    with pytest.raises(UntrustedError, match="not shown"):
        proof.verify(made, ENTRY + b"x", LOG)
    for index in (33, 35, 299, 300, 10**9):
        with pytest.raises(UntrustedError):
            proof.verify(replace(made, index=index), ENTRY, LOG)


def test_another_log_is_refused() -> None:
    beta = SigningKey("beta.example/log", 1, b"\2" * 32).verifier
    with pytest.raises(UntrustedError, match="no signature of a known key"):
        proof.verify(proof.parse(RAW), ENTRY, beta)


def test_a_quorum_counts_different_keys() -> None:
    made = proof.parse(RAW)
    for keys, want in ((COSIGNERS, 3), (COSIGNERS[:1], 2), ([], 1)):
        with pytest.raises(UntrustedError, match=f"want {want}"):
            proof.verify(made, ENTRY, LOG, keys, want)
    seed = b"\3" * 32  # beta's, under another name
    twin = SigningKey("twin.example/receipts", COSIGNATURE, seed)
    line = cosignature.cosign(made.note.text, twin, 1_800_000_000)
    both = replace(made, note=note.add(made.note, line))
    keys = [COSIGNERS[0], twin.verifier]
    assert len(proof.verify(both, ENTRY, LOG, keys, 1)[1]) == 2
    with pytest.raises(UntrustedError, match="1 cosignatures, want 2"):
        proof.verify(both, ENTRY, LOG, keys, 2)


def test_a_known_cosigners_bad_line_spoils_the_proof() -> None:
    key: VerifierKey = COSIGNERS[1]
    made = proof.parse(RAW)
    lines = tuple(
        replace(line, body=bytes(72)) if line.name == key.name else line
        for line in made.note.signatures
    )
    spoiled = replace(made, note=note.Note(made.note.text, lines))
    assert proof.verify(spoiled, ENTRY, LOG, COSIGNERS[:1], 1)
    with pytest.raises(UntrustedError):
        proof.verify(spoiled, ENTRY, LOG, COSIGNERS, 1)
