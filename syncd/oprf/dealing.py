"""Draw a key between n holders, so that nobody ever knows it.

Pedersen's distributed key generation, in the shape of SimplPedPoP: each
dealer i draws a polynomial f_i of degree t-1 of its own, shows its
coefficients as points, and proves that it knows the constant one. The key is
k = Σ f_i(0), which nobody adds up; holder j adds the shares that it got.

    dealer i ── C_i = (f_i's coefficients)·G, proof ──► everyone
             ── f_i(j) ───────────────────────────────► holder j alone
    holder j: f_i(j)·G = Σ j^m·C_i[m], for each i;  k_j = Σ f_i(j)
    everyone: K = Σ C_i[0],  K_j = Σ j^m·(Σ C_i[m])

Without the proof, whoever shows its points last could choose K. Shared out
anew, f_i(0) is not drawn but λ_i·k_i, of t who hold the key; C_i[0] is then
λ_i·K_i, and K stays. Who says what to whom, and what comes of a lie, is
`flows.ceremony`'s work.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

from syncd.errors import MalformedError
from syncd.oprf import group, voprf
from syncd.oprf.group import Rng
from syncd.shape import Secret

_TAG = b"syncd-dealing-v1\x00"


class Dealt(Secret, frozen=True):
    """A polynomial, as its dealer hands it out and then forgets it."""

    commitments: list[bytes]  # points: the coefficients, constant first
    proof: bytes  # 64 bytes: that the constant one is known
    shares: Mapping[int, bytes]  # secret, of holders 1…n


def deal(
    t: int, n: int, rng: Rng, context: bytes = b"", constant: bytes = b""
) -> Dealt:
    """Draw a polynomial, or one with that constant, and share it t of n."""
    constant = constant or group.random_scalar(rng)
    coefficients = [constant, *group.random_scalars(t - 1, rng)]
    points = [group.multiply_base(one) for one in coefficients]
    proof = voprf.prove_equal(
        *(constant, points[0], group.multiply_base(group.ONE)),
        *(group.random_scalar(rng), _TAG + context),
    )
    shares = {i: _value(coefficients, i) for i in range(1, n + 1)}
    return Dealt(points, proof, shares)


def check(
    commitments: Sequence[bytes], t: int, proof: bytes, context: bytes
) -> None:
    """There are t points, and the constant of the first is known.

    That log_G(C) = log_G(C) proves nothing but that it is known (Schnorr).

    Raises:
        MalformedError: there are not, or one is none.
        UntrustedError: the proof does not hold, of that context.
    """
    if len(commitments) != t:
        raise MalformedError(
            "oprf: {n} commitments, want {t}", n=len(commitments), t=t
        )
    group.check_points(commitments)
    base, first = group.multiply_base(group.ONE), commitments[0]
    voprf.verify_equal(first, base, first, proof, _TAG + context)


def public_share(commitments: Sequence[bytes], index: int) -> bytes:
    """Return what f(index)·G is, of the polynomial behind some points."""
    powers = [group.scalar(index**m) for m in range(len(commitments))]
    return group.weighted_sum(powers, commitments)


def fits(commitments: Sequence[bytes], index: int, share: bytes) -> bool:
    """Tell whether a share is the one of its index."""
    try:
        group.check_scalar(share, "share")
    except MalformedError:
        return False
    return group.multiply_base(share) == public_share(commitments, index)


def total(shares: Sequence[bytes]) -> bytes:
    """Return the sum of what all dealers gave to one holder."""
    return reduce(group.scalar_add, shares)


def _value(coefficients: Sequence[bytes], x: int) -> bytes:
    at = group.scalar(x)
    *lower, value = coefficients
    for coefficient in reversed(lower):
        value = group.scalar_add(group.scalar_mul(value, at), coefficient)
    return value
