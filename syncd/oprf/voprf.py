"""Oblivious pseudorandom functions of RFC 9497, mode VOPRF.

Suite ristretto255-SHA512 (RFC 9497, 4.1). A client blinds its input to a
point, a server multiplies the point by its key, the client takes the blind
off again and hashes: neither learns what the other has. The server proves
that it used the key it is known by.

    client                                        server
    P = HashToGroup(input)
    C = blind·P                ──── C ────►       D = key·C
    verify, N = blind⁻¹·D      ◄─ D, proof ─      proof: log_G(pub) = log_C(D)
    output = SHA-512(input, N)

Everything here takes whole batches. The proof is of one pair of points: how a
batch becomes one is for `threshold`, which binds it more than the RFC does.
"""

import hashlib
from collections.abc import Sequence

from syncd.errors import MalformedError, UntrustedError
from syncd.oprf import group

PROOF_SIZE = 64  # bytes: the scalars c and s
MAX_INPUT = 2**16 - 1  # bytes

_CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"  # RFC 9497, 3.1
TO_GROUP = b"HashToGroup-" + _CONTEXT
_TO_SCALAR = b"HashToScalar-" + _CONTEXT


def hash_to_group(inputs: Sequence[bytes]) -> list[bytes]:
    """Return the point of each input (RFC 9497, 4.1).

    Raises:
        MalformedError: an input is longer than 65,535 bytes.
    """
    for value in inputs:
        if len(value) > MAX_INPUT:
            raise MalformedError("oprf: input is {n} bytes", n=len(value))
    return group.from_hashes([_expand(value, TO_GROUP) for value in inputs])


def hash_to_scalar(message: bytes) -> bytes:
    """Return the scalar of `message` (RFC 9497, 4.1)."""
    return group.reduce(_expand(message, _TO_SCALAR))


def hash_points(
    inputs: Sequence[bytes], points: Sequence[bytes]
) -> list[bytes]:
    """Return the output of each input and the point that it came to."""
    sha512, pack = hashlib.sha512, int.to_bytes
    return [
        sha512(
            pack(len(value), 2) + value + b"\x00\x20" + point + b"Finalize"
        ).digest()
        for value, point in zip(inputs, points, strict=True)
    ]


def prove_equal(
    key: bytes, public: bytes, m: bytes, nonce: bytes, bound: bytes = b""
) -> bytes:
    """Return the proof that log_G(public) = log_m(key·m), as c ‖ s.

    `bound` goes before the challenge's transcript; empty is the RFC's form.
    """
    z = group.multiply(key, m)
    t2, t3 = group.multiply_base(nonce), group.multiply(nonce, m)
    c = _challenge(bound, public, m, z, t2, t3)
    return c + group.scalar_sub(nonce, group.scalar_mul(c, key))


def verify_equal(
    public: bytes, m: bytes, z: bytes, proof: bytes, bound: bytes = b""
) -> None:
    """log_G(public) = log_m(z), as `proof` shows.

    Raises:
        UntrustedError: it does not.
        MalformedError: there are points or scalars that are none.
    """
    if len(proof) != PROOF_SIZE:
        raise MalformedError("oprf: proof is {n} bytes", n=len(proof))
    c, s = proof[:32], proof[32:]
    group.check_scalar(c, "proof's c")
    group.check_scalar(s, "proof's s")
    t2 = group.weighted_sum((group.ONE, c), (group.multiply_base(s), public))
    t3 = group.weighted_sum((s, c), (m, z))
    if _challenge(bound, public, m, z, t2, t3) != c:
        raise UntrustedError("oprf: proof does not hold")


def _challenge(bound: bytes, *points: bytes) -> bytes:
    sized = b"".join(b"\x00\x20" + point for point in points)
    return hash_to_scalar(bound + sized + b"Challenge")


_PAD = hashlib.sha512(bytes(128))  # Z_pad: one block of SHA-512


def _expand(message: bytes, dst: bytes) -> bytes:
    """Return the 64 bytes of expand_message_xmd (RFC 9380, 5.3.1)."""
    prime = dst + bytes([len(dst)])
    state = _PAD.copy()
    state.update(message + b"\x00\x40\x00" + prime)
    return hashlib.sha512(state.digest() + b"\x01" + prime).digest()
