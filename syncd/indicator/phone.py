"""Phones: any usual spelling to one normal form.

    +8613800138000     E.164: "+", country code, national number
    +861062345678      a mainland fixed line, area code without trunk 0
    cn:95588           short and service numbers, in a namespace per region
    cn:4001234567      400 and 800 numbers
    cn:106980095588    SMS senders
    cn:075512345       a service that another desk answers in each city

The form is decided by our own published rules (`numbering`), never by a
phone library's data: see docs/normal-forms.md and ADR 0003. The library is
asked in one case only, to read a national spelling of a plan that is not
written down here; then it can accept or refuse what we read, not change it.

Whether a number is in service is not asked: callers show invented numbers,
and those are what others see too. Extensions, letters, and what lacks an area
code are refused: a report must mean one line, not everyone behind it.
"""

import re
from typing import Any, Final, NoReturn

from syncd.errors import MalformedError, UsageError
from syncd.indicator import numbering

MAX_RAW: Final = 128  # characters; no spelling of a number is longer

# (a 1 may stand there twice: the trunk prefix and the country code)
_NANP_FAST: Final = re.compile(r"(?:\+1|1?1?)([2-9][0-9]{2}[2-9][0-9]{6})")
_MAINLAND_FAST: Final = re.compile(r"(?:(?:\+|00)?86|0)?(1[3-9][0-9]{9})")

_NORMAL: Final = re.compile(r"\+[0-9]{7,15}")
_SHORT: Final = re.compile(r"([a-z]{2}):([0-9]{2,21})")
_FOREIGN_SHORT: Final = re.compile(r"[0-9]{2,8}")
# As many digits may be a short number when written without its namespace:
# in North America SMS codes of 5 or 6 look like numbers that were cut off.
_SHORT_DIGITS: Final = 6
_SHORT_DIGITS_NANP: Final = 4

# What copying brings along: full-width forms, all sorts of dashes and blanks.
_FOLD: Final = {
    **{0xFF10 + n: str(n) for n in range(10)},
    **dict.fromkeys(
        map(ord, "\u00a0\u1680\u202f\u205f\u3000"),
        " ",
    ),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹣－ー"), "-"),
    **dict.fromkeys(map(ord, "．。·•"), "."),
    **dict.fromkeys(map(ord, "（［【["), "("),
    **dict.fromkeys(map(ord, "）］】]"), ")"),
    ord("＋"): "+",
    ord("："): ":",
    ord("；"): ";",
    ord("，"): ",",
    ord("＃"): "#",
    ord("／"): "/",
    # invisible: joiners, and marks of direction that phones put around
    **dict.fromkeys(range(0x200B, 0x2010), None),
    **dict.fromkeys(range(0x202A, 0x202F), None),
    **dict.fromkeys(range(0x2066, 0x206A), None),
    **dict.fromkeys([0x00AD, 0x2060, 0xFEFF], None),
}
_SEPARATORS: Final = re.compile(r"[ \t().\-]+")
_PLAIN: Final = re.compile(r"\+?[0-9 \t().\-]*[0-9][0-9 \t().\-]*")
_EXTENSION: Final = re.compile(
    r"[0-9)\s](?:\s*(?:#|,|;|转|轉|分机|分機|内线|內線)"
    r"|\s*(?:ext|x|int|anexo|доб|extension)\b[\s.:]*[0-9]"
    r"|\s*(?:ext|x)[0-9])",
    re.IGNORECASE,
)
_SEVERAL: Final = re.compile(r"[/、|]|[0-9]{7}\s*(?:或|or)\s*[0-9+]")
_DECIMAL: Final = re.compile(
    r"[0-9]+\.[0-9]{1,2}|[0-9](?:\.[0-9]+)?E\+?[0-9]+", re.IGNORECASE
)
_LAST_GROUP: Final = re.compile(r"(.*[0-9)])[ .\-]+[0-9]{1,6}")
# A trunk 0 in brackets after the country code: +44 (0)20 …
_TRUNK: Final = re.compile(r"(\+[0-9 .\-]{1,5})\( ?0 ?\)")
_TRUNK_HINT: Final = "leave the 0 out, or put it in brackets: (0)"
# A mainland area code as written at home, set off: +86-0755-…, +86 (0755)…
_AREA_SET_OFF: Final = re.compile(
    rf"(?:\+ ?|00)?86[ .\-]*(?:\( *0({numbering.AREA}) *\)"
    rf"|(?<=[ .\-])0({numbering.AREA})(?=[ .\-]))"
)


