"""Accounts: any usual spelling to one normal form.

    card:6222021234567890128          16 to 19 digits with Luhn: always this
    iban:DE89370400440532013000       mod 97 holds
    bank:ICBKCNBJ:1001244109000012345 BIC of 8, number as the bank writes it
    bank:314651000000:1234567890      or a bank's 12-digit clearing code
    alipay:+8613800138000             or an e-mail address, or 2088…
    wechat:wxid_0123456789abcd        or a mobile
    qq:10001
    btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa
    eth:0xd8da6bf26964af9d7eed9e03e53415d37aa96045      … and more chains

A `scheme` says what a bare number is, in a list's own words (`scheme`).
Without one only shapes that speak for themselves are read. One number occurs
under several banks, so the bank is part of the form. The rules are our own,
written down in docs/normal-forms.md.
"""

from collections.abc import Callable
from re import compile as regex

from syncd import tsv
from syncd.errors import MalformedError
from syncd.indicator import bank, chain, checksum, payment, spelling
from syncd.indicator import scheme as schemes

MAX_RAW = 512  # characters
MAX_CANDIDATES = 8
EXACT = 15  # digits that a spreadsheet keeps of a number

_CARD = regex(r"[0-9]{16,19}")
_BANK_NUMBER = regex(r"[0-9A-Z]{4,34}")
_BANK_LIKELY = regex(r"[0-9]{10,25}")  # a bare bank account
_GROUPING = regex(r"[ \-]+")
_IBAN = regex(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")
_BANK_GROUPING = regex(r"[ .\-/]+")
_SCHEME_HINT = (
    "say what it is (scheme): card, a bank's name, BIC or code, iban, alipay,"
    " wechat, qq, or a chain"
)
UNTRIED_HINT = (  # of a look-up that did not try a likely kind
    "if it is a bank account, name the bank (scheme): its name, BIC or code"
)

_ROWS = {row[0]: row[1] for row in tsv.rows("indicator/ibans.tsv")}
# How many characters a country's IBANs have, registered (ISO 13616) or not.
IBANS = {c: int(n) for c, n in _ROWS.items() if n.isdecimal()}
# ISO codes of territories whose IBANs begin with their country's.
TERRITORIES = {c: n for c, n in _ROWS.items() if c not in IBANS}

_FOLD = {
    **{code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)},
    **spelling.FOLD,
    ord("\t"): " ",
}


def _is_card(digits: str) -> bool:
    return bool(_CARD.fullmatch(digits)) and checksum.luhn(digits)


def _check_rounded(digits: str) -> None:
    """Refuse what a spreadsheet made of a longer number."""
    if (
        len(digits) > EXACT + 1
        and digits.isdigit()
        and not digits[EXACT:].strip("0")
    ):
        raise MalformedError(
            "account: {n} digits, zeros from the 16th on: a spreadsheet"
            " rounded it",
            n=len(digits),
        )


def _card(text: str) -> str:
    digits = _GROUPING.sub("", text)
    if _CARD.fullmatch(digits):
        _check_rounded(digits)
    if not _is_card(digits):
        raise MalformedError(
            "account: a card number has digits only"
            if not (digits.isascii() and digits.isdigit())
            else "account: a card number has 16 to 19 digits, here are {n}"
            if not _CARD.fullmatch(digits)
            else "account: a card number whose check digit does not hold (Luhn)",
            n=len(digits),
        )
    return f"card:{digits}"


def _is_iban(number: str) -> bool:
    """Tell whether upper-case `number` begins and is shaped as IBANs do."""
    return bool(
        _IBAN.fullmatch(number)
        and (number[:2] in IBANS or number[:2] in TERRITORIES)
    )


