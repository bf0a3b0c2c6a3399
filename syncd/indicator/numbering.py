"""The numbering plans that phones are read by, frozen with the normal form.

Nothing here is looked up elsewhere: a member with another release of a phone
library, or none, reaches the same normal form. The table of lengths was cut
once from ITU E.164 assignments as libphonenumber 9.0.42 had them. New codes
and lengths may be added, as that changes no form that anyone has; what would
change one is a new version of the normal form, so a new epoch.
"""

from collections.abc import Iterator
from re import compile as regex

from syncd import tsv

# North America: area code and exchange begin with 2 to 9.
NANP = regex(r"[2-9][0-9]{2}[2-9][0-9]{6}")

# Plans that are told by more than their lengths, without the country code.
GRAMMARS = {
    code: regex(pattern)
    for code, pattern in tsv.rows("indicator/grammars.tsv")
}

_PARTS = {n: part for n, part, *_ in tsv.rows("indicator/mainland.tsv")}
_AREA_8, _AREA_7_8, _AREA_7 = (_PARTS[f"area{n}"] for n in ("8", "7-8", "7"))
_NATIONWIDE, _LOCAL = _PARTS["nationwide"], _PARTS["local"]
NANP_REGIONS = frozenset(_PARTS["nanp"].split("|"))
MOBILE = regex(_PARTS["mobile"])
MACHINE = regex(_PARTS["machine"])
# Dialled before a number to choose a carrier; never part of it.
CARRIER_PREFIXES = regex(_PARTS["carrier"])
AREA = f"(?:{_AREA_8}|{_AREA_7_8}|{_AREA_7})"
LINE = regex(
    f"(?:{_AREA_8})[2-8][0-9]{{7}}"
    f"|(?:{_AREA_7_8})[2-8][0-9]{{6,7}}"
    f"|(?:{_AREA_7})[2-8][0-9]{{6}}"
)
SERVICE = regex(f"{_NATIONWIDE}|{_LOCAL}")
AREA_SERVICE = regex(f"({AREA})(?:({_LOCAL})|(95[0-9]{{3,6}}|100[0-9]{{2}}))")


def area_service(form: str) -> tuple[str, str]:
    """Return area code and service number of a mainland short form."""
    if form.startswith("cn:0"):
        match = AREA_SERVICE.fullmatch(form, len("cn:0"))
        if match and match[2]:
            return match[1], match[2]
    return "", form.removeprefix("cn:")


def _spans(code: str, lengths: str) -> Iterator[int]:
    """Yield how many digits numbers of a country code may have in all."""
    for span in lengths.split(","):
        low, _, high = span.partition("-")
        for digits in range(int(low), int(high or low) + 1):
            if 7 <= digits + len(code) <= 15:
                yield digits + len(code)


# country code → (digits in all, may a 0 follow the code)
PLANS = {
    (country := code.rstrip("*")): (
        frozenset(_spans(country, lengths)),
        code.endswith("*"),
    )
    for code, lengths in tsv.rows("indicator/plans.tsv")
}
