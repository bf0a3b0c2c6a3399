"""Accounts: any usual spelling to one normal form.

    card:6222021234567890128          16 to 19 digits with Luhn: always this
    iban:DE89370400440532013000       mod 97 holds
    bank:BARCGHAC:0000111148821       BIC of 8, number as the bank writes it
    bank:102:1001244109000012345      or the mainland's 3-digit bank code
    alipay:+8613800138000             or an e-mail address, or 2088…
    wechat:wxid_0123456789abcd        or a mobile
    qq:10001
    btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa
    eth:0xd8da6bf26964af9d7eed9e03e53415d37aa96045      … and more chains

A `scheme` says what a bare number is: a BIC, a bank code, a chain's name or
ticker, `card`, `alipay`, … Without one only shapes that speak for themselves
are read. One number occurs under several banks, so the bank is part of the
form. The rules are our own, written down in docs/normal-forms.md.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from syncd.errors import MalformedError
from syncd.indicator import checksum, numbering, phone

MAX_RAW: Final = 512  # characters
MAX_CANDIDATES: Final = 8

# ISO 3166 and XK, which BICs use; frozen with the normal form.
_COUNTRIES: Final = frozenset(
    re.findall(
        "..",
        "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBV"
        "BWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERES"
        "ETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIE"
        "ILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLY"
        "MAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNU"
        "NZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSM"
        "SNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVE"
        "VGVIVNVUWFWSXKYEYTZAZMZW",
    )
)
# IBAN registry: characters in all, by country.
_IBAN_LENGTHS: Final = {
    row[:2]: int(row[2:])
    for row in re.findall(
        r"\S+",
        "AD24 AE23 AL28 AO25 AT20 AX18 AZ28 BA20 BE16 BF28 BG22 BH22 BI27 "
        "BJ28 BL27 BR29 BY28 CF27 CG27 CH21 CI28 CM27 CR22 CV25 CY28 CZ24 "
        "DE22 DJ27 DK18 DO28 DZ26 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GA27 "
        "GB22 GE22 GF27 GG22 GI23 GL18 GP27 GQ27 GR27 GT28 GW25 HN28 HR21 "
        "HU28 IE22 IL23 IM22 IQ23 IR26 IS26 IT27 JE22 JO30 KM27 KW30 KZ20 "
        "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MA28 MC27 MD24 ME22 MF27 MG27 "
        "MK19 ML28 MN20 MQ27 MR27 MT31 MU30 MZ25 NC27 NE28 NI28 NL18 NO15 "
        "OM23 PF27 PK24 PL28 PM27 PS29 PT25 QA29 RE27 RO24 RS22 RU33 SA24 "
        "SC31 SD18 SE24 SI19 SK24 SM27 SN28 SO23 ST25 SV28 TD27 TF27 TG28 "
        "TL23 TN24 TR26 UA29 VA22 VG24 WF27 XK20 YE30 YT27",
    )
}
# Mainland banks by both of their names: a look-up tries either.
_BANKS: Final = {
    "102": "ICBKCNBJ",
    "103": "ABOCCNBJ",
    "104": "BKCHCNBJ",
    "105": "PCBCCNBJ",
    "301": "COMMCNSH",
    "302": "CIBKCNBJ",
    "303": "EVERCNBJ",
    "304": "HXBKCNBJ",
    "305": "MSBCCNBJ",
    "306": "GDBKCN22",
    "307": "SZDBCNBS",
    "308": "CMBCCNBS",
    "309": "FJIBCNBA",
    "310": "SPDBCNSH",
    "403": "PSBCCNBJ",
}
_ALIASES: Final = {**_BANKS, **{bic: code for code, bic in _BANKS.items()}}

_CARD: Final = re.compile(r"[0-9]{16,19}")
_BIC: Final = re.compile(r"([A-Z]{4}([A-Z]{2})[A-Z0-9]{2})(?:[A-Z0-9]{3})?")
_CNAPS: Final = re.compile(r"([0-9]{3})(?:[0-9]{9})?")
_BANK_NUMBER: Final = re.compile(r"[0-9A-Z]{4,34}")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")
_EMAIL: Final = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
)
_ALIPAY_ID: Final = re.compile(r"2088[0-9]{12}")
_WECHAT: Final = re.compile(r"[a-z][a-z0-9_-]{5,19}")
_QQ: Final = re.compile(r"[1-9][0-9]{4,10}")
_EVM: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_HEX: Final = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_GROUPING: Final = re.compile(r"[ \-]+")
_BANK_GROUPING: Final = re.compile(r"[ .\-/]+")

# Full-width forms of what is ASCII, and what copying brings along.
_FOLD: Final = {
    **{code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)},
    **dict.fromkeys(map(ord, "\t\u00a0\u1680\u202f\u205f\u3000"), " "),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹣ー"), "-"),
    **dict.fromkeys(range(0x200B, 0x2010), None),
    **dict.fromkeys(range(0x202A, 0x202F), None),
    **dict.fromkeys(range(0x2066, 0x206A), None),
    **dict.fromkeys([0x00AD, 0x2060, 0xFEFF], None),
}


def _refuse(reason: str, *, hint: str = "") -> NoReturn:
    raise MalformedError(f"account: {reason}", hint=hint)


# ---------------------------------------------------------------- chains


@dataclass(frozen=True, slots=True)
class Chain:
    """How the addresses of one chain look; `read` gives the normal form."""

    name: str  # the namespace of its normal forms
    names: str  # other names and tickers, upper case
    versions: tuple[bytes, ...] = ()  # base58check, before 20 bytes of hash
    human: str = ""  # SegWit's human-readable part
    alphabet: str = checksum.BITCOIN_ALPHABET
    also: Callable[[str], str | None] | None = field(default=None)

    def read(self, text: str) -> str | None:
        """Return the address in its one spelling; None: it is none."""
        if self.human and text[: len(self.human) + 1].lower() == (
            self.human + "1"
        ):
            lower = text.lower()  # one case throughout, by BIP 173
            if text in {lower, text.upper()} and checksum.segwit(
                lower, self.human
            ):
                return lower
        if self.versions and 25 <= len(text) <= 36:
            body = checksum.base58check(text, self.alphabet)
            if (
                body is not None
                and len(body) >= 20
                and body[:-20] in self.versions
            ):
                return text
        return self.also(text) if self.also is not None else None


def _evm(text: str) -> str | None:
    if _EVM.fullmatch(text) is None:
        return None
    body = text[2:]
    lower = body.lower()
    if body not in {lower, body.upper()} and checksum.eip55(lower) != body:
        return None
    return "0x" + lower


def _litecoin(text: str) -> str | None:
    """3… is the old spelling of M…: the same hash, one form."""
    if not text.startswith("3") or not 25 <= len(text) <= 36:
        return None
    body = checksum.base58check(text)
    if body is None or len(body) != 21 or body[0] != 0x05:
        return None
    return checksum.to_base58check(b"\x32" + body[1:])


def _bitcoin_cash(text: str) -> str | None:
    """1… and 3… are the old spellings of q… and p…."""
    if text[:1] in {"1", "3"} and len(text) <= 36:
        body = checksum.base58check(text)
        if body is None or len(body) != 21 or body[0] not in {0, 5}:
            return None
        return checksum.to_cashaddr(bytes([body[0] and 8]) + body[1:])
    lower = text.lower()
    if text not in {lower, text.upper()}:
        return None
    payload = lower.removeprefix("bitcoincash:")
    if not 42 <= len(payload) <= 112:
        return None
    cash = checksum.cashaddr(payload)
    if cash is None or cash[0] >> 3 > 3:  # with or without tokens
        return None
    size = (20, 24, 28, 32, 40, 48, 56, 64)[cash[0] & 7]
    return payload if len(cash) == 1 + size else None


def _zcash(text: str) -> str | None:
    lower = text.lower()
    if text not in {lower, text.upper()}:
        return None
    sapling = checksum.bech32(lower, "zs")
    if sapling is not None and sapling[0] == "bech32" and len(lower) == 78:
        return lower
    if len(lower) > 250:
        return None
    unified = checksum.bech32(lower, "u", longest=250)
    if unified is not None and unified[0] == "bech32m" and len(lower) > 100:
        return lower
    return None


def _monero(text: str) -> str | None:
    if len(text) not in {95, 106}:
        return None
    body = checksum.monero(text)
    sizes = {18: 65, 19: 73, 42: 65}  # standard, integrated, sub-address
    if body is None or sizes.get(body[0]) != len(body):
        return None
    return text


def _solana(text: str) -> str | None:
    """32 bytes in base58: there is no checksum to hold."""
    if not 32 <= len(text) <= 44:
        return None
    body = checksum.base58(text)
    return text if body is not None and len(body) == 32 else None


# In the order in which a look-up tries them. An address of an EVM chain is
# the same account on all of them, so they share eth:, but for etc:, which
# lists keep apart.
CHAINS: Final = (
    Chain("btc", "BTC XBT BITCOIN", (b"\x00", b"\x05"), "bc"),
    Chain(
        "eth",
        "ETH ETHEREUM ERC20 ERC-20 BSC BNB BEP20 BEP-20 POLYGON MATIC POL "
        "ARB ARBITRUM OP OPTIMISM BASE AVAX DAI",
        also=_evm,
    ),
    Chain("tron", "TRON TRX TRC20 TRC-20", (b"\x41",)),
    Chain("ltc", "LTC LITECOIN", (b"\x30", b"\x32"), "ltc", also=_litecoin),
    Chain("bch", "BCH BITCOINCASH BITCOIN-CASH", also=_bitcoin_cash),
    Chain("xrp", "XRP RIPPLE", (b"\x00",), "", checksum.RIPPLE_ALPHABET),
    Chain("xmr", "XMR MONERO", also=_monero),
    Chain("zec", "ZEC ZCASH", (b"\x1c\xb8", b"\x1c\xbd"), also=_zcash),
    Chain("dash", "DASH", (b"\x4c", b"\x10")),
    Chain("doge", "DOGE DOGECOIN", (b"\x1e", b"\x16")),
    Chain("etc", "ETC ETHEREUM-CLASSIC", also=_evm),
    Chain("bsv", "BSV", (b"\x00", b"\x05")),
    Chain("btg", "BTG", (b"\x26", b"\x17"), "btg"),
    Chain("xvg", "XVG VERGE", (b"\x1e", b"\x21")),
    Chain("sol", "SOL SOLANA", also=_solana),
)
_CHAINS: Final = {chain.name: chain for chain in CHAINS}
_TICKERS: Final = {
    name: chain for chain in CHAINS for name in chain.names.split()
}
# Coins that live on several chains: the shape of the address tells which.
_TOKENS: Final = {
    name: tuple(_CHAINS[chain] for chain in ("tron", "eth", "btc", "sol"))
    for name in ("USDT", "USDC")
}
# Of what looks the same, the chain that is meant unless another is named.
_MEANT: Final = {
    frozenset({"btc", "bch", "bsv"}): "btc",  # 1…
    frozenset({"btc", "ltc", "bch", "bsv"}): "btc",  # 3…
    frozenset({"eth", "etc"}): "eth",
}

_SCHEMES: Final = (
    "card, iban, a BIC, a 3-digit bank code, alipay, wechat, qq, or a chain ("
    + ", ".join(chain.name for chain in CHAINS)
    + ", usdt)"
)


def _address(text: str, scheme: str, chains: Iterable[Chain]) -> str:
    for chain in chains:
        form = chain.read(text)
        if form is not None:
            return f"{chain.name}:{form}"
    return _why_no_address(text, scheme)


def _why_no_address(text: str, scheme: str) -> NoReturn:
    subject = f"no address of {scheme.lower()}"
    if " " in text:
        _refuse(f"{subject}: blanks in it")
    if _EVM.fullmatch(text):
        if _evm(text) is None:
            _refuse("its mixed case does not hold (EIP-55)")
        _refuse(f"{subject}: it is one of Ethereum's kind")
    if _HEX.fullmatch(text):
        _refuse(
            f"{subject}: {len(text)} hex digits",
            hint="transaction and payment ids are no accounts",
        )
    bech = text.partition("1")[0].lower() in {"bc", "ltc", "btg", "tb"}
    if bech and text not in {text.lower(), text.upper()}:
        _refuse(f"{subject}: upper and lower case mixed (BIP 173)")
    _refuse(f"{subject}: {len(text)} characters, checksum or form is wrong")


# ------------------------------------------------------ cards and banks


def _is_card(digits: str) -> bool:
    return bool(_CARD.fullmatch(digits)) and checksum.luhn(digits)


def _card(text: str) -> str:
    digits = _GROUPING.sub("", text)
    if not (digits.isascii() and digits.isdigit()):
        _refuse("a card number has digits only")
    if not 16 <= len(digits) <= 19:
        _refuse(f"a card number has 16 to 19 digits, here are {len(digits)}")
    if not checksum.luhn(digits):
        _refuse("a card number whose check digit does not hold (Luhn)")
    return "card:" + digits


def _iban(text: str) -> str:
    iban = _GROUPING.sub("", text).upper().removeprefix("IBAN")
    if not _IBAN.fullmatch(iban):
        _refuse("an IBAN is a country, two digits, letters and digits")
    length = _IBAN_LENGTHS.get(iban[:2])
    if length is None:
        _refuse("an IBAN of a country that has none")
    if len(iban) != length:
        _refuse(
            f"an IBAN of {iban[:2]} has {length} characters, here are "
            f"{len(iban)}"
        )
    if checksum.iban_check_digits(iban[:2], iban[4:]) != iban[2:4]:
        _refuse("an IBAN whose check digits do not hold (mod 97)")
    return "iban:" + iban


def _looks_like_iban(number: str) -> bool:
    return bool(
        _IBAN.fullmatch(number) and _IBAN_LENGTHS.get(number[:2]) is not None
    )


def _bank_code(scheme: str) -> str | None:
    """Return BIC8 or the 3-digit bank code that `scheme` names."""
    bic = _BIC.fullmatch(scheme)
    if bic is not None:
        return bic[1] if bic[2] in _COUNTRIES else None
    cnaps = _CNAPS.fullmatch(scheme)
    return cnaps[1] if cnaps is not None else None


def _bank(text: str, bank: str) -> str:
    number = _BANK_GROUPING.sub("", text).upper()
    if _is_card(number):
        return "card:" + number
    if _looks_like_iban(number):
        return _iban(number)
    if not _BANK_NUMBER.fullmatch(number):
        if len(number) < 4 or len(number) > 34:
            _refuse(
                f"a bank account has 4 to 34 characters, here are "
                f"{len(number)}"
            )
        _refuse("a bank account is letters and digits")
    return f"bank:{bank}:{number}"


# -------------------------------------------------------------- payment


def _mobile(text: str) -> str | None:
    """Return a mobile's normal form: it names an account in these systems."""
    try:
        form = phone.normalise(text, "CN")
    except MalformedError:
        return None
    if form.startswith("+86"):
        return form if numbering.MOBILE.fullmatch(form, 3) else None
    return form if form.startswith("+") else None


