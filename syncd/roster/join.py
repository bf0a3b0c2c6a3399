"""Join requests: an institution's own words, with proof of every key.

    syncd/join/v1
    <alliance id; 64 zeros from a founder, who has none yet>
    {"certificate":…,"id":…,"keys":{…},"log":…,"names":…,…,"proofs":{…}}

    — bank.example/syncd/txwz/member …

The member key signs the whole and so binds the others, each of which shows
that it is there: log, seen and merged sign the checkpoint of the log at size
0 (`proofs.checkpoint`, a note); tls signs the request without its proofs
(`proofs.tls`), see docs/adr/0004-join-proofs.md. The seal key opens a
challenge, when somebody asks:

    admin      challenge(request, …)  ── file ──>  newcomer
    admin      proven(…)  <── signed answer ─────  answer(file, …)

What two people compare (`spoken_hash`) is settled by two nonces besides: the
newcomer's, which its request commits to and its answer reveals, and what the
challenge held. So nobody between them can try requests until the words fit.

Whether the institution is who it says is for the admins to find out.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from syncd.errors import MalformedError, UntrustedError, becoming
from syncd.roster import certificate, members, row, sealed
from syncd.roster.keys import MemberKeys
from syncd.roster.members import Described, Generation, Member, Profile, Wanted
from syncd.roster.row import AnyId, Base64, Code, Hash, Hex32, Id, Row
from syncd.tlog import checkpoint, cosignature, document, note
from syncd.tlog.checkpoint import Checkpoint
from syncd.tlog.merkle import EMPTY_ROOT
from syncd.tlog.strict import sha256_hex

NO_ALLIANCE = "0" * 64  # line 2 of a founder's request
MAX_SIZE = 64 << 10  # bytes of a request
WHAT, CHALLENGE, ANSWER = "join", "challenge", "answer"
_TLS = b"syncd-join-tls-v1\0"
_NONCE, _SPOKEN = b"syncd-join-nonce-v1\0", b"syncd-join-spoken-v1\0"


class Proofs(Row, frozen=True):
    """What the keys signed that do not sign the request."""

    checkpoint: str  # note of the log at size 0, by log, seen and merged
    tls: Base64


class Form(Wanted, frozen=True, kw_only=True):
    """Line 3 of a request."""

    proofs: Proofs
    commitment: Hash | Literal[""] = ""  # to the nonce; not in an update
    conformance: dict[Code, Hash] = {}  # noqa: RUF012  vector → answers

    @property
    def member(self) -> Member:
        """The roster entry that it asks for."""
        names = Described.__struct_fields__
        fields = {name: getattr(self, name) for name in names}
        logs = (Generation(self.log),)
        return Member(**fields, generations=logs, status="active")


class Request(Form, frozen=True, kw_only=True):
    """A request whose keys, but for seal, have proven themselves."""

    alliance_id: str  # NO_ALLIANCE from a founder
    hash: str  # hex SHA-256 of the note's text
    made: int  # unix seconds, by the clock of who asks


class Addressed(Row, frozen=True):
    """For whose request a challenge is."""

    id: Id
    request: Hash
    inviter: AnyId = ""  # the member that invited; "" by files


class Answer(Row, frozen=True):
    """What the challenge held, and what the request committed to."""

    request: Hash
    secret: Hex32
    nonce: Hash | Literal[""] = ""
    inviter: AnyId = ""


class Applicant(NamedTuple):
    """Somebody whose seal key opened a challenge: admins may take it in."""

    request: Request
    answer: Answer

    @property
    def spoken_hash(self) -> str:
        """What the words and digits are of, which two people compare."""
        asked, answer = self
        said = bytes.fromhex(asked.alliance_id + asked.hash + answer.nonce)
        said += answer.secret + answer.inviter.encode()
        return sha256_hex(_SPOKEN + said)


def request(
    keys: MemberKeys,
    profile: Profile,
    *,
    now: int,
    alliance_id: str = NO_ALLIANCE,
    more: Mapping[str, object] = {},  # of `Form`
) -> bytes:
    """Return a request signed by all keys that can sign.

    Raises:
        MalformedError: a field that no reader would take; names it.
    """
    asked = Described(
        **msgspec.structs.asdict(profile),
        keys=keys.public,
        certificate=Base64(keys.certificate),
    )
    head = Checkpoint(keys.origin, 0, EMPTY_ROOT)
    signed = note.add(
        checkpoint.sign(head, keys.log),
        cosignature.cosign(str(head), keys.seen, now),
        cosignature.cosign(str(head), keys.merged, now),
    )
    bare = asked.to_json() | {"log": str(keys.log.verifier), **more}
    key = serialization.load_pem_private_key(keys.tls_pem, None)
    message, how = _tls_message(alliance_id, bare), _how(key.public_key())
    tls = key.sign(message, *how)  # type: ignore[union-attr]
    proofs = Proofs(bytes(signed).decode(), Base64(tls))
    value = bare | {"proofs": proofs.to_json()}
    raw = bytes(document.sign(WHAT, alliance_id, value, keys.member))
    parse(raw)
    return raw


def parse(raw: bytes) -> Request:
    """Read a request and check all its proofs.

    Raises:
        MalformedError, NewerError: not a request; names the path.
        UntrustedError: a key did not prove itself; names it.
    """
    signed = note.parse(raw, max_size=MAX_SIZE)
    found = document.parse(signed.text, WHAT)
    form = row.read(Form, found.value, WHAT)
    row.check(form.member, WHAT)
    members.check_different(members.publics(form.member))
    keys = form.keys
    _signed("member", signed, keys.member)
    head = note.parse(form.proofs.checkpoint.encode(), max_size=MAX_SIZE)
    if head.text != str(Checkpoint(form.log.name, 0, EMPTY_ROOT)):
        raise MalformedError("join.proofs.checkpoint: not the log's at size 0")
    _signed("log", head, form.log)
    _signed("seen", head, keys.seen)
    _signed("merged", head, keys.merged)
    message = _tls_message(found.alliance, found.value)
    tls = certificate.parse(form.certificate).public_key()
    how = _how(tls)
    with becoming(
        "join: the tls key did not sign",
        UntrustedError,
        InvalidSignature,
        ValueError,
    ):
        tls.verify(form.proofs.tls, message, *how)  # type: ignore[union-attr]
    (line,) = (s for s in head.signatures if s.name == keys.seen.name)
    return Request(
        **msgspec.structs.asdict(form),
        alliance_id=found.alliance,
        hash=sha256_hex(signed.text.encode()),
        made=cosignature.verify(head.text, keys.seen, line),
    )


def _signed(role: str, signed: note.Note, key: note.VerifierKey) -> None:
    with becoming(
        "join: the {role} key did not sign",
        UntrustedError,
        UntrustedError,
        role=role,
    ):
        note.verify(signed, [key])


def _tls_message(alliance: str, value: Mapping[str, Any]) -> bytes:
    """Return what the TLS key signs: the request without its proofs."""
    bare = {name: v for name, v in value.items() if name != "proofs"}
    return _TLS + str(document.Document(WHAT, alliance, bare)).encode()


def _how(key: object) -> tuple[Any, ...]:
    """Return what a signature of a key that TLS uses is made with."""
    match key:
        case ed25519.Ed25519PublicKey():
            return ()
        case ec.EllipticCurvePublicKey():
            return (ec.ECDSA(hashes.SHA256()),)
        case rsa.RSAPublicKey():
            return (_PSS, hashes.SHA256())
        case _:
            raise MalformedError("join: the TLS key is of an unused type")


_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def committed(nonce: bytes) -> str:
    """Return what a request says of its nonce; "" without one."""
    return sha256_hex(_NONCE + nonce) if nonce else ""


def challenge(asked: Request, secret: bytes, inviter: str = "") -> bytes:
    """Return a file that only the request's seal key opens.

    The `secret`, 32 random bytes, must come back in the answer.
    """
    header = Addressed(asked.id, asked.hash, inviter).to_json()
    return sealed.seal(
        CHALLENGE, asked.alliance_id, header, secret, asked.keys.seal
    )


def answer(
    raw: bytes, asked: Request, keys: MemberKeys, nonce: bytes = b""
) -> bytes:
    """Return the signed answer to a challenge of our own request.

    Raises:
        MalformedError: not a challenge.
        UntrustedError: made for another request or another key.
    """
    opened, secret = sealed.open_(raw, CHALLENGE, keys.seal_private)
    header = row.read(Addressed, opened.value, CHALLENGE)
    if (opened.alliance, header.request) != (asked.alliance_id, asked.hash):
        raise UntrustedError("challenge: made for another request")
    value = Answer(asked.hash, secret, nonce.hex(), header.inviter).to_json()
    return bytes(document.sign(ANSWER, asked.alliance_id, value, keys.member))


def proven(asked: Request, secret: bytes | None, raw: bytes) -> Applicant:
    """Return the applicant whose seal key opened the challenge.

    Without the `secret`, who kept it (the inviter) is believed that it did.

    Raises:
        MalformedError: not an answer.
        UntrustedError: of another request, not signed by its member key, not
            what was sealed, or not the nonce of the request.
    """
    value = document.open_(
        raw, ANSWER, asked.alliance_id, [asked.keys.member], max_size=MAX_SIZE
    )
    found = row.read(Answer, value, ANSWER)
    if found.request != asked.hash:
        raise UntrustedError("answer: to another request")
    if not hmac.compare_digest(found.secret, secret or found.secret):
        raise UntrustedError("answer: not what the challenge held")
    if committed(bytes.fromhex(found.nonce)) != asked.commitment:
        raise UntrustedError("answer: not the nonce that the request had")
    return Applicant(asked, found)
