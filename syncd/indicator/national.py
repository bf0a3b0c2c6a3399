"""Digits as they are dialled or shown: to the normal form of a phone.

`phone` has made digits of the text and decided from where they are read; here
the plans of `numbering` say what they are. Every refusal says why, and hints
at a spelling that is accepted where there is one. What no function here
reads is a MalformedError; a region that is none, a UsageError.
"""

import re
from typing import Any, NoReturn

from syncd.errors import MalformedError, UsageError
from syncd.indicator.numbering import (
    AREA,
    AREA_SERVICE,
    CARRIER_PREFIXES,
    GRAMMARS,
    LINE,
    MACHINE,
    MOBILE,
    NANP,
    PLANS,
    SERVICE,
    area_service,
)

SHOWN = "shown:"  # a caller id that is no number
MAX_SHOWN = 32  # digits

# (a 1 may stand there twice: the trunk prefix and the country code)
NANP_FAST = re.compile(r"(?:\+1|1?1?)([2-9][0-9]{2}[2-9][0-9]{6})")

# As many digits may be a short number when written without its namespace:
# in North America SMS codes of 5 or 6 look like numbers that were cut off.
_SHORT_DIGITS = 6
_SHORT_DIGITS_NANP = 4
_ABROAD_HINT = "a number of another country begins with + or 011"
_PLUS_HINT = "write it as +…"
_SHORT_HINT = "a short number is written as {short}"


class AmbiguousError(MalformedError):
    """A look-up may try several forms where a report must mean one."""

    forms: tuple[str, ...] = ()


def is_short(region: str, digits: str) -> bool:
    """Tell whether `digits` stand in the namespace of a region's services."""
    if region == "cn":
        area, service = area_service(f"cn:{digits}")
        return bool(area or SERVICE.fullmatch(service))
    return bool(re.fullmatch(r"[0-9]{2,8}", digits))


def international(digits: str) -> str:
    """Return the form of what follows a "+": digits are kept, all of them.

    What no plan has, and no typing error explains, is a caller id that was
    made up: `shown:`.
    """
    if digits.startswith("86") and digits != "86":
        return mainland_number(digits[2:])
    if digits.startswith("1") and digits != "1":
        return _plus_one(digits)
    for size in (3, 2, 1):
        code = digits[:size]
        if code in PLANS or code in GRAMMARS:
            return _planned(digits, size)
    return _shown(digits)


def _shown(digits: str) -> str:
    if not digits:
        raise MalformedError("phone: no digits")
    if len(digits) > MAX_SHOWN:
        raise MalformedError(
            "phone: {n} digits, a caller id has at most {most}",
            n=len(digits),
            most=MAX_SHOWN,
        )
    if digits.startswith("00") and digits.strip("0"):
        try:
            real = international(digits[2:])
        except MalformedError:
            real = SHOWN
        if not real.startswith(SHOWN):
            raise MalformedError("phone: both + and 00 before a country code")
    return f"{SHOWN}+{digits}"


def _plus_one(digits: str) -> str:
    if NANP.fullmatch(digits, 1):
        return f"+{digits}"
    if SERVICE.fullmatch(digits):  # +110
        return _shown(digits)
    if len(digits) != 11:
        raise MalformedError(
            "phone: +1 is followed by 10 digits, here by {n}",
            n=len(digits) - 1,
            **_short("1", digits[1:]),
        )
    raise MalformedError("phone: area code and exchange begin with 2 to 9")


def _planned(digits: str, size: int) -> str:
    """Return the form of digits whose first `size` are a country code."""
    code, rest = digits[:size], digits[size:]
    if plan := PLANS.get(code):
        fits, leading_zero = len(digits) in plan[0], plan[1]
    else:
        fits = bool(GRAMMARS[code].fullmatch(rest))
        leading_zero = fits
    fits = fits and (leading_zero or not rest.startswith("0"))
    if not rest or (not fits and SERVICE.fullmatch(digits)):
        return _shown(digits)  # +49 and nothing else, +95588
    if rest.startswith("0") and not leading_zero:
        raise _trunk(code)
    if not fits:
        raise MalformedError(
            "phone: no number of +{code} has these {n} digits",
            code=code,
            n=len(rest),
            **_short(code, rest),
        )
    return f"+{digits}"


def _trunk(code: str) -> MalformedError:
    return MalformedError(
        "phone: a 0 after +{code}, which is dialled at home only", code=code
    )


def _short(code: str, rest: str, region: str = "") -> dict[str, str]:
    """Return the hint for what may be a short number: it is accepted."""
    if not 2 <= len(rest) <= _SHORT_DIGITS or rest.startswith("0"):
        return {}
    if not region:
        import phonenumbers

        region = phonenumbers.region_code_for_country_code(int(code))
    if not region.isalpha():
        return {}  # 001: a code of no country
    # what may be a number that was cut off is not repeated
    shown = rest if len(rest) <= _SHORT_DIGITS_NANP else "…"
    return {"short": f"{region.lower()}:{shown}", "hint": _SHORT_HINT}


def _form(number: str, *plans: re.Pattern[str]) -> str | None:
    """Return the form of a number by the first of some plans that has it."""
    for plan in plans:
        if found := plan.fullmatch(number):
            if plan is not AREA_SERVICE:
                return ("cn:" if plan is SERVICE else "+86") + number
            return f"cn:0{number}" if found[2] else f"cn:{found[3]}"
    return None