def _alipay(text: str) -> str:
    if _ALIPAY_ID.fullmatch(text):
        return "alipay:" + text
    if "@" in text:
        return "alipay:" + _email(text)
    mobile = _mobile(text)
    if mobile is None:
        _refuse("an Alipay account is a mobile, an e-mail address or 2088…")
    return "alipay:" + mobile


def _email(text: str) -> str:
    lower = text.lower()
    if not _EMAIL.fullmatch(lower):
        _refuse("the e-mail address is none")
    if len(lower) > 200:
        _refuse(f"an e-mail address of {len(lower)} characters, at most 200")
    return lower


def _wechat(text: str) -> str:
    lower = text.lower()
    if _WECHAT.fullmatch(lower):
        return "wechat:" + lower
    mobile = _mobile(text)
    if mobile is None:
        _refuse(
            "a WeChat account is 6 to 20 letters, digits, _ or -, a letter "
            "first, or a mobile",
            hint="a QQ number has the scheme qq",
        )
    return "wechat:" + mobile


def _qq(text: str) -> str:
    number = text.lower().removesuffix("@qq.com")
    if not _QQ.fullmatch(number):
        _refuse("a QQ number has 5 to 11 digits, no 0 first")
    return "qq:" + number


_READERS: Final[dict[str, Callable[[str], str]]] = {
    "CARD": _card,
    "UNIONPAY": _card,
    "IBAN": _iban,
    "ALIPAY": _alipay,
    "WECHAT": _wechat,
    "WEIXIN": _wechat,
    "TENPAY": _wechat,
    "QQ": _qq,
}


