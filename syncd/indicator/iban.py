"""IBANs: which countries have them, how long they are, and their check digits.

The table is `ibans.tsv`: a country and its characters in all, registered (ISO
13616) or not; or a territory and the country whose code it uses.
"""

import re

from syncd import tsv
from syncd.errors import MalformedError

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")
_GROUPING = re.compile(r"[ \-]+")

_ROWS = {row[0]: row[1] for row in tsv.rows("indicator/ibans.tsv")}
LENGTHS = {c: int(n) for c, n in _ROWS.items() if n.isdecimal()}
# ISO codes of territories whose IBANs begin with their country's.
TERRITORIES = {c: n for c, n in _ROWS.items() if c not in LENGTHS}


def looks_like(number: str) -> bool:
    """Tell whether upper-case `number` begins and is shaped as IBANs do."""
    return bool(
        _IBAN.fullmatch(number)
        and (number[:2] in LENGTHS or number[:2] in TERRITORIES)
    )


def read(text: str) -> str:
    """Return the normal form of an IBAN in any usual spelling.

    Raises:
        MalformedError: a country that has none, a length or check digits that
            do not hold.
    """
    iban = _GROUPING.sub("", text).upper().removeprefix("IBAN")
    country, n = iban[:2], len(iban)
    want = LENGTHS.get(country, 0)
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
