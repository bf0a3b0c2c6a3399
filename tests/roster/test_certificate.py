"""Of a certificate we read the public key, whoever signed the rest."""

import hashlib
import ssl

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from syncd.roster import certificate, keys
from tests.cases import tried
from tests.refusals import malformed
from tests.test_pinning import SERVER_ONLY, ed, issue

NOW = 1_760_000_000
MINE, OTHER = (
    keys.generate(f"{name}.example", "txwz", seed.__mul__, now=NOW)
    for name, seed in (("bank", b"\7"), ("carrier", b"\x08"))
)
DER = MINE.certificate
PEM, MORE = (
    ssl.DER_cert_to_PEM_cert(own.certificate).encode() for own in (MINE, OTHER)
)


def test_the_pin_is_that_of_the_key() -> None:
    """The hash of what the private key says of itself."""
    key = load_pem_private_key(MINE.tls_pem, None).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert certificate.pin(DER) == hashlib.sha256(spki).hexdigest()
    assert certificate.expires(DER) > NOW


def test_what_shows_itself_as_a_token_is_the_whole_certificate() -> None:
    """Of a client, unless it says that it is for servers alone."""
    whole = hashlib.sha256(DER).hexdigest()
    assert certificate.credential(DER) == f"certificate:{whole}"
    assert certificate.is_for_clients(DER)
    assert certificate.is_for_clients(issue(ed()).der)
    assert not certificate.is_for_clients(issue(ed(), usage=SERVER_ONLY).der)


@tried("raw", [DER, PEM, PEM + MORE], ids=["DER", "PEM", "a chain"])
def test_a_file_is_read_as_its_owners_certificate(raw: bytes) -> None:
    """Binary or text; of a chain it is the first."""
    assert certificate.load(raw) == DER


@tried(
    "raw, why",
    [
        (b"", "not a DER certificate"),
        (DER[:-1], "not a DER certificate"),
        (MINE.tls_pem, "not a PEM certificate"),
        (b"-----BEGIN CERTIFICATE-----\n", "not a PEM certificate"),
    ],
    ids=["nothing", "cut short", "a private key", "a first line"],
)
def test_what_is_no_certificate_is_refused(raw: bytes, why: str) -> None:
    """The message never says what is in it."""
    with malformed(f"^certificate: {why}$"):
        certificate.load(raw)
