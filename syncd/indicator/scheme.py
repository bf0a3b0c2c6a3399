"""Schemes: what a list's word says that an account is.

    支付宝, 微信号, QQ, 银行卡, IBAN      a kind of account
    建行深圳分行, ICBKCNBJ, 105           a bank
    USDT-TRC20, 泰达币（波场）, BEP20      a coin, a chain, or both
    105100000017 建设银行                 a code and a name: they must agree

One table, `schemes.tsv`, for the normal form and for who maps columns.
"""

import difflib
import re
from functools import cache, lru_cache, reduce
from re import compile as regex
from typing import NamedTuple, NoReturn

from syncd import tsv
from syncd.errors import MalformedError
from syncd.indicator import bank

KINDS = ("card", "iban", "bank", "alipay", "wechat", "qq")

_BEHIND = regex(
    r"(?<=.)(?:收款)?(?:钱包地址|钱包|地址|账号|账户|帐号|帐户|号码|号|公链|链|网络|主网"
    r"|ADDRESS|WALLET|ACCOUNT|NUMBER|CHAIN|NETWORK|MAINNET)$"
)
_BETWEEN = regex(r"[\s,，、;；|/+()（）\[\]【】:：\-_]+")
_CODE = regex(r"[0-9]+|[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_TOKEN = regex(r"\b(TRC|ERC|BEP)[-_ ](?=[0-9])", re.IGNORECASE)
_GROUPS = regex(r"(?<=[0-9]{4})[ -](?=[0-9]{4})")  # of a code
_COINS = ("USDT", "USDC", "泰达币")
_PRIVATE = regex(r"[0-9]{5}|@")  # may be an account, never quoted
_KNOWN_HINT = (
    "card, iban, a bank's name, BIC or code, alipay, wechat, qq, or a chain:"
    " btc, eth, tron, sol, ton, usdt, …"
)


class Scheme(NamedTuple):
    """What one or more words say."""

    kind: str  # one of KINDS, or address
    chains: tuple[str, ...] = ()  # of an address: tried in this order
    bank: str = ""  # id


@cache
def _words() -> dict[str, Scheme]:
    found = {}
    for code, on, words in tsv.rows("indicator/schemes.tsv"):
        chains = tuple(on.split()) or (code,)
        meant = Scheme(code) if code in KINDS else Scheme("address", chains)
        for word in (code, *words.split("|")):
            found[bank.fold(word)] = meant
    return found


def word(text: str) -> Scheme | None:
    """Return what one word says; None: nothing that we know."""
    folded = bank.fold(text)
    bare = _BEHIND.sub("", folded)
    if found := _words().get(folded) or _words().get(bare):
        return found
    id_ = bank.named(bare) or bank.named(folded)
    code = text.strip()
    if not (code.isalpha() and code.istitle()):  # Barclays is no BIC
        id_ = id_ or bank.coded(code.upper())
    return Scheme("bank", bank=id_) if id_ else None


@lru_cache(maxsize=4096)  # a list has few, each in many rows
def read(text: str) -> Scheme:
    """Return what all words of a cell say together.

    Raises:
        MalformedError: a word that we do not know, or two that contradict
            each other; names them.
    """
    text = _GROUPS.sub("", _TOKEN.sub(r"\1", text))
    if whole := word(text):
        return whole
    parts = [p for p in _BETWEEN.split(text) if p]
    codes = [p for p in parts if _CODE.fullmatch(p)]
    rest = " ".join(p for p in parts if p not in codes)
    if codes and rest and (found := word(rest)):
        codes = [c for c in codes if not bank.may_be(c, found.bank)]
        parts = [*codes, rest]
    elif len(parts) < 2:
        folded = bank.fold(text)
        coin = next((coin for coin in _COINS if coin in folded), folded)
        parts = [coin, folded.replace(coin, "")]
    return reduce(_both, [word(part) or _refuse(text) for part in parts])


def _both(a: Scheme, b: Scheme) -> Scheme:
    """Return what two words mean: each may only narrow the other."""
    if a.bank and b.bank and a.bank != b.bank:
        raise MalformedError(
            "scheme: the code is that of {one}, the name that of {other}",
            one=bank.name(a.bank),
            other=bank.name(b.bank),
        )
    if a.kind == b.kind == "address":
        chains = tuple(c for c in a.chains if c in b.chains)
        if chains:
            return Scheme("address", chains)
    elif a.kind == b.kind or {a.kind, b.kind} <= {"card", "bank", "iban"}:
        kind = b.kind if a.kind == "bank" else a.kind
        return Scheme(kind, bank=a.bank or b.bank)
    raise MalformedError(
        "scheme: two words that contradict each other: {one}, {other}",
        one="/".join(a.chains) or a.kind,
        other="/".join(b.chains) or b.kind,
    )


def _refuse(part: str) -> NoReturn:
    """Refuse a word; one that may be an account is not repeated."""
    shown = part.strip()
    if _PRIVATE.search(shown) or len(shown) > 24:
        raise MalformedError(
            "scheme: {n} characters that name no kind of account",
            n=len(shown),
            hint=_KNOWN_HINT,
        )
    known = (*_words(), *bank.words())
    near = difflib.get_close_matches(bank.fold(shown), known, 3)
    raise MalformedError(
        "scheme: {word} names no kind of account",
        word=shown,
        near=", ".join(near),
        hint="did you mean {near}?" if near else _KNOWN_HINT,
    )