def _iban(text: str) -> str:
    iban = _GROUPING.sub("", text).upper().removeprefix("IBAN")
    country, n = iban[:2], len(iban)
    want = IBANS.get(country, 0)
    if not _IBAN.fullmatch(iban) or n != want:
        raise MalformedError(
            "account: an IBAN is a country, two digits, letters and digits"
            if not _IBAN.fullmatch(iban)
            else "account: no IBAN begins with {country}"
            if country in TERRITORIES
            else "account: an IBAN of {country} has {want} characters, here"
            " are {n}"
            if want
            else "account: an IBAN of a country that has none",
            country=country,
            whose=TERRITORIES.get(country, ""),
            want=want,
            n=n,
        )
    number = "".join(str(int(c, 36)) for c in f"{iban[4:]}{country}00")
    if f"{98 - int(number) % 97:02d}" != iban[2:4]:
        raise MalformedError(
            "account: an IBAN whose check digits do not hold (mod 97)"
        )
    return f"iban:{iban}"


def _bank(text: str, id_: str) -> str:
    """Return the form of a bank's number; `id_` "" if nobody said which."""
    number = _BANK_GROUPING.sub("", text).upper()
    _check_rounded(number)
    if _is_card(number):
        return f"card:{number}"
    if _is_iban(number):
        return _iban(number)
    fits = _BANK_NUMBER.fullmatch(number)
    if not (fits and id_):
        raise MalformedError(
            "scheme: a bank account of which bank?"
            if fits
            else "account: a bank account is letters and digits"
            if 4 <= len(number) <= 34
            else "account: a bank account has 4 to 34 characters, here are {n}",
            n=len(number),
        )
    return f"bank:{id_}:{number}"


_READERS: dict[str, Callable[[str], str]] = {
    "card": _card,
    "iban": _iban,
    "alipay": payment.alipay,
    "wechat": payment.wechat,
    "qq": payment.qq,
}


def normalise(raw: str, scheme: str = "") -> str:
    """Return the one normal form of `raw`, a bare number or a normal form.

    `scheme` is what a list says of it, as `scheme.read` takes it; empty
    where the shape says it.

    Raises:
        MalformedError: no account, a checksum that does not hold, a scheme
            that we do not know, or one is needed; says which.
    """
    if not scheme and raw[-2:] != "00" and _is_card(raw):
        return f"card:{raw}"  # nearly all rows of a mainland list
    text = _clean(raw)
    form = _prefixed(text)
    if not scheme.strip():
        return form or _by_shape(text)
    meant = schemes.read(scheme)
    if form:
        if _agrees(form, meant):
            return form
        raise MalformedError(
            "account: its prefix says another scheme than the one given"
        )
    if meant.kind == "address":
        return chain.address(text, meant.chains)
    if meant.kind == "bank":
        return _bank(text, meant.bank)
    return _READERS[meant.kind](text)


def candidates(raw: str, scheme: str = "") -> tuple[str, ...]:
    """Return the forms to look up for `raw`, at most 8, the likeliest first.

    None, if all that it could be is a bank account and nobody said whose.

    Raises:
        MalformedError: as `normalise` does, but shapes that several schemes
            share are not refused: all of them are tried.
    """
    text = _clean(raw)
    prefixed = _prefixed(text)
    if scheme.strip():
        forms = [normalise(raw, scheme)]
        if not prefixed and forms[0].startswith("eth:"):
            forms.append(f"etc:{forms[0][4:]}")
    elif prefixed:
        forms = [prefixed]
    else:
        forms = _all_shapes(text)
        if not forms and not may_be_bank(text):
            return (_by_shape(text),)  # raises, and says why
    return tuple(dict.fromkeys(forms))[:MAX_CANDIDATES]


def may_be_bank(raw: str, scheme: str = "") -> bool:
    """Tell whether a bare number is likely a bank's, and none was named.

    A look-up has not tried it then, and must not say that it is not listed.
    """
    digits = _GROUPING.sub("", _clean(raw))
    return bool(
        not scheme.strip()
        and _BANK_LIKELY.fullmatch(digits)
        and not _is_card(digits)
        and not payment.ALIPAY_ID.fullmatch(digits)
    )