def normalise(raw: str, region: str = "CN") -> str:
    """Return the one normal form of `raw`, as seen from `region`.

    The result is 1 to 256 bytes of ASCII and normalises to itself, from any
    region.

    Raises:
        MalformedError: no phone number, or not surely one; says why.
        UsageError: `region` is no region.
    """
    # The two shapes that nearly all rows have; `_read` gives the same.
    if region == "CN":
        match = _MAINLAND_FAST.fullmatch(raw)
        if match is not None:
            return "+86" + match[1]
    elif region in numbering.NANP_REGIONS:
        match = _NANP_FAST.fullmatch(raw)
        if match is not None:
            return "+1" + match[1]
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
    except _AmbiguousError as e:
        return e.forms
    area = numbering.AREA_SERVICE.fullmatch(form, len("cn:0"))
    if area is not None and form.startswith("cn:0"):
        return (form, f"cn:{area[2]}")
    return (form,)


def is_normal(value: str) -> bool:
    """Tell whether `value` is a normal form: `normalise` returns it as is."""
    if _NORMAL.fullmatch(value):
        try:
            return _international(value[1:]) == value
        except MalformedError:
            return False
    short = _SHORT.fullmatch(value)
    return short is not None and _is_short(short[1], short[2])


class _AmbiguousError(MalformedError):
    """A look-up may try several forms where a report must mean one."""

    forms: tuple[str, ...] = ()


def _refuse(reason: str, *, hint: str = "") -> NoReturn:
    raise MalformedError(f"phone: {reason}", hint=hint)


def _read(raw: str, region: str) -> str:
    """Read any spelling: the slow way, which the fast one agrees with."""
    if len(raw) > MAX_RAW:
        _refuse(f"{len(raw)} characters, at most {MAX_RAW}")
    text = raw
    if not text.isascii():
        text = text.translate(_FOLD)
    text = text.strip()
    if not text:
        _refuse("empty")
    if _NORMAL.fullmatch(text):
        return _international(text[1:])
    short = _SHORT.fullmatch(text)
    if short is not None:
        if _is_short(short[1], short[2]):
            return text
        _refuse(f"{len(short[2])} digits are no short number of {short[1]}:")
    if text[:4].lower() == "tel:":
        text = _uri(text[4:])
    if text.startswith("(+"):
        text = text[1:]
    _check_characters(text)
    _check_last_group(text, region)
    text = _TRUNK.sub(_drop_trunk, text, count=1)
    area = _AREA_SET_OFF.match(text)
    if area is not None and (text.startswith("+") or region == "CN"):
        rest = _SEPARATORS.sub("", text[area.end() :])
        return _mainland_line((area[1] or area[2]) + rest, mobile=False)
    digits = _SEPARATORS.sub("", text)
    if digits.startswith("+"):
        return _international(digits[1:])
    if region == "CN":
        return _mainland(digits)
    if region in numbering.NANP_REGIONS:
        return _north_america(digits, region)
    return _elsewhere(digits, region)


def _check_characters(text: str) -> None:
    """Refuse what is no number, or more than one, with the reason."""
    if _DECIMAL.fullmatch(text):
        _refuse(
            "written as a decimal fraction",
            hint="a spreadsheet turned it into a number: format it as text",
        )
    if _PLAIN.fullmatch(text):
        return
    if _EXTENSION.search(text):
        _refuse_extension()
    if _SEVERAL.search(text):
        _refuse("more than one number in it")
    if any(c.isalpha() for c in text):
        _refuse("letters are no part of a number")
    if "+" in text[1:]:
        _refuse("a + that is not at its beginning")
    if not any("0" <= c <= "9" for c in text):
        _refuse("no digits")
    odd = next((c for c in text if c not in "0123456789 ().-+"), "")
    _refuse(f"character U+{ord(odd):04X} is no part of a number")