# ------------------------------------------------------------- the doors


def normalise(raw: str, scheme: str | None = None) -> str:
    """Return the one normal form of `raw`, a bare number or a normal form.

    `scheme`: BIC, 12- or 3-digit bank code, chain or ticker, `card`, `iban`,
    `alipay`, `wechat`, `qq`; None where the shape says it.

    Raises:
        MalformedError: no account, a checksum that does not hold, a scheme
            that we do not know, or one is needed; says which.
    """
    if scheme is None and _CARD.fullmatch(raw) and checksum.luhn(raw):
        return "card:" + raw  # nearly all rows of a mainland list
    text = _clean(raw)
    prefixed = _prefixed(text)
    if scheme is None or not scheme.strip():
        return prefixed if prefixed is not None else _by_shape(text)
    form = prefixed if prefixed is not None else _by_scheme(text, scheme)
    if prefixed is not None and not _agrees(form, scheme):
        _refuse("its prefix says another scheme than the one given")
    return form


def candidates(raw: str, scheme: str | None = None) -> tuple[str, ...]:
    """Return the forms to look up for `raw`, at most 8, the likeliest first.

    Raises:
        MalformedError: as `normalise` does, but shapes that several schemes
            share are not refused: all of them are tried.
    """
    text = _clean(raw)
    if scheme is not None and scheme.strip():
        forms = [normalise(raw, scheme)]
        if _prefixed(text) is None and forms[0].startswith("eth:"):
            forms.append("etc:" + forms[0][4:])
    else:
        prefixed = _prefixed(text)
        forms = [prefixed] if prefixed is not None else _all_shapes(text)
    if not forms:
        return (_by_shape(text),)  # raises, and says why
    kind, _, rest = forms[0].partition(":")
    if kind == "bank":
        bank, _, number = rest.partition(":")
        if bank in _ALIASES:
            forms.append(f"bank:{_ALIASES[bank]}:{number}")
    return tuple(dict.fromkeys(forms))[:MAX_CANDIDATES]


