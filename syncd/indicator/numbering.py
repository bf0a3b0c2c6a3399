"""The numbering plans that phones are read by, frozen with the normal form.

Nothing here is looked up elsewhere: a member with another release of a phone
library, or none, reaches the same normal form. The table of lengths was cut
once from ITU E.164 assignments as libphonenumber 9.0.42 had them. New codes
and lengths may be added, as that changes no form that anyone has; what would
change one is a new version of the normal form, so a new epoch.
"""

import re
from collections.abc import Iterator
from typing import Final

from syncd import tsv

# The 25 regions that share country code 1.
NANP_REGIONS: Final = {
    *("AG", "AI", "AS", "BB", "BM", "BS", "CA", "DM", "DO", "GD", "GU", "JM"),
    *("KN", "KY", "LC", "MP", "MS", "PR", "SX", "TC", "TT", "US", "VC", "VG"),
    "VI",
}

# North America: area code and exchange begin with 2 to 9.
NANP: Final = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")

# Plans that are told by more than their lengths, without the country code.
GRAMMARS: Final = {
    code: re.compile(pattern)
    for code, pattern in tsv.rows("indicator/grammars.tsv")
}

# ---------------------------------------------------------------- mainland

# Numbers of machines (物联网) have 13 digits: the network numbers 1400, 1410,
# 1440, 1441 and 1064. 146 and 148 are mobiles of 11 digits like the others.
# Source: the ministry's 电信网编号计划 (2017) and its table of 2023 of network
# numbers that are in use.
MOBILE: Final = re.compile(r"1(?!4(?:00|10|4[01]))[3-9][0-9]{9}")
MACHINE: Final = re.compile(r"1(?:4(?:00|10|4[01])|064)[0-9]{9}")

# Area codes by the length of the numbers behind them, without trunk 0.
_AREA_8: Final = (
    "10|2[0-57-9]|3(?:11|7[179])|4(?:[15]1|3[12])"
    "|5(?:1[0-9]|2[37]|3[12]|51|7[13-79]|9[15])"
    "|7(?:[39]1|5[57]|6[09])|8(?:71|98)"
)
_AREA_7_8: Final = "43[35]|754|851"
_AREA_7: Final = (
    "3(?:1[02-9]|35|49|5[0-9]|7[02-6]|9[1-68])"
    "|4(?:1[25-9]|2[179]|3[46-9]|5[2-9]|6[47-9]|7[0-9]|8[23])"
    "|5(?:3[03-9]|4[36]|5[02-9]|6[1-46]|7[028]|80|9[2-46-9])"
    "|6(?:3[1-35]|6[0238]|9[12])"
    "|7(?:01|[17][0-9]|2[248]|3[04-9]|4[3-6]|5[0-3689]|6[2368]|9[02-9])"
    "|8(?:1[236-8]|2[5-7]|3[0-9]|5[4-9]|7[02-9]|8[36-8]|9[1-7])"
    "|9(?:0[1-3689]|1[1-79]|3[0-9]|4[13]|5[1-5]|7[0-9]|9[0-59])"
)
AREA: Final = f"(?:{_AREA_8}|{_AREA_7_8}|{_AREA_7})"

LINE: Final = re.compile(
    f"(?:{_AREA_8})[2-8][0-9]{{7}}"
    f"|(?:{_AREA_7_8})[2-8][0-9]{{6,7}}"
    f"|(?:{_AREA_7})[2-8][0-9]{{6}}"
)

# The same number all over the mainland; an area code before it says nothing.
_NATIONWIDE: Final = (
    "95[0-9]{3,6}|950[0-9]{7,8}"  # service numbers of one company
    "|100[0-9]{2,6}"  # carriers: 10000, 10086, 1008611
    "|[48]00[0-9]{7}"  # shared cost, toll free
    "|1010[0-9]{4}|16[08][0-9]{5}"  # call centres, premium rate
    r"|106(?!4[0-9]{9}\Z)[0-9]{5,18}"  # SMS senders, no machines
)
# Answered by another office in each city.
_LOCAL: Final = (
    "1[12][0-9]|999"  # 110, 120, 122; the Red Cross in Beijing
    "|1[12][0-9]{3}|11[68][0-9]{3}"  # 12345, 12306, 11185, 118114
    "|12110[0-9]{3,4}"  # the police by SMS, with area code
    "|96[0-9]{3,6}"  # 96110
)
SERVICE: Final = re.compile(f"{_NATIONWIDE}|{_LOCAL}")
AREA_SERVICE: Final = re.compile(
    f"({AREA})(?:({_LOCAL})|(95[0-9]{{3,6}}|100[0-9]{{2}}))"
)

# Dialled before a number to choose a carrier; never part of it.
CARRIER_PREFIXES: Final = re.compile(
    "10193|11808|12593|179(?:0[0189]|1[01]|5[01])"
)


def _spans(code: str, lengths: str) -> Iterator[int]:
    """Yield how many digits numbers of a country code may have in all."""
    for span in lengths.split(","):
        low, _, high = span.partition("-")
        for digits in range(int(low), int(high or low) + 1):
            if 7 <= digits + len(code) <= 15:
                yield digits + len(code)


# country code → (digits in all, may a 0 follow the code)
PLANS: Final = {
    (country := code.rstrip("*")): (
        frozenset(_spans(country, lengths)),
        code.endswith("*"),
    )
    for code, lengths in tsv.rows("indicator/plans.tsv")
}
