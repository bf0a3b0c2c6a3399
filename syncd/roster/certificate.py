"""What we read from a TLS certificate: its public key, as the pin.

The pin is SHA-256 of the SubjectPublicKeyInfo, in hex: an institution's own
CA may sign (and renew) the certificate, and the pin stays. Names in a
certificate mean nothing to us, and dates decide nothing. At the local API the
whole certificate is what is known: it stands there where others show a token.
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncd.errors import MalformedError, becoming
from syncd.tlog.strict import sha256_hex

_UNREAD = ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion


def parse(der: bytes) -> x509.Certificate:
    """Read a certificate.

    Raises:
        MalformedError: not one DER certificate.
    """
    with becoming(
        "certificate: not a DER certificate", MalformedError, *_UNREAD
    ):
        return x509.load_der_x509_certificate(der)


def load(raw: bytes) -> bytes:
    """Return the DER of a certificate file, PEM or DER.

    Of a PEM file with a chain it is the first, the owner's own.

    Raises:
        MalformedError: neither.
    """
    if b"-----BEGIN" not in raw:
        parse(raw)
        return raw
    with becoming(
        "certificate: not a PEM certificate", MalformedError, *_UNREAD
    ):
        found = x509.load_pem_x509_certificate(raw)
    return found.public_bytes(Encoding.DER)


def pin(der: bytes) -> str:
    """Return hex SHA-256 of the certificate's SubjectPublicKeyInfo."""
    found = parse(der)
    with becoming(
        "certificate: unusable public key", MalformedError, *_UNREAD
    ):
        spki = found.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    return sha256_hex(spki)


def credential(der: bytes) -> str:
    """Return what stands for it where others show a token: none has a colon."""
    return f"certificate:{sha256_hex(der)}"


def is_for_clients(der: bytes) -> bool:
    """Tell whether OpenSSL takes it of a client: if it says for what it is."""
    try:
        found = parse(der).extensions.get_extension_for_class(
            x509.ExtendedKeyUsage
        )
    except (x509.ExtensionNotFound, ValueError):
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in found.value


def expires(der: bytes) -> int:
    """Return when a certificate ends, unix seconds: a note, nothing stops."""
    return int(parse(der).not_valid_after_utc.timestamp())
