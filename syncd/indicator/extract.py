"""Identifiers in a text: what of a pasted message can be looked up.

Only what reads as a number, link or account is found, and only what a person
would take for one: no amount, date, code or order number. A value that stands
alone is found whatever it looks like, so that its refusal says what it lacks.
"""

import re
from collections.abc import Iterator
from re import compile as regex
from typing import NamedTuple

from syncd.errors import SyncdError
from syncd.indicator import identifier, spelling, suffixes

MOST = 50  # identifiers of one text
MAX_TEXT = 4096  # characters
_JOINED = 6  # groups that one number is written in

_FOLD = spelling.FOLD | {ord(c) + 0xFEE0: c for c in "0123456789+:@"}
_END = "\\s<>\"'`，；！？、（）【】《》“”‘’「」|"  # no link has these
_LINK = regex(
    r"(?i)(?<![a-z0-9])(?:https?|ftp|wss?)://"
    rf"(?:(?!(?<![=&?#/%:(@])https?://)[^{_END}])+"  # and not the next
)
_MAIL = regex(r"(?ia)[a-z0-9][\w.%+-]*@(?:[a-z0-9-]+\.)+[a-z]{2,}")
_HOST = regex(
    r"(?i)(?<![a-z0-9@._/-])(?:[a-z0-9][a-z0-9-]*\.)+[a-z][a-z0-9-]+"
    rf"(?![a-z0-9@-])(?::[0-9]+)?(?:[/?#][^{_END}]*)?"
)
_NAMED = regex(
    r"(?ia)(?<![a-z0-9])(?:(qq)|(微信|wechat|weixin|(?:wx|vx)(?!id_)|(?=wxid_))"
    r"|(支付宝|alipay))(?:群|账号|帐号|账户|号|id)?\s*[:是为]?\s*"
    r"([a-z0-9+][a-z0-9_@.+-]{4,})(?!\s*[元块万])"
)
_SCHEMES = ((1, "qq"), (2, "wechat"), (3, "alipay"))  # by its groups
_ADDRESS = regex(
    r"(?<![A-Za-z0-9])(?:[A-Z]{2}[0-9]{2}(?: [A-Z0-9]{4}){2,7}"
    r"(?: [A-Z0-9]{1,3})?|(?=[0-9]*[A-Za-z])[A-Za-z0-9]{14,110})(?![A-Za-z0-9])"
)
_DIGITS = regex(
    r"(?<![A-Za-z0-9.])(?:\+|\(\+?)?[0-9](?:[0-9]|[ .()-]{1,2}(?=[0-9(]))*"
    r"(?![A-Za-z0-9])"
)
_AMOUNT = regex(
    r"\s*(?:[元块万千百亿%％年月日时点分秒天次人位个期折倍级]|:\d)"
)
_CODE = regex(
    r"(?:[¥￥$]|码|code|尾号|编号|单号|工号|退订|回复|金额|余额)\W{0,3}$"
)
_ACCOUNT = regex(r"(?i)(?:[账帐][号户]|卡号|account)[^0-9\n]{0,20}$")
_ALONE = regex(r"[!-~]+|[0-9 +().-]+|\S+\.\S+")


class Named(NamedTuple):
    """What a text names, as it stands there."""

    kind: str
    value: str
    scheme: str = ""  # of an account


def extract(text: str, region: str = "CN") -> tuple[Named, ...]:
    """Return what a text names, each once, in its order; at most 50.

    Raises:
        MalformedError: it is longer than any message.
    """
    spelling.check_size(text, MAX_TEXT)
    left = text = text.translate(_FOLD).strip()
    found = dict[tuple[str, str], tuple[int, Named]]()
    for read in (_named, _plain, _numbers):
        for at, one in [*read(left, region)]:
            if form := _form(one, region):
                found.setdefault((one.kind, form), (at, one))
                gap = "\n" * len(one.value)
                left = left[:at] + gap + left[at + len(gap) :]
    if not found and _ALONE.fullmatch(text):
        return (Named(_likely(text), text),)
    return tuple(one for _, one in sorted(found.values()))[:MOST]


def _named(text: str, _: str) -> Iterator[tuple[int, Named]]:
    """Yield links, and accounts of which the text says whose they are."""
    for match in _LINK.finditer(text):
        yield match.start(), Named("url", match[0])
    for match in _NAMED.finditer(text):
        scheme = next(name for n, name in _SCHEMES if match[n] is not None)
        yield match.start(4), Named("account", match[4], scheme)


def _plain(text: str, _: str) -> Iterator[tuple[int, Named]]:
    """Yield addresses of mail and chains, IBANs, and hosts alone."""
    for kind, pattern in ("account", _MAIL), ("url", _HOST):
        for match in pattern.finditer(text):
            yield match.start(), Named(kind, match[0])
    for match in _ADDRESS.finditer(text):
        one = Named("account", match[0])
        # Any word might be the name of an account in these.
        if not _form(one, "").startswith(("wechat:", "alipay:", "qq:")):
            yield match.start(), one


def _numbers(text: str, region: str) -> Iterator[tuple[int, Named]]:
    """Yield phones, cards, and what the text calls an account."""
    for run in _DIGITS.finditer(text):
        groups = [*re.finditer(r"[^ ]+", run[0])]
        while groups:
            start = run.start() + groups[0].start()
            for n in range(min(_JOINED, len(groups)), 0, -1):
                end = run.start() + groups[n - 1].end()
                one = _number(text, start, end, region)
                if one:
                    yield start, one
                    break
            del groups[:n]


def _number(text: str, start: int, end: int, region: str) -> Named | None:
    """Return what the number in a text's part is, None if it is none."""
    value, before = text[start:end], text[max(start - 32, 0) : start]
    groups = re.findall(r"[0-9]+", value)
    size = sum(map(len, groups))
    apart = len(groups) > 1 and (size < 7 or max(map(len, groups)) > 8)
    if apart and value[0] not in "+(":
        return None  # two numbers beside each other, or none
    if size < 5 and text[end : end + 2].strip().isdigit():
        return None  # a group of a longer one
    if size < 7 and (_AMOUNT.match(text, end) or _CODE.search(before)):
        return None
    if _form(phone := Named("phone", value), region):
        return phone
    other = Named("account", value)
    card = _form(other, region).startswith(("card:", "alipay:2088"))
    return other if card or (size >= 10 and _ACCOUNT.search(before)) else None


def _form(one: Named, region: str) -> str:
    """Return what something is looked up as first, "" if it does not read."""
    try:
        forms = identifier.for_lookup(
            one.kind, one.value, region=region, scheme=one.scheme
        )
        if one.kind == "url":
            suffixes.check(forms[0].value.partition("/")[0])
    except SyncdError:
        return ""
    return forms[0].value if forms else one.value  # of a bank not named


def _likely(text: str) -> str:
    """Return the kind of a value that does not read as any."""
    digits = re.sub(r"[ +()-]", "", text)
    if digits.isdigit():
        return "phone" if text[0] in "+(" or len(digits) < 10 else "account"
    return "url" if re.search(r"[./]", text) and "@" not in text else "account"