def _check_last_group(text: str, region: str) -> None:
    """Refuse a mainland line that is whole without its last group."""
    if region != "CN" and "86" not in text[:5]:
        return
    match = _LAST_GROUP.fullmatch(text)
    # the shortest line that is whole: ten digits, 400…
    if match is None or len(_SEPARATORS.sub("", match[1])) < 10:
        return
    try:
        form = _read(match[1], region)
    except MalformedError:
        return
    if form.startswith(("+86", "cn:400", "cn:800")):
        _refuse_extension()


def _refuse_extension() -> NoReturn:
    _refuse(
        "has an extension",
        hint="leave it out only if the whole line is meant: everyone behind "
        "the switchboard would be listed",
    )


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
                _refuse("its tel: URI has a parameter that we do not read")
    return number


def _drop_trunk(match: re.Match[str]) -> str:
    code = _SEPARATORS.sub("", match[1])[1:]
    if code not in {"86", "886"}:
        plan = numbering.PLANS.get(code)
        if plan is None or plan[1]:
            _refuse("(0) where numbers have no trunk prefix 0")
    return match[1]


def _is_short(region: str, digits: str) -> bool:
    if region == "cn":
        return bool(
            numbering.SERVICE.fullmatch(digits)
            or (
                digits.startswith("0")
                and (match := numbering.AREA_SERVICE.fullmatch(digits, 1))
                and match[2]
            )
        )
    return bool(_FOREIGN_SHORT.fullmatch(digits))


# ------------------------------------------------------- international


def _international(digits: str) -> str:
    """Return the form of what follows a "+": digits are kept, all of them."""
    if digits.startswith("86"):
        return _mainland_number(digits[2:])
    if digits.startswith("1"):
        if numbering.NANP.fullmatch(digits, 1):
            return "+" + digits
        if len(digits) != 11:
            _refuse(f"+1 is followed by 10 digits, here by {len(digits) - 1}")
        _refuse("area code and exchange after +1 begin with 2 to 9")
    for size in (3, 2, 1):
        code = digits[:size]
        plan = numbering.PLANS.get(code)
        if plan is not None:
            lengths, leading_zero = plan
            if digits[size : size + 1] == "0" and not leading_zero:
                _refuse(
                    f"a 0 after +{code}, which is dialled at home only",
                    hint=_TRUNK_HINT,
                )
            if len(digits) not in lengths:
                _refuse(f"{len(digits) - size} digits after +{code}")
            return "+" + digits
        grammar = numbering.GRAMMARS.get(code)
        if grammar is not None:
            if grammar.fullmatch(digits, size):
                return "+" + digits
            if digits[size : size + 1] == "0":
                _refuse(
                    f"a 0 after +{code}, which is dialled at home only",
                    hint=_TRUNK_HINT,
                )
            _refuse(
                f"no number of +{code} has these {len(digits) - size} digits"
            )
    if digits.startswith("0"):
        _refuse("a 0 after the +, where a country code belongs")
    _refuse("begins with no assigned country code")


def _mainland_number(number: str) -> str:
    """Return the form of what follows +86."""
    if numbering.MOBILE.fullmatch(number) or numbering.LINE.fullmatch(number):
        return "+86" + number
    if number.startswith("0"):
        _refuse(
            "a 0 after +86, which is dialled at home only", hint=_TRUNK_HINT
        )
    if numbering.SERVICE.fullmatch(number):
        return "cn:" + number
    area = numbering.AREA_SERVICE.fullmatch(number)
    if area is not None:
        return f"cn:0{number}" if area[2] else f"cn:{area[3]}"
    return _why_not_mainland(number)


# ------------------------------------------------------------ national


