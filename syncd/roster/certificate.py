"""What we read from a TLS certificate: its public key, as the pin.

The pin is SHA-256 of the SubjectPublicKeyInfo, in hex: an institution's own
CA may sign (and renew) the certificate, and the pin stays. Dates and names
in a certificate are for the TLS library, not for us.
"""

import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from syncd.errors import MalformedError


def parse(der: bytes, subject: str = "certificate") -> x509.Certificate:
    """Read a certificate.

    Raises:
        MalformedError: not one DER certificate.
    """
    try:
        return x509.load_der_x509_certificate(der)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.InvalidVersion,
    ) as e:
        raise MalformedError(f"{subject}: not a DER certificate") from e


def spki(der: bytes, subject: str = "certificate") -> bytes:
    """Return the certificate's SubjectPublicKeyInfo, DER."""
    found = parse(der, subject)
    try:
        return found.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    except (ValueError, UnsupportedAlgorithm) as e:
        raise MalformedError(f"{subject}: unusable public key") from e


def pin(der: bytes, subject: str = "certificate") -> str:
    """Return hex SHA-256 of the certificate's public key."""
    return hashlib.sha256(spki(der, subject)).hexdigest()
