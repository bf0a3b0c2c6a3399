"""Oblivious pseudorandom functions of RFC 9497: modes OPRF and VOPRF.

Suite ristretto255-SHA512 (RFC 9497, 4.1). A client blinds its input to a
point, a server multiplies the point by its key, the client takes the blind
off again and hashes: neither learns what the other has. In mode VOPRF the
server proves that it used the key it is known by.

    client                                        server
    P = HashToGroup(input)
    C = blind·P                ──── C ────►       D = key·C
    verify, N = blind⁻¹·D      ◄─ D, proof ─      proof: log_G(pub) = log_C(D)
    output = SHA-512(input, N)

Everything here takes whole batches. The plain proof of this module draws a
pair's weight from that pair alone, as the RFC says; syncd's holders prove
with `threshold`, which binds the whole batch.
"""

import functools
import hashlib
from collections.abc import Sequence

from syncd.errors import MalformedError, UntrustedError
from syncd.oprf import group

OPRF = 0x00
VOPRF = 0x01

PROOF_SIZE = 64  # bytes: the scalars c and s
OUTPUT_SIZE = 64  # bytes
MAX_INPUT = 2**16 - 1  # bytes

_SUITE = b"ristretto255-SHA512"


def context_string(mode: int) -> bytes:
    """Return what separates this mode and suite from others (RFC, 3.1)."""
    return b"OPRFV1-" + bytes([mode]) + b"-" + _SUITE


def hash_to_group(inputs: Sequence[bytes], mode: int = VOPRF) -> list[bytes]:
    """Return the point of each input (RFC 9497, 4.1).

    Raises:
        MalformedError: an input is longer than 65,535 bytes.
    """
    for value in inputs:
        if len(value) > MAX_INPUT:
            raise MalformedError("oprf: input is {n} bytes", n=len(value))
    dst = b"HashToGroup-" + context_string(mode)
    return group.from_hashes(_expand(value, dst) for value in inputs)


def hash_to_scalar(message: bytes, mode: int = VOPRF) -> bytes:
    """Return the scalar of `message` (RFC 9497, 4.1)."""
    return group.reduce(
        _expand(message, b"HashToScalar-" + context_string(mode))
    )


def derive_key(seed: bytes, info: bytes, mode: int = VOPRF) -> bytes:
    """Return the secret key that `seed` stands for (RFC 9497, 3.2.1)."""
    message = seed + _sized(info)
    dst = b"DeriveKeyPair" + context_string(mode)
    for counter in range(256):  # pragma: no branch
        key = group.reduce(_expand(message + bytes([counter]), dst))
        if key != group.ZERO:  # pragma: no branch
            return key
    raise MalformedError("oprf: seed gives no key")  # pragma: no cover


def blind(
    inputs: Sequence[bytes], blinds: Sequence[bytes], mode: int = VOPRF
) -> list[bytes]:
    """Return blind·HashToGroup(input) for each (RFC 9497, 3.3.1).

    Raises:
        MalformedError: an input is longer than 65,535 bytes; a blind is zero.
    """
    return group.multiply_each(blinds, hash_to_group(inputs, mode))


def evaluate(key: bytes, elements: Sequence[bytes]) -> list[bytes]:
    """Return key·C for each blinded element C (RFC 9497, 3.3.1).

    Raises:
        MalformedError: an element is not a point, or is the identity.
    """
    return group.multiply_all(key, elements)


def finalize(
    inputs: Sequence[bytes], blinds: Sequence[bytes], outputs: Sequence[bytes]
) -> list[bytes]:
    """Take the blinds off and return the 64-byte outputs (RFC 9497, 3.3.1).

    Raises:
        MalformedError: one of `outputs` is not a point, or is the identity.
    """
    return hash_points(inputs, unblind(blinds, outputs))


def unblind(blinds: Sequence[bytes], outputs: Sequence[bytes]) -> list[bytes]:
    """Return blind⁻¹·D for each.

    Raises:
        MalformedError: one of `outputs` is not a point, or is the identity.
    """
    return group.multiply_each(group.invert_all(blinds), outputs)


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


def prove(
    key: bytes,
    public: bytes,
    elements: Sequence[bytes],
    outputs: Sequence[bytes],
    nonce: bytes,
) -> bytes:
    """Return the proof that `outputs` are key·`elements` (RFC 9497, 2.2.1).

    Args:
        key: the secret scalar.
        public: key·G.
        elements: what the client sent.
        outputs: what `evaluate` made of it.
        nonce: a random scalar, never used twice.
    """
    weights = _weights(public, elements, outputs)
    m = group.weighted_sum(weights, elements)
    return prove_equal(key, public, m, nonce)


def verify(
    public: bytes,
    elements: Sequence[bytes],
    outputs: Sequence[bytes],
    proof: bytes,
) -> None:
    """`outputs` are `elements` times the key of `public` (RFC 9497, 2.2.2).

    Raises:
        UntrustedError: they are not, or the proof does not show it.
        MalformedError: there are points or scalars that are none.
    """
    weights = _weights(public, elements, outputs)
    m = group.weighted_sum(weights, elements)
    z = group.weighted_sum(weights, outputs)
    verify_equal(public, m, z, proof)


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
    t2 = group.add(group.multiply_base(s), group.multiply(c, public))
    t3 = group.weighted_sum((s, c), (m, z))
    if _challenge(bound, public, m, z, t2, t3) != c:
        raise UntrustedError("oprf: proof does not hold")


def _weights(
    public: bytes, elements: Sequence[bytes], outputs: Sequence[bytes]
) -> list[bytes]:
    """Return the weights d_i of the RFC's ComputeComposites."""
    if len(elements) != len(outputs):
        raise UntrustedError(
            "oprf: {n} answers to {elements} elements",
            n=len(outputs),
            elements=len(elements),
        )
    dst = b"Seed-" + context_string(VOPRF)
    seed = hashlib.sha512(_sized(public) + _sized(dst)).digest()
    return [
        hash_to_scalar(
            _sized(seed)
            + at.to_bytes(2)
            + _sized(element)
            + _sized(output)
            + b"Composite"
        )
        for at, (element, output) in enumerate(
            zip(elements, outputs, strict=True)
        )
    ]


def _challenge(bound: bytes, *points: bytes) -> bytes:
    sized = b"".join(b"\x00\x20" + point for point in points)
    return hash_to_scalar(bound + sized + b"Challenge")


def _sized(value: bytes) -> bytes:
    return len(value).to_bytes(2) + value


_PAD = hashlib.sha512(bytes(128))  # Z_pad: one block of SHA-512


def _expand(message: bytes, dst: bytes) -> bytes:
    """Return the 64 bytes of expand_message_xmd (RFC 9380, 5.3.1)."""
    first, second = _tails(dst)
    state = _PAD.copy()
    state.update(message + first)
    return hashlib.sha512(state.digest() + second).digest()


@functools.cache
def _tails(dst: bytes) -> tuple[bytes, bytes]:
    prime = dst + bytes([len(dst)])
    return b"\x00\x40\x00" + prime, b"\x01" + prime