def _mainland(digits: str) -> str:
    """Return the form of digits as dialled in the mainland."""
    if digits.startswith("00"):
        return _international(digits[2:])
    if numbering.CARRIER_PREFIXES.match(digits) and len(digits) > 11:
        digits = digits[5:]
        if not (digits.startswith("0") or numbering.MOBILE.fullmatch(digits)):
            _refuse("a carrier prefix with no mobile or area code after it")
    if digits.startswith("0"):
        return _mainland_line(digits[1:], mobile=True)
    if numbering.MOBILE.fullmatch(digits):
        return "+86" + digits
    if digits.startswith("106") and len(digits) == 10:
        error = _AmbiguousError(
            "phone: either an SMS sender 106… or a line in Beijing without "
            "its 0",
            hint="write cn:106… or 010…",
        )
        error.forms = (f"cn:{digits}", f"+86{digits}")
        raise error
    if numbering.SERVICE.fullmatch(digits):
        return "cn:" + digits
    if digits.startswith("86") and len(digits) >= 12:
        return _mainland_number(digits[2:])
    return _why_not_mainland(digits)


def _mainland_line(number: str, *, mobile: bool) -> str:
    """Return the form of what follows the trunk prefix 0."""
    if numbering.LINE.fullmatch(number):
        return "+86" + number
    if mobile and numbering.MOBILE.fullmatch(number):
        return "+86" + number
    area = numbering.AREA_SERVICE.fullmatch(number)
    if area is not None:
        return f"cn:0{number}" if area[2] else f"cn:{area[3]}"
    if re.match("1[3-9]", number):
        return _why_not_mainland(number)
    if re.match(numbering.AREA, number):
        _refuse(f"{len(number)} digits from the area code on fit no line")
    _refuse("no area code of the mainland begins so")


def _why_not_mainland(number: str) -> NoReturn:
    size = len(number)
    if re.match("1[3-9]", number):
        _refuse(f"a mainland mobile has 11 digits, here are {size}")
    if re.match("[48]00", number):
        _refuse(f"400 and 800 numbers have 10 digits, here are {size}")
    if numbering.LINE.fullmatch(number):
        _refuse(
            "a fixed line without the 0 before its area code",
            hint="a mobile that lost its first digit looks the same",
        )
    if size in (7, 8) and number[0] in "2345678":
        _refuse("a fixed line without its area code")
    _refuse(f"no mainland number has these {size} digits")


def _north_america(digits: str, region: str) -> str:
    if digits.startswith("011"):
        return _international(digits[3:])
    match = _NANP_FAST.fullmatch(digits)
    if match is not None:
        return "+1" + match[1]
    number = digits.removeprefix("1") if len(digits) == 11 else digits
    if len(number) <= _SHORT_DIGITS_NANP and _library_short(digits, region):
        return f"{region.lower()}:{digits}"
    if len(number) == 10:
        _refuse("area code and exchange begin with 2 to 9")
    if len(number) == 7:
        _refuse("a local number without its area code")
    _refuse(
        f"{len(digits)} digits, a number of {region} has 10",
        hint="a number of another country begins with + or 011",
    )


def _elsewhere(digits: str, region: str) -> str:
    """Let the library read a national spelling, and check that it did."""
    if len(digits) <= _SHORT_DIGITS and _library_short(digits, region):
        return f"{region.lower()}:{digits}"
    library = _library(region)
    try:
        number = library.parse(digits, region)
    except library.NumberParseException:
        _refuse(f"no number of {region}", hint="write it as +…")
    form: str = library.format_number(number, library.PhoneNumberFormat.E164)
    national: str = library.national_significant_number(number)
    # A reading that does more than to strip a prefix depends on its data.
    if not library.is_valid_number(number) or not digits.endswith(national):
        _refuse(
            f"no number that a phone in {region} would reach so",
            hint="write it as +…",
        )
    return _international(form[1:])


def _library_short(digits: str, region: str) -> bool:
    library = _library(region)
    try:
        number = library.parse(digits, region)
    except library.NumberParseException:
        return False
    return bool(library.is_valid_short_number_for_region(number, region))


def _library(region: str) -> Any:
    # Lazily: most members meet no other region, and help need not wait.
    import phonenumbers

    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise UsageError(
            f"phone: no region {region!r}",
            hint="two upper-case letters, as ISO 3166 has them",
        )
    return phonenumbers
