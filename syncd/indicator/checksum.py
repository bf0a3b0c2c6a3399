"""Check digits and checksums of account numbers and chain addresses.

Form only, each a few lines after its source: Luhn (ISO/IEC 7812-1), mod 97
(ISO 7064 as in IBAN), base58check, bech32 and bech32m (BIP 173, 350),
cashaddr, EIP-55 and Monero's base58. What an address means is `account`'s
work. Functions return None, or False, where a checksum does not hold.
"""

from collections.abc import Iterable, Sequence

from base58 import BITCOIN_ALPHABET, b58decode, b58decode_check
from Crypto.Hash import keccak

_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_VALUE = {c: n for n, c in enumerate(_BECH32)}
_BECH32_GENERATORS = (
    *(0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3),
)
_CASH_GENERATORS = (
    *(0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470),
)
_CASH_PREFIX = [*(ord(c) & 31 for c in "bitcoincash"), 0]

_DOUBLED = {str(n): n * 2 - 9 * (n > 4) for n in range(10)}
_SINGLE = {str(n): n for n in range(10)}


def luhn(digits: str) -> bool:
    """Tell whether the last of ASCII `digits` is their Luhn check digit."""
    total = sum(map(_SINGLE.__getitem__, digits[-1::-2]))
    return (total + sum(map(_DOUBLED.__getitem__, digits[-2::-2]))) % 10 == 0


def base58(
    text: str, alphabet: bytes = BITCOIN_ALPHABET, *, check: bool = False
) -> bytes | None:
    """Return the bytes of `text`; with `check` those before their own hash."""
    read = b58decode_check if check else b58decode
    try:
        return None if " " in text else read(text, alphabet)
    except ValueError:
        return None


# ------------------------------------------------------ bech32, cashaddr


def bech32(
    text: str, human: str, *, longest: int = 90
) -> tuple[str, Sequence[int]] | None:
    """Return encoding and 5-bit groups of lower-case `text`, sum stripped.

    `human` is the part before the last "1". BIP 173 and 350.
    """
    if len(text) > longest or not text.startswith(f"{human}1"):
        return None
    values = _values(text[len(human) + 1 :])
    if len(values) < 6:
        return None
    prefix = [ord(c) >> 5 for c in human] + [0]
    prefix += [ord(c) & 31 for c in human]
    check = _polymod(prefix + values)
    encoding = {1: "bech32", 0x2BC830A3: "bech32m"}.get(check)
    return (encoding, values[:-6]) if encoding else None


def segwit(text: str, human: str) -> bool:
    """Tell whether lower-case `text` is a SegWit address of `human`."""
    match bech32(text, human):
        case (encoding, [version, *groups]) if version <= 16:
            program = _regroup(groups)
            if not program or not 2 <= len(program) <= 40:
                return False
            if version == 0:
                return encoding == "bech32" and len(program) in {20, 32}
            return encoding == "bech32m"
        case _:
            return False


def cashaddr(payload: str) -> bytes | None:
    """Return version and hash of lower-case `bitcoincash:` + `payload`."""
    values = _values(payload)
    holds = _polymod(_CASH_PREFIX + values, _CASH_GENERATORS) == 1
    return _regroup(values[:-8]) if holds and len(values) >= 8 else None


def to_cashaddr(body: bytes) -> str:
    """Return the spelling of version and hash, without `bitcoincash:`."""
    bits = int.from_bytes(body) << (-len(body) * 8 % 5)
    count = (len(body) * 8 + 4) // 5
    values = [bits >> 5 * n & 31 for n in reversed(range(count))]
    check = _polymod(_CASH_PREFIX + values + [0] * 8, _CASH_GENERATORS) ^ 1
    values += [check >> 5 * n & 31 for n in reversed(range(8))]
    return "".join(_BECH32[n] for n in values)


def _values(text: str) -> list[int]:
    """Return the 5-bit groups of a text, none if it is of other letters."""
    try:
        return [_BECH32_VALUE[c] for c in text]
    except KeyError:
        return []


def _regroup(groups: Iterable[int]) -> bytes | None:
    """Return 5-bit groups as bytes; what is left over must be few zeros."""
    number = size = 0
    for group in groups:
        number = number << 5 | group
        size += 5
    spare = size % 8
    if spare >= 5 or number & ((1 << spare) - 1):
        return None
    return (number >> spare).to_bytes(size // 8)


def _polymod(
    values: Iterable[int], generators: Sequence[int] = _BECH32_GENERATORS
) -> int:
    """Return the remainder of BCH codes over 5 bits, of 6 symbols or 8."""
    shift = 25 if generators is _BECH32_GENERATORS else 35
    check = 1
    for value in values:
        top = check >> shift
        check = (check & ((1 << shift) - 1)) << 5 ^ value
        for n, generator in enumerate(generators):
            if top >> n & 1:
                check ^= generator
    return check


# ---------------------------------------------------------------- keccak


def eip55(address: str) -> str:
    """Return the mixed-case spelling of 40 lower-case hex digits."""
    digest = _keccak256(address.encode()).hex()
    return "".join(
        c.upper() if nibble > "7" else c
        for c, nibble in zip(address, digest, strict=False)
    )


def monero(text: str) -> bytes | None:
    """Return network byte and keys of an address in Monero's base58.

    Blocks of 11 characters stand for 8 bytes each, the last 7 for 5; the
    last 4 bytes are keccak-256 of the others.
    """
    body = b""
    for at in range(0, len(text), 11):
        block = text[at : at + 11]
        size = {11: 8, 7: 5}.get(len(block))
        raw = base58(block)
        if not (size and raw):
            return None
        number = int.from_bytes(raw)
        if number >> 8 * size:
            return None
        body += number.to_bytes(size)
    if len(body) < 5 or _keccak256(body[:-4])[:4] != body[-4:]:
        return None
    return body[:-4]


def _keccak256(body: bytes) -> bytes:
    # not SHA3-256, which pads differently
    digest: bytes = keccak.new(digest_bits=256, data=body).digest()
    return digest
