"""A join request shows every key that it names."""

import base64
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import MalformedError, SyncdError, UntrustedError
from syncd.roster import certificate, join, membership, sealed
from syncd.roster.members import Names, Profile
from syncd.tlog import cosignature, document, note
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.document import Document
from syncd.tlog.merkle import EMPTY_ROOT
from syncd.tlog.note import Note
from tests.cases import once, schema, tried
from tests.refusals import malformed, newer, refused, untrusted
from tests.roster.conftest import NOW, Club

ALLIANCE, SECRET = "ab" * 32, b"secret" * 5 + b"!!"


def value_of(raw: bytes) -> Any:
    return document.parse(note.parse(raw).text, "join").value


def reread(
    club: Club, edit: Callable[[Any], object], by: str = "bank"
) -> join.Request:
    """Read bank's request, changed and signed again, as its owner can."""
    value, alliance = value_of(club.request("bank")), join.NO_ALLIANCE
    edit(value)
    key = club.keys[by].member
    return join.parse(bytes(document.sign("join", alliance, value, key)))


def test_a_request_is_read_as_it_was_made(club: Club) -> None:
    raw = club.request("bank", ALLIANCE)
    found = join.parse(raw)
    owner = club.keys["bank"]
    assert (found.alliance_id, found.id) == (ALLIANCE, "bank")
    assert found.names == Names("某bank", "bank")
    assert (found.keys, found.log) == (owner.public, owner.log.verifier)
    assert found.urls == ("https://bank.example:8443",)
    assert found.info == {"registration": "91440300X"}
    assert found.member.generation.log == found.log
    assert found.member.active
    jsonschema.validate(value_of(raw), schema("join"))


def test_a_founder_names_no_alliance(club: Club) -> None:
    assert join.parse(club.request("bank")).alliance_id == "0" * 64
    asked = join.parse(club.request("bank", ALLIANCE))
    with refused("must be challenged"):
        membership.found(membership.Founding("txwz", [asked], [], 1), now=NOW)


# ---------------------------------------------------------------- proofs


def heads(club: Club, size: int, *leave: str, of: str = "bank") -> str:
    """Return a checkpoint signed by all of bank's keys but some."""
    owner, origin = club.keys["bank"], f"{of}.example/syncd/txwz/1"
    head = Checkpoint(origin, size, EMPTY_ROOT if size == 0 else b"\1" * 32)
    lines = {
        "log": owner.log.sign(str(head)),
        "seen": cosignature.cosign(str(head), owner.seen, NOW),
        "merged": cosignature.cosign(str(head), owner.merged, NOW),
    }
    kept = tuple(line for role, line in lines.items() if role not in leave)
    return bytes(Note(str(head), kept)).decode()


def proved(club: Club, checkpoint: object) -> join.Request:
    """Read a request with another proof of the log's keys."""
    return reread(club, lambda v: v["proofs"].update(checkpoint=checkpoint))


@tried("role", ["log", "seen", "merged"])
def test_a_key_that_did_not_sign_is_named(club: Club, role: str) -> None:
    club.request("bank")
    with untrusted(f"the {role} key did not sign"):
        proved(club, heads(club, 0, role))


def test_checkpoints_of_another_log_or_none_prove_nothing(club: Club) -> None:
    club.request("bank")
    for proof, why in (
        (heads(club, 0, of="mall"), "not the log's at size 0"),
        (heads(club, 1), "not the log's at size 0"),
        (1, "expected str"),
        ("x", "note: "),
    ):
        with malformed(why):
            proved(club, proof)


def test_the_member_key_binds_all(club: Club) -> None:
    club.request("carrier")
    with untrusted("the member key did not sign"):
        reread(club, lambda _: None, "carrier")


def test_the_tls_key_signed_this_very_request(club: Club) -> None:
    """Or one could join with a certificate that one saw somewhere."""
    raw, owner = club.request("bank"), club.keys["bank"]
    edits: list[Callable[[Any], object]] = [
        lambda v: v.update(urls=["https://elsewhere.example"]),
        lambda v: v["names"].update(en="Bank of Elsewhere"),
        lambda v: v["proofs"].update(tls="AAAA"),
    ]
    for edit in edits:
        with untrusted("the tls key did not sign"):
            reread(club, edit)
    moved = bytes(document.sign("join", ALLIANCE, value_of(raw), owner.member))
    with untrusted("the tls key did not sign"):
        join.parse(moved)


def test_one_key_in_two_roles_is_refused(club: Club) -> None:
    club.request("bank")
    owner = club.keys["bank"]
    club.keys["bank"] = replace(owner, seen_seed=owner.merged_seed)
    with malformed("one is both bank's seen"):
        club.request("bank")


def certified(key: Any, hash_: hashes.SHA256 | None) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "b")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, day, day)
        .sign(key, hash_)
        .public_bytes(Encoding.DER)
    )


@tried(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP256R1()),
        lambda: rsa.generate_private_key(65537, 2048),
    ],
    ids=["ec", "rsa"],
)
def test_an_institution_may_bring_its_own_tls_key(
    club: Club, make: Callable[[], Any]
) -> None:
    """Its CA's certificate, with a key of another type."""
    club.request("bank")
    own = make()
    pem = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    der = certified(own, hashes.SHA256())
    club.keys["bank"] = replace(
        club.keys["bank"], tls_pem=pem, certificate=der
    )
    assert join.parse(club.request("bank")).certificate == der
    club.keys["bank"] = replace(
        club.keys["bank"], certificate=club.draw().certificate
    )
    with untrusted("the tls key did not sign"):
        club.request("bank")


