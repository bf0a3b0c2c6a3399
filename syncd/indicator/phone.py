"""Phones: any usual spelling to one normal form.

    +8613800138000     E.164: "+", country code, national number
    +861062345678      a mainland fixed line, area code without trunk 0
    cn:95588           short and service numbers, in a namespace per region
    cn:4001234567      400 and 800 numbers
    cn:106980095588    SMS senders
    cn:075512345       a service that another office answers in each city
    shown:+0001234     a caller id that is no number: only ever spoofed

The form is decided by our own published rules (`numbering`), never by a
phone library's data: see docs/normal-forms.md and ADR 0003. This module makes
digits of the text; what they are is `national`'s work.

Whether a number is in service is not asked: callers show invented numbers,
and those are what others see too. Extensions, letters, and what lacks an area
code are refused: a report must mean one line, not everyone behind it.
"""

import re
from re import compile as regex
from typing import NoReturn

from syncd.errors import MalformedError, SyncdError
from syncd.indicator import national, numbering, spelling

MAX_RAW = 128  # characters; no spelling of a number is longer

_MAINLAND_FAST = regex(rf"(?:(?:\+|00)?86|0)?({numbering.MOBILE.pattern})")

_NORMAL = regex(r"\+[0-9]{7,15}")
_SHORT = regex(r"([a-z]{2}):([0-9]{2,21})")
_SHOWN = regex(rf"{national.SHOWN}\+([0-9]{{1,{national.MAX_SHOWN}}})")

_FOLD = {
    **spelling.FOLD,
    **str.maketrans(
        "０１２３４５６７８９＋：；，＃／．。·•（［【[）］】]",
        "0123456789+:;,#/....(((())))",
    ),
}
_SEPARATORS = regex(r"[ \t().\-]+")
_PLAIN = regex(r"\+?[0-9 \t().\-]*[0-9][0-9 \t().\-]*")
_EXTENSION = regex(
    r"[0-9)\s](?:\s*(?:#|,|;|转|轉|分机|分機|内线|內線)"
    r"|\s*(?:ext|x|int|anexo|доб|extension)\b[\s.:]*[0-9]"
    r"|\s*(?:ext|x)[0-9])",
    re.IGNORECASE,
)
_SEVERAL = regex(
    r"[/、|]|[0-9]{7}\s*(?:或|or)\s*[0-9+]"
    r"|[0-9]{7}\s*[,;\r\n]\s*\+?(?:[0-9][ \-]?){7}"
)
_DECIMAL = regex(
    r"[0-9]+\.[0-9]{1,2}|[0-9](?:\.[0-9]+)?E\+?[0-9]+", re.IGNORECASE
)
_LAST_GROUP = regex(r"(.*[0-9)])[ .\-]+[0-9]{1,6}")
# A trunk 0 in brackets after the country code: +44 (0)20 …
_TRUNK = regex(r"(\+[0-9 .\-]{1,5})\( ?0 ?\)")
# A mainland area code as written at home, set off: +86-0755-…, +86 (0755)…
_AREA_SET_OFF = regex(
    rf"(?:\+ ?|00)?86[ .\-]*(?:\( *0({numbering.AREA}) *\)"
    rf"|(?<=[ .\-])0({numbering.AREA})(?=[ .\-]))"
)


def normalise(raw: str, region: str = "CN") -> str:
    """Return the one normal form of `raw`, as seen from `region`.

    The result is 1 to 256 bytes of ASCII and normalises to itself, from any
    region.

    Raises:
        MalformedError: no phone number, or not surely one; says why.
        UsageError: the number needs a region, and `region` is none.
    """
    # The two shapes that nearly all rows have; `_read` gives the same.
    if region == "CN":
        if match := _MAINLAND_FAST.fullmatch(raw):
            return f"+86{match[1]}"
    elif region in numbering.NANP_REGIONS and (
        match := national.NANP_FAST.fullmatch(raw)
    ):
        return f"+1{match[1]}"
    return _read(raw, region)


def candidates(raw: str, region: str = "CN") -> tuple[str, ...]:
    """Return the forms to look up for `raw`, most specific first.

    One, but for a city's own service number, which is known by its number
    alone too, and for ten digits that begin with 106, which are either a
    line in Beijing that lost its 0 or an SMS sender.

    Raises:
        MalformedError: as `normalise` does.
        UsageError: `region` is no region.
    """
    try:
        form = normalise(raw, region)
    except national.AmbiguousError as e:
        return e.forms
    area, number = numbering.area_service(form)
    return (form, f"cn:{number}") if area else (form,)


