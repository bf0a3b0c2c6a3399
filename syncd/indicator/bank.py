"""Banks: a code, BIC or name to the one id that a bank has in a normal form.

The id is a BIC of eight where we know one, else a 12-digit clearing code;
`banks.tsv` has both, and where they come from. Three digits of a clearing
code are a bank only where `class` says so: 313, 314, 320, 402 … are classes
of hundreds of banks, and so are three and four digits.
"""

import re
from functools import cache
from typing import NamedTuple

from syncd import tsv
from syncd.errors import MalformedError

# ISO 3166 and XK, which BICs use; frozen with the normal form.
_COUNTRIES = {"XK", *(r[0] for r in tsv.rows("indicator/countries.tsv"))}
_BIC = re.compile(r"([A-Z]{4}([A-Z]{2})[A-Z0-9]{2})(?:[A-Z0-9]{3})?")
_TRADITIONAL = str.maketrans(
    "銀國農業廣興東華發郵儲蓄滬貸帳號鏈", "银国农业广兴东华发邮储蓄沪贷账号链"
)
_PUNCTUATION = re.compile(r"[\s·・.,，'’&\-_]+")
# What follows a bank's name and names its branch, or what of it the account
# is: never another bank, nor a broker or insurer of the same name.
_BRANCH = re.compile(
    r"(?:(?:股份)?有限(?:责任)?公司|股份公司)?"
    r"(?:总行|[^()（）银社券险]{0,40}"
    r"(?:分行|支行|营业部|营业室|营业厅|营业所|分理处|储蓄所|信用卡中心))?"
    r"(?:(?:信用|贷记|借记|储蓄|银行)?卡号?|(?:对公|个人)?账[户号])?"
)
_WHICH_HINT = (
    "give the bank's name, its BIC, or the 12-digit code of its head office"
)


class _Banks(NamedTuple):
    names: dict[str, str]  # id → name
    classes: dict[str, str]  # three digits → id
    codes: dict[str, str]  # 12 digits → id
    words: dict[str, str]  # folded name → id


@cache
def _banks() -> _Banks:
    banks = _Banks({}, {}, {}, {})
    for id_, three, codes, name, words in tsv.rows("indicator/banks.tsv"):
        banks.names[id_] = name
        if three:
            banks.classes[three] = id_
        banks.codes.update(dict.fromkeys(codes.split(), id_))
        for word in (name, *words.split("|")):
            banks.words[fold(word)] = id_
    del banks.words[""]
    return banks


def fold(word: str) -> str:
    """Return a name as names are compared."""
    text = _PUNCTUATION.sub("", word.translate(_TRADITIONAL)).upper()
    return re.sub("农村商业银行|农商行", "农商银行", text)


def words() -> tuple[str, ...]:
    """Return all names, folded: to find the nearest to one that is not."""
    return tuple(_banks().words)


def name(id_: str) -> str:
    """Return what a bank is called; its id where the table has no name."""
    return _banks().names.get(id_, id_)


def named(word: str) -> str | None:
    """Return the id of the bank that a name names, with or without a branch."""
    text = fold(word)
    found = _banks().words
    for end in range(len(text), 1, -1):
        if id_ := found.get(text[:end]):
            return id_ if _BRANCH.fullmatch(text[end:]) else None
    return None


def coded(text: str) -> str | None:
    """Return the id of the bank that a code in upper case names.

    A BIC is cut to eight. None: neither digits nor a BIC.

    Raises:
        MalformedError: digits that name no one bank; says what to give.
    """
    if bic := _BIC.fullmatch(text):
        return bic[1] if bic[2] in _COUNTRIES else None
    if not (text.isascii() and text.isdigit()):
        return None
    banks = _banks()
    if len(text) == 12:
        if not holds(text):
            raise MalformedError(
                "scheme: the last digit of a clearing code does not hold"
                " (ISO 7064 MOD 11,10)"
            )
        id_ = banks.codes.get(text) or banks.classes.get(text[:3])
    elif len(text) == 3:
        id_ = banks.classes.get(text)
    else:
        raise MalformedError(
            "scheme: {n} digits: a bank's code has 3, or 12 with its branch",
            n=len(text),
            hint=_WHICH_HINT,
        )
    if not id_:
        raise MalformedError(
            "scheme: {code}… is a class of many banks, no bank",
            code=text[:3],
            hint=_WHICH_HINT,
        )
    return id_


def may_be(code: str, id_: str) -> bool:
    """Tell whether a 12-digit code of a class of banks fits one of them.

    It names none by itself: what stands beside it does.
    """
    banks = _banks()
    named = code[:3] in banks.classes or code in banks.codes
    own = {c[:3] for c, of in banks.codes.items() if of == id_}
    return len(code) == 12 and not named and holds(code) and code[:3] in own


def holds(code: str) -> bool:
    """Tell whether the last of 12 digits is their check digit.

    ISO 7064 MOD 11,10.
    """
    product = 10
    for digit in code[:-1]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (product + int(code[-1])) % 10 == 1