def _clean(raw: str) -> str:
    if len(raw) > MAX_RAW:
        _refuse(f"{len(raw)} characters, at most {MAX_RAW}")
    text = raw if raw.isascii() else raw.translate(_FOLD)
    text = text.strip()
    if not text:
        _refuse("empty")
    for c in text:
        if not " " <= c <= "~":
            _refuse(f"character U+{ord(c):04X} is no part of an account")
    return text


def _prefixed(text: str) -> str | None:
    """Read a normal form, or what is written like one; None: no prefix."""
    prefix, colon, rest = text.partition(":")
    if not colon:
        return None
    prefix = prefix.lower()
    rest = rest.strip()
    if prefix == "bank":
        bank, colon, number = rest.partition(":")
        code = _bank_code(bank.upper()) if colon else None
        if code is None:
            _refuse("after bank: comes a BIC or bank code, and a colon")
        return _bank(number, code)
    if prefix.upper() in _READERS:
        return _READERS[prefix.upper()](rest)
    if prefix in _CHAINS:
        return _address(rest, prefix, (_CHAINS[prefix],))
    if prefix == "bitcoincash":
        return None  # belongs to the address
    if prefix.upper() in _TICKERS:  # bitcoin:1A…?amount=… (BIP 21)
        chain = _TICKERS[prefix.upper()]
        return _address(rest.partition("?")[0], prefix, (chain,))
    _refuse("a prefix that we do not know", hint=f"schemes: {_SCHEMES}")


