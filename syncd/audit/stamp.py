"""RFC 3161 time stamps: that a bundle was there by a time, says an authority.

    manifest ──▶ request ─ ─ by hand ─ ─▶ authority ─ ─▶ reply: BUNDLE.tsr

The manifest is what is stamped: it names every other file by its hash, and is
the same in a directory and in a tar. Nobody is asked from here, and the
library is needed for nothing else.
"""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from cryptography import x509

from syncd.errors import MalformedError, UntrustedError, UsageError


def place(bundle: Path) -> Path:
    """Return where a bundle's time stamp is: beside it."""
    whole = bundle.resolve()
    return whole.with_name(f"{whole.name}.tsr")


def authorities(pem: bytes) -> list[x509.Certificate]:
    """Read certificates of whom to trust."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as e:
        raise MalformedError("no certificate in PEM") from e


def request(manifest: bytes) -> bytes:
    """Return what an authority is to be sent: it has the hash alone."""
    client = _client()
    made = client.TimestampRequestBuilder().data(manifest)
    made = made.hash_algorithm(client.HashAlgorithm.SHA256)
    return bytes(made.build().as_bytes())


def check(
    reply: bytes, manifest: bytes, trusted: Sequence[x509.Certificate]
) -> dict[str, Any]:
    """Return what a reply proves: unix seconds by whose clock, its subject.

    Raises:
        UntrustedError: it is of another bundle, or by nobody trusted.
    """
    client = _client()
    try:
        found = client.decode_timestamp_response(reply)
        verifier = client.VerifierBuilder(roots=[*trusted]).build()
        verifier.verify_message(found, manifest)
    except (ValueError, client.VerificationError) as e:
        raise UntrustedError(
            "time stamp: not of this bundle"
            if "between messages" in str(e)
            else "time stamp: not by whom the certificates vouch for"
        ) from e
    [signer] = found.signed_data.signer_infos
    [subject] = {
        one.subject.rfc4514_string()
        for one in map(
            x509.load_der_x509_certificate, found.signed_data.certificates
        )
        if one.serial_number == signer.serial_number
    }
    at = int(found.tst_info.gen_time.timestamp())
    return {"at": at, "authority": subject}


def _client() -> ModuleType:
    try:
        import rfc3161_client
    except ImportError:
        raise UsageError("time stamps need rfc3161-client") from None
    return rfc3161_client
