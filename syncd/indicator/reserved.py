"""Values that nobody has, and nobody will be given: a drill reports no other.

phone    +1 AREA 555 01XX   kept for fiction, by the plan of North America
         +44 7700 900XXX    for drama, by Ofcom
url      .example, .test    kept by RFC 2606 and RFC 6761
account  card:9999…         an issuer of a country 999, which is none's
                            (ISO/IEC 7812-1, ISO 3166-1)
"""

import re

from syncd.indicator.identifier import Identifier

RESERVED = {
    "phone": re.compile(r"\+(?:1[2-7]\d\d55501\d\d|447700900\d{3})", re.ASCII),
    "url": re.compile(r"[^/?]+\.(?:example|test)/.*", re.ASCII),
    "account": re.compile(r"card:9999\d{12,15}", re.ASCII),
}


def is_reserved(found: Identifier) -> bool:
    """Tell whether a value is nobody's, by its normal form."""
    return RESERVED[found.kind].fullmatch(found.value) is not None