def mainland_number(number: str) -> str:
    """Return the form of what follows +86."""
    if form := _form(
        number,
        *(MOBILE, LINE, MACHINE),
        *(SERVICE, AREA_SERVICE),
    ):
        return form
    if number.startswith("0"):
        raise _trunk("86")
    return _why_not_mainland(number)


def mainland(digits: str) -> str:
    """Return the form of digits as dialled in the mainland."""
    if digits.startswith("00"):
        return international(digits[2:])
    if CARRIER_PREFIXES.match(digits) and len(digits) > 11:
        digits = digits[5:]
        if not (digits.startswith("0") or MOBILE.fullmatch(digits)):
            raise MalformedError(
                "phone: a carrier prefix with no mobile or area code after it"
            )
    if digits.startswith("0"):
        return mainland_line(digits[1:], mobile=True)
    if digits.startswith("106") and len(digits) == 10:
        error = AmbiguousError(
            "phone: either an SMS sender 106… or a line in Beijing without"
            " its 0",
            hint="write cn:106… or 010…",
        )
        error.forms = (f"cn:{digits}", f"+86{digits}")
        raise error
    if form := _form(digits, MOBILE, MACHINE, SERVICE):
        return form
    if digits.startswith("86") and len(digits) >= 12:
        return mainland_number(digits[2:])
    return _why_not_mainland(digits)


def mainland_line(number: str, *, mobile: bool) -> str:
    """Return the form of what follows the trunk prefix 0."""
    mobiles = (MOBILE,) if mobile else ()
    if form := _form(number, LINE, *mobiles, AREA_SERVICE):
        return form
    if re.match("1[3-9]", number):
        return _why_not_mainland(number)
    if re.match(AREA, number):
        raise MalformedError(
            "phone: {n} digits from the area code on fit no line",
            n=len(number),
        )
    raise MalformedError("phone: no area code of the mainland begins so")


def _why_not_mainland(number: str) -> NoReturn:
    size = len(number)
    line = LINE.fullmatch(number)
    raise MalformedError(
        "phone: a machine number (1400, 1410, 1440, 1441) has 13 digits,"
        " here are {n}"
        if re.match("14(?:00|10|4[01])", number)
        else "phone: a mainland mobile has 11 digits, here are {n}"
        if re.match("1[3-9]", number)
        else "phone: 400 and 800 numbers have 10 digits, here are {n}"
        if re.match("[48]00", number)
        else "phone: a fixed line without the 0 before its area code"
        if line
        else "phone: a fixed line without its area code"
        if size in (7, 8) and number[0] in "2345678"
        else "phone: no mainland number has these {n} digits",
        hint="a mobile that lost its first digit looks the same"
        if line
        else "",
        n=size,
    )


def north_america(digits: str, region: str) -> str:
    """Return the form of digits as dialled in a region of country code 1."""
    if digits.startswith("011"):
        return international(digits[3:])
    if match := NANP_FAST.fullmatch(digits):
        return f"+1{match[1]}"
    number = digits.removeprefix("1") if len(digits) == 11 else digits
    if len(number) <= _SHORT_DIGITS_NANP and _library_short(digits, region):
        return f"{region.lower()}:{digits}"
    if len(number) == 10:
        raise MalformedError("phone: area code and exchange begin with 2 to 9")
    if len(number) == 7:
        raise MalformedError("phone: a local number without its area code")
    raise MalformedError(
        "phone: {n} digits, a number of {region} has 10",
        n=len(digits),
        region=region,
        **_short("1", digits, region) or {"hint": _ABROAD_HINT},
    )


def elsewhere(digits: str, region: str) -> str:
    """Let the library read a national spelling, and check that it did.

    It accepts or refuses; the form is what `international` makes of the
    digits, so no release of its data changes one.
    """
    if digits.startswith("00") and not re.fullmatch("[A-Z]{2}", region):
        return international(digits[2:])
    if len(digits) <= _SHORT_DIGITS and _library_short(digits, region):
        return f"{region.lower()}:{digits}"
    library, number = _parsed(digits, region)
    way_out = _short("", digits, region) or {"hint": _PLUS_HINT}
    if number is None:
        raise MalformedError(
            "phone: no number of {region}", region=region, **way_out
        )
    form: str = library.format_number(number, library.PhoneNumberFormat.E164)
    national: str = library.national_significant_number(number)
    # A reading that does more than to strip a prefix depends on its data.
    if not library.is_valid_number(number) or not digits.endswith(national):
        raise MalformedError(
            "phone: no number that a phone in {region} would reach so",
            region=region,
            **way_out,
        )
    return international(form[1:])


def _library_short(digits: str, region: str) -> bool:
    library, number = _parsed(digits, region)
    fits = library.is_valid_short_number_for_region
    return number is not None and bool(fits(number, region))


def _parsed(digits: str, region: str) -> tuple[Any, Any]:
    """Return the library, and what it reads there; None for nothing."""
    # Lazily: most members meet no other region, and help need not wait.
    import phonenumbers

    if not re.fullmatch("[A-Z]{2}", region):
        raise MalformedError("region: want two capital letters")
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise UsageError("phone: no region {region}", region=region)
    try:
        return phonenumbers, phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return phonenumbers, None
