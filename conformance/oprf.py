"""The proof of a holder's answers, and the output: protocol.md 7."""

import hashlib
from collections.abc import Iterable, Sequence

from . import curve
from .notes import (
    Json,
    Key,
    WrongError,
    decode,
    document,
    encode,
    need,
    note,
    sha256,
)

CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"


def u16(n: int) -> bytes:
    return n.to_bytes(2, "big")


def uniform(message: bytes, name: bytes) -> bytes:
    """64 bytes of expand_message_xmd with SHA-512 (RFC 9380, 5.3.1)."""
    tag = name + CONTEXT
    tag += bytes([len(tag)])
    b0 = hashlib.sha512(bytes(128) + message + u16(64) + b"\0" + tag).digest()
    return hashlib.sha512(b0 + b"\1" + tag).digest()


def hash_to_scalar(message: bytes) -> int:
    wide = int.from_bytes(uniform(message, b"HashToScalar-"), "little")
    return wide % curve.ORDER


def hash_to_group(message: bytes) -> curve.Point:
    return curve.derive(uniform(message, b"HashToGroup-"))


def oprf_input(kind: str, normal: str) -> bytes:
    """What is evaluated for a phone or an account."""
    return f"syncd-oprf-v1\0{kind}\0{normal}".encode()


def output(data: bytes, evaluated: curve.Point) -> bytes:
    """The output of an input, whose point times the key is given."""
    return hashlib.sha512(
        u16(len(data)) + data + u16(32) + curve.encode(evaluated) + b"Finalize"
    ).digest()


def factor(index: int, quorum: Sequence[int]) -> int:
    """Lagrange's, at 0."""
    result = 1
    for j in quorum:
        if j != index:
            result *= j * pow(j - index, -1, curve.ORDER)
    return result % curve.ORDER


def element(data: bytes) -> curve.Point:
    """A point that is not the identity."""
    need(data != bytes(32), "element: the identity")
    try:
        return curve.decode(data)
    except ValueError as error:
        raise WrongError(str(error)) from error


def _scalar(data: bytes) -> int:
    n = int.from_bytes(data, "little")
    need(0 < n < curve.ORDER, "scalar: out of range")
    return n


def bound(
    public_share: bytes,
    index: int,
    quorum: Sequence[int],
    context: bytes,
    elements: Sequence[bytes],
    answers: Sequence[bytes],
    proof: bytes,
) -> None:
    """The holder answered all of the batch rightly, or WrongError."""
    need(len(elements) == len(answers) > 0, "reply: not one for each")
    need(len(proof) == 64, "proof: its length")
    seed = hashlib.sha512(
        b"syncd-oprf-batch-v1\0"
        + public_share
        + u16(index)
        + u16(len(quorum))
        + b"".join(map(u16, quorum))
        + u16(len(context))
        + context
        + u16(len(elements))
        + b"".join(elements)
        + b"".join(answers)
    ).digest()
    stream = b"".join(
        hashlib.sha512(seed + n.to_bytes(4, "big")).digest()
        for n in range(len(elements) // 4 + 1)
    )
    m, z = curve.ZERO, curve.ZERO
    for j, (asked, answered) in enumerate(zip(elements, answers, strict=True)):
        weight = 1
        if j:
            part = stream[16 * (j - 1) : 16 * j]
            weight = 2**128 + int.from_bytes(part, "little")
        m = curve.add(m, curve.times(weight, element(asked)))
        z = curve.add(z, curve.times(weight, element(answered)))
    b = curve.times(factor(index, quorum), element(public_share))
    c, s = _scalar(proof[:32]), _scalar(proof[32:])
    t2 = curve.add(curve.times(s, curve.GENERATOR), curve.times(c, b))
    t3 = curve.add(curve.times(s, m), curve.times(c, z))
    said = u16(64) + seed
    for point in b, m, z, t2, t3:
        said += u16(32) + curve.encode(point)
    need(hash_to_scalar(said + b"Challenge") == c, "proof: does not hold")


def blinded(point: curve.Point, blind: int) -> bytes:
    """An element to send, of a fresh random `blind` from 1 to ORDER - 1."""
    return curve.encode(curve.times(blind, point))


def unblinded(blind: int, answers: Sequence[bytes]) -> curve.Point:
    """The key times what was blinded, from the whole quorum's answers."""
    inverse = pow(blind, -1, curve.ORDER)
    return curve.times(inverse, total(map(element, answers)))


def total(points: Iterable[curve.Point]) -> curve.Point:
    """The sum, which a check element is of, and is to answer with."""
    result = curve.ZERO
    for point in points:
        result = curve.add(result, point)
    return result


def reply(
    request: bytes,
    answer: bytes,
    holder: tuple[str, Key],
    epoch: Json,
    alliance_id: str,
) -> list[bytes]:
    """The elements of a holder's answer to a request, both as sent.

    `holder` is the member id and member key of the one who answered, and
    `epoch` the roster's row of the key that was asked for.
    """
    asked, told = decode(request), decode(answer)
    signed = note(told["note"].encode())
    need(signed.signed(holder[1]) is not None, "reply: not signed")
    whose, names = document(signed.text, "oprf-reply")
    need(whose == alliance_id, "reply: of another alliance")
    need(
        names
        == {
            "reply": sha256(encode(told["reply"])).hex(),
            "request": sha256(request).hex(),
        },
        "reply: its note names others",
    )
    need(asked["key"] == [epoch["kind"], epoch["epoch"]], "reply: key")
    need(asked["generation"] == epoch["generation"], "reply: generation")
    index, share = next(
        (index, bytes.fromhex(share))
        for index, member, share in epoch["shares"]
        if member == holder[0] and index in asked["quorum"]
    )
    context = {
        name: asked[name] for name in asked.keys() - {"elements", "quorum"}
    }
    elements = _cut(asked["elements"])
    answers = _cut(told["reply"]["elements"])
    need(len(elements) == len(answers), "reply: not one for each")
    for answered in answers:
        element(answered)
    proven = slice(-1 if asked.get("proof") == "last" else 0, None)
    bound(
        share,
        index,
        asked["quorum"],
        encode(context),
        elements[proven],
        answers[proven],
        bytes.fromhex(told["reply"]["proof"]),
    )
    return answers


def _cut(text: str) -> list[bytes]:
    data = bytes.fromhex(text)
    need(len(data) % 32 == 0, "element: cut short")
    return [data[i : i + 32] for i in range(0, len(data), 32)]