def is_normal(value: str) -> bool:
    """Tell whether `value` is a normal form: `normalise` returns it as is."""
    try:
        return _as_written(value) == value
    except MalformedError:
        return False


def _read(raw: str, region: str) -> str:
    """Read any spelling: the slow way, which the fast one agrees with."""
    text = spelling.folded(raw, _FOLD, MAX_RAW)
    if written := _as_written(text):
        return written
    if text[:4].lower() == "tel:":
        text = _uri(text[4:])
    if text.startswith("(+"):
        text = text[1:]
    _check_characters(text)
    _check_last_group(text, region)
    text = _TRUNK.sub(_drop_trunk, text, count=1)
    area = _AREA_SET_OFF.match(text)
    if area and (text.startswith("+") or region == "CN"):
        return national.mainland_line(
            (area[1] or area[2]) + _SEPARATORS.sub("", text[area.end() :]),
            mobile=False,
        )
    digits = _SEPARATORS.sub("", text)
    if digits.startswith("+"):
        return national.international(digits[1:])
    if digits.startswith("000"):  # dialled nowhere
        return national.international(digits[2:])
    if region == "CN":
        return national.mainland(digits)
    if region in numbering.NANP_REGIONS:
        return national.north_america(digits, region)
    return national.elsewhere(digits, region)


def _as_written(text: str) -> str | None:
    """Read what is a normal form already; None: it is none."""
    shown = _SHOWN.fullmatch(text)
    if shown or _NORMAL.fullmatch(text):
        return national.international(shown[1] if shown else text[1:])
    short = _SHORT.fullmatch(text)
    if not short:
        return None
    if national.is_short(short[1], short[2]):
        return text
    if short[1] == "cn" and numbering.MACHINE.fullmatch(short[2]):
        raise MalformedError(
            "phone: a machine number, not a service of the mainland"
        )
    raise MalformedError(
        "phone: {n} digits are no short number of {region}:",
        n=len(short[2]),
        region=short[1],
    )


def _check_characters(text: str) -> None:
    """Refuse what is no number, or more than one, with the reason."""
    if _DECIMAL.fullmatch(text):
        raise MalformedError("phone: written as a decimal fraction")
    if _PLAIN.fullmatch(text):
        return
    spelling.check_unmasked(text)
    if _SEVERAL.search(text):
        raise MalformedError("phone: more than one number in it")
    if _EXTENSION.search(text):
        _refuse_extension()
    if any(c.isalpha() for c in text):
        raise MalformedError("phone: letters are no part of a number")
    if "+" in text[1:]:
        raise MalformedError("phone: a + that is not at its beginning")
    if not any("0" <= c <= "9" for c in text):
        raise MalformedError("phone: no digits")
    odd = next((c for c in text if c not in "0123456789 ().-+"), "")
    raise MalformedError(
        "phone: character U+{code} is no part of a number",
        code=f"{ord(odd):04X}",
    )


def _check_last_group(text: str, region: str) -> None:
    """Refuse a mainland line that is whole without its last group."""
    if region != "CN" and "86" not in text[:5]:
        return
    match = _LAST_GROUP.fullmatch(text)
    # the shortest line that is whole: ten digits, 400…
    if not match or len(_SEPARATORS.sub("", match[1])) < 10:
        return
    try:
        form = _read(match[1], region)
    except SyncdError:
        return
    if form.startswith(("+86", "cn:400", "cn:800")):
        _refuse_extension()


def _refuse_extension() -> NoReturn:
    raise MalformedError("phone: has an extension")


def _uri(rest: str) -> str:
    """Return the number in a tel: URI (RFC 3966)."""
    number, *parameters = rest.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        match name.lower():
            case "phone-context" if value.startswith("+"):
                if not number.startswith("+"):
                    number = value + number
            case "ext":
                _refuse_extension()
            case _:
                raise MalformedError(
                    "phone: its tel: URI has a parameter that we do not read"
                )
    return number


def _drop_trunk(match: re.Match[str]) -> str:
    code = _SEPARATORS.sub("", match[1])[1:]
    if code not in {"86", "886"}:
        plan = numbering.PLANS.get(code)
        if not plan or plan[1]:
            raise MalformedError(
                "phone: (0) where numbers have no trunk prefix 0"
            )
    return match[1]
