"""One OPRF key in the hands of n holders, of whom any t evaluate.

The key k is f(0) of a polynomial of degree t-1 over the scalars; holder i,
1 ≤ i ≤ n, has the share k_i = f(i), and everyone knows K = k·G and all
K_i = k_i·G. The client names the quorum S of exactly t holders; each answers
with its share already weighted by Lagrange's coefficient

    λ_i(S) = Π j / (j - i)   over all j ≠ i of S

so that the answers only need to be added, and gives a proof against
λ_i(S)·K_i. Any quorum gives the output of RFC 9497's VOPRF under k.

    client                                    holder i of S
    C_1 … C_n = blind(inputs)
                        ── S, C_1 … C_n ──►   D_j = (λ_i(S)·k_i)·C_j
    check each holder   ◄─ D_1 … D_n, proof
    finish: Σ D over S, blinds off, hash

**The bound batch proof.** RFC 9497 draws the weight of a pair from the pair
alone, so that a holder may search for errors that cancel. Here one seed is
drawn from the whole batch. All integers are big-endian unless said otherwise;
points and scalars are in their 32-byte form.

    seed = SHA-512(
        "syncd-oprf-batch-v1" ‖ 0x00
        ‖ K_i                          32   the holder's public share
        ‖ i                            u16
        ‖ t ‖ S, ascending             u16, t × u16
        ‖ length ‖ context             u16, bytes
        ‖ n ‖ C_1 … C_n ‖ D_1 … D_n    u16, n × 32, n × 32
    )
    d_1 = 1
    d_j = 2^128 + x_(j-2)              for j = 2 … n, where x_0, x_1, … are
                                       the 16-byte little-endian integers of
                                       SHA-512(seed ‖ u32 b), b = 0, 1, …
    M = Σ d_j·C_j,  Z = Σ d_j·D_j,  B = λ_i(S)·K_i
    t2 = r·G,  t3 = r·M                r a fresh random scalar
    c = HashToScalar(u16 64 ‖ seed ‖ u16 32 ‖ B ‖ u16 32 ‖ M ‖ u16 32 ‖ Z
                     ‖ u16 32 ‖ t2 ‖ u16 32 ‖ t3 ‖ "Challenge")
    s = r - c·λ_i(S)·k_i
    proof = c ‖ s                      64 bytes, scalars little-endian

HashToScalar is RFC 9497's with the context string of mode VOPRF. A weight is
never zero, and a wrong batch passes with probability 2^-128. The seed stands
in the challenge because a batch of one has no weights that could carry it.
What the context holds is the caller's affair: key, share generation, request.

**The check element.** A proof over a whole batch costs the client two
multiplications for each element and holder. Instead it may send one element
more, C_(n+1) = r·Σ P_j, the blinded sum of the points that it asks about, and
have that one alone proven (`last`). Its answer without the blind must be the
sum of the others'. An error E_j in the sum of the answers to C_j shows as
r_j⁻¹·E_j, so the blinds, which nobody else knows, are its weights: to choose
errors that cancel is as hard as discrete logarithms (docs/adr/0012), and not
even all holders together can. This needs all inputs to differ. A batch that
fails is asked for again with the proof of all, which names the holder.

Randomness is an argument: `rng(n)` gives n random bytes from the system's
source. Lagrange's coefficients, weights and proofs are public; shares, blinds
and nonces only ever meet libsodium.
"""

import hashlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from syncd.errors import MalformedError, UntrustedError, becoming
from syncd.oprf import group, voprf
from syncd.oprf.group import ORDER, Rng
from syncd.shape import Secret

MAX_BATCH = 4096  # elements of one request
MAX_HOLDERS = 255

_TAG = b"syncd-oprf-batch-v1\x00"


class Blinded(Secret, frozen=True):
    """What a client keeps of its request, and the elements that it sends."""

    inputs: tuple[bytes, ...]
    blinds: tuple[bytes, ...]  # secret scalars
    elements: list[bytes]  # 32 bytes each; one more than inputs: the check


class Evaluation(NamedTuple):
    """A holder's answer: element for element, and its proof."""

    elements: list[bytes]
    proof: bytes  # 64 bytes, or none


def blind(inputs: Sequence[bytes], rng: Rng, checked: bool = False) -> Blinded:
    """Blind each input with a fresh random scalar.

    Args:
        inputs: what to ask about; each once.
        rng: the source of the blinds.
        checked: add the check element.

    Raises:
        MalformedError: none, or more than 4,096 elements, or an input is too
            long or comes twice.
    """
    _check_batch(len(inputs) + checked)
    # Of an input that comes twice the answers may err by opposite amounts.
    if len({*inputs}) != len(inputs):
        raise MalformedError("oprf: an input comes twice")
    points = voprf.hash_to_group(inputs)
    if checked:
        points.append(group.total(points))
    blinds = tuple(group.random_scalars(len(points), rng))
    return Blinded(tuple(inputs), blinds, group.multiply_each(blinds, points))


