"""The secret keys of one member, and the names they bear.

    <domain>/syncd/<alliance>/<generation>   log key, and the log's origin
    <domain>/syncd/<alliance>/member         join requests, OPRF replies
    <domain>/syncd/<alliance>/seen           cosigner: consistent, largest
    <domain>/syncd/<alliance>/merged         cosigner: I hold its payloads
    <alliance>/admin/<name>                  an admin's key, not a member's

Six independent 32-byte seeds; the TLS key is Ed25519 like the others, unless
an institution brings its own key and certificate. Keeping them (wrapped,
mode 0600) is the store's work. Python copies bytes as it likes: a secret that
was in memory once cannot be wiped with certainty.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncd.errors import MalformedError
from syncd.roster import certificate
from syncd.roster.members import ADMIN_NAME, ALLIANCE, Keys
from syncd.tlog.note import COSIGNATURE, ED25519, SigningKey

Rng = Callable[[int], bytes]  # n → n random bytes

SEED_SIZE = 32  # bytes
CERTIFICATE_DAYS = 3_650  # the pin decides, not the date


def admin(alliance: str, name: str, seed: bytes) -> SigningKey:
    """Return an admin's signing key.

    Raises:
        MalformedError: a name out of its alphabet, or a wrong seed.
    """
    return SigningKey(admin_name(alliance, name), ED25519, seed)


def admin_name(alliance: str, name: str) -> str:
    """Return the name that an admin's key bears."""
    if not ALLIANCE.fullmatch(alliance) or not ADMIN_NAME.fullmatch(name):
        raise MalformedError(
            "keys: {alliance}, {name} cannot name an admin",
            alliance=repr(alliance[:64]),
            name=repr(name[:64]),
        )
    return f"{alliance}/admin/{name}"


@dataclass(frozen=True)
class MemberKeys:
    """Everything secret that a member signs and opens with."""

    domain: str
    alliance: str
    generation: int
    log_seed: bytes = field(repr=False)  # 32 bytes, as the three below
    member_seed: bytes = field(repr=False)
    seen_seed: bytes = field(repr=False)
    merged_seed: bytes = field(repr=False)
    seal_private: bytes = field(repr=False)  # 32 bytes, X25519
    tls_pem: bytes = field(repr=False)  # PKCS #8, not encrypted
    certificate: bytes = field(repr=False)  # DER; public

    def _name(self, last: object) -> str:
        return f"{self.domain}/syncd/{self.alliance}/{last}"

    @property
    def origin(self) -> str:
        """Return the origin of the log."""
        return self._name(self.generation)

    @cached_property
    def log(self) -> SigningKey:
        """Return the log's signing key."""
        return SigningKey(self.origin, ED25519, self.log_seed)

    @cached_property
    def member(self) -> SigningKey:
        """Return the member key."""
        return SigningKey(self._name("member"), ED25519, self.member_seed)

    @cached_property
    def seen(self) -> SigningKey:
        """Return the cosigner key that says: consistent, largest I know."""
        return SigningKey(self._name("seen"), COSIGNATURE, self.seen_seed)

    @cached_property
    def merged(self) -> SigningKey:
        """Return the cosigner key that says: I hold all its payloads."""
        return SigningKey(self._name("merged"), COSIGNATURE, self.merged_seed)

    @property
    def public(self) -> Keys:
        """Return what the roster says of these keys, but for the log's."""
        seal = X25519PrivateKey.from_private_bytes(self.seal_private)
        return Keys(
            member=self.member.verifier,
            seen=self.seen.verifier,
            merged=self.merged.verifier,
            tls=certificate.pin(self.certificate),
            seal=seal.public_key().public_bytes_raw().hex(),
        )


def generate(domain: str, alliance: str, rng: Rng, *, now: int) -> MemberKeys:
    """Return fresh keys for a member, with a self-signed certificate.

    The same `rng` bytes and `now` give the same keys. What `domain` and
    `alliance` may be, the settings have checked.
    """
    tls = Ed25519PrivateKey.from_private_bytes(rng(SEED_SIZE))
    return MemberKeys(
        domain=domain,
        alliance=alliance,
        generation=1,
        log_seed=rng(SEED_SIZE),
        member_seed=rng(SEED_SIZE),
        seen_seed=rng(SEED_SIZE),
        merged_seed=rng(SEED_SIZE),
        seal_private=rng(SEED_SIZE),
        tls_pem=tls.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
        certificate=self_signed(tls, domain, now),
    )


def self_signed(key: Ed25519PrivateKey, domain: str, now: int) -> bytes:
    """Return a certificate for both ends of mutual TLS, DER.

    It begins a day early, so that a slow clock does not shut its owner out.
    """
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, domain)])
    public = key.public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    serial = int.from_bytes(hashlib.sha256(spki).digest()[:16]) >> 1
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    usage = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(serial | 1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(domain)]), False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(identifier, False)
        .add_extension(usage, False)
        .sign(key, None)
        .public_bytes(Encoding.DER)
    )
