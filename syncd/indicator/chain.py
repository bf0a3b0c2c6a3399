"""Chains: addresses, each to its one spelling.

Checksums are `checksum`'s work; which words name a chain is in `schemes.tsv`.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, NoReturn

from base58 import BITCOIN_ALPHABET, b58encode_check

from syncd import tsv
from syncd.errors import MalformedError
from syncd.indicator import checksum

_EVM = re.compile(r"0x[0-9a-fA-F]{40}")
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_TON_RAW = re.compile(r"(?:-1|0):[0-9a-fA-F]{64}")
_TON = re.compile(r"[A-Za-z0-9+/_\-]{48}")
_TON_TEST = 0x80  # flag of a test network's address


class Chain(NamedTuple):
    """How the addresses of one chain look; `read` gives the normal form."""

    name: str  # the namespace of its normal forms
    versions: tuple[bytes, ...]  # base58check, before 20 bytes of hash
    human: str  # SegWit's human-readable part
    alphabet: bytes
    also: Callable[[str], str | None] | None

    def read(self, text: str) -> str | None:
        """Return the address in its one spelling; None: it is none."""
        lower = _one_case(text)
        if self.human and lower and checksum.segwit(lower, self.human):
            return lower
        if self.versions and _hash(text, self.versions, self.alphabet):
            return text
        return self.also(text) if self.also else None


def _one_case(text: str) -> str | None:
    """Return the lower case of what is of one case throughout (BIP 173)."""
    lower = text.lower()
    return lower if text in {lower, text.upper()} else None


def _hash(
    text: str, versions: Iterable[bytes], alphabet: bytes = BITCOIN_ALPHABET
) -> bytes | None:
    """Return version and 20 bytes of hash of base58check."""
    short = 25 <= len(text) <= 36
    body = checksum.base58(text, alphabet, check=True) if short else None
    known = body and len(body) >= 20 and body[:-20] in versions
    return body if known else None


def evm(text: str) -> str | None:
    """Return an address of Ethereum's kind, if its mixed case holds."""
    if not is_evm(text):
        return None
    body = text[2:]
    lower = body.lower()
    if body not in {lower, body.upper()} and checksum.eip55(lower) != body:
        return None
    return f"0x{lower}"


def _litecoin(text: str) -> str | None:
    """3… is the old spelling of M…: the same hash, one form."""
    body = _hash(text, (b"\x05",))
    return b58encode_check(b"\x32" + body[1:]).decode() if body else None


def _bitcoin_cash(text: str) -> str | None:
    """1… and 3… are the old spellings of q… and p…."""
    if body := _hash(text, (b"\x00", b"\x05")):
        return checksum.to_cashaddr(bytes([body[0] and 8]) + body[1:])
    payload = (_one_case(text) or "").removeprefix("bitcoincash:")
    cash = checksum.cashaddr(payload) if 42 <= len(payload) <= 112 else None
    if not cash or cash[0] >> 3 > 3:  # with or without tokens
        return None
    size = (20, 24, 28, 32, 40, 48, 56, 64)[cash[0] & 7]
    return payload if len(cash) == 1 + size else None


def _zcash(text: str) -> str | None:
    """A Sapling address, or a unified one (ZIP 173, 316)."""
    lower = _one_case(text) or ""
    sapling = checksum.bech32(lower, "zs") or ("", ())
    unified = checksum.bech32(lower, "u", longest=250) or ("", ())
    holds = (
        len(lower) == 78
        if sapling[0] == "bech32"
        else len(lower) > 100 and unified[0] == "bech32m"
    )
    return lower if holds else None


def _monero(text: str) -> str | None:
    body = checksum.monero(text) if len(text) in {95, 106} else None
    sizes = {18: 65, 19: 73, 42: 65}  # standard, integrated, sub-address
    return text if body and sizes.get(body[0]) == len(body) else None


def _solana(text: str) -> str | None:
    """32 bytes in base58: there is no checksum to hold."""
    body = checksum.base58(text) if 32 <= len(text) <= 44 else None
    return text if body and len(body) == 32 else None


def _ton_friendly(text: str) -> bytes | None:
    """Return tag, workchain and 32 bytes of account (TEP 2)."""
    if not _TON.fullmatch(text):
        return None
    raw = base64.b64decode(text.translate({43: "-", 47: "_"}), b"-_")
    sum_ = int.from_bytes(raw[34:])
    known = raw[0] & ~_TON_TEST in {0x11, 0x51} and raw[1] in {0x00, 0xFF}
    return (
        raw[:34] if known and binascii.crc_hqx(raw[:34], 0) == sum_ else None
    )


def _ton(text: str) -> str | None:
    """Every spelling names workchain and account, and those are the form."""
    if _TON_RAW.fullmatch(text):
        return text.lower()
    body = _ton_friendly(text)
    if not body or body[0] & _TON_TEST:
        return None
    return f"{'-1' if body[1] else '0'}:{body[2:].hex()}"


_ALSO = {
    "eth": evm,
    "etc": evm,
    "ltc": _litecoin,
    "bch": _bitcoin_cash,
    "xmr": _monero,
    "zec": _zcash,
    "ton": _ton,
    "sol": _solana,
}
CHAINS = tuple(  # in the order in which a look-up tries them
    Chain(
        *(name, (*map(bytes.fromhex, versions.split()),), human),
        *(alphabet.encode() or BITCOIN_ALPHABET, _ALSO.get(name)),
    )
    for name, versions, human, alphabet in tsv.rows("indicator/chains.tsv")
)
BY_NAME = {chain.name: chain for chain in CHAINS}


def address(text: str, names: Iterable[str]) -> str:
    """Return the form of an address on the first of `names` that has it."""
    names = tuple(names)
    for name in names:
        if form := BY_NAME[name].read(text):
            return f"{name}:{form}"
    return _why_none(text, "/".join(names))


def _why_none(text: str, chain: str) -> NoReturn:
    if is_evm(text):
        if not evm(text):
            refuse_case()
    elif _HEX.fullmatch(text):
        raise MalformedError(
            "account: no address of {chain}: {n} hex digits",
            chain=chain,
            n=len(text),
        )
    bech = text.partition("1")[0].lower() in {"bc", "ltc", "btg", "tb"}
    raise MalformedError(
        "account: no address of {chain}: blanks in it"
        if " " in text
        else "account: no address of {chain}: it is one of Ethereum's kind"
        if is_evm(text)
        else "account: no address of {chain}: it is of TON's test network"
        if _ton_friendly(text) and not _ton(text)
        else "account: no address of {chain}: upper and lower case mixed"
        " (BIP 173)"
        if bech and not _one_case(text)
        else "account: no address of {chain}: {n} characters, checksum or form"
        " is wrong",
        chain=chain,
        n=len(text),
    )


def refuse_case() -> NoReturn:
    """Say that an address of Ethereum's kind was mistyped."""
    raise MalformedError("account: its mixed case does not hold (EIP-55)")


def is_evm(text: str) -> bool:
    """Tell whether `text` is shaped as addresses of Ethereum's kind are."""
    return _EVM.fullmatch(text) is not None


def shapes(text: str) -> dict[str, str]:
    """Return chain → form for those whose checksum `text` satisfies."""
    if is_evm(text):
        form = evm(text)
        return {"eth": form, "etc": form} if form else {}
    found = {}
    if len(text) >= 25 and " " not in text:
        for chain in CHAINS:
            if form := chain.read(text):
                found[chain.name] = form
        if len(found) > 1:
            # 32 bytes without a checksum: what has one goes before
            found.pop("sol", None)
    return found