def evaluate(
    share: bytes,
    index: int,
    quorum: Collection[int],
    elements: Sequence[bytes],
    rng: Rng,
    context: bytes,
    last: bool = False,
) -> Evaluation:
    """Answer a batch as holder `index` of `quorum`, with the bound proof.

    Costs 145 µs an element; 60 if only the `last` is to be proven.

    Raises:
        MalformedError: an element is not a point, or is the identity; or the
            quorum is not one of which `index` is part.
    """
    _check_batch(len(elements))
    group.check_scalar(share, "share")
    key = group.scalar_mul(weight(index, quorum), share)
    answers = group.multiply_each([key] * len(elements), elements)
    own = group.multiply_base(share)
    proven = elements[-1:] if last else elements
    seed = _seed(own, index, quorum, context, proven, answers[-len(proven) :])
    m = group.weighted_sum(_weights(seed, len(proven)), proven)
    public, nonce = group.multiply_base(key), group.random_scalar(rng)
    proof = voprf.prove_equal(key, public, m, nonce, _bound(seed))
    return Evaluation(answers, proof)


def check(
    public_share: bytes,
    index: int,
    quorum: Collection[int],
    elements: Sequence[bytes],
    evaluation: Evaluation,
    context: bytes,
    last: bool = False,
) -> None:
    """The answer is the holder's own, right for every element.

    With `last`, for the last one; `finish` checks the others against it.

    Raises:
        UntrustedError: an answer is missing, wrong or not a point, or the
            proof is for another share, quorum, batch or context.
    """
    _check_batch(len(elements))
    answers = evaluation.elements
    if len(answers) != len(elements):
        raise UntrustedError(
            "oprf: holder {index} gave {n} answers to {elements} elements",
            index=index,
            n=len(answers),
            elements=len(elements),
        )
    if last:
        elements, answers = elements[-1:], answers[-1:]
    lagrange = weight(index, quorum)
    seed = _seed(public_share, index, quorum, context, elements, answers)
    weights = _weights(seed, len(elements))
    m = group.weighted_sum(weights, elements)
    public = group.multiply(lagrange, public_share)
    with becoming(
        "oprf: holder {index} answered wrongly",
        UntrustedError,
        MalformedError,
        UntrustedError,
        index=index,
    ):
        z = group.weighted_sum(weights, answers)
        voprf.verify_equal(public, m, z, evaluation.proof, _bound(seed))


def finish(
    blinded: Blinded, evaluations: Sequence[Sequence[bytes]]
) -> list[bytes]:
    """Return the 64-byte output for each input, from a whole quorum's answers.

    `evaluations` are the answers' elements, one list for each holder of the
    quorum, all checked before.

    Raises:
        UntrustedError: too few answers, or what is not a point; or they fail
            the check element: a holder answered wrongly, and the proof of
            all its answers will say which.
    """
    with becoming("oprf: answers do not add up: {why}", UntrustedError):
        totals = group.add_columns(evaluations)
        if len(totals) != len(blinded.blinds):
            raise UntrustedError(
                "oprf: {n} answers to {blinds} elements",
                n=len(totals),
                blinds=len(blinded.blinds),
            )
        points = group.multiply_each(group.invert_all(blinded.blinds), totals)
        n = len(blinded.inputs)
        asked, check = points[:n], points[n:]
        if check and check != [group.total(asked)]:
            raise UntrustedError(
                "oprf: a holder of the quorum answered wrongly"
            )
    return voprf.hash_points(blinded.inputs, asked)


def _seed(
    public_share: bytes,
    index: int,
    quorum: Collection[int],
    context: bytes,
    elements: Sequence[bytes],
    answers: Sequence[bytes],
) -> bytes:
    if len(context) > 2**16 - 1:
        raise MalformedError("oprf: context is {n} bytes", n=len(context))
    numbers = (index, len(quorum), *sorted(quorum))
    seed = hashlib.sha512(_TAG + public_share)
    seed.update(b"".join(number.to_bytes(2) for number in numbers))
    seed.update(len(context).to_bytes(2) + context)
    seed.update(len(elements).to_bytes(2))
    seed.update(b"".join(elements))
    seed.update(b"".join(answers))
    return seed.digest()


def _weights(seed: bytes, count: int) -> list[bytes]:
    blocks = b"".join(
        hashlib.sha512(seed + block.to_bytes(4)).digest()
        for block in range((count + 2) // 4)
    )
    top = b"\x01" + bytes(15)  # 2^128: no weight is zero
    return [
        group.ONE,
        *(blocks[at : at + 16] + top for at in range(0, 16 * (count - 1), 16)),
    ]


def _bound(seed: bytes) -> bytes:
    return len(seed).to_bytes(2) + seed


def weight(index: int, quorum: Collection[int]) -> bytes:
    """Return λ_i(S): a key is the sum of its quorum's shares, weighted so.

    Raises:
        MalformedError: an index occurs twice, is not 1 to 255, or is not of
            the quorum.
    """
    if index not in quorum:
        raise MalformedError(
            "oprf: holder {index} is not of the quorum", index=index
        )
    if len(set(quorum)) != len(quorum) or not quorum:
        raise MalformedError("oprf: quorum is empty or names a holder twice")
    for one in quorum:
        if not 1 <= one <= MAX_HOLDERS:
            raise MalformedError("oprf: holder {index} cannot be", index=one)
    above = below = 1
    for j in quorum:
        if j != index:
            above = above * j % ORDER
            below = below * (j - index) % ORDER
    return group.scalar(above * pow(below, -1, ORDER))


def _check_batch(count: int) -> None:
    if not 1 <= count <= MAX_BATCH:
        raise MalformedError(
            "oprf: batch of {n} elements, want 1 to {most}",
            n=count,
            most=MAX_BATCH,
        )