def _by_scheme(text: str, scheme: str) -> str:
    name = _clean(scheme).upper()
    if name in _READERS:
        return _READERS[name](text)
    if name in _TICKERS or name.lower() in _CHAINS:
        chain = _TICKERS.get(name) or _CHAINS[name.lower()]
        return _address(text, name, (chain,))
    if name in _TOKENS:
        return _address(text, name, _TOKENS[name])
    code = _bank_code(name)
    if code is not None:
        return _bank(text, code)
    if name == "BANK":
        _refuse("which bank?", hint="give its BIC or 3-digit bank code")
    if name.isdigit():
        _refuse(
            f"scheme of {len(name)} digits: a bank code has 3, or 12 with "
            "its branch"
        )
    if len(name) in {8, 11} and name.isascii() and name.isalnum():
        _refuse("scheme is no BIC", hint=f"schemes: {_SCHEMES}")
    _refuse(
        f"scheme of {len(name)} characters that we do not know",
        hint=f"schemes: {_SCHEMES}",
    )


def _agrees(form: str, scheme: str) -> bool:
    """Tell whether `scheme` could have led to `form`, too."""
    prefix, _, rest = form.partition(":")
    name = _clean(scheme).upper()
    if name in _READERS:
        return _READERS[name] is _READERS.get(prefix.upper())
    if name in _TICKERS or name.lower() in _CHAINS:
        chain = _TICKERS.get(name) or _CHAINS[name.lower()]
        return chain.name == prefix
    if name in _TOKENS:
        return any(chain.name == prefix for chain in _TOKENS[name])
    code = _bank_code(name)
    if prefix == "bank":
        return name == "BANK" or (
            code is not None and rest.startswith(code + ":")
        )
    return code is not None and prefix in {"card", "iban"}


