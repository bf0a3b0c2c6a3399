"""Payment systems: Alipay, WeChat and QQ accounts, each to its form.

What is none is a MalformedError, which says what one looks like.
"""

import re

from syncd.errors import MalformedError
from syncd.indicator import numbering, phone

ALIPAY_ID = re.compile(r"2088[0-9]{12}")
_WECHAT = re.compile(r"[a-z][a-z0-9_-]{5,19}")
_QQ = re.compile(r"[1-9][0-9]{4,10}")
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
)


def _mobile(text: str) -> str | None:
    """Return a mobile's normal form: it names an account in these systems."""
    try:
        form = phone.normalise(text, "CN")
    except MalformedError:
        return None
    line = form.startswith("+86") and not numbering.MOBILE.fullmatch(form, 3)
    return form if form.startswith("+") and not line else None


def alipay(text: str) -> str:
    """Return the form of an Alipay account."""
    if ALIPAY_ID.fullmatch(text):
        return f"alipay:{text}"
    if "@" in text:
        lower = text.lower()
        if _EMAIL.fullmatch(lower) and len(lower) <= 200:
            return f"alipay:{lower}"
        raise MalformedError(
            "account: an e-mail address of {n} characters, at most {most}"
            if _EMAIL.fullmatch(lower)
            else "account: the e-mail address is none",
            n=len(lower),
            most=200,
        )
    if mobile := _mobile(text):
        return f"alipay:{mobile}"
    raise MalformedError(
        "account: an Alipay account is a mobile, an e-mail address or 2088…"
    )


def wechat(text: str) -> str:
    """Return the form of a WeChat account."""
    lower = text.lower()
    if _WECHAT.fullmatch(lower):
        return f"wechat:{lower}"
    if mobile := _mobile(text):
        return f"wechat:{mobile}"
    raise MalformedError(
        "account: a WeChat account is 6 to 20 letters, digits, _ or -, a"
        " letter first, or a mobile"
    )


def qq(text: str) -> str:
    """Return the form of a QQ number."""
    number = text.lower().removesuffix("@qq.com")
    if not _QQ.fullmatch(number):
        raise MalformedError(
            "account: a QQ number has 5 to 11 digits, no 0 first"
        )
    return f"qq:{number}"