def _clean(raw: str) -> str:
    text = spelling.folded(raw, _FOLD, MAX_RAW)
    spelling.check_unmasked(text.rpartition(":")[2])
    if not (text.isascii() and text.isprintable()):
        raise MalformedError(
            "account: letters or signs that are no part of an account"
        )
    return text


def _prefixed(text: str) -> str | None:
    """Read a normal form, or what is written like one; None: no prefix."""
    prefix, colon, rest = text.partition(":")
    if not colon or prefix in {"0", "-1"}:  # TON's raw addresses
        return None
    prefix = prefix.lower()
    rest = rest.strip()
    if prefix == "bank":
        code, colon, number = rest.partition(":")
        if colon and (id_ := bank.coded(code.upper())):
            return _bank(number, id_)
        raise MalformedError(
            "account: after bank: comes a BIC or bank code, and a colon"
        )
    if prefix in _READERS:
        return _READERS[prefix](rest)
    if prefix in chain.BY_NAME:
        return chain.address(rest, (prefix,))
    if prefix == "bitcoincash":
        return None  # belongs to the address
    meant = schemes.word(prefix)
    if meant and len(meant.chains) == 1:
        # bitcoin:1A…?amount=… (BIP 21)
        return chain.address(rest.partition("?")[0], meant.chains)
    raise MalformedError(
        "account: a prefix that we do not know", hint=_SCHEME_HINT
    )


def _agrees(form: str, meant: schemes.Scheme) -> bool:
    """Tell whether a scheme could have led to `form`, too."""
    prefix, _, rest = form.partition(":")
    if meant.kind == "bank":
        return prefix in {"card", "iban"} or (
            prefix == "bank" and meant.bank in {"", rest.partition(":")[0]}
        )
    return prefix == meant.kind or prefix in meant.chains


def _card_or_iban(text: str) -> tuple[str, str]:
    """Return digits without groups; and the card or IBAN that they are."""
    digits = _GROUPING.sub("", text).removeprefix("IBAN")
    _check_rounded(digits)
    if _is_card(digits):
        return digits, f"card:{digits}"
    return digits, _iban(digits) if _is_iban(digits.upper()) else ""


def _by_shape(text: str) -> str:
    """Return the form of a shape that speaks for itself."""
    digits, form = _card_or_iban(text)
    if form:
        return form
    chains = chain.shapes(text)
    if "sol" in chains:
        raise MalformedError(
            "account: 32 bytes in base58 could be an address or any other key"
        )
    if chains:
        # of what looks the same, the one that is meant unless another is named
        meant = [*{"btc", "eth"}.intersection(chains)] or [*chains]
        if len(meant) == 1:
            return f"{meant[0]}:{chains[meant[0]]}"
        raise MalformedError(
            "account: an address of {chains}", chains="/".join(sorted(chains))
        )
    if chain.is_evm(text):
        chain.refuse_case()
    raise MalformedError(
        "account: {n} digits could be an account of many kinds, no card (Luhn)"
        if _CARD.fullmatch(digits)
        else "account: {n} digits could be an account of many kinds"
        if digits.isdigit()
        else "account: an e-mail address could be an account anywhere"
        if "@" in text
        else "account: {n} characters that have no shape of their own",
        n=len(digits if digits.isdigit() else text),
        hint="name its scheme: alipay" if "@" in text else _SCHEME_HINT,
    )


def _all_shapes(text: str) -> list[str]:
    """Return the forms that `text` could stand for, the likeliest first."""
    digits, form = _card_or_iban(text)
    if form.startswith("iban:"):
        return [form]
    forms = [form] if form else []
    forms += [f"{name}:{form}" for name, form in chain.shapes(text).items()]
    if forms and not forms[0].startswith("card:"):
        return forms
    if _CARD.fullmatch(digits) and not digits.startswith(("00", "2088")):
        return forms  # no phone or QQ number, nor Alipay's own, is so long
    for reader in (payment.alipay, payment.wechat, payment.qq):
        try:
            forms.append(reader(text))
        except MalformedError:
            continue
    return forms
