"""The numbering plans that phones are read by, frozen with the normal form.

Nothing here is looked up elsewhere: a member with another release of a phone
library, or none, reaches the same normal form. The table of lengths was cut
once from ITU E.164 assignments as libphonenumber 9.0.42 had them. New codes
and lengths may be added, as that changes no form that anyone has; what would
change one is a new version of the normal form, so a new epoch.
"""

import re
from typing import Final

# country code:digits that may follow it. A form has at most 15 digits in
# all (E.164, 6.1), so longer ones that some networks use are left out, and
# at least 7. Where a plan was lengthened (225, 229, 241), only the new
# numbers: one line must not have two forms. A star: there is no trunk prefix
# 0, and what follows may begin with 0; elsewhere a 0 after the country code
# does not belong there. 1, 86 and those in GRAMMARS are described below.
_LENGTHS: Final = """
7:10 20:8-10 27:5-10 30:10-12 31:5-11 32:8-9 33:9 34:9 36:8-9 39*:6-12
40:6,9 41:9,12 43:4-13 44:7,9-10 45:8 46:6-10,12 47*:5,8 48:6-10 49:4-13
51:8-9 52:10 53:6-8,10 56:9-11 57:8,10-11 58:10 60:8-10
61:5-10,12 62:7-13 63:6,8-13 64:5-10 66:8-10,13 81:8-13
82:5-6,8-13 84:7-10 90:7,10,12-13 91:8-13 92:8-12 93:9 94:9 95:6-10
98:4-7,10 211:9 212:9 213:8-9 216:8 218:9 220:7,9 221:9 222:8 223:8
224:8-9 225*:10 226*:8 227*:8 228:8 230:7-8,10 231:7-9 232:8
233:8-9 234:10-12 235:8 236:8 237:8-9 238:7 239:7 240:9 241*:8 242*:9
243:7-10 244:9 245:7,9 246:7 247*:5-6 248:7 249:9 250:8-9 251:9 252:6-9
253:8 254:7-10 255:9 256:9 257:8 258:8-9 260:9 261:9 262:9 263:7,9-10
264:8-9 265:7,9 266:8 267*:7-8,10 268*:8-9 269:7 290:4-5 291:7 297:7 298:6
299:6 350:8 351:9 353:7-10 354:7,9 355:6-9 356:8 357:8 358:5-12
359:6-9,12 370:8 371:8 372:7-8,10 373:8 374:8 376:6,8-9 377:8-9
378*:8,10 380:9-10 381:6-12 382:8-9 383:8-12 385:7-9 386:5-8 387:8-9 389:8
420:9-12 421:6-7,9 423:7,9 500:5 501*:7,11 502:8,11 503:7-8,11 504:8,11
505:8 506:8,10 507*:7-8,10-11 508:6,9 509:8 590:9 591:8-9 592:7 593:8-11
594:9 595:6-11 596:9 597:6-7 598:4-12 599:7-8 670:7-8 672:6 673:7 674:7
675:7-8 676*:5,7 677:5,7 678:5,7 679*:7,11 680:7 681:6,9 682:5 683:4,7
685:5-7,10 686:5,8 687*:6 688:5-7 689:6,8-9 690:4-7 691:7 692:7 800*:8
808:8 850:8,10 855:8-10 856:8-10 870:9,12 878:12 880:6-10 881*:9-10
882:7-12 883:8-12 888*:11 960:7,10 961:7-8 962:8-9 963:8-9 964:8-10
965:7-8 966:9-10 967:7-9 968:7-9 970:8-10 971:5-12 972:7-12 973:8
974*:7-9,11 975:7-8 976:8-10 977:8,10-11 979:9 992*:9 993:8 994:9 995:9
996:9-10 998:9
"""

# The 25 regions that share country code 1.
NANP_REGIONS: Final = frozenset(
    re.findall(
        "[A-Z]+",
        "AG AI AS BB BM BS CA DM DO GD GU JM KN KY LC MP MS PR SX TC TT US "
        "VC VG VI",
    )
)

# North America: area code and exchange begin with 2 to 9.
NANP: Final = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")

# What is close to the mainland, tightly: typing errors are seen as such. And
# plans in which a prefix dialled at home could hide behind the country code.
GRAMMARS: Final = {
    "54": re.compile(r"9[0-9]{10}|[1-8][0-9]{9}|[68]00[0-9]{8}"),
    "55": re.compile(
        r"[1-9]{2}[2-9][0-9]{7,8}|[3589]00[0-9]{5,8}|303[0-9]{7}|[34][0-9]{7}"
    ),
    "65": re.compile(r"[3-9][0-9]{7}|1?[89]00[0-9]{7}|7000[0-9]{7}"),
    "229": re.compile(r"01[0-9]{8}|8[0-9]{7}"),
    "352": re.compile(r"[2-9][0-9]{3,10}"),
    "375": re.compile(
        r"[1-4][0-9]{8}|800[0-9]{3,7}|8(?:0[13]|20[0-9])[0-9]{7}"
        r"|902[0-9]{7}"
    ),
    "852": re.compile(r"[2-9][0-9]{7}|800[0-9]{6}|900[0-9]{2,8}"),
    "853": re.compile(r"[268][0-9]{7}|0800[0-9]{3}"),
    "886": re.compile(r"9[0-9]{8}|[2-8][0-9]{6,8}|70[0-9]{8,9}"),
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
# Answered by another desk in each city.
_LOCAL: Final = (
    "1[12][0-9]|999"  # 110, 120, 122; the Red Cross in Beijing
    "|1[12][0-9]{3}|11[68][0-9]{3}"  # 12345, 12306, 11185, 118114
    "|12110[0-9]{3,4}"  # the police by SMS, with area code
    "|96[0-9]{3,6}"  # 96110
)
NATIONWIDE: Final = re.compile(_NATIONWIDE)
SERVICE: Final = re.compile(f"{_NATIONWIDE}|{_LOCAL}")
AREA_SERVICE: Final = re.compile(
    f"({AREA})(?:({_LOCAL})|(95[0-9]{{3,6}}|100[0-9]{{2}}))"
)

# Dialled before a number to choose a carrier; never part of it.
CARRIER_PREFIXES: Final = re.compile(
    "10193|11808|12593|179(?:0[0189]|1[01]|5[01])"
)


def _read_lengths() -> dict[str, tuple[frozenset[int], bool]]:
    plans = {}
    for row in _LENGTHS.split():
        code, lengths = row.split(":")
        allowed: set[int] = set()
        for span in lengths.split(","):
            low, _, high = span.partition("-")
            allowed.update(range(int(low), int(high or low) + 1))
        country = code.rstrip("*")
        totals = (len(country) + n for n in allowed)
        plans[country] = (
            frozenset(n for n in totals if 7 <= n <= 15),
            code.endswith("*"),
        )
    return plans


# country code → (digits in all, may a 0 follow the code)
PLANS: Final = _read_lengths()