def _by_shape(text: str) -> str:
    """Return the form of a shape that speaks for itself."""
    digits = _GROUPING.sub("", text).removeprefix("IBAN")
    if _is_card(digits):
        return "card:" + digits
    if _looks_like_iban(digits.upper()):
        return _iban(digits)
    chains = _chains(text)
    if "sol" in chains:
        _refuse(
            "32 bytes in base58 could be an address or any other key",
            hint="name its scheme: sol",
        )
    if chains:
        meant = _MEANT.get(frozenset(chains))
        if meant is None and len(chains) == 1:
            (meant,) = chains
        if meant is not None:
            return f"{meant}:{chains[meant]}"
        _refuse(
            f"an address of {' or '.join(sorted(chains))}",
            hint="name the chain as its scheme",
        )
    if _EVM.fullmatch(text):
        _refuse("its mixed case does not hold (EIP-55)")
    if digits.isdigit():
        _refuse(
            f"{len(digits)} digits could be an account of many kinds"
            + (", no card (Luhn)" if _CARD.fullmatch(digits) else ""),
            hint=f"name its scheme: {_SCHEMES}",
        )
    if "@" in text:
        _refuse(
            "an e-mail address could be an account anywhere",
            hint="name its scheme: alipay",
        )
    _refuse(
        f"{len(text)} characters that have no shape of their own",
        hint=f"name its scheme: {_SCHEMES}",
    )


def _chains(text: str) -> dict[str, str]:
    """Return chain → form for those whose checksum `text` satisfies."""
    if _EVM.fullmatch(text):
        form = _evm(text)
        return {} if form is None else {"eth": form, "etc": form}
    found = {}
    if len(text) >= 25 and " " not in text:
        for chain in CHAINS:
            form = chain.read(text)
            if form is not None:
                found[chain.name] = form
        if len(found) > 1:
            # 32 bytes without a checksum: what has one goes before
            found.pop("sol", None)
    return found


def _all_shapes(text: str) -> list[str]:
    """Return the forms that `text` could stand for, the likeliest first."""
    forms = []
    digits = _GROUPING.sub("", text).removeprefix("IBAN")
    if _is_card(digits):
        forms.append("card:" + digits)
    if _looks_like_iban(digits.upper()):
        return [_iban(digits)]
    forms += [f"{chain}:{form}" for chain, form in _chains(text).items()]
    if forms and not forms[0].startswith("card:"):
        return forms
    for reader in (_alipay, _wechat, _qq):
        try:
            forms.append(reader(text))
        except MalformedError:
            continue
    return forms