def test_a_tls_key_that_tls_does_not_use(club: Club) -> None:
    odd = ed448.Ed448PrivateKey.generate()
    pem = odd.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    der = certified(odd, None)

    def swap(value: Any) -> None:
        value["certificate"] = base64.b64encode(der).decode()
        value["keys"]["tls"] = certificate.pin(der)

    with malformed("of an unused type"):
        reread(club, swap)
    club.keys["bank"] = replace(club.keys["bank"], tls_pem=pem)
    with malformed("of an unused type"):
        club.request("bank")


def test_a_request_that_nobody_would_read_is_not_made(club: Club) -> None:
    with malformed(r"join\.id: does not match"):
        join.request(
            club.draw(),
            Profile(id="The Bank", names=Names("行", "b"), sector="bank"),
            now=NOW,
        )


def test_an_unknown_field_is_newer(club: Club) -> None:
    with newer():
        reread(club, lambda v: v.update(zzz=1))


@settings(max_examples=60)
@given(at=st.integers(0, 10_000), byte=st.binary(min_size=1, max_size=2))
def test_total(settled: Club, at: int, byte: bytes) -> None:
    """No changed byte goes unnoticed, but in a signature's own line."""
    raw = settled.request("bank")
    at %= len(raw)
    changed = raw[:at] + byte + raw[at + 1 :]
    with contextlib.suppress(SyncdError):
        assert join.parse(changed).hash == join.parse(raw).hash


# ---------------------------------------------------------------- the seal


@pytest.fixture
def asked(club: Club) -> join.Request:
    return join.parse(club.request("bank", ALLIANCE))


@pytest.fixture
def sent(club: Club, asked: join.Request) -> bytes:
    return join.challenge(asked, SECRET)


def test_the_seal_key_opens_a_challenge(
    club: Club, asked: join.Request, sent: bytes
) -> None:
    assert SECRET not in sent
    assert SECRET.hex().encode() not in sent
    answer = join.answer(sent, asked, club.keys["bank"])
    assert join.proven(asked, SECRET, answer).request == asked


def test_another_key_cannot_answer(
    club: Club, asked: join.Request, sent: bytes
) -> None:
    """It is opened by the seal key, and signed by the member key."""
    thief = replace(club.keys["bank"], seal_private=club.rng(32))
    with untrusted("does not open"):
        join.answer(sent, asked, thief)
    other = replace(club.keys["bank"], member_seed=club.rng(32))
    with untrusted():
        join.proven(asked, SECRET, join.answer(sent, asked, other))


def test_an_answer_to_something_else_proves_nothing(
    club: Club, asked: join.Request, sent: bytes
) -> None:
    """To an older challenge, or about another request."""
    answer = join.answer(sent, asked, club.keys["bank"])
    with untrusted("not what the challenge held"):
        join.proven(asked, club.rng(32), answer)
    value = {"request": "00" * 32, "secret": SECRET.hex()}
    forged = document.sign("answer", ALLIANCE, value, club.keys["bank"].member)
    with untrusted("to another request"):
        join.proven(asked, SECRET, bytes(forged))


def test_a_challenge_of_another_request_is_not_answered(
    club: Club, sent: bytes
) -> None:
    other = join.parse(club.request("bank", "cd" * 32))
    with untrusted("for another request"):
        join.answer(sent, other, club.keys["bank"])


# ------------------------------------------------------------ sealed files


@once
def box(settled: Club) -> tuple[bytes, bytes]:
    """Return a sealed file and the key that opens it."""
    settled.request("bank")
    owner = settled.keys["bank"]
    return sealed.seal(
        "share", ALLIANCE, {"member": "bank"}, b"secret", owner.public.seal
    ), owner.seal_private


def test_a_sealed_file_opens_for_its_reader(box: tuple[bytes, bytes]) -> None:
    opened, secret = sealed.open_(box[0], "share", box[1])
    assert opened == Document("share", ALLIANCE, {"member": "bank"})
    assert secret == b"secret"
    assert "secret" not in repr(opened)


@settings(max_examples=60)
@given(at=st.integers(0, 10_000), byte=st.binary(min_size=1, max_size=2))
def test_a_changed_file_does_not_open(
    box: tuple[bytes, bytes], at: int, byte: bytes
) -> None:
    """Header and ciphertext belong together."""
    raw, private = box
    at %= len(raw)
    changed = raw[:at] + byte + raw[at + 1 :]
    if changed != raw:
        with pytest.raises((MalformedError, UntrustedError)):
            sealed.open_(changed, "share", private)


def test_a_sealed_file_for_another_use_does_not_open(
    box: tuple[bytes, bytes],
) -> None:
    raw, private = box
    with malformed("line 1"):
        sealed.open_(raw, "challenge", private)
    renamed = raw.replace(b"/share/", b"/challenge/")
    with untrusted("does not open"):
        sealed.open_(renamed, "challenge", private)


@tried(
    "raw",
    [
        b"",
        b"\xff",
        b"syncd/share/v1\n" + b"ab" * 32 + b"\n{}\n",
        b"syncd/share/v1\n" + b"ab" * 32 + b'\n{"sealed":"*"}\n',
        b"x" * (sealed.MAX_SIZE + 1),
    ],
    ids=["empty", "no text", "nothing sealed", "no base64", "too large"],
)
def test_what_is_no_sealed_file(raw: bytes) -> None:
    with malformed():
        sealed.open_(raw, "share", b"\1" * 32)


def test_a_key_of_low_order_seals_nothing() -> None:
    with malformed("no key to seal to"):
        sealed.seal("share", ALLIANCE, {}, b"secret", "00" * 32)
